"""The guide's checks after a try: what became of the newest closing, from the closing to the card on the Timeline."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.eligibility.customer_rules import NO_EMAIL
from afterword.sending.checking import IN_TEST
from afterword.store import tables
from afterword.translating import N_

LOOKED_AT = 20
"""Runs, from the newest on: more than that of other Customers' closings between two looks is no quiet test."""
ADDRESS_FIELD = "customerEmailAddress"

LAST_ENDS = """
SELECT wanted.workflow_id, last.* FROM unnest(CAST(:workflow_ids AS text[])) AS wanted (workflow_id)
JOIN LATERAL (
    SELECT newest.* FROM (
        SELECT id, status, reason_words, started_at, finished_at FROM run WHERE workflow_id = wanted.workflow_id
        ORDER BY id DESC LIMIT :looked_at
    ) AS newest
    WHERE newest.status IN ('succeeded', 'failed') ORDER BY newest.id DESC LIMIT 1
) AS last ON true
"""

State = Literal["open", "works", "waits", "broken"]


class TriedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A Run of a try, as far as the checks go by it."""

    id: int
    workflow_id: str
    status: str
    conversation_id: str | None
    reason_code: str | None
    reason_words: str | None
    outputs: Mapping[str, Any]
    started_at: datetime

    @property
    def address(self) -> str:
        """The Customer's email address, where a Task found it."""
        found = (output.get(ADDRESS_FIELD) for output in self.outputs.values() if isinstance(output, Mapping))
        return next((str(one) for one in found if one), "")


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be seen: ``because`` says what keeps it, ``run_id`` is where to look."""

    words: str
    state: State = "open"
    because: str = ""
    run_id: int | None = None


async def read_trial(
    connection: AsyncConnection, tell_id: str, others: Sequence[str]
) -> tuple[TriedRun | None, dict[str, TriedRun]]:
    """The newest Run that tells of a closing of whoever may be written to, and what followed of it, by Workflow."""
    run = tables.run
    newest = _runs().where(run.c.workflow_id == tell_id).order_by(run.c.id.desc()).limit(LOOKED_AT)
    seen = [_tried(row) for row in await connection.execute(newest)]
    tell = next((one for one in seen if one.reason_code != IN_TEST.code), None)
    if tell is None or tell.conversation_id is None:
        return tell, {}
    followed = (
        _runs()
        .where(
            run.c.conversation_id == tell.conversation_id, run.c.workflow_id.in_(others), run.c.id >= tell.id
        )
        .order_by(run.c.id)
    )
    return tell, {one.workflow_id: one for one in map(_tried, await connection.execute(followed))}


class LastEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How the newest Run of a Workflow ended that succeeded or failed; others say nothing of whether it works."""

    run_id: int
    status: str
    reason_words: str | None
    at: datetime


async def read_last_ends(connection: AsyncConnection, workflow_ids: Sequence[str]) -> dict[str, LastEnd]:
    """The last end of each Workflow that has one among its newest Runs."""
    rows = await connection.execute(
        text(LAST_ENDS), {"workflow_ids": list(workflow_ids), "looked_at": LOOKED_AT}
    )
    return {
        row.workflow_id: LastEnd(
            run_id=row.id,
            status=row.status,
            reason_words=row.reason_words,
            at=row.finished_at or row.started_at,
        )
        for row in rows
    }


def checks_of(
    tell: TriedRun | None, ask: TriedRun | None, answer: TriedRun | None, *, asks_itself: bool
) -> tuple[Check, ...]:
    """The guide's three checks, and its second part: answered, and on the Timeline. Pure.

    ``asks_itself`` is false where a real Qualtrics sends the mail, of which nothing is seen from here.
    """
    mailed = Check(words=N_("The mail was delivered"))
    if not asks_itself:
        mailed = Check(
            words=N_("The mail was delivered"), because=N_("Qualtrics sends it: look into the mailbox")
        )
    elif tell is not None and tell.status == "succeeded":
        mailed = _ended(mailed, ask)
    return (
        _address_check(tell),
        _ended(Check(words=N_("The JSON event was sent")), tell),
        mailed,
        Check(
            words=N_("The survey was answered"),
            state="open" if answer is None else "works",
            run_id=None if answer is None else answer.id,
        ),
        _ended(Check(words=N_("The answer stands on the Customer's Timeline")), answer),
    )


def _address_check(tell: TriedRun | None) -> Check:
    check = Check(words=N_("The Customer has an email address"))
    if tell is None:
        return check
    if tell.address:
        return _changed(check, "works", tell)
    if tell.reason_code == NO_EMAIL.code or tell.status == "succeeded":
        because = tell.reason_words or N_("there is none in the Customer's profile")
        return _changed(check, "broken", tell, because)
    return check


def _ended(check: Check, run: TriedRun | None) -> Check:
    if run is None:
        return check
    if run.status == "succeeded":
        return _changed(check, "works", run)
    if run.status in {"failed", "skipped", "cancelled"}:
        return _changed(check, "broken", run, run.reason_words or run.status)
    return _changed(check, "waits", run, run.reason_words or N_("it is under way"))


def _changed(check: Check, state: State, run: TriedRun, because: str = "") -> Check:
    return msgspec.structs.replace(check, state=state, because=because, run_id=run.id)


def _runs() -> Any:
    return select(*(tables.run.c[name] for name in TriedRun.__struct_fields__))


def _tried(row: Row[Any]) -> TriedRun:
    return TriedRun(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
