"""The list of workflows: what each is, how it did lately, and its switch."""

import re

import pytest
from tests.fixtures.admin_pages import Browser, Past

from afterword.accounts.audit import list_entries
from afterword.accounts.people import Person
from afterword.admin.workflows import listing as pages
from afterword.store.database import Database
from afterword.workflows.definitions import Definition, JsonEvent, Schedule, Task
from afterword.workflows.saving.guide import Guide
from afterword.workflows.saving.listing import get_workflow
from afterword.workflows.saving.workflows import add_workflow


def rows(page: str) -> dict[str, str]:
    """Each row's HTML by its workflow's id."""
    return dict(re.findall(r'<tr id="workflow-([^"]+)">(.*?)</tr>', page, re.DOTALL))


async def is_on(database: Database, workflow_id: str) -> bool:
    async with database.transaction() as connection:
        return (await get_workflow(connection, workflow_id)).is_on


async def test_an_empty_list_says_what_to_do_first(signed_in: Browser) -> None:
    _, page = await signed_in.get("/workflows")
    assert "There is no Workflow yet" in page
    assert page.count('href="/workflows/new"') == 1


async def test_each_is_told_in_a_row(signed_in: Browser, guide: Guide) -> None:
    _, page = await signed_in.get("/workflows")
    assert guide.answer is not None
    row = rows(page)[guide.answer.id]
    for told in (
        f'href="/workflows/{guide.answer.id}"',
        "Send Survey Response to Gladly",
        "Survey Response (Customer satisfaction (CSAT))",
        "Gladly: timeline event",
        ">Off<",
        "none yet",
    ):
        assert told in row
    assert "Gladly conversation closed (Acme)" in page


async def test_the_last_run_is_shown_and_failures_lead_to_run_history(
    signed_in: Browser, past: Past, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for status in ("failed", "failed", "succeeded"):
        newest = await past.run(status=status)
    _, page = await signed_in.get("/workflows")
    row = rows(page)[past.workflow_id]
    assert f'href="/workflows/runs/{newest}"' in row
    assert ">Succeeded<" in row
    assert f'href="/workflows/runs?status=failed&amp;workflow={past.workflow_id}">2 failed</a>' in row
    assert "Ask &lt;everybody&gt;" in row


async def test_it_is_filtered_by_name_and_by_survey(signed_in: Browser, guide: Guide) -> None:
    assert guide.answer is not None
    _, page = await signed_in.get("/workflows?name=triggered")
    assert list(rows(page)) == [guide.ask.id if guide.ask else ""]
    survey = guide.answer.survey_id
    _, page = await signed_in.get(f"/workflows?survey={survey}")
    assert list(rows(page)) == [guide.answer.id]
    _, page = await signed_in.get("/workflows?name=nothing+like+it")
    assert "No Workflow fits" in page


async def test_a_long_list_has_pages_that_hold_each_once(
    signed_in: Browser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_LENGTH", 2)
    async with database.transaction() as connection:
        made = [
            await add_workflow(connection, name=name, definition=Definition(JsonEvent("E"), ()), is_on=False)
            for name in ("b", "A", "same", "Same", "zed")
        ]
    address, seen = "/workflows?name=", []
    while address:
        _, page = await signed_in.get(address)
        seen += list(rows(page))
        found = re.search(r'href="([^"]+)" rel="next"', page)
        address = found[1].replace("&amp;", "&") if found else ""
    assert sorted(seen) == sorted(made)
    assert (seen[0], seen[-1]) == (made[1], made[4])


async def test_the_switch_turns_on_and_off_and_keeps_the_filters(
    signed_in: Browser, guide: Guide, database: Database, owner: Person
) -> None:
    assert guide.answer is not None
    workflow_id = guide.answer.id
    form = {"workflow": workflow_id, "on": "yes", "name": "send", "survey": "", "after": ""}
    answer, _ = await signed_in.send("/workflows/switch", form, follow=False)
    assert answer.headers["Location"] == f"/workflows?name=send#workflow-{workflow_id}"
    assert await is_on(database, workflow_id)
    await signed_in.send("/workflows/switch", form | {"on": "no"})
    assert not await is_on(database, workflow_id)
    async with database.transaction() as connection:
        told = [(entry.what, entry.actor) for entry in await list_entries(connection, subject_id=workflow_id)]
    assert told[:2] == [("turned off", owner.name), ("turned on", owner.name)]


async def test_what_cannot_be_turned_on_says_why(signed_in: Browser, database: Database) -> None:
    async with database.transaction() as connection:
        empty = await add_workflow(
            connection, name="Empty", definition=Definition(Schedule("0 9 * * *"), ()), is_on=False
        )
        broken = await add_workflow(
            connection,
            name="Broken",
            definition=Definition(
                JsonEvent("E"), (Task("T-1", "distribute-survey", "Ask", {"survey": "SV_gone"}),)
            ),
            is_on=False,
        )
    for workflow_id, words in (
        (empty, "The Workflow has no Task yet: give it one, then turn it on."),
        (broken, "There is no survey “SV_gone”"),
        ("OC_none", "There is no such Workflow, or it was deleted."),
    ):
        answer, page = await signed_in.send("/workflows/switch", {"workflow": workflow_id, "on": "yes"})
        assert answer.status == 422
        assert words in page
    assert not await is_on(database, broken)
