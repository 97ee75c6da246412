"""One-time codes on pages: set up with a phone, asked for at sign-in, reset by an administrator, required."""

import re
import time
from collections.abc import Callable

import pyotp
import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser

from afterword.accounts.people import Person, add_person
from afterword.accounts.welcome import new_link
from afterword.settings import Settings
from afterword.store.database import Database

CODES = "/account/codes"
WRONG = "This code is not right"


def secret_in(page: str) -> str:
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert found is not None
    return found[1].replace(" ", "")


async def set_up(browser: Browser) -> tuple[str, list[str]]:
    """Set codes up; the secret, and the recovery codes."""
    _, page = await browser.get(CODES)
    assert 'src="data:image/svg+xml' in page
    secret = secret_in(page)
    answer, page = await browser.send(CODES, {"code": "000000"})
    assert answer.status == 422
    assert WRONG in page
    assert secret_in(page) == secret
    _, page = await browser.send(CODES, {"code": pyotp.TOTP(secret).now()})
    recovery = re.findall(r"<code>((?:[a-z2-7]{4}-){3}[a-z2-7]{4})</code>", page)
    assert len(recovery) == 10
    _, page = await browser.get(CODES)
    assert recovery[0] not in page
    assert secret not in page
    assert "10 recovery codes are left" in page
    return secret, recovery


def next_code(secret: str) -> str:
    """The code of the next period, which no test took yet."""
    return pyotp.TOTP(secret).at(int(time.time()) + 30)


async def is_signed_in(browser: Browser) -> bool:
    answer, _ = await browser.get("/account")
    return answer.url.path == "/account"


async def test_signing_in_asks_for_a_code_and_leads_on(
    signed_in: Browser, owner: Person, open_browser: Callable[[], Browser]
) -> None:
    secret, recovery = await set_up(signed_in)
    other = open_browser()
    answer, page = await other.sign_in(owner.email, going_to="/workflows/events", follow=True)
    assert answer.url.path == "/sign-in/code"
    assert not await is_signed_in(other)
    for wrong in ("000000", pyotp.TOTP(secret).now(), ""):
        answer, page = await other.send("/sign-in/code", {"code": wrong})
        assert answer.status == 401
        assert WRONG in page
    answer, _ = await other.send("/sign-in/code", {"code": next_code(secret)})
    assert answer.url.path == "/workflows/events"
    again = open_browser()
    await again.sign_in(owner.email)
    answer, _ = await again.send("/sign-in/code", {"code": next_code(secret)})
    assert answer.status == 401
    answer, page = await again.send("/sign-in/code", {"code": recovery[0]})
    assert answer.url.path == CODES
    assert "9 recovery codes are left" in page


async def test_a_link_to_choose_a_password_does_not_go_round_the_codes(
    signed_in: Browser, owner: Person, open_browser: Callable[[], Browser], database: Database
) -> None:
    await set_up(signed_in)
    async with database.transaction() as connection:
        link = await new_link(connection, owner.id, "")
    other = open_browser()
    form = {"code": link.partition("code=")[2], "password": "another long password"}
    answer, _ = await other.send("/welcome", form)
    assert answer.url.path == "/sign-in/code"
    assert not await is_signed_in(other)


async def test_codes_are_tried_ten_times_and_no_more(
    signed_in: Browser, owner: Person, open_browser: Callable[[], Browser]
) -> None:
    secret, _ = await set_up(signed_in)
    other = open_browser()
    await other.sign_in(owner.email)
    statuses = [(await other.send("/sign-in/code", {"code": "000000"}))[0].status for _ in range(10)]
    assert statuses == [401] * 10
    await other.sign_in(owner.email)  # does not begin to count anew
    answer, page = await other.send("/sign-in/code", {"code": next_code(secret)})
    assert answer.status == 429
    assert "That was tried too often." in page


