"""Workflows and their revisions: saved, found, turned on and off, deleted, restored."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import list_entries
from afterword.accounts.people import add_person
from afterword.outcomes import ConfigurationError
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    Event,
    JsonEvent,
    Schedule,
    SurveyResponse,
    Task,
)
from afterword.workflows.saving.checking import Mistake
from afterword.workflows.saving.listing import (
    WorkflowFilters,
    get_revisions,
    get_workflow,
    list_revisions,
    list_workflows,
)
from afterword.workflows.saving.refusals import EditConflict, InvalidDefinition, NoSuchWorkflow, NoTask
from afterword.workflows.saving.workflows import (
    add_workflow,
    belong_to_survey,
    change_owner,
    delete_workflow,
    rename,
    restore_revision,
    save_revision,
    turn_off,
    turn_on,
)

ONE = Task("T-1", "scripted", "Tell the team")
TWO = Task("T-2", "scripted", "Ask the customer")


def says(*tasks: Task, event: Event | None = None) -> Definition:
    return Definition(event or ConversationClosed("GA_1"), tasks)


async def finds_two_mistakes(_: AsyncConnection, __: Definition) -> list[Mistake]:
    return [Mistake("tasks[0].type", "wrong"), Mistake("", "and wrong as a whole")]


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    """One transaction for the whole test."""
    async with database.transaction() as opened:
        yield opened


async def save(
    connection: AsyncConnection, workflow_id: str, definition: Definition, expected: int, **options: Any
) -> int:
    return await save_revision(
        connection,
        workflow_id,
        definition,
        expected_revision=expected,
        **{"person_id": None, "check": None} | options,
    )


# names and lists ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "name"),
    [
        (says(ONE), "Gladly conversation closed → Tell the team"),
        (says(event=JsonEvent("OC_1")), "JSON Event"),
        (says(TWO, ONE, event=SurveyResponse("SV_9")), "Survey Response → Ask the customer"),
        (
            says(ONE, event=Schedule("0 9 * * *", "Europe/Berlin")),
            "Every day at 09:00 (Europe/Berlin) → Tell the team",
        ),
    ],
)
async def test_a_workflow_that_nobody_named_is_named_for_its_event_and_first_task(
    connection: AsyncConnection, definition: Definition, name: str
) -> None:
    workflow_id = await add_workflow(connection, definition=definition, is_on=False)
    assert (await get_workflow(connection, workflow_id)).name == name


async def test_the_name_tells_which_survey_where_it_is_known(connection: AsyncConnection) -> None:
    survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
    workflow_id = await add_workflow(connection, definition=says(ONE, event=SurveyResponse(survey_id)))
    workflow = await get_workflow(connection, workflow_id)
    assert workflow.name == "Survey Response (CSAT) → Tell the team"
    assert workflow.survey_id == survey_id


async def test_workflows_are_listed_by_name_and_by_what_is_asked_for(connection: AsyncConnection) -> None:
    owner = await add_person(connection, email="o@example.com", name="Olive", role="owner")
    beta = await add_workflow(connection, name="beta", definition=says(ONE), owner_id=owner.id)
    alpha = await add_workflow(
        connection, name="Alpha 100%", definition=says(event=SurveyResponse("SV_1")), is_on=False
    )
    await belong_to_survey(connection, beta, "SV_1")

    async def found(**filters: Any) -> list[str]:
        return [workflow.id for workflow in await list_workflows(connection, WorkflowFilters(**filters))]

    assert await found() == [alpha, beta]
    assert await found(survey_id="SV_1") == [alpha, beta]
    assert await found(survey_id="SV_2") == []
    assert await found(is_on=True) == [beta]
    assert await found(owner_id=owner.id) == [beta]
    assert await found(event="survey-response") == [alpha]
    assert await found(name="ALPHA") == [alpha]
    assert await found(name="0%") == [alpha]
    assert await found(name="%") == [alpha]
    await belong_to_survey(connection, beta, None)
    assert await found(survey_id="SV_1") == [alpha]
    assert (await get_workflow(connection, beta)).owner == "Olive"
    await change_owner(connection, beta, None)
    await change_owner(connection, alpha, owner.id)
    assert await found(owner_id=owner.id) == [alpha]


@pytest.mark.parametrize("name", ["", " \n ", "x" * 201])
async def test_a_name_that_is_none_is_refused(connection: AsyncConnection, name: str) -> None:
    workflow_id = await add_workflow(connection, name="Before", definition=says(ONE))
    with pytest.raises(ConfigurationError, match="1 to 200 characters"):
        await rename(connection, workflow_id, name)
    await rename(connection, workflow_id, "  After\tall ")
    assert (await get_workflow(connection, workflow_id)).name == "After all"


# revisions ------------------------------------------------------------------------------------------------


async def test_what_was_saved_before_stays_and_can_be_restored(connection: AsyncConnection) -> None:
    person = await add_person(connection, email="e@example.com", name="Ed", role="manager")
    workflow_id = await add_workflow(connection, definition=says(ONE))
    assert await save(connection, workflow_id, says(ONE, TWO), 1, person_id=person.id) == 2
    restored = await restore_revision(
        connection, workflow_id, 1, person_id=person.id, expected_revision=2, check=None
    )
    assert restored == 3
    revisions = await list_revisions(connection, workflow_id)
    assert [(one.number, one.definition, one.person, one.restored_from) for one in revisions] == [
        (3, says(ONE), "Ed", 1),
        (2, says(ONE, TWO), "Ed", None),
        (1, says(ONE), None, None),
    ]
    workflow = await get_workflow(connection, workflow_id)
    assert (workflow.revision, workflow.definition) == (3, says(ONE))
    assert set(await get_revisions(connection, workflow_id, [1, 3])) == {1, 3}
    with pytest.raises(NoSuchWorkflow, match="no revision 7"):
        await get_revisions(connection, workflow_id, [1, 7])


async def test_saving_what_stands_there_makes_no_revision(connection: AsyncConnection) -> None:
    workflow_id = await add_workflow(connection, definition=says(ONE))
    assert await save(connection, workflow_id, says(ONE), 1) == 1
    assert len(await list_revisions(connection, workflow_id)) == 1


async def test_of_two_who_edit_at_once_the_second_is_told_who_was_first(
    connection: AsyncConnection,
) -> None:
    person = await add_person(connection, email="e@example.com", name="Ed", role="manager")
    workflow_id = await add_workflow(connection, definition=says(ONE))
    await save(connection, workflow_id, says(ONE, TWO), 1, person_id=person.id)
    with pytest.raises(EditConflict, match="Ed saved revision 2 at 20") as refused:
        await save(connection, workflow_id, says(TWO), 1)
    assert (refused.value.revision, refused.value.person) == (2, "Ed")
    assert await save(connection, workflow_id, says(TWO), 2) == 3


async def test_of_many_who_save_at_the_same_moment_one_does(database: Database) -> None:
    async with database.transaction() as connection:
        workflow_id = await add_workflow(connection, definition=says(ONE))

    async def save_as(label: str) -> int:
        async with database.transaction() as connection:
            task = msgspec.structs.replace(ONE, label=label)
            return await save(connection, workflow_id, says(task), 1)

    outcomes = await asyncio.gather(*(save_as(str(n)) for n in range(5)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["EditConflict"] * 4 + ["int"]


async def test_all_mistakes_are_told_and_nothing_is_saved(connection: AsyncConnection) -> None:
    workflow_id = await add_workflow(connection, definition=says(ONE))
    with pytest.raises(InvalidDefinition, match=r"tasks\[0\].type: wrong; and wrong as a whole") as refused:
        await save(connection, workflow_id, says(TWO), 1, check=finds_two_mistakes)
    assert len(refused.value.mistakes) == 2
    with pytest.raises(InvalidDefinition):
        await add_workflow(connection, definition=says(TWO), check=finds_two_mistakes)
    assert len(await list_revisions(connection, workflow_id)) == 1
    assert len(await list_workflows(connection)) == 1


# on, off, deleted -----------------------------------------------------------------------------------------


async def test_without_a_task_it_is_saved_but_not_on(connection: AsyncConnection) -> None:
    with pytest.raises(NoTask):
        await add_workflow(connection, definition=says())
    workflow_id = await add_workflow(connection, definition=says(), is_on=False)
    with pytest.raises(NoTask, match="no task yet"):
        await turn_on(connection, workflow_id, check=None)
    await save(connection, workflow_id, says(ONE), 1)
    await turn_on(connection, workflow_id, check=None)
    assert (await get_workflow(connection, workflow_id)).is_on
    with pytest.raises(NoTask):
        await save(connection, workflow_id, says(), 2)
    await turn_off(connection, workflow_id)
    assert await save(connection, workflow_id, says(), 2) == 3


async def test_what_it_needs_is_looked_for_again_when_it_is_turned_on(connection: AsyncConnection) -> None:
    workflow_id = await add_workflow(connection, definition=says(ONE), is_on=False)
    with pytest.raises(InvalidDefinition):
        await turn_on(connection, workflow_id, check=finds_two_mistakes)
    assert not (await get_workflow(connection, workflow_id)).is_on


async def test_a_deleted_workflow_is_not_there_for_anybody(connection: AsyncConnection) -> None:
    workflow_id = await add_workflow(connection, definition=says(ONE))
    await delete_workflow(connection, workflow_id)
    assert await list_workflows(connection) == []
    for attempt in (
        get_workflow(connection, workflow_id),
        delete_workflow(connection, workflow_id),
        turn_on(connection, workflow_id, check=None),
        turn_off(connection, workflow_id),
        rename(connection, workflow_id, "x"),
        belong_to_survey(connection, workflow_id, "SV_1"),
        change_owner(connection, workflow_id, None),
        save(connection, workflow_id, says(TWO), 1),
        restore_revision(connection, workflow_id, 1, person_id=None, expected_revision=1, check=None),
    ):
        with pytest.raises(NoSuchWorkflow, match="or it was deleted"):
            await attempt


@pytest.mark.parametrize("due_at", [None, "2099-01-01"])
async def test_runs_that_wait_are_looked_at_at_once_when_their_workflow_is_deleted(
    connection: AsyncConnection, due_at: str | None
) -> None:
    workflow_id = await add_workflow(connection, definition=says(ONE))
    await connection.execute(
        text(
            "INSERT INTO run (workflow_id, revision, event_id, status, due_at) "
            "VALUES (:workflow, 1, 1, 'waiting', CAST(:due AS text)::timestamptz)"
        ),
        {"workflow": workflow_id, "due": due_at},
    )
    await delete_workflow(connection, workflow_id)
    assert await connection.scalar(text("SELECT due_at <= now() FROM run"))


async def test_what_is_done_with_a_workflow_is_in_the_audit_log(connection: AsyncConnection) -> None:
    workflow_id = await add_workflow(connection, name="Ask", definition=says(ONE), is_on=False)
    await save(connection, workflow_id, says(ONE, TWO), 1)
    await save(connection, workflow_id, says(ONE, TWO), 2)
    await restore_revision(connection, workflow_id, 1, person_id=None, expected_revision=2, check=None)
    await turn_on(connection, workflow_id, check=None)
    await turn_on(connection, workflow_id, check=None)
    await rename(connection, workflow_id, "Ask all")
    await turn_off(connection, workflow_id)
    await delete_workflow(connection, workflow_id)
    entries = await list_entries(connection, subject_id=workflow_id)
    assert [(one.subject, one.what, one.changes) for one in reversed(entries)] == [
        ("Ask", "added", [("on", None, False)]),
        ("Ask", "saved", [("revision", 1, 2)]),
        ("Ask", "restored as it was in revision 1", [("revision", 2, 3)]),
        ("Ask", "turned on", [("on", False, True)]),
        ("Ask all", "renamed", [("name", "Ask", "Ask all")]),
        ("Ask all", "turned off", [("on", True, False)]),
        ("Ask all", "deleted", [("on", False, None), ("revision", 3, None)]),
    ]
