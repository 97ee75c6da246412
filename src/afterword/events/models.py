"""What an event is."""

from datetime import datetime
from typing import Literal

import msgspec

from afterword.translating import N_
from afterword.translating import gettext as _

JSON_EVENT = N_("JSON Event")
SURVEY_RESPONSE = N_("Survey Response")
SCHEDULE = N_("Schedule")
WEBHOOK_OFF = N_("Webhook off")
WEBHOOK_BACK = N_("Webhook back")
"""Events of ours that tell how a vendor's webhook is; they start nothing."""

FoundIn = Literal["events", "report", "export"]
"""Where an event of Gladly's was found that did not come by webhook: its list of the last day's events, its report of
conversations' timestamps, the files of its export.
"""

RESPONSES = frozenset(
    {
        N_("Survey Response: updated"),
        N_("Survey Response: partial"),
        N_("Survey Response: imported"),
        N_("Survey Response: preview"),
        N_("Survey Response: test"),
    }
)
"""The types of events that tell of Responses which were not just *created*; here to be translated."""

ResponseKind = Literal["created", "updated", "partial", "imported", "preview", "test"]
"""How a Response came to be; the boxes that a workflow's event has."""


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a door hands it over.

    ``origin`` tells where it came in (see :func:`gladly_origin` and its neighbours); ``type`` is the vendor's own word
    for it. ``deduplication_key`` is what makes a second delivery the same event, within ``repeat_window`` seconds of
    the first (``None``: for ever). ``body`` is kept as it was received.
    """

    origin: str
    type: str
    body: str
    deduplication_key: bytes | None = None
    repeat_window: int | None = None
    conversation_id: str | None = None
    occurred_at: datetime | None = None


def where_found(found_in: FoundIn) -> str:
    """Where an event was found, in words."""
    words: dict[FoundIn, str] = {
        "events": _("Gladly's list of events"),
        "report": _("Gladly's report of conversations"),
        "export": _("Gladly's export"),
    }
    return words[found_in]


def how_found(found_in: FoundIn | None, backfill_id: int | None) -> str:
    """How an event was found, in words; empty for one that was delivered."""
    if found_in is None:
        return ""
    where = where_found(found_in)
    if backfill_id is None:
        return _("found in %(where)s", where=where)
    return _("found in %(where)s by backfill %(number)s", where=where, number=backfill_id)


def gladly_origin(account_id: str) -> str:
    """The origin of what a connected Gladly account sends."""
    return f"gladly/{account_id}"


def gladly_account_of(origin: str) -> str:
    """The connected Gladly account whose origin this is; empty for an origin of another kind."""
    kind, _, account_id = origin.partition("/")
    return account_id if kind == "gladly" else ""


def json_event_origin(endpoint_id: str) -> str:
    """The origin of what arrives at a JSON Event endpoint, which is one workflow's own."""
    return f"json-event/{endpoint_id}"


def survey_origin(survey_id: str, account_id: str | None = None) -> str:
    """The origin of a survey's responses; ``account_id`` names the connected Qualtrics account that it is in."""
    return f"survey/{survey_id}" if account_id is None else f"qualtrics/{account_id}/{survey_id}"


def schedule_origin(workflow_id: str) -> str:
    """The origin of a scheduled workflow's times."""
    return f"schedule/{workflow_id}"


def survey_response_type(kind: ResponseKind) -> str:
    """The type of the event that tells of a Response of this kind: ``Survey Response``, ``Survey Response: partial``.

    The kind stands in the type so that matching knows it without a look into the body. A response that was *created*
    has the plain type, as all had before there were kinds.
    """
    return SURVEY_RESPONSE if kind == "created" else f"{SURVEY_RESPONSE}: {kind}"


def response_kind(event_type: str) -> str:
    """The kind of Response that an event of this type tells of."""
    return event_type.partition(": ")[2] or "created"


def response_key(response_id: str, kind: ResponseKind, change: str = "") -> bytes:
    """The deduplication key of the event that tells of a response; one that was *created* has the response's id.

    ``change`` tells changes of one response apart, where they are known by more than their time.
    """
    return "/".join(filter(None, (response_id, "" if kind == "created" else kind, change))).encode()


def response_keys(response_id: str) -> tuple[bytes, bytes, bytes]:
    """The keys of all events that may tell of a response: the first, and those from the second to before the third."""
    return response_id.encode(), f"{response_id}/".encode(), f"{response_id}0".encode()


def response_of_key(key: bytes) -> str:
    """The id of the response that an event with this key tells of."""
    return bytes(key).decode(errors="replace").partition("/")[0]


def senders_key(idempotency_key: str) -> bytes:
    """The deduplication key of an event whose sender said by ``Idempotency-Key`` what is the same."""
    return b"key:" + idempotency_key.encode()
