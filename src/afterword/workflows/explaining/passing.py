"""Workflows that an event did not start, and why: what nothing else records, as nothing happened."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ARRAY, DateTime, RowMapping, cast, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import response_kind
from afterword.gladly.webhooks import CONVERSATION_CLOSED
from afterword.store import tables
from afterword.translating import gettext as _
from afterword.workflows.definitions import ConversationClosed, Event, SurveyResponse
from afterword.workflows.explaining.models import PassedBy
from afterword.workflows.explaining.wording import quoted
from afterword.workflows.starting.matching import is_of_its_kind
from afterword.workflows.starting.starters import origin_of

EVENTS_AT_MOST = 20
"""For so many events, the newest, it is told which workflows they passed by."""


class StartsWith(msgspec.Struct, frozen=True):
    """What a workflow starts with now, and what it started with at some moment: ``None`` before it was made.

    ``had_tasks`` is of that moment.
    """

    now: Event
    then: Event | None
    had_tasks: bool


Then = Mapping[tuple[str, datetime], StartsWith]


def newest(events: Iterable[RowMapping]) -> Sequence[RowMapping]:
    """Those events of which it is told what they passed by; what repeats another, or is not looked at yet, is not."""
    told = [event for event in events if event["status"] not in {"received", "redelivered"}]
    return sorted(told, key=lambda event: event["id"], reverse=True)[:EVENTS_AT_MOST]


async def started_with(connection: AsyncConnection, moments: Iterable[datetime]) -> Then:
    """What each workflow started with at each of these moments, by the revision that it had then. One query."""
    workflow, revision = tables.workflow, tables.workflow_revision
    asked = (
        func.unnest(cast(list(set(moments)), ARRAY(DateTime(timezone=True))))
        .table_valued("at")
        .render_derived()
    )
    now = revision.alias("now")
    then = (
        select(
            revision.c.definition["event"].label("event"),
            func.jsonb_array_length(revision.c.definition["tasks"]).label("tasks"),
        )
        .where(revision.c.workflow_id == workflow.c.id, revision.c.created_at <= asked.c.at)
        .order_by(revision.c.number.desc())
        .limit(1)
        .lateral("earlier")
    )
    query = (
        select(
            workflow.c.id,
            asked.c.at,
            now.c.definition["event"].label("now"),
            then.c.event.label("then"),
            then.c.tasks,
        )
        .select_from(
            workflow.join(
                now, (now.c.workflow_id == workflow.c.id) & (now.c.number == workflow.c.current_revision)
            )
            .join(asked, true())
            .outerjoin(then, true())
        )
        .where(workflow.c.deleted_at.is_(None))
    )
    rows = await connection.execute(query)
    return {
        (row.id, row.at): StartsWith(
            msgspec.convert(row.now, type=Event),
            None if row.then is None else msgspec.convert(row.then, type=Event),
            bool(row.tasks),
        )
        for row in rows
    }


def passed_by(
    event: RowMapping,
    workflows: Iterable[RowMapping],
    started: set[str],
    then: Then,
    accounts: Mapping[str, str],
) -> tuple[PassedBy, ...]:
    """The workflows that start with such events and did not start with this one; ``started`` are those that did."""
    told = []
    for workflow in workflows:
        starts_with = then.get((workflow["id"], event["received_at"]))
        if workflow["id"] in started or starts_with is None:
            continue
        reason = _why(event, workflow, starts_with, accounts)
        if reason is not None:
            code, words = reason
            told.append(
                PassedBy(workflow_id=workflow["id"], workflow=workflow["name"], code=code, words=words)
            )
    return tuple(told)


def _why(
    event: RowMapping, workflow: RowMapping, starts_with: StartsWith, accounts: Mapping[str, str]
) -> tuple[str, str] | None:
    """A code and words; ``None`` when nobody would expect the workflow to start with such an event."""
    kind = starts_with.then or starts_with.now
    if origin_of(workflow["id"], kind) != event["origin"]:
        return _other_account(kind, accounts) if event["type"] == CONVERSATION_CLOSED else None
    if not is_of_its_kind(kind, event["type"]):
        return _kind_not_ticked(kind, event["type"])
    if starts_with.then is None:
        return "not-there-yet", _("it was made only later")
    if not starts_with.had_tasks:
        return "no-task", _("it had no task yet")
    if not workflow["is_on"]:
        return "off", _("it is off")
    return "was-off", _("it was off when the event came; it is on now")


def _kind_not_ticked(kind: Event, event_type: str) -> tuple[str, str] | None:
    if not isinstance(kind, SurveyResponse):
        return None
    ticked = f" {_('and')} ".join(quoted(one) for one in kind.kinds) or _("none")
    words = _(
        "the Response was %(kind)s, and of its boxes %(ticked)s is ticked",
        kind=quoted(response_kind(event_type)),
        ticked=ticked,
    )
    return "kind-not-ticked", words


def _other_account(kind: Event, accounts: Mapping[str, str]) -> tuple[str, str] | None:
    if not isinstance(kind, ConversationClosed):
        return None
    account = quoted(accounts.get(kind.account, kind.account))
    return "other-account", _("it starts with Conversations of another account, %(account)s", account=account)
