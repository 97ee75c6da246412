"""A form that is sent when its session is over: there again after signing in, and sent by a click, never by itself."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from litestar.middleware.csrf import generate_csrf_token
from tests.admin.signing_in.test_codes import next_code, set_up
from tests.fixtures.admin_pages import PASSWORD, Browser
from tests.fixtures.workflow_forms import form_in

from afterword import admin
from afterword.accounts.people import Person, Role, add_person, find_person_by_email
from afterword.admin.signing_in import kept_forms
from afterword.store.database import Database

PEOPLE = "/settings/people"
TYPED = {"email": "nora@example.org", "name": "Nora <New>\n& sons", "role": "manager"}
OVER = "is not kept here any more"


async def sent_too_late(
    browser: Browser, database: Database, address: str = PEOPLE, form: dict[str, str] | None = None
) -> tuple[str, str]:
    """Send a form whose session is over; where signing in is to lead, and the page that asks for it."""
    await database.pool.execute("DELETE FROM person_session")
    answer, page = await browser.send(address, TYPED if form is None else form)
    assert answer.url.path == "/sign-in"
    return parse_qs(urlsplit(str(answer.url)).query).get("next", [""])[0], page


async def is_there(database: Database) -> bool:
    async with database.transaction() as connection:
        return await find_person_by_email(connection, TYPED["email"]) is not None


async def other_person(database: Database, role: Role = "administrator") -> Person:
    async with database.transaction() as connection:
        return await add_person(connection, email="o@example.org", name="O", role=role, password=PASSWORD)


async def test_it_is_there_as_it_was_typed_after_signing_in_and_is_sent_by_a_click(
    signed_in: Browser, owner: Person, database: Database
) -> None:
    kept_at, page = await sent_too_late(signed_in, database)
    assert "What you typed is kept for an hour" in page
    _, page = await signed_in.sign_in(owner.email, "a wrong password", going_to=kept_at)
    assert "What you typed is kept for an hour" in page
    answer, page = await signed_in.sign_in(owner.email, going_to=kept_at, follow=True)
    assert answer.url.path == kept_at
    assert "What you had typed" in page
    assert not await is_there(database)
    pairs = form_in(page, "typed-form").pairs
    assert [name for name, _ in pairs] == ["_csrf_token", *sorted(TYPED)]
    async with signed_in.http.post(PEOPLE, data=pairs) as answer:
        assert "nora@example.org" in await answer.text()
    assert await is_there(database)


async def test_one_time_codes_lead_back_to_it_too(
    signed_in: Browser, owner: Person, database: Database
) -> None:
    secret, recovery = await set_up(signed_in)
    for code in (next_code(secret), recovery[0]):
        kept_at, _ = await sent_too_late(signed_in, database)
        await signed_in.sign_in(owner.email, going_to=kept_at)
        answer, page = await signed_in.send("/sign-in/code", {"code": code})
        assert answer.url.path == kept_at
        assert "Nora &lt;New&gt;" in page


async def test_it_is_of_that_browser_and_that_person_and_is_thrown_away(
    signed_in: Browser, owner: Person, database: Database, open_browser: Callable[[], Browser]
) -> None:
    kept_at, _ = await sent_too_late(signed_in, database)
    elsewhere = open_browser()
    answer, page = await elsewhere.sign_in(owner.email, going_to=kept_at, follow=True)
    assert (answer.status, OVER in page) == (404, True)
    other = await other_person(database)
    answer, page = await signed_in.sign_in(other.email, going_to=kept_at, follow=True)
    assert (answer.status, OVER in page) == (404, True)
    await signed_in.send(kept_at, {})  # is not theirs to throw away either
    answer, _ = await signed_in.sign_in(owner.email, going_to=kept_at, follow=True)
    assert answer.status == 200
    answer, _ = await signed_in.send(kept_at, {})
    assert answer.url.path == PEOPLE
    answer, _ = await signed_in.get(kept_at)
    assert answer.status == 404


async def test_it_is_encrypted_and_holds_no_secret(
    signed_in: Browser, owner: Person, database: Database
) -> None:
    form = {"old_password": PASSWORD, "new_password": "something quite new", "note": "Nora"}
    kept_at, _ = await sent_too_late(signed_in, database, "/account/password", form)
    for row in await database.pool.fetch("SELECT id, data FROM login_session"):
        assert b"Nora" not in row["data"]
        assert kept_at.rpartition("/")[2] not in row["id"]
    _, page = await signed_in.sign_in(owner.email, going_to=kept_at, follow=True)
    assert "Passwords, tokens and codes are never kept." in page
    assert dict(form_in(page, "typed-form").pairs).keys() == {"_csrf_token", "note"}
    assert PASSWORD not in page
    assert "something quite new" not in page


async def test_nothing_is_kept_of_strangers_or_too_much_or_too_often(
    browser: Browser, owner: Person, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await sent_too_late(browser, database) == ("", (await browser.get("/sign-in"))[1])
    browser.http.cookie_jar.update_cookies({"afterword_known": "made-up"}, browser.address)
    assert (await sent_too_late(browser, database))[0] == ""
    await browser.sign_in(owner.email)
    with monkeypatch.context() as small:
        small.setattr(kept_forms, "LARGEST", 10)
        assert (await sent_too_late(browser, database))[0] == ""
    kept = [(await sent_too_late(browser, database))[0] for _ in range(11)]
    assert [bool(one) for one in kept] == [True] * 10 + [False]
    browser.http.headers["Sec-Fetch-Dest"] = "iframe"
    await database.pool.execute("DELETE FROM login_session")
    assert (await sent_too_late(browser, database))[0] == ""


async def test_a_form_of_a_page_that_is_too_old_comes_back_as_it_was_typed(
    signed_in: Browser, database: Database
) -> None:
    """As after another key, or a browser that was started anew; a form of another site is refused as ever."""
    same_page = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}
    cookies = signed_in.http.cookie_jar
    for cookie in (generate_csrf_token("the key of before"), ""):
        cookies.update_cookies({"afterword_form": cookie}, signed_in.address)
        stale = {"_csrf_token": cookie or "of a browser that was closed", "password": "secret", **TYPED}
        for headers in (
            {},
            {**same_page, "Sec-Fetch-Site": "same-site"},
            {**same_page, "Sec-Fetch-Dest": "iframe"},
        ):
            async with signed_in.http.post(PEOPLE, data=stale, headers=headers) as answer:
                assert (answer.status, "typed-form" in await answer.text()) == (403, False)
        async with signed_in.http.post(PEOPLE, data=stale, headers=same_page) as answer:
            page = await answer.text()
        assert (answer.status, await is_there(database)) == (403, False)
        pairs = form_in(page, "typed-form").pairs
        assert [name for name, _ in pairs] == ["_csrf_token", *sorted(TYPED)]
    async with signed_in.http.post(PEOPLE, data=pairs, headers=same_page) as answer:
        assert answer.status == 200
    assert await is_there(database)
    cookies.update_cookies({"afterword_form": generate_csrf_token("the key of before")}, signed_in.address)
    answer, _ = await signed_in.send("/account/language", {"language": "en"})
    assert answer.status == 200  # the cookie of before is replaced by itself


def test_every_field_that_hides_what_is_typed_is_left_out() -> None:
    """By the names of all such fields in the templates; the editor's are named for the place they belong to."""
    hidden = re.compile(
        r'(?:field|password)\("(\w+)"(?:(?!field\().)*?(?:type="password"|-password")'
        r'|<input[^>]*name="(\w+)" type="password"',
        re.DOTALL,
    )
    folder = Path(admin.__file__).parent / "templates"
    names = {a or b for file in folder.rglob("*.html") for a, b in hidden.findall(file.read_text("utf-8"))}
    assert {"api_token", "secret", "json_event_url", "old_password", "new_password"} <= names
    assert [name for name in names if not kept_forms.is_secret(name)] == []
    for name in ("connect.api_token:tasks[0].configuration.account", "code", kept_forms.PROOF):
        assert kept_forms.is_secret(name)
    for name in ("tasks[0].configuration.message", "username", "language", "name", "connect.name:tasks[0]"):
        assert not kept_forms.is_secret(name)