async def test_the_second_page_is_for_who_was_on_the_first(browser: Browser, owner: Person) -> None:
    for cookie in (None, "made-up", "x" * 5000):
        if cookie:
            browser.http.cookie_jar.update_cookies({"afterword_half": cookie}, browser.address)
        answer, _ = await browser.get("/sign-in/code")
        assert answer.url.path == "/sign-in"
        answer, _ = await browser.send("/sign-in/code", {"code": "000000"})
        assert answer.url.path == "/sign-in"


async def test_a_password_changed_meanwhile_ends_the_way_in(
    signed_in: Browser, owner: Person, open_browser: Callable[[], Browser]
) -> None:
    secret, _ = await set_up(signed_in)
    other = open_browser()
    await other.sign_in(owner.email)
    form = {"old_password": PASSWORD, "new_password": "another long password"}
    await signed_in.send("/account/password", form)
    answer, _ = await other.send("/sign-in/code", {"code": next_code(secret)})
    assert answer.url.path == "/sign-in"


async def test_recovery_codes_are_made_anew_and_codes_turned_off_by_a_code(signed_in: Browser) -> None:
    secret, recovery = await set_up(signed_in)
    for what in ("recovery", "off"):
        answer, page = await signed_in.send(f"{CODES}/{what}", {"code": "000000"})
        assert answer.status == 422
        assert f'id="error-{what}"' in page
    _, page = await signed_in.send(f"{CODES}/recovery", {"code": next_code(secret)})
    renewed = re.findall(r"<code>((?:[a-z2-7]{4}-){3}[a-z2-7]{4})</code>", page)
    assert len(renewed) == 10
    answer, _ = await signed_in.send(f"{CODES}/off", {"code": recovery[0]})
    assert answer.status == 422
    _, page = await signed_in.send(f"{CODES}/off", {"code": renewed[0]})
    assert "One-time codes are off" in page
    answer, _ = await signed_in.send(f"{CODES}/everything", {"code": renewed[1]})
    assert answer.status == 404


async def test_an_administrator_resets_codes_but_not_an_owners(
    signed_in: Browser, owner: Person, open_browser: Callable[[], Browser], database: Database
) -> None:
    async with database.transaction() as connection:
        known = await add_person(
            connection, email="a@example.org", name="A", role="administrator", password=PASSWORD
        )
    await set_up(signed_in)
    other = open_browser()
    await other.sign_in(known.email)
    await set_up(other)
    answer, _ = await other.send(f"/settings/people/{owner.id}", {"do": "reset-codes"})
    assert answer.status == 422
    await signed_in.send(f"/settings/people/{known.id}", {"do": "reset-codes"})
    answer, _ = await other.sign_in(known.email)
    assert answer.headers["Location"] == "/"


class TestRequired:
    @pytest.fixture
    def site_settings(self) -> Settings:
        return Settings.load({}, codes_required="administrators")

    async def test_who_has_none_sets_them_up_before_anything_else(
        self, signed_in: Browser, database: Database, open_browser: Callable[[], Browser]
    ) -> None:
        for path in ("/", "/workflows/runs", "/settings/people", "/account"):
            answer, page = await signed_in.get(path)
            assert answer.url.path == CODES, path
        assert "Your role needs one-time codes" in page
        answer, _ = await signed_in.send("/account/language", {"language": "de"})
        kept_at = answer.url.query["next"]
        assert (answer.url.path, kept_at.startswith("/sign-in/kept/")) == (CODES, True)
        _, page = await signed_in.get(str(answer.url.relative()))
        assert f'name="next" value="{kept_at}"' in page
        await set_up(signed_in)
        answer, page = await signed_in.get(kept_at)
        assert (answer.status, 'name="language" value="de"' in page) == (200, True)
        answer, _ = await signed_in.get("/settings/people")
        assert answer.url.path == "/settings/people"
        async with database.transaction() as connection:
            await add_person(connection, email="m@example.org", name="M", role="manager", password=PASSWORD)
        manager = open_browser()
        await manager.sign_in("m@example.org")
        assert await is_signed_in(manager)
