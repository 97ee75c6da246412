"""Rehearse on a page: choosing an event, pasting one, and mistakes told with their place."""

import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest_asyncio
from litestar import Litestar
from tests.fixtures.admin_pages import PASSWORD, Browser, Past

from afterword.accounts.people import Person, add_person
from afterword.accounts.secrets import SecretBox
from afterword.admin.routes import admin_routes
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.tasks.planning import PlanningTasks
from afterword.web_errors import exception_handlers


@pytest_asyncio.fixture
async def site(
    database: Database, serve: Callable[[Litestar], Awaitable[str]], tmp_path: Path
) -> AsyncIterator[str]:
    """The address of the web interface, with task types to rehearse."""
    settings = Settings.load({}, data_dir=tmp_path)
    box = SecretBox.open(settings)
    planning = PlanningTasks(settings, database, box)
    yield await serve(
        Litestar(
            route_handlers=admin_routes(
                database, settings, csrf_secret="a secret of the tests", box=box, planning=planning
            ),
            exception_handlers=exception_handlers,
            openapi_config=None,
            logging_config=None,
        )
    )
    await planning.close()


async def rehearsed(browser: Browser, past: Past, **form: str) -> tuple[int, str]:
    address = f"/workflows/{past.workflow_id}/rehearse"
    _, page = await browser.get(address)
    token = re.search(r'name="_csrf_token" value="([0-9a-f]+)"', page)
    assert token is not None
    answer, page = await browser.send(address, form, token=token[1])
    return answer.status, html.unescape(page)


async def test_the_newest_events_are_offered(signed_in: Browser, past: Past) -> None:
    event_id = await past.event()
    run_id = await past.run(event_id)
    _, page = await signed_in.get(f"/workflows/{past.workflow_id}/rehearse")
    assert f'<option value="{event_id}" selected>' in page
    assert f"(event {event_id}, run {run_id})" in page
    assert "<h1>Ask &lt;everybody&gt;</h1>" in page


async def test_an_event_is_rehearsed_beside_the_run_that_it_started(signed_in: Browser, past: Past) -> None:
    event_id = await past.event()
    run_id = await past.run(event_id, status="succeeded")
    await past.attempt(run_id, output={"sent": {"to": "ada@x.org"}})
    status, page = await rehearsed(signed_in, past, event=str(event_id))
    assert status == 200
    assert "It would start" in page
    assert f'<a href="/workflows/runs/{run_id}">run {run_id}</a>' in page
    assert "Would fail" in page
    assert "the task's configuration is wrong" in page.lower()
    assert "ada@x.org" in page


async def test_a_mistake_in_what_was_pasted_is_told_with_its_place_and_it_stays(
    signed_in: Browser, past: Past
) -> None:
    status, page = await rehearsed(signed_in, past, body='{"a": 1,\n "b" <2>}')
    assert status == 400
    assert "it is not JSON: line 2, column 6" in page
    assert '{"a": 1,\n "b" <2>}</textarea>' in page.replace("\r", "")


async def test_a_pasted_event_goes_before_a_chosen_one(signed_in: Browser, past: Past) -> None:
    event_id = await past.event()
    _, page = await rehearsed(signed_in, past, event=str(event_id), body='{"x": 1}')
    assert "with another event" in page or "no run yet" in page
    assert f'<option value="{event_id}" selected>' not in page


async def test_what_cannot_be_rehearsed_is_said(signed_in: Browser, past: Past) -> None:
    for form, problem in (
        ({}, "choose an event, or paste one"),
        ({"event": "77"}, "there is no event 77"),
        ({"event": "x"}, "there is no event x"),
        ({"body": "{}", "revision": "9"}, "there is no revision 9"),
        ({"body": "{}", "revision": "x"}, "a revision is a number"),
    ):
        status, page = await rehearsed(signed_in, past, **form)
        assert (status, problem in page) == (400, True), problem
    answer, _ = await signed_in.get("/workflows/OC_none/rehearse")
    assert answer.status == 404


async def test_a_form_of_another_site_rehearses_nothing(signed_in: Browser, past: Past) -> None:
    answer, _ = await signed_in.send(
        f"/workflows/{past.workflow_id}/rehearse", {"body": "{}"}, token="forged"
    )
    assert answer.status == 403


async def test_who_may_not_see_customers_may_not_rehearse(
    open_browser: Callable[[], Browser], past: Past, database: Database, owner: Person
) -> None:
    async with database.transaction() as connection:
        await add_person(connection, email="a@example.org", name="A", role="analyst", password=PASSWORD)
    browser = open_browser()
    await browser.sign_in("a@example.org")
    answer, page = await browser.get(f"/workflows/{past.workflow_id}/rehearse")
    assert answer.status == 403
    assert "your role is not shown" in page
    assert isinstance(browser.http, aiohttp.ClientSession)
