"""Every page under Settings and every form of it, by every role."""

import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser

from afterword.accounts.people import Role, add_person
from afterword.store.database import Database

READS = (
    "/settings",
    "/settings/accounts",
    "/settings/accounts/{gladly}",
    "/settings/apps",
    "/settings/extensions",
    "/settings/tokens",
    "/settings/people",
    "/account",
    "/account/codes",
)
READ_BY_ADMINISTRATORS = (
    "/settings/accounts/add/gladly",
    "/settings/accounts/add/qualtrics",
    "/settings/apps/add/qualtrics",
    "/settings/audit",
)
CHANGED_BY_ADMINISTRATORS = (
    "/settings/accounts/add/gladly",
    "/settings/accounts/add/qualtrics",
    "/settings/accounts/{gladly}/token",
    "/settings/accounts/{gladly}/address",
    "/settings/accounts/{gladly}/events",
    "/settings/accounts/{gladly}/verify",
    "/settings/accounts/{gladly}/remove",
    "/settings/accounts/{qualtrics}/json-event",
    "/settings/apps/add/qualtrics",
    "/settings/extensions/distribute-survey",
)
OWN_FORMS = {"/settings/people", "/settings/tokens", "/account", "/account/codes"}
ADMINISTRATORS = {"owner", "administrator"}


@pytest.mark.parametrize("role", ["owner", "administrator", "manager", "analyst", "api_user"])
async def test_each_role_sees_and_changes_what_it_may(
    browser: Browser, database: Database, gladly_id: str, qualtrics_id: str, role: Role
) -> None:
    async with database.transaction() as connection:
        await add_person(connection, email="r@example.org", name="R", role=role, password=PASSWORD)
    await browser.sign_in("r@example.org")
    ids = {"gladly": gladly_id, "qualtrics": qualtrics_id}
    for path in READS:
        answer, page = await browser.get(path.format(**ids))
        assert answer.status == 200, path
        if role not in ADMINISTRATORS and path not in OWN_FORMS:
            assert page.count("<form") == 1, path  # signing out
    for path in READ_BY_ADMINISTRATORS:
        answer, _ = await browser.get(path)
        assert answer.status == (200 if role in ADMINISTRATORS else 403), path
    token = await browser.form_token()
    for path in CHANGED_BY_ADMINISTRATORS:
        answer, _ = await browser.send(path.format(**ids), {}, token=token)
        assert (answer.status == 403) == (role not in ADMINISTRATORS), path


async def test_nobody_is_let_in_without_signing_in(browser: Browser) -> None:
    for path in (*READS, *READ_BY_ADMINISTRATORS):
        answer, _ = await browser.get(path, follow=False)
        assert answer.status == 303, path
        assert answer.headers["Location"].startswith("/sign-in")
