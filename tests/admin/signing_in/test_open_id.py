"""Signing in at the company's own provider, and whom it lets in."""

import html
import re
from collections.abc import Callable

import aiohttp
import pytest
from tests.fixtures.admin_pages import Browser
from tests.fixtures.issuer import CLIENT_ID, CLIENT_SECRET, Issuer
from tests.fixtures.workflow_forms import form_in

from afterword.accounts.people import Person, add_person, find_person_by_email
from afterword.accounts.welcome import new_link
from afterword.admin.signing_in.by_open_id import provider_of
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store.database import Database

BEGIN = "/sign-in/open-id"


def settings_at(issuer: Issuer, **more: object) -> Settings:
    return Settings.load(
        {},
        oidc_issuer=issuer.url,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_name="Acme <Login>",
        **more,
    )


@pytest.fixture
def site_settings(issuer: Issuer) -> Settings:
    return settings_at(issuer)


async def sign_in(browser: Browser, issuer: Issuer, *, going_to: str = "/account") -> tuple[str, str]:
    """Go the whole way; where it leads, and the page there."""
    answer, _ = await browser.get(f"{BEGIN}?next={going_to}", follow=False)
    back = issuer.sign_in(answer.headers["Location"])
    answer, page = await browser.get(f"{BEGIN}/callback?{back.partition('?')[2]}")
    return answer.url.path, page


async def invited(database: Database, email: str = "ada@example.org") -> Person:
    async with database.transaction() as connection:
        return await add_person(connection, email=email, name="Ada", role="manager")


async def test_who_was_invited_comes_in_and_stays_themselves_when_their_address_changes(
    browser: Browser, issuer: Issuer, database: Database, open_browser: Callable[[], Browser]
) -> None:
    known = await invited(database)
    _, page = await browser.get("/sign-in?next=/workflows/events")
    assert "Sign in with Acme &lt;Login&gt;" in page
    assert 'href="/sign-in/open-id?next=%2Fworkflows%2Fevents"' in page
    assert (await sign_in(browser, issuer, going_to="/workflows/events"))[0] == "/workflows/events"
    _, page = await browser.get("/account")
    assert "by single sign-on" in page
    assert known.email in page
    issuer.says |= {"email": "ada.married@example.org"}
    path, page = await sign_in(open_browser(), issuer)
    assert (path, known.email in page) == ("/account", True)
    issuer.says = {"sub": "2", "email": "ada@example.org", "email_verified": True}  # it was given to another
    _, page = await sign_in(open_browser(), issuer)
    assert "Your email address is that of somebody else here." in page


NOT_YOURS = "does not say that your email address is yours"


async def test_nobody_else_comes_in(browser: Browser, issuer: Issuer, database: Database) -> None:
    await invited(database)
    usual = dict(issuer.says)
    for says, words in (
        ({"email": "nobody@example.org"}, "Nobody has invited your email address here."),
        ({"email_verified": False}, NOT_YOURS),
        ({"email_verified": None}, NOT_YOURS),
        ({"email": None}, NOT_YOURS),
        ({"nonce": "another"}, "Your provider could not be asked who you are."),
    ):
        issuer.says = {**usual, **says}
        path, page = await sign_in(browser, issuer)
        assert path == f"{BEGIN}/callback"
        assert words in page
        assert browser.session_cookie() is None


async def test_a_way_back_is_good_once_and_in_its_own_browser(
    browser: Browser, issuer: Issuer, database: Database, open_browser: Callable[[], Browser]
) -> None:
    await invited(database)
    answer, _ = await browser.get(BEGIN, follow=False)
    back = issuer.sign_in(answer.headers["Location"]).partition("?")[2]
    other = open_browser()
    await other.get(BEGIN, follow=False)
    for one, query in ((other, back), (browser, "code=the-code&state=another"), (browser, "code=the-code")):
        answer, page = await one.get(f"{BEGIN}/callback?{query}")
        assert answer.status == 403
        assert "in another browser" in page
    answer, _ = await browser.get(f"{BEGIN}/callback?{back}")
    assert answer.url.path == "/"
    answer, _ = await browser.get(f"{BEGIN}/callback?{back}")
    assert answer.status == 403


async def test_who_is_not_let_in_there_is_told(browser: Browser, issuer: Issuer) -> None:
    answer, _ = await browser.get(BEGIN, follow=False)
    state = issuer.sign_in(answer.headers["Location"]).partition("state=")[2]
    _, page = await browser.get(f"{BEGIN}/callback?error=access_denied&state={state}")
    assert "Your provider did not let you in." in page
    issuer.breaks = "/.well-known/openid-configuration"


