from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import delete, select, text
from tests.fixtures.admin_pages import Browser

from afterword.accounts.people import Person
from afterword.admin.signing_in.letting_in import FIRST_PAGE, own_path
from afterword.admin.signing_in.sessions import Sessions, csrf_config
from afterword.settings import Settings
from afterword.store import tables
from afterword.store.database import Database

WRONG = "Email address and password do not belong together."
PAGES = (
    "/",
    "/workflows",
    "/workflows/runs",
    "/workflows/runs/1",
    "/workflows/events",
    "/workflows/runs/stream",
)


async def test_every_page_wants_somebody_who_is_signed_in(browser: Browser) -> None:
    for address in PAGES:
        answer, _ = await browser.get(address, follow=False)
        assert answer.status == 303, address
        assert urlsplit(answer.headers["Location"]).path == "/sign-in"


async def test_signing_in_leads_to_where_one_wanted_to(browser: Browser, owner: Person) -> None:
    answer, page = await browser.get("/workflows/runs?status=failed")
    assert answer.url.path == "/sign-in"
    assert 'name="next" value="/workflows/runs?status=failed"' in page
    answer, page = await browser.sign_in(
        owner.email.upper(), going_to="/workflows/runs?status=failed", follow=True
    )
    assert str(answer.url.relative()) == "/workflows/runs?status=failed"
    assert "Olivia Owner" in page


async def test_who_is_signed_in_is_not_asked_again(signed_in: Browser) -> None:
    answer, _ = await signed_in.get("/sign-in?next=/workflows/events")
    assert answer.url.path == "/workflows/events"


@pytest.mark.parametrize("email", ["olivia@example.org", "nobody@example.org", "\x00", "x" * 5000, ""])
async def test_wrong_and_unknown_are_told_alike(browser: Browser, owner: Person, email: str) -> None:
    answer, page = await browser.sign_in(email, "not the password")
    assert answer.status == 401
    assert WRONG in page
    assert browser.session_cookie() is None
    answer, _ = await browser.sign_in(owner.email)
    assert answer.status == 303


async def test_the_address_stays_in_the_field_and_the_password_does_not(browser: Browser) -> None:
    _, page = await browser.sign_in('"><b>x@example.org', "not the password")
    assert 'value="&#34;&gt;&lt;b&gt;x@example.org"' in page
    assert "not the password" not in page


async def test_ten_failures_are_allowed_and_no_more(
    open_browser: Callable[[], Browser], owner: Person, database: Database
) -> None:
    browser = open_browser()
    for _ in range(10):
        answer, _ = await browser.sign_in(owner.email, "not the password")
        assert answer.status == 401
    answer, page = await open_browser().sign_in(owner.email.upper())
    assert answer.status == 429
    assert "That was tried too often." in page
    assert 0 < int(answer.headers["Retry-After"]) <= 300
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE login_session SET expires_at = now()"))
    answer, _ = await browser.sign_in(owner.email)
    assert answer.status == 303


async def test_signing_in_forgets_the_failures_before(browser: Browser, owner: Person) -> None:
    for _ in range(2):
        for _ in range(9):
            await browser.sign_in(owner.email, "not the password")
        answer, _ = await browser.sign_in(owner.email)
        assert answer.status == 303
        await browser.send("/sign-out", {})


async def test_signing_in_begins_a_session_under_a_new_id(browser: Browser, owner: Person) -> None:
    browser.bring_session("known-to-an-attacker")
    await browser.sign_in(owner.email)
    first = browser.session_cookie()
    assert first not in {None, "known-to-an-attacker"}
    await browser.sign_in(owner.email)
    second = browser.session_cookie()
    assert second not in {None, first}
    browser.bring_session(str(first))
    answer, _ = await browser.get("/workflows/runs")
    assert answer.url.path == "/sign-in"


