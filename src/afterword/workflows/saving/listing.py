"""Workflows and their revisions as they are listed and looked at."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.workflows.definitions import Definition
from afterword.workflows.naming import event_words
from afterword.workflows.saving.refusals import NoSuchWorkflow

EventType = Literal["gladly-conversation-closed", "json-event", "survey-response", "schedule"]
DELETED = "Deleted Workflow"
"""What run history calls a workflow that is no more."""


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow as of its current revision; ``changed_at`` is when that was saved, ``owner`` the owner's name."""

    id: str
    name: str
    is_on: bool
    owner_id: str | None
    owner: str | None
    survey_id: str | None
    event: str
    """The event in words; its particulars stand in ``definition``."""
    revision: int
    definition: Definition
    created_at: datetime
    changed_at: datetime


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A revision of a workflow; ``person`` is the name of who saved it, where it is known."""

    number: int
    definition: Definition
    person_id: str | None
    person: str | None
    restored_from: int | None
    created_at: datetime


class WorkflowFilters(msgspec.Struct, frozen=True, kw_only=True):
    """What workflows are wanted; ``name`` is a part of it, in any case."""

    survey_id: str | None = None
    owner_id: str | None = None
    is_on: bool | None = None
    event: EventType | None = None
    name: str | None = None


ALL = WorkflowFilters()


async def list_workflows(
    connection: AsyncConnection,
    filters: WorkflowFilters = ALL,
    *,
    after: str | None = None,
    limit: int = 1000,
) -> list[Workflow]:
    """The workflows there are, by name; one that belongs to a survey is listed here and under it.

    ``after`` is the id of one: those are listed that come after it.
    """
    workflow, revision = tables.workflow, tables.workflow_revision
    chosen = _workflows().order_by(func.lower(workflow.c.name), workflow.c.id).limit(limit)
    if after is not None:
        last = workflow.alias("last")
        chosen = chosen.join_from(workflow, last, last.c.id == after).where(
            tuple_(func.lower(workflow.c.name), workflow.c.id) > tuple_(func.lower(last.c.name), last.c.id)
        )
    if filters.survey_id is not None:
        chosen = chosen.where(workflow.c.survey_id == filters.survey_id)
    if filters.owner_id is not None:
        chosen = chosen.where(workflow.c.owner_id == filters.owner_id)
    if filters.is_on is not None:
        chosen = chosen.where(workflow.c.is_on.is_(filters.is_on))
    if filters.event is not None:
        chosen = chosen.where(revision.c.definition["event"]["type"].astext == filters.event)
    if filters.name is not None:
        chosen = chosen.where(workflow.c.name.icontains(filters.name, autoescape=True))
    return [_workflow(row) for row in await connection.execute(chosen)]


async def get_workflow(connection: AsyncConnection, workflow_id: str) -> Workflow:
    """One workflow.

    Raises:
        NoSuchWorkflow: there is none, or it was deleted.
    """
    found = await connection.execute(_workflows().where(tables.workflow.c.id == workflow_id))
    row = found.one_or_none()
    if row is None:
        raise NoSuchWorkflow(f"There is no workflow {workflow_id}, or it was deleted.")
    return _workflow(row)


async def get_deleted_workflow(connection: AsyncConnection, workflow_id: str) -> Workflow:
    """A workflow that was deleted, as it was then.

    Raises:
        NoSuchWorkflow: there is none that was deleted.
    """
    found = await connection.execute(_workflows(deleted=True).where(tables.workflow.c.id == workflow_id))
    row = found.one_or_none()
    if row is None:
        raise NoSuchWorkflow(f"No workflow {workflow_id} was deleted.")
    return _workflow(row)


async def list_revisions(
    connection: AsyncConnection, workflow_id: str, *, before: int | None = None, limit: int | None = None
) -> list[Revision]:
    """The revisions of a workflow, the newest first: all, or ``limit`` of them, from the one before ``before`` on."""
    table = tables.workflow_revision
    chosen = _revisions().where(table.c.workflow_id == workflow_id).order_by(table.c.number.desc())
    chosen = chosen.limit(limit) if before is None else chosen.where(table.c.number < before).limit(limit)
    return [_revision(row) for row in await connection.execute(chosen)]


async def count_unfinished(connection: AsyncConnection, workflow_id: str) -> int:
    """How many of a workflow's runs are under way or wait."""
    run = tables.run
    unfinished = run.c.status.in_(("running", "waiting"))
    counted = select(func.count()).where(run.c.workflow_id == workflow_id, unfinished)
    return int(await connection.scalar(counted) or 0)