async def test_who_signs_out_is_signed_out_at_a_provider_that_can(
    browser: Browser, issuer: Issuer, database: Database, owner: Person
) -> None:
    issuer.changes = {"end_session_endpoint": f"{issuer.url}/logout"}
    await invited(database)
    await sign_in(browser, issuer)
    token = await database.pool.fetchval("SELECT id_token FROM person_session")
    assert b"eyJ" not in token  # it is encrypted
    answer, page = await browser.send("/sign-out", {})
    assert "You are signed out of Afterword" in page
    assert (await browser.get("/account", follow=False))[0].status == 303
    address = answer.headers["Refresh"].removeprefix("0; url=")
    async with aiohttp.ClientSession() as http, http.get(address, allow_redirects=False) as there:
        assert there.headers["Location"] == "http://127.0.0.1:8700/sign-in"
    assert issuer.signed_out == ["1"]
    await browser.sign_in(owner.email)  # by a password: the provider has nothing to do with it
    answer, _ = await browser.send("/sign-out", {}, follow=False)
    assert answer.headers["Location"] == "/sign-in"


async def prove(browser: Browser, issuer: Issuer, page: str) -> tuple[str, str]:
    """Follow the link that leads to the provider; where one comes back to, and the page there."""
    link = re.search(r'href="(/sign-in/open-id\?[^"]+)"', page)
    assert link is not None
    answer, _ = await browser.get(html.unescape(link[1]), follow=False)
    back = issuer.sign_in(answer.headers["Location"])
    assert issuer.asked["prompt"] == "login"
    answer, page = await browser.get(f"{BEGIN}/callback?{back.partition('?')[2]}")
    return answer.url.path, page


async def test_a_form_is_kept_while_one_signs_in_there_and_while_one_proves_it_anew(
    browser: Browser, issuer: Issuer, database: Database
) -> None:
    await invited(database)
    await sign_in(browser, issuer)
    await database.pool.execute("DELETE FROM person_session")
    form = {"name": "CRM", "scope": "read:runs"}
    answer, _ = await browser.send("/settings/tokens", form)
    path, page = await sign_in(browser, issuer, going_to=answer.url.query["next"])
    assert path.startswith("/sign-in/kept/")
    assert 'value="CRM"' in page
    await database.pool.execute("UPDATE person_session SET proved_at = now() - interval '16 minutes'")
    _, asked = await browser.send("/settings/tokens", form)
    assert "Prove it with Acme &lt;Login&gt;" in asked
    assert 'type="password"' not in asked
    usual = dict(issuer.says)
    issuer.says = {"sub": "2", "email": "b@example.org", "email_verified": True}
    await invited(database, "b@example.org")
    _, page = await prove(browser, issuer, asked)
    assert "You signed in as somebody else there." in page
    issuer.says = usual
    path, page = await prove(browser, issuer, asked)
    assert path.startswith("/sign-in/kept/")
    pairs = form_in(page, "typed-form").pairs
    async with browser.http.post("/settings/tokens", data=pairs) as answer:
        assert "The new token." in await answer.text()


class TestNewPeopleAndOwnersPasswords:
    @pytest.fixture
    def site_settings(self, issuer: Issuer) -> Settings:
        return settings_at(
            issuer,
            oidc_new_people_role="analyst",
            oidc_trust_email=True,
            oidc_only=True,
            oidc_sign_out=False,
        )

    async def test_whoever_the_provider_knows_is_made(
        self, browser: Browser, issuer: Issuer, database: Database
    ) -> None:
        issuer.says = {"sub": "7", "email": "new@example.org", "given_name": "Nora", "family_name": "New"}
        path, page = await sign_in(browser, issuer)
        assert path == "/account"
        assert "Nora New" in page
        async with database.transaction() as connection:
            made = await find_person_by_email(connection, "new@example.org")
        assert made is not None
        assert made.role == "analyst"
        issuer.changes = {"end_session_endpoint": f"{issuer.url}/logout"}
        answer, _ = await browser.send("/sign-out", {}, follow=False)
        assert answer.headers["Location"] == "/sign-in"  # as is set here

    async def test_passwords_are_for_owners_alone(
        self, browser: Browser, owner: Person, database: Database, open_browser: Callable[[], Browser]
    ) -> None:
        async with database.transaction() as connection:
            known = await add_person(
                connection,
                email="m@example.org",
                name="M",
                role="manager",
                password="a long password for tests",
            )
            link = await new_link(connection, known.id, "")
        answer, page = await browser.sign_in(known.email)
        assert answer.status == 403
        assert "Passwords are for owners here." in page
        answer, _ = await browser.get(link)
        assert answer.url.path == "/sign-in"
        form = {"code": link.partition("code=")[2], "password": "another long password"}
        answer, _ = await browser.send("/welcome", form)
        assert answer.url.path == "/sign-in"
        answer, _ = await open_browser().sign_in(owner.email)
        assert answer.status == 303


def test_what_is_set_by_half_or_wrongly_is_told_at_start() -> None:
    for half in ({"oidc_issuer": "https://login.example"}, {"oidc_client_id": "x"}, {"oidc_only": True}):
        with pytest.raises(ConfigurationError, match="oidc_issuer"):
            Settings.load({}, **half)
    for wrong in (
        "login.example",
        "http://login.example",
        "https://169.254.169.254/",
        "https://a@login.example",
    ):
        settings = Settings.load({}, oidc_issuer=wrong, oidc_client_id="x")
        with pytest.raises(ConfigurationError, match="settings: oidc_issuer: "):
            provider_of(settings)
