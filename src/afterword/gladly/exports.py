"""Gladly's export jobs: their files, JSON lines, of which the changes of conversations' states are read."""

from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from afterword.gladly.models import ConversationMoment, Participant
from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED
from afterword.translating import N_

ITEMS_FILE = "conversation_items.jsonl"
STATUS_CHANGE = "CONVERSATION_STATUS_CHANGE"
EVENT_OF_STATUS = {"CLOSED": CONVERSATION_CLOSED, "OPEN": CONVERSATION_REOPENED}
"""Whether an item tells of the opening at a conversation's beginning is unsure; it would read as a reopening."""


T = TypeVar("T")


class InvalidExport(ValueError):
    """A line of an exported file is not what Gladly documents; the message names the field, never its value."""


class ExportParameters(msgspec.Struct, frozen=True, rename="camel"):
    """What a job exports: ``type`` CONVERSATIONS, of a time."""

    type: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None


class ExportJob(msgspec.Struct, frozen=True, rename="camel"):
    """An export job; Gladly makes them by schedule and keeps them for 14 days.

    ``status`` is PENDING, IN_PROGRESS, COMPLETED or FAILED, or whatever Gladly adds; ``files`` are names.
    """

    id: str
    status: str | None = None
    updated_at: datetime | None = None
    parameters: ExportParameters | None = None
    files: list[str] | None = None


class _StatusChange(msgspec.Struct, frozen=True):
    status: str


class _Item(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    timestamp: Annotated[datetime, Meta(tz=True)]
    content: _StatusChange
    customer_id: str | None = None
    conversation_id: str | None = None
    initiator: Participant | None = None


class _ContentType(msgspec.Struct, frozen=True):
    type: str | None = None


class _Typed(msgspec.Struct, frozen=True):
    content: _ContentType


def read_status_change(line: bytes) -> ConversationMoment | None:
    """What a line of ``conversation_items.jsonl`` tells of a conversation closed or reopened; of anything else nothing.

    Raises:
        InvalidExport: it tells of such, and not in the documented form.
    """
    if STATUS_CHANGE.encode() not in line or _decode(line, _Typed).content.type != STATUS_CHANGE:
        return None
    item = _decode(line, _Item)
    kind = EVENT_OF_STATUS.get(item.content.status)
    if kind is None:
        return None
    if not item.conversation_id:
        raise InvalidExport(N_("conversationId is missing"))
    initiator = item.initiator or Participant()
    return ConversationMoment(
        at=item.timestamp,
        type=kind,
        conversation_id=item.conversation_id,
        customer_id=item.customer_id,
        initiator_type=initiator.type,
        initiator_id=initiator.id,
        item_id=item.id,
    )


def _decode(line: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        words = str(error) if isinstance(error, msgspec.ValidationError) else N_("it is not JSON")
        raise InvalidExport(words) from None
