"""The help within the pages: the vendors' steps, with the values of this installation, and what is seen to be done."""

from collections.abc import Callable

import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser

from afterword.accounts.people import add_person
from afterword.accounts.secrets import SecretBox
from afterword.admin.help_steps import FACTS, HELP
from afterword.admin.helping import Helping
from afterword.settings import Settings
from afterword.store.database import Database


@pytest.mark.parametrize(
    ("path", "words", "value"),
    [
        ("/settings/accounts", "What is to be done in Gladly", "http://127.0.0.1:8700"),
        ("/workflows", "The guide&#39;s Workflows", "customerFirstName → $.customerFirstName"),
        ("/settings/people", "Who should have which role", "View permissions by role"),
    ],
)
async def test_pages_have_help_with_the_values_to_paste(
    signed_in: Browser, path: str, words: str, value: str
) -> None:
    answer, body = await signed_in.get(path)
    assert answer.status == 200
    help_ = body.partition('<details class="sheet attempt help">')[2]
    assert words in help_
    assert value in help_


async def test_values_are_for_who_sets_things_up(
    database: Database, open_browser: Callable[[], Browser]
) -> None:
    async with database.transaction() as connection:
        await add_person(connection, email="ann@example.org", name="Ann", role="analyst", password=PASSWORD)
    browser = open_browser()
    await browser.sign_in("ann@example.org")
    _, body = await browser.get("/settings/accounts")
    help_ = body.partition('<details class="sheet attempt help">')[2]
    assert "Gladly shows it once" in help_
    assert "http://127.0.0.1:8700" not in help_


async def test_what_was_seen_to_be_done_is_marked(database: Database, signed_in: Browser) -> None:
    _, body = await signed_in.get("/settings/people")
    assert "Seen to be done" not in body
    async with database.transaction() as connection:
        await add_person(connection, email="app@example.org", name="App", role="api_user")
    helping = Helping(database, Settings.load({}), SecretBox(["a key for the tests, long enough to be one"]))
    async with database.read_only().transaction() as connection:
        known = await helping._look(connection)
    assert known.seen == {"service"}


def test_every_fact_has_a_label_and_every_page_steps() -> None:
    for block in HELP.values():
        assert block.steps
        for step in block.steps:
            assert set(step.facts) <= set(FACTS)
