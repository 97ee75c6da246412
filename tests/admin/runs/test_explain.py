"""Explain on a page: the box, the story, nothing found, and who is shown what."""

import html
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser, Past

from afterword.accounts.people import Role, add_person
from afterword.store.database import Database


async def told(browser: Browser, asked: str) -> tuple[int, str]:
    answer, page = await browser.get(f"/workflows/explain?q={quote(asked)}")
    return answer.status, html.unescape(page)


async def opted_out(past: Past) -> int:
    """A run that stopped as the contact had opted out."""
    run_id = await past.run(
        status="skipped",
        conversation_id="V1",
        customer_id="C1",
        reason_words="the contact asked not to be written to",
    )
    await past.attempt(
        run_id,
        status="skipped",
        reason_code="contact-opted-out",
        reason_words="the contact asked not to be written to",
        input={"email": "ada@x.org"},
    )
    return run_id


async def test_the_empty_page_says_what_to_type(signed_in: Browser) -> None:
    status, page = await told(signed_in, "")
    assert status == 200
    assert "Why was this Customer not asked?" in page
    assert 'aria-current="page">Explain' in page


async def test_a_story_is_told_with_links_to_its_runs_and_events(signed_in: Browser, past: Past) -> None:
    run_id = await opted_out(past)
    status, page = await told(signed_in, "Ada@x.org")
    assert status == 200
    assert "The Customer was not asked: the contact asked not to be written to." in page
    assert f'<a class="small" href="/workflows/runs/{run_id}">Run {run_id}</a>' in page
    assert re.search(r'href="/workflows/events\?before=\d+">Event \d+', page)
    assert "Nothing more will happen by itself." in page
    assert 'value="Ada@x.org"' in page


async def test_what_is_not_found_is_404_with_advice_and_what_was_typed_stays(signed_in: Browser) -> None:
    status, page = await told(signed_in, "<conv9>")
    assert status == 404
    assert "Nothing is known of “<conv9>”" in page
    assert "check the webhook" in page
    _, as_sent = await signed_in.get("/workflows/explain?q=%3Cconv9%3E")
    assert "<conv9>" not in as_sent


async def test_what_is_too_long_for_any_id_is_refused_kindly(signed_in: Browser) -> None:
    status, page = await told(signed_in, "x" * 1000)
    assert status == 200
    assert "longer than any address or id" in page
    assert "x" * 401 not in page


@pytest.mark.parametrize(
    ("role", "is_shown"), [("administrator", True), ("manager", True), ("analyst", False)]
)
async def test_customers_data_is_shown_to_those_roles_that_may_see_it(
    open_browser: Callable[[], Browser], past: Past, database: Database, role: Role, is_shown: bool
) -> None:
    await opted_out(past)
    async with database.transaction() as connection:
        await add_person(connection, email="p@example.org", name="P", role=role, password=PASSWORD)
    browser = open_browser()
    await browser.sign_in("p@example.org")
    _, page = await told(browser, "V1")
    assert ("Ada" in page) is is_shown
    assert "the contact asked not to be written to" in page


async def test_the_page_carries_nothing_inline_and_escapes_what_others_wrote(
    signed_in: Browser, past: Past
) -> None:
    await opted_out(past)
    _, page = await signed_in.get("/workflows/explain?q=V1")
    assert "Ask &lt;everybody&gt;" in page
    assert not re.search(r"<style| style=| on\w+=|<script(?! type=\"module\" src=\"/static/)", page)
