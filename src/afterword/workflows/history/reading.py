"""Run history: what happened, read for pages, for the command line and as JSON.

Each function is a fixed few queries, whatever the number of runs, and each query reads little, whatever is asked for
(``run_filters.py``, ``run_search.py``). Listings go from the newest downwards and page by id. What is answered stands
in ``models.py``; what of it is personal data, in ``personal.py``.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import RowMapping, Select, Subquery, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.workflows.definitions import Definition
from afterword.workflows.history.concerned import named_by
from afterword.workflows.history.concerned_rows import concerned_columns, concerned_in, with_respondent
from afterword.workflows.history.models import (
    ALL_RUNS,
    EventTold,
    Named,
    RunFilters,
    RunHistory,
    RunPage,
    RunSummary,
)
from afterword.workflows.history.personal import (
    history_without_personal_data,
    run_without_personal_data,
)
from afterword.workflows.history.run_filters import Asked, Found, filter_runs
from afterword.workflows.history.run_ranges import LARGEST_ID, bounds_of, workflows_meant
from afterword.workflows.history.run_search import search_runs
from afterword.workflows.history.run_told import read_evaluation, tell_tasks
from afterword.workflows.history.search_words import read_search
from afterword.workflows.running.moves import End


async def list_runs(
    connection: AsyncConnection,
    filters: RunFilters = ALL_RUNS,
    *,
    before_id: int | None = None,
    limit: int = 50,
    personal: bool = True,
) -> RunPage:
    """The newest runs that the filters fit, or the newest of those older than ``before_id``.

    Without ``personal`` no name and no address is told, and nothing is found by one.

    Raises:
        InvalidSearch: what was typed cannot be searched for.
    """
    found = await _find(connection, filters, before_id, limit + 1, personal=personal)
    shown = found.ids[:limit]
    runs = await _summaries_of(connection, shown)
    return RunPage(
        tuple(runs if personal else map(run_without_personal_data, runs)),
        shown[-1] if shown and len(found.ids) > limit else found.horizon,
    )


async def _find(
    connection: AsyncConnection, filters: RunFilters, before_id: int | None, limit: int, *, personal: bool
) -> Found:
    search = read_search(filters.search)
    asked = Asked(
        filters,
        await workflows_meant(connection, filters),
        await bounds_of(connection, filters, before_id),
        limit,
    )
    if search is None:
        return await filter_runs(connection, asked)
    return await search_runs(connection, search, asked, personal=personal)


async def get_run(connection: AsyncConnection, run_id: int, *, personal: bool = True) -> RunHistory | None:
    """One run with its event, its tasks and their attempts; ``None`` when there is none."""
    if not 0 < run_id <= LARGEST_ID:
        return None
    runs = await _summaries_of(connection, [run_id])
    if not runs:
        return None
    run, table = runs[0], tables.run
    row = (
        await connection.execute(
            select(
                table.c.ends, table.c.evaluation, table.c.reason_values, tables.workflow_revision.c.definition
            )
            .outerjoin(
                tables.workflow_revision,
                (tables.workflow_revision.c.workflow_id == table.c.workflow_id)
                & (tables.workflow_revision.c.number == table.c.revision),
            )
            .where(table.c.id == run_id)
        )
    ).one()
    definition = None if row.definition is None else msgspec.convert(row.definition, Definition)
    ends = msgspec.convert(row.ends, dict[str, End])
    told = RunHistory(
        run=run,
        reason_values=row.reason_values or {},
        evaluation=read_evaluation(row.evaluation),
        event=await _event(connection, run.event_id),
        tasks=tell_tasks(run, ends, definition, await _attempts(connection, run_id)),
        in_test=definition is not None and definition.brakes.in_test,
    )
    return told if personal else history_without_personal_data(told)


async def _event(connection: AsyncConnection, event_id: int) -> EventTold | None:
    columns = [tables.event.c[name] for name in EventTold.__struct_fields__]
    found = await connection.execute(select(*columns).where(tables.event.c.id == event_id))
    row = found.mappings().one_or_none()
    return None if row is None else EventTold(**row)


async def _attempts(connection: AsyncConnection, run_id: int) -> list[RowMapping]:
    attempt = tables.task_attempt
    found = await connection.execute(select(attempt).where(attempt.c.run_id == run_id).order_by(attempt.c.id))
    return list(found.mappings())


async def list_workflow_names(connection: AsyncConnection) -> list[Named]:
    """Every workflow by name, for choosing one."""
    rows = await connection.execute(
        select(tables.workflow.c.id, tables.workflow.c.name).order_by(func.lower(tables.workflow.c.name))
    )
    return [Named(row.id, row.name) for row in rows]


async def list_survey_names(connection: AsyncConnection) -> list[Named]:
    """Every survey by name, for choosing one."""
    rows = await connection.execute(
        select(tables.survey.c.id, tables.survey.c.name).order_by(func.lower(tables.survey.c.name))
    )
    return [Named(row.id, row.name) for row in rows]


RUN_COLUMNS = (
    "id",
    "workflow_id",
    "revision",
    "status",
    "reason_code",
    "event_id",
    "started_at",
    "finished_at",
    "due_at",
    "waiting_for",
    "held_since",
    "problem_id",
    "replays",
)


async def _summaries_of(connection: AsyncConnection, run_ids: Sequence[int]) -> list[RunSummary]:
    if not run_ids:
        return []
    page = select(tables.run).where(tables.run.c.id.in_(run_ids)).subquery("page")
    return [_summary(row) for row in (await connection.execute(_summaries(page))).mappings()]


def _summaries(page: Subquery) -> Select[Any]:
    """The runs of a page, each with its workflow and whom its event is about."""
    workflow, revision, event = tables.workflow, tables.workflow_revision, tables.event
    runs = (
        page.outerjoin(workflow, workflow.c.id == page.c.workflow_id)
        .outerjoin(
            revision, (revision.c.workflow_id == page.c.workflow_id) & (revision.c.number == page.c.revision)
        )
        .outerjoin(event, event.c.id == page.c.event_id)
    )
    return (
        select(
            *(page.c[name] for name in RUN_COLUMNS),
            page.c.reason_words.label("reason"),
            page.c.outputs,
            page.c.customer_id,
            page.c.position.label("tasks_done"),
            workflow.c.name.label("workflow"),
            func.jsonb_array_length(revision.c.definition["tasks"]).label("tasks"),
            event.c.type.label("event_type"),
            event.c.origin.label("event_origin"),
            func.coalesce(page.c.conversation_id, event.c.conversation_id).label("conversation_id"),
            *concerned_columns(event),
        )
        .select_from(with_respondent(runs, event))
        .order_by(page.c.id.desc())
    )


def _summary(row: RowMapping) -> RunSummary:
    about = named_by(row["outputs"], concerned_in(row["event_origin"], row))
    finished_at = row["finished_at"]
    customer = about.customer
    if not customer.id and row["customer_id"]:
        customer = msgspec.structs.replace(customer, id=row["customer_id"])
    return RunSummary(
        **{name: row[name] for name in RUN_COLUMNS},
        reason=row["reason"],
        workflow=row["workflow"],
        event_type=row["event_type"],
        event_origin=row["event_origin"],
        tasks_done=row["tasks_done"],
        tasks=row["tasks"],
        customer=customer,
        conversation_id=about.conversation_id,
        duration_seconds=None if finished_at is None else (finished_at - row["started_at"]).total_seconds(),
    )
