"""Workflows and their revisions in the database: made, saved, turned on and off, deleted, restored.

A revision never changes. A run keeps the revision that it began with; what becomes of the runs that wait when their
workflow is turned off, deleted or revised is told in ``docs/workflows.md`` and done by the engine.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

import msgspec
from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import Value, audit
from afterword.outcomes import ConfigurationError
from afterword.store import tables
from afterword.store.identifiers import new_id
from afterword.translating import N_, said
from afterword.translating import gettext as _
from afterword.workflows.definitions import ConversationClosed, Definition, JsonEvent, SurveyResponse
from afterword.workflows.naming import LONGEST_NAME, suggest_name
from afterword.workflows.saving.checking import Mistake
from afterword.workflows.saving.refusals import EditConflict, InvalidDefinition, NoSuchWorkflow, NoTask
from afterword.workflows.starting.endpoints import drop_unused_endpoint
from afterword.workflows.starting.schedules import keep_schedule

Check = Callable[[AsyncConnection, Definition], Awaitable[Sequence[Mistake]]]
"""Finds all that is wrong with a definition in this installation (``checking.py``)."""

WAKE_ALL = "UPDATE run SET due_at = now() WHERE workflow_id = :workflow_id AND status = 'waiting'"


async def add_workflow(
    connection: AsyncConnection,
    *,
    definition: Definition,
    name: str | None = None,
    is_on: bool = True,
    workflow_id: str | None = None,
    owner_id: str | None = None,
    survey_id: str | None = None,
    check: Check | None = None,
) -> str:
    """Save a new workflow with its first revision; answers its id (``OC_…``).

    Without a name it gets one from its event and first task. One that starts with a Survey Response belongs to that
    survey of ours, if no other is named.

    Raises:
        InvalidDefinition: ``check`` found mistakes.
        NoTask: it is to be on and has no task.
        ConfigurationError: the name is empty or too long.
    """
    if name is None:
        name = suggest_name(definition, await _names(connection, definition))
    name = _checked_name(name)
    if is_on and not definition.tasks:
        raise NoTask
    await _check(connection, definition, check)
    workflow_id = workflow_id or new_id("OC")
    await connection.execute(
        insert(tables.workflow).values(
            id=workflow_id,
            name=name,
            is_on=is_on,
            owner_id=owner_id,
            survey_id=survey_id or _survey_of(definition),
        )
    )
    await _add_revision(connection, workflow_id, 1, definition, person_id=owner_id)
    await keep_schedule(connection, workflow_id, definition, is_on=is_on)
    await audit(connection, "workflow", "added", (workflow_id, name), after={"on": is_on})
    return workflow_id


async def save_revision(
    connection: AsyncConnection,
    workflow_id: str,
    definition: Definition,
    *,
    person_id: str | None,
    expected_revision: int,
    check: Check | None,
    restored_from: int | None = None,
) -> int:
    """Save what a workflow says from now on; answers the revision's number.

    ``expected_revision`` is the one that the change was made from. A definition that is no other than the current one
    makes no revision.

    Raises:
        EditConflict: another revision was saved meanwhile.
        InvalidDefinition: ``check`` found mistakes.
        NoTask: the workflow is on and would have no task.
        NoSuchWorkflow: there is none, or it was deleted.
    """
    row = await _locked(connection, workflow_id)
    if row.current_revision != expected_revision:
        await _refuse_late(connection, workflow_id, row.current_revision)
    if await _definition(connection, workflow_id, row.current_revision) == definition:
        return expected_revision
    if row.is_on and not definition.tasks:
        raise NoTask
    await _check(connection, definition, check)
    number = expected_revision + 1
    await _add_revision(
        connection, workflow_id, number, definition, person_id=person_id, restored_from=restored_from
    )
    await _change(connection, workflow_id, current_revision=number)
    await keep_schedule(connection, workflow_id, definition, is_on=row.is_on)
    what = (
        N_("saved")
        if restored_from is None
        else said("restored as it was in revision %(number)s", number=restored_from)
    )
    before, after = {"revision": expected_revision}, {"revision": number}
    await audit(connection, "workflow", what, (workflow_id, row.name), before=before, after=after)
    return number


async def restore_revision(
    connection: AsyncConnection,
    workflow_id: str,
    number: int,
    *,
    person_id: str | None,
    expected_revision: int,
    check: Check | None,
) -> int:
    """Have a workflow say again what an earlier revision said, as a new revision; answers its number.

    Raises:
        EditConflict, InvalidDefinition, NoTask, NoSuchWorkflow: as :func:`save_revision` does.
    """
    return await save_revision(
        connection,
        workflow_id,
        await _definition(connection, workflow_id, number),
        person_id=person_id,
        expected_revision=expected_revision,
        check=check,
        restored_from=number,
    )


async def rename(connection: AsyncConnection, workflow_id: str, name: str) -> None:
    """Give a workflow another name.

    Raises:
        NoSuchWorkflow: there is none, or it was deleted.
        ConfigurationError: the name is empty or too long.
    """
    row = await _locked(connection, workflow_id)
    name = _checked_name(name)
    if name == row.name:
        return
    await _change(connection, workflow_id, name=name)
    await audit(
        connection,
        "workflow",
        "renamed",
        (workflow_id, name),
        before={"name": row.name},
        after={"name": name},
    )


async def change_owner(connection: AsyncConnection, workflow_id: str, owner_id: str | None) -> None:
    """Have a workflow belong to somebody else, or to nobody.

    Raises:
        NoSuchWorkflow: there is none, or it was deleted.
    """
    row = await _locked(connection, workflow_id)
    if row.owner_id == owner_id:
        return
    await _change(connection, workflow_id, owner_id=owner_id)
    before, after = {"owner": row.owner_id}, {"owner": owner_id}
    await audit(connection, "workflow", "given to", (workflow_id, row.name), before=before, after=after)


async def belong_to_survey(connection: AsyncConnection, workflow_id: str, survey_id: str | None) -> None:
    """List a workflow under a survey too, or under none.

    Raises:
        NoSuchWorkflow: there is none, or it was deleted.
    """
    row = await _locked(connection, workflow_id)
    if row.survey_id == survey_id:
        return
    await _change(connection, workflow_id, survey_id=survey_id)
    before, after = {"survey": row.survey_id}, {"survey": survey_id}
    await audit(connection, "workflow", "listed under", (workflow_id, row.name), before=before, after=after)


async def turn_on(connection: AsyncConnection, workflow_id: str, *, check: Check | None) -> None:
    """Have events start it from now on. Runs that were held as it was off are let go (``holds.py``).

    Raises:
        NoTask: it has none.
        InvalidDefinition: ``check`` found mistakes: what it needs may be gone since it was saved.
        NoSuchWorkflow: there is none, or it was deleted.
    """
    row = await _locked(connection, workflow_id)
    definition = await _definition(connection, workflow_id, row.current_revision)
    if not definition.tasks:
        raise NoTask
    await _check(connection, definition, check)
    await _change(connection, workflow_id, is_on=True)
    await keep_schedule(connection, workflow_id, definition, is_on=True)
    await audit(
        connection,
        "workflow",
        "turned on",
        (workflow_id, row.name),
        before={"on": row.is_on},
        after={"on": True},
    )


async def turn_off(connection: AsyncConnection, workflow_id: str) -> None:
    """Have no event start it. Its runs are held, each when it is due next; nothing more is sent.

    Raises:
        NoSuchWorkflow: there is none, or it was deleted.
    """
    row = await _locked(connection, workflow_id)
    await _change(connection, workflow_id, is_on=False)
    await keep_schedule(
        connection, workflow_id, await _definition(connection, workflow_id, row.current_revision), is_on=False
    )
    await audit(
        connection,
        "workflow",
        "turned off",
        (workflow_id, row.name),
        before={"on": row.is_on},
        after={"on": False},
    )


async def delete_workflow(connection: AsyncConnection, workflow_id: str) -> None:
    """Delete a workflow: it starts nothing, its runs that wait are cancelled, its JSON event's address is no more.

    Its runs stay in run history, under the name *Deleted Workflow*.

    Raises:
        NoSuchWorkflow: there is none, or it was deleted before.
    """
    row = await _locked(connection, workflow_id)
    definition = await _definition(connection, workflow_id, row.current_revision)
    await _change(connection, workflow_id, is_on=False, deleted_at=func.now())
    await keep_schedule(connection, workflow_id, definition, is_on=False)
    await connection.execute(text(WAKE_ALL), {"workflow_id": workflow_id})
    if isinstance(definition.event, JsonEvent):
        await drop_unused_endpoint(connection, definition.event.endpoint)
    before: dict[str, Value] = {"on": row.is_on, "revision": row.current_revision}
    await audit(connection, "workflow", "deleted", (workflow_id, row.name), before=before)


async def _locked(
    connection: AsyncConnection, workflow_id: str
) -> Row[bool, int, str, str | None, str | None]:
    """The workflow's switch, revision, name, owner and survey; nobody else changes it until this transaction ends."""
    table = tables.workflow
    found = await connection.execute(
        select(table.c.is_on, table.c.current_revision, table.c.name, table.c.owner_id, table.c.survey_id)
        .where(table.c.id == workflow_id, table.c.deleted_at.is_(None))
        .with_for_update()
    )
    row = found.one_or_none()
    if row is None:
        raise NoSuchWorkflow(f"There is no workflow {workflow_id}, or it was deleted.")
    return row


