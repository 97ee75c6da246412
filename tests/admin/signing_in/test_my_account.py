"""My account: one's sessions seen and ended, one's password changed."""

from collections.abc import Callable

import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser

from afterword.accounts.people import Person, add_person
from afterword.accounts.sessions import network_of
from afterword.admin.signing_in.browsers import browser_of
from afterword.store.database import Database

CHOSEN = "another long password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def is_signed_in(browser: Browser) -> bool:
    answer, _ = await browser.get("/account")
    return answer.url.path == "/account"


async def ids(database: Database) -> list[int]:
    return [row["id"] for row in await database.pool.fetch("SELECT id FROM person_session ORDER BY id")]


async def test_sessions_are_listed_and_ended_one_by_one_and_all_others(
    signed_in: Browser, owner: Person, open_browser: Callable[[], Browser], database: Database
) -> None:
    others = [open_browser() for _ in range(3)]
    for other in others:
        other.http.headers["User-Agent"] = FIREFOX
        await other.sign_in(owner.email)
    _, page = await signed_in.get("/account")
    assert page.count("Firefox on Linux</b>") == 3
    assert page.count("This session") == 1
    assert "this machine" in page
    own, first, *_ = await ids(database)
    await signed_in.send("/account/sessions/end", {"session": str(first)})
    assert [await is_signed_in(other) for other in others] == [False, True, True]
    _, page = await signed_in.send("/account/sessions/end", {"session": "others"})
    assert "Your other sessions are over." in page
    assert [await is_signed_in(other) for other in others] == [False, False, False]
    assert await ids(database) == [own]


async def test_nobody_ends_somebody_elses_session(
    signed_in: Browser, open_browser: Callable[[], Browser], database: Database
) -> None:
    async with database.transaction() as connection:
        await add_person(connection, email="m@example.org", name="M", role="manager", password=PASSWORD)
    other = open_browser()
    await other.sign_in("m@example.org")
    for session_id in await ids(database):
        await other.send("/account/sessions/end", {"session": str(session_id)})
        await other.sign_in("m@example.org")
    assert await is_signed_in(signed_in)


async def test_a_password_is_changed_by_who_knows_it_and_other_sessions_end(
    signed_in: Browser, owner: Person, open_browser: Callable[[], Browser]
) -> None:
    other = open_browser()
    await other.sign_in(owner.email)
    key = signed_in.session_cookie()
    answer, page = await signed_in.send(
        "/account/password", {"old_password": PASSWORD, "new_password": CHOSEN}
    )
    assert answer.status == 200
    assert "Your password was changed." in page
    assert signed_in.session_cookie() != key
    assert not await is_signed_in(other)
    answer, _ = await other.sign_in(owner.email)
    assert answer.status == 401
    answer, _ = await other.sign_in(owner.email, CHOSEN)
    assert answer.status == 303


async def test_what_is_wrong_is_told_at_its_field_and_nothing_changes(
    signed_in: Browser, owner: Person
) -> None:
    for old, new, words, field in (
        ("not the password", CHOSEN, "This is not your password.", "old_password"),
        (PASSWORD, "short", "A password has 12 to 1024 characters.", "new_password"),
    ):
        form = {"old_password": old, "new_password": new}
        answer, page = await signed_in.send("/account/password", form)
        assert answer.status == 422
        assert f'id="error-{field}" role="alert">{words}' in page
        assert old not in page
    assert (await signed_in.sign_in(owner.email))[0].status == 303


async def test_whoever_takes_over_a_session_cannot_try_passwords_for_ever(signed_in: Browser) -> None:
    form = {"old_password": "not the password", "new_password": CHOSEN}
    statuses = [(await signed_in.send("/account/password", form))[0].status for _ in range(11)]
    assert statuses == [422] * 10 + [429]


async def test_last_seen_is_written_once_a_minute_at_most_and_when_a_person_asks(
    signed_in: Browser, database: Database
) -> None:
    for seconds, asks, written in ((50, "document", False), (61, "empty", False), (61, "document", True)):
        await database.pool.execute(
            "UPDATE person_session SET seen_at = now() - make_interval(secs => $1)", float(seconds)
        )
        signed_in.http.headers["Sec-Fetch-Dest"] = asks
        await signed_in.get("/account")
        ago = await database.pool.fetchval("SELECT now() - seen_at FROM person_session")
        assert (ago.total_seconds() < 50) is written


async def test_an_administrator_ends_somebodys_sessions(
    signed_in: Browser, open_browser: Callable[[], Browser], database: Database
) -> None:
    async with database.transaction() as connection:
        known = await add_person(
            connection, email="m@example.org", name="M", role="manager", password=PASSWORD
        )
    other = open_browser()
    await other.sign_in("m@example.org")
    _, page = await signed_in.get("/settings/people")
    assert 'value="sign-out"' in page
    await signed_in.send(f"/settings/people/{known.id}", {"do": "sign-out"})
    assert not await is_signed_in(other)
    assert await is_signed_in(signed_in)


SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Edg/140.0.0.0", "Edge on Windows"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) {SAFARI}", "Safari on iPhone"),
        (f"Mozilla/5.0 (Linux; Android 16; K) {CHROME}", "Chrome on Android"),
        ("curl/8", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_named_as_their_users_call_them(user_agent: str, name: str) -> None:
    assert browser_of(user_agent) == name


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::1", "this machine"),
        ("", ""),
    ],
)
def test_of_an_address_its_network_is_kept(address: str, kept: str) -> None:
    assert network_of(address) == kept