async def test_signing_out_ends_the_session_at_the_server_too(signed_in: Browser) -> None:
    session = signed_in.session_cookie()
    answer, _ = await signed_in.send("/sign-out", {})
    assert answer.url.path == "/sign-in"
    signed_in.bring_session(str(session))
    answer, _ = await signed_in.get("/workflows/runs")
    assert answer.url.path == "/sign-in"


async def test_a_person_who_is_gone_is_signed_out(
    signed_in: Browser, owner: Person, database: Database
) -> None:
    async with database.transaction() as connection:
        await connection.execute(delete(tables.person).where(tables.person.c.id == owner.id))
    answer, _ = await signed_in.get("/workflows/runs")
    assert answer.url.path == "/sign-in"


@pytest.mark.parametrize("change", ["ends_at = now()", "seen_at = now() - interval '72 hours'"])
async def test_a_session_ends_by_itself(signed_in: Browser, database: Database, change: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(f"UPDATE person_session SET {change}"))  # noqa: S608 - of the test
    answer, _ = await signed_in.get("/workflows/runs")
    assert answer.url.path == "/sign-in"


async def test_the_database_does_not_hold_the_session_id(signed_in: Browser, database: Database) -> None:
    async with database.transaction() as connection:
        rows = (await connection.execute(select(tables.person_session))).all()
    assert rows
    assert str(signed_in.session_cookie()) not in str(rows)


async def test_looking_at_pages_does_not_write_the_session(signed_in: Browser, database: Database) -> None:
    async def version() -> object:
        async with database.transaction() as connection:
            return (
                await connection.execute(text("SELECT id, xmin::text FROM person_session ORDER BY id"))
            ).all()

    before = await version()
    answer, _ = await signed_in.get("/workflows/runs")
    assert "Set-Cookie" not in answer.headers
    assert await version() == before


async def test_a_form_from_elsewhere_is_refused(signed_in: Browser, owner: Person) -> None:
    for token in ("", "0" * 128, "ü"):
        for address in ("/sign-out", "/sign-in"):
            form = {"email": owner.email, "password": "x"}
            answer, _ = await signed_in.send(address, form, token=token)
            assert answer.status == 403
    answer, _ = await signed_in.get("/workflows/runs")
    assert answer.url.path == "/workflows/runs"


async def test_a_form_that_is_too_large_is_refused(browser: Browser) -> None:
    answer, _ = await browser.sign_in("x@example.org", "x" * 10_000)
    assert answer.status == 413


async def test_cookies_are_kept_from_scripts_and_other_sites(browser: Browser, owner: Person) -> None:
    answer, _ = await browser.get("/sign-in")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(answer.headers["Set-Cookie"].split("; "))
    answer, _ = await browser.sign_in(owner.email)
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(answer.headers["Set-Cookie"].split("; "))


def test_over_https_cookies_are_never_sent_in_the_clear(database: Database) -> None:
    settings = Settings.load({}, public_url="https://afterword.example.org")
    sessions = Sessions(database, settings)
    session = sessions.cookie(sessions.cookie_name, "key", seconds=60)
    forms = csrf_config(settings, "secret")
    assert session.secure
    assert session.key.startswith("__Host-")
    assert forms.cookie_secure
    assert forms.cookie_name.startswith("__Host-")


@given(st.text() | st.from_regex(r"[/\\]{0,3}[a-z:@.]{0,8}[/\\]{0,2}[a-z?=&#]*", fullmatch=True))
@example("//evil.example")
@example("/\\evil.example")
@example("https://evil.example/")
@example("/\t/evil.example")
@example("javascript:alert(1)")
@example("/workflows/runs\r\nSet-Cookie: x=y")
def test_nobody_is_sent_to_another_site(wanted: str) -> None:
    path = own_path(wanted)
    parts = urlsplit(path)
    assert not parts.scheme
    assert not parts.netloc
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert path.isprintable()
    assert path in {wanted, FIRST_PAGE}


def test_paths_of_ours_are_kept() -> None:
    assert own_path("/workflows/runs?status=failed&before=3") == "/workflows/runs?status=failed&before=3"
