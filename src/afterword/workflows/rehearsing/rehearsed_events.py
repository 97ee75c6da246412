"""The events that a rehearsal is made with: one that came, or one that somebody pasted."""

import json
from datetime import datetime

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.gladly import webhooks
from afterword.piped_text.json_mistakes import json_mistake
from afterword.store import tables
from afterword.surveys.models import SurveyResponseTold
from afterword.translating import gettext as _
from afterword.workflows.definitions import ConversationClosed, Event, Schedule, SurveyResponse
from afterword.workflows.rehearsing.rehearsal import PastEvent
from afterword.workflows.starting.matching import (
    KIND_NOT_TICKED,
    NO_WORKFLOW,
    WORKFLOW_HAD_NO_TASK,
    WORKFLOW_WAS_OFF,
)
from afterword.workflows.starting.starters import origin_of

LONGEST_BODY = 256 * 1024
"""Bytes; more than a webhook or a JSON event may have."""
LARGEST_ID = 2**63 - 1
OFFERED = 20

KEPT = (NO_WORKFLOW.code, WORKFLOW_WAS_OFF.code, WORKFLOW_HAD_NO_TASK.code, KIND_NOT_TICKED)
"""Why events are kept that started nothing; an index holds just these."""


class InvalidBody(ValueError):
    """A pasted event that cannot be used; the message says what is wrong and where.

    ``line`` and ``column``, from 1, tell the place in a text that is no JSON.
    """

    def __init__(self, words: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(words)
        self.line = line
        self.column = column


class OfferedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A recent event to choose for a rehearsal; ``run_id`` is the run that it started, if it did, with its status."""

    id: int
    type: str
    received_at: datetime
    conversation_id: str | None
    status: str
    run_id: int | None
    run_status: str | None


def pasted(wanted: Event, text: str) -> PastEvent:
    """Make an event of a text, which has to be such as the workflow starts with.

    Raises:
        InvalidBody: it is too long, no JSON, or lacks what such an event has.
    """
    if not text.strip():
        raise InvalidBody(_("there is nothing; paste the body of an event, as JSON"))
    if len(text.encode(errors="replace")) > LONGEST_BODY:
        raise InvalidBody(
            _("it is longer than %(most)s KB, more than an event may have", most=LONGEST_BODY // 1024)
        )
    document = _json(text)
    if not isinstance(document, dict):
        raise InvalidBody(_("the top level is to be an object, {…}"))
    _check_kind(wanted, text, document)
    return PastEvent(body=text)


def _json(text: str) -> object:
    """Python's own reader tells line and column of a mistake; msgspec's answer to a text is the one that counts."""
    try:
        json.loads(text)
        return msgspec.json.decode(text.encode())
    except json.JSONDecodeError as error:
        words = _("it is not JSON: %(why)s", why=json_mistake(error))
        raise InvalidBody(words, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise InvalidBody(_("it is nested too deep")) from None
    except (msgspec.MsgspecError, UnicodeError, ValueError) as error:
        raise InvalidBody(_("it is not JSON that an event may be: %(why)s", why=error)) from None


def _check_kind(wanted: Event, text: str, document: dict[str, object]) -> None:
    try:
        match wanted:
            case ConversationClosed():
                webhooks.parse(text.encode())
            case SurveyResponse():
                msgspec.convert(document, SurveyResponseTold)
            case Schedule():
                msgspec.convert(document, dict[str, str])
            case _:
                pass
    except webhooks.InvalidWebhook as error:
        raise InvalidBody(
            _("it is not what Gladly sends when a Conversation is closed: %(why)s", why=error)
        ) from None
    except msgspec.ValidationError as error:
        raise InvalidBody(_("it is not such an event: %(why)s", why=error)) from None


async def find_past_event(connection: AsyncConnection, event_id: int) -> PastEvent | None:
    """The event of this number; ``None`` when there is none."""
    if not 0 < event_id <= LARGEST_ID:
        return None
    event = tables.event
    columns = (event.c.id, event.c.origin, event.c.type, event.c.body)
    row = (await connection.execute(select(*columns).where(event.c.id == event_id))).one_or_none()
    return None if row is None else PastEvent(id=row.id, origin=row.origin, type=row.type, body=row.body)


async def offered_events(connection: AsyncConnection, workflow_id: str, wanted: Event) -> list[OfferedEvent]:
    """The newest events that started this workflow, and those that would have, had it been on. One query."""
    event, run = tables.event, tables.run
    of_runs = (
        select(run.c.event_id)
        .where(run.c.workflow_id == workflow_id)
        .order_by(run.c.id.desc())
        .limit(OFFERED)
    ).subquery()
    kept = (
        select(event.c.id)
        .where(
            event.c.origin == origin_of(workflow_id, wanted),
            event.c.status == "ignored",
            event.c.reason_code.in_(KEPT),
        )
        .order_by(event.c.id.desc())
        .limit(OFFERED)
    ).subquery()
    query = (
        select(
            event.c.id,
            event.c.type,
            event.c.received_at,
            event.c.conversation_id,
            event.c.status,
            run.c.id.label("run_id"),
            run.c.status.label("run_status"),
        )
        .outerjoin(run, (run.c.event_id == event.c.id) & (run.c.workflow_id == workflow_id))
        .where(or_(event.c.id.in_(select(of_runs.c.event_id)), event.c.id.in_(select(kept.c.id))))
        .order_by(event.c.id.desc())
        .limit(OFFERED)
    )
    return [OfferedEvent(**row) for row in (await connection.execute(query)).mappings()]