async def get_revisions(
    connection: AsyncConnection, workflow_id: str, numbers: Sequence[int]
) -> dict[int, Revision]:
    """Some revisions of a workflow, by number.

    Raises:
        NoSuchWorkflow: one of them is not there.
    """
    table = tables.workflow_revision
    chosen = _revisions().where(table.c.workflow_id == workflow_id, table.c.number.in_(numbers))
    found = {row.number: _revision(row) for row in await connection.execute(chosen)}
    if missing := set(numbers) - set(found):
        raise NoSuchWorkflow(f"There is no revision {min(missing)} of the workflow {workflow_id}.")
    return found


async def asks_customers(connection: AsyncConnection) -> bool:
    """Whether a closed conversation starts a workflow: one that is on, and in test no more."""
    workflow, definition = tables.workflow, tables.workflow_revision.c.definition
    event: EventType = "gladly-conversation-closed"
    asking = _workflows().where(
        workflow.c.is_on,
        definition["event"]["type"].astext == event,
        definition["brakes"]["in_test"].astext.is_distinct_from("true"),
    )
    return bool(await connection.scalar(select(asking.exists())))


def _workflows(*, deleted: bool = False) -> Select[Any]:
    workflow, revision, person = tables.workflow, tables.workflow_revision, tables.person
    current = (revision.c.workflow_id == workflow.c.id) & (revision.c.number == workflow.c.current_revision)
    return (
        select(
            workflow.c.id,
            workflow.c.name,
            workflow.c.is_on,
            workflow.c.owner_id,
            person.c.name.label("owner"),
            workflow.c.survey_id,
            revision.c.number.label("revision"),
            revision.c.definition,
            workflow.c.created_at,
            revision.c.created_at.label("changed_at"),
        )
        .select_from(workflow.join(revision, current).outerjoin(person, person.c.id == workflow.c.owner_id))
        .where(workflow.c.deleted_at.is_not(None) if deleted else workflow.c.deleted_at.is_(None))
    )


def _workflow(row: Row[Any]) -> Workflow:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    definition = msgspec.convert(values.pop("definition"), Definition)
    return Workflow(**values, definition=definition, event=event_words(definition.event))


def _revisions() -> Select[Any]:
    revision, person = tables.workflow_revision, tables.person
    return select(
        revision.c.number,
        revision.c.definition,
        revision.c.person_id,
        person.c.name.label("person"),
        revision.c.restored_from,
        revision.c.created_at,
    ).select_from(revision.outerjoin(person, person.c.id == revision.c.person_id))


def _revision(row: Row[Any]) -> Revision:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return Revision(**values | {"definition": msgspec.convert(values["definition"], Definition)})


async def find_workflow(connection: AsyncConnection, wanted: str) -> Workflow:
    """The workflow of this id, or the only one of this name, in any case.

    Raises:
        NoSuchWorkflow: there is none, or more than one of the name.
    """
    if wanted.startswith("OC_"):
        return await get_workflow(connection, wanted)
    chosen = _workflows().where(func.lower(tables.workflow.c.name) == func.lower(wanted)).limit(10)
    named = [_workflow(row) for row in await connection.execute(chosen)]
    if len(named) == 1:
        return named[0]
    if not named:
        raise NoSuchWorkflow(f"There is no workflow {wanted!r}; give its id (OC_…) or its whole name.")
    ids = ", ".join(one.id for one in named)
    raise NoSuchWorkflow(f"{len(named)} workflows are called {wanted!r}; give one of their ids: {ids}.")