async def _refuse_late(connection: AsyncConnection, workflow_id: str, current: int) -> NoReturn:
    revision, person = tables.workflow_revision, tables.person
    found = await connection.execute(
        select(person.c.name, revision.c.created_at)
        .select_from(revision.outerjoin(person, person.c.id == revision.c.person_id))
        .where(revision.c.workflow_id == workflow_id, revision.c.number == current)
    )
    name, at = found.one()
    raise EditConflict(current, name, at)


async def _definition(connection: AsyncConnection, workflow_id: str, number: int) -> Definition:
    table = tables.workflow_revision
    found = await connection.scalar(
        select(table.c.definition).where(table.c.workflow_id == workflow_id, table.c.number == number)
    )
    if found is None:
        raise NoSuchWorkflow(f"There is no revision {number} of the workflow {workflow_id}.")
    return msgspec.convert(found, Definition)


async def _add_revision(
    connection: AsyncConnection,
    workflow_id: str,
    number: int,
    definition: Definition,
    *,
    person_id: str | None,
    restored_from: int | None = None,
) -> None:
    await connection.execute(
        insert(tables.workflow_revision).values(
            workflow_id=workflow_id,
            number=number,
            definition=msgspec.to_builtins(definition),
            person_id=person_id,
            restored_from=restored_from,
        )
    )


async def _change(connection: AsyncConnection, workflow_id: str, **values: object) -> None:
    await connection.execute(
        update(tables.workflow).where(tables.workflow.c.id == workflow_id).values(**values)
    )


async def _check(connection: AsyncConnection, definition: Definition, check: Check | None) -> None:
    mistakes = await check(connection, definition) if check is not None else ()
    if mistakes:
        raise InvalidDefinition(mistakes)


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise ConfigurationError(
            _("A workflow's name has 1 to %(longest_name)s characters.", longest_name=LONGEST_NAME)
        )
    return name


async def _names(connection: AsyncConnection, definition: Definition) -> dict[str, str]:
    """What the survey or the account is called that the workflow starts with, by its id."""
    match definition.event:
        case ConversationClosed(account=wanted):
            table = tables.connected_account
        case SurveyResponse(survey=wanted):
            table = tables.survey
        case _:
            return {}
    rows = await connection.execute(select(table.c.id, table.c.name).where(table.c.id == wanted))
    return {row.id: row.name for row in rows}


def _survey_of(definition: Definition) -> str | None:
    event = definition.event
    return event.survey if isinstance(event, SurveyResponse) and event.account is None else None
