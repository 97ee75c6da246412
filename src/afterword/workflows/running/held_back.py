"""Invitations that were held because there were more than a workflow may send: seen, let go, or cancelled."""

from datetime import datetime
from typing import Any

import msgspec
import structlog
from sqlalchemy import Select, delete, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import audit
from afterword.outcomes import ConfigurationError, Reason
from afterword.sending.checking import PAUSED
from afterword.sending.hourly import held_for, let_hour_go
from afterword.sending.pausing import Pause, current_pause
from afterword.store import tables
from afterword.translating import N_
from afterword.translating import gettext as _
from afterword.workflows.running.cancelling import cancel_runs

log = structlog.get_logger()

HIDDEN = "(hidden)"
"""Stands for an address, to those who are not shown such."""

CANCELLED = Reason(
    "held-invitation-cancelled",
    N_("there were more invitations than its workflow may send, and somebody cancelled it"),
)


class HeldBack(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow of which invitations are held: how many ``runs`` wait, since when, and the limit that was reached.

    ``usual`` is how many an hour are usual, where that was what the limit is made from.
    """

    workflow_id: str
    workflow: str
    runs: int
    most: int
    usual: float | None
    since: datetime


class InTest(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow that is in test, and whom it writes to."""

    workflow_id: str
    workflow: str
    is_on: bool
    allowed: tuple[str, ...]


class SendingState(msgspec.Struct, frozen=True, kw_only=True):
    """What holds customers' mail back: the pause and how many runs wait for its end, held invitations, tests."""

    pause: Pause | None
    paused_runs: int
    held_back: tuple[HeldBack, ...]
    in_test: tuple[InTest, ...]


class NothingHeld(ConfigurationError):
    """No invitation of this workflow is held."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__(_("No invitation of the workflow %(workflow_id)s is held.", workflow_id=workflow_id))


async def sending_state(connection: AsyncConnection, *, personal: bool = True) -> SendingState:
    """How sending stands now. Without ``personal`` the addresses of allow-lists are hidden."""
    run = tables.run
    paused_runs = await connection.scalar(select(func.count()).where(run.c.waiting_for == PAUSED))
    return SendingState(
        pause=await current_pause(connection),
        paused_runs=int(paused_runs or 0),
        held_back=await list_held_back(connection),
        in_test=await _in_test(connection, personal=personal),
    )


async def list_held_back(connection: AsyncConnection) -> tuple[HeldBack, ...]:
    """The workflows of which invitations are held, the latest first."""
    hold, workflow, run = tables.sending_hold, tables.workflow, tables.run
    waiting = (
        select(func.count())
        .where(run.c.waiting_for == literal(held_for("")) + hold.c.workflow_id)
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(
            hold.c.workflow_id,
            workflow.c.name.label("workflow"),
            waiting.label("runs"),
            hold.c.most,
            hold.c.usual,
            hold.c.since,
        )
        .join(workflow, workflow.c.id == hold.c.workflow_id)
        .where(workflow.c.deleted_at.is_(None))
        .order_by(hold.c.since.desc())
    )
    return tuple(HeldBack(**row) for row in rows.mappings())


async def let_go(connection: AsyncConnection, workflow_id: str, *, by: str) -> int:
    """Let a workflow's held invitations go out, and all others of this hour; answers how many were held.

    Raises:
        NothingHeld: none is held.
    """
    runs = await _take_away(connection, workflow_id)
    await let_hour_go(connection, workflow_id)
    log.info("held_invitations_let_go", workflow=workflow_id, runs=runs, by=by)
    await _audit(connection, workflow_id, "let go", runs)
    return runs


async def cancel(connection: AsyncConnection, workflow_id: str, *, by: str) -> int:
    """Cancel a workflow's held invitations for good; answers how many. What comes on top this hour is held again.

    Raises:
        NothingHeld: none is held.
    """
    await _take_away(connection, workflow_id)
    runs = await cancel_runs(connection, _held(workflow_id), CANCELLED)
    log.info("held_invitations_cancelled", workflow=workflow_id, runs=runs, by=by)
    await _audit(connection, workflow_id, "cancelled", runs)
    return runs


async def _audit(connection: AsyncConnection, workflow_id: str, what: str, runs: int) -> None:
    name = await connection.scalar(select(tables.workflow.c.name).where(tables.workflow.c.id == workflow_id))
    await audit(connection, "sending", what, (workflow_id, name or ""), after={"invitations held": runs})


async def _take_away(connection: AsyncConnection, workflow_id: str) -> int:
    """Take away what stands in the runs' way; whoever does so first decides."""
    hold = tables.sending_hold
    taken = await connection.execute(delete(hold).where(hold.c.workflow_id == workflow_id))
    if not taken.rowcount:
        raise NothingHeld(workflow_id)
    return int(await connection.scalar(select(func.count()).select_from(_held(workflow_id).subquery())) or 0)


def _held(workflow_id: str) -> Select[Any]:
    return select(tables.run.c.id).where(tables.run.c.waiting_for == held_for(workflow_id))


async def _in_test(connection: AsyncConnection, *, personal: bool) -> tuple[InTest, ...]:
    workflow, revision = tables.workflow, tables.workflow_revision
    current = (revision.c.workflow_id == workflow.c.id) & (revision.c.number == workflow.c.current_revision)
    brakes = revision.c.definition["brakes"]
    rows = await connection.execute(
        select(workflow.c.id, workflow.c.name, workflow.c.is_on, brakes["allowed"].label("allowed"))
        .join(revision, current)
        .where(workflow.c.deleted_at.is_(None), brakes["in_test"].astext == "true")
        .order_by(func.lower(workflow.c.name))
    )
    return tuple(
        InTest(
            workflow_id=row.id,
            workflow=row.name,
            is_on=row.is_on,
            allowed=tuple(entry if personal else HIDDEN for entry in row.allowed or ()),
        )
        for row in rows
    )
