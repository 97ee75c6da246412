"""What a backfill would set off: which workflows would start, how many customers they would ask, and until when."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.backfill.rows import Backfill
from afterword.gladly.webhooks import CONVERSATION_CLOSED
from afterword.store import tables
from afterword.workflows.definitions import ConversationClosed, Definition
from afterword.workflows.saving.listing import Workflow, WorkflowFilters, list_workflows
from afterword.workflows.saving.whom_to_ask import whom_to_ask

EVER = datetime.min.replace(tzinfo=UTC)


class WouldStart(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow that a backfill would start.

    ``closings`` is how many Runs there would be, ``too_old`` how many of them would end at once, as nothing is sent for
    closings of so long ago (``longest_age_hours``; ``None``: however old). ``customers`` is how many would be asked at
    most: other rules, and who was asked before, are looked at when the Run comes to it.
    """

    workflow_id: str
    workflow: str
    closings: int
    too_old: int
    longest_age_hours: float | None
    customers: int


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What a backfill found and what would come of it.

    ``found`` is how much there is to record, reopenings too. ``minutes`` is about how long it takes until the last is
    asked, as Gladly is called once for each.
    """

    backfill: Backfill
    found: int
    workflows: Sequence[WouldStart]
    customers: int
    too_old: int
    minutes: float


async def workflows_by_account(connection: AsyncConnection) -> Mapping[str, Sequence[Workflow]]:
    """The workflows that are on and start with closings, by account."""
    are_on = await list_workflows(connection, WorkflowFilters(is_on=True, event="gladly-conversation-closed"))
    by_account: dict[str, list[Workflow]] = {}
    for workflow in are_on:
        event = workflow.definition.event
        if isinstance(event, ConversationClosed) and workflow.definition.tasks:
            by_account.setdefault(event.account, []).append(workflow)
    return by_account


async def outlook(connection: AsyncConnection, backfill: Backfill, *, calls_per_second: float) -> Outlook:
    """What would come of what a backfill found and has not recorded; ``calls_per_second`` is what Gladly allows."""
    workflows = (await workflows_by_account(connection)).get(backfill.account_id, ())
    found, would_start = await _would_start(connection, backfill, workflows)
    calls = sum(one.closings - one.too_old for one in would_start)
    return Outlook(
        backfill=backfill,
        found=found,
        workflows=would_start,
        customers=max((one.customers for one in would_start), default=0),
        too_old=min((one.too_old for one in would_start), default=0),
        minutes=calls / calls_per_second / 60,
    )


async def _would_start(
    connection: AsyncConnection, backfill: Backfill, workflows: Sequence[Workflow]
) -> tuple[int, list[WouldStart]]:
    """How much there is to record, and each workflow with its count; one query."""
    found = tables.backfill_found
    is_closing = found.c.type == CONVERSATION_CLOSED
    ages = [longest_age_hours(workflow.definition) for workflow in workflows]
    columns = [func.count().label("found"), func.count().filter(is_closing).label("closings")]
    for number, hours in enumerate(ages):
        since = EVER if hours is None else func.now() - timedelta(hours=hours)
        is_young = is_closing & (found.c.occurred_at >= since)
        columns.append(func.count().filter(is_young).label(f"young_{number}"))
        customers = func.count(found.c.customer_id.distinct()).filter(is_young)
        columns.append(customers.label(f"customers_{number}"))
    query = select(*columns).where(found.c.backfill_id == backfill.id)
    row = (await connection.execute(query)).mappings().one()
    return row["found"], [
        WouldStart(
            workflow_id=workflow.id,
            workflow=workflow.name,
            closings=row["closings"],
            too_old=row["closings"] - row[f"young_{number}"],
            longest_age_hours=ages[number],
            customers=row[f"customers_{number}"],
        )
        for number, workflow in enumerate(workflows)
    ]


def longest_age_hours(definition: Definition) -> float | None:
    """The age beyond which a workflow sends nothing for a closing; ``None`` where none is set."""
    wanted = whom_to_ask(definition)
    return None if wanted is None else wanted.eligibility.longest_age_hours
