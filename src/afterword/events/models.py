"""What an event is."""

from datetime import datetime

import msgspec

JSON_EVENT = "JSON Event"
SURVEY_RESPONSE = "Survey Response"
SCHEDULE = "Schedule"


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


def gladly_origin(account_id: str) -> str:
    """The origin of what a connected Gladly account sends."""
    return f"gladly/{account_id}"


def json_event_origin(endpoint_id: str) -> str:
    """The origin of what arrives at a JSON Event endpoint, which is one workflow's own."""
    return f"json-event/{endpoint_id}"


def survey_origin(survey_id: str, account_id: str | None = None) -> str:
    """The origin of a survey's responses; ``account_id`` names the connected Qualtrics account that it is in."""
    return f"survey/{survey_id}" if account_id is None else f"qualtrics/{account_id}/{survey_id}"


def schedule_origin(workflow_id: str) -> str:
    """The origin of a scheduled workflow's times."""
    return f"schedule/{workflow_id}"
