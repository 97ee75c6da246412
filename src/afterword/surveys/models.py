"""What a Response is, as it is stored and as it is told of."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from afterword.events.models import ResponseKind
from afterword.store import tables
from afterword.surveys.definitions import SurveyDefinition

Answers = Mapping[str, int | str]
"""Answers by Qualtrics' names for values: ``QID1`` is a choice's number, ``QID2_TEXT`` a text."""


class SurveyResponseTold(msgspec.Struct, frozen=True, rename="camel"):
    """The body of the event that tells of a response; its type tells the kind too (``survey_response_type``)."""

    response_id: str
    survey_id: str
    kind: ResponseKind = "created"


class Sitting(msgspec.Struct, frozen=True, kw_only=True):
    """How a survey came to be answered, as far as that is known; ``None`` is never made up later.

    ``channel`` and ``language`` are Qualtrics' words (``email``, ``EN``); ``seconds`` passed between the first sight of
    the questions and the answer. ``contact_id`` and ``mailing_list_id`` tell who was asked, ``invited_at`` when.
    """

    channel: str | None = None
    language: str | None = None
    seconds: float | None = None
    contact_id: str | None = None
    mailing_list_id: str | None = None
    invited_at: datetime | None = None


class Response(msgspec.Struct, frozen=True):
    """A response as stored; ``kind`` is a ``ResponseKind`` of events/models.py, *updated* aside.

    ``version`` counts what was answered; ``modified_at`` is when that last changed, ``None`` for never. ``finished``:
    every question was answered, or the respondent said that that is all.
    """

    id: str
    survey_id: str
    answers: dict[str, int | str]
    embedded_data: dict[str, str]
    recorded_at: datetime
    invitation_id: str | None = None
    kind: str = "created"
    channel: str | None = None
    language: str | None = None
    started_at: datetime | None = None
    version: int = 1
    modified_at: datetime | None = None
    finished: bool = True
    score: int | None = None

    def changeable_until(self, definition: SurveyDefinition) -> datetime:
        """Until when the respondent may add to it and correct it."""
        return self.recorded_at + timedelta(hours=definition.changeable_hours)

    def is_changeable(self, definition: SurveyDefinition) -> bool:
        """Whether the respondent may still change it."""
        return datetime.now(UTC) < self.changeable_until(definition)


COLUMNS = [tables.response.c[name] for name in Response.__struct_fields__]
