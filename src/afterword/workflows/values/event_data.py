"""What an event offers to a run: fields by name, and values for piped text."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.gladly import webhooks
from afterword.outcomes import Permanent, Reason
from afterword.piped_text import Pipe, Source, dates_source, random_source
from afterword.store import tables
from afterword.store.database import Database
from afterword.surveys.definitions import get_survey
from afterword.surveys.models import Response, SurveyResponseTold
from afterword.surveys.outlines import AnsweredSurvey, answered_survey
from afterword.surveys.piped import response_source
from afterword.surveys.responses import get_response
from afterword.tasks.contract import SurveyResponseState
from afterword.translating import N_
from afterword.workflows.definitions import ConversationClosed, Event, JsonEvent, Schedule, SurveyResponse
from afterword.workflows.values.fields import extract
from afterword.workflows.values.outputs import Outputs, outputs_source

UTC_ZONE = "UTC"


class EventData(msgspec.Struct, frozen=True):
    """An event as a run sees it. ``fields`` are plain text."""

    fields: Mapping[str, str]
    sources: tuple[Source, ...]
    survey_response: SurveyResponseState | None = None

    @property
    def survey_response_id(self) -> str | None:
        """The id of the Response that the event tells of."""
        return None if self.survey_response is None else self.survey_response.id

    def field(self, name: str) -> str | None:
        """A field by name without regard to case, as embedded data has it; ``None`` when missing or empty."""
        wanted = name.casefold()
        return next(
            (value for field, value in self.fields.items() if field.casefold() == wanted and value), None
        )

    def sources_at(
        self,
        earlier_tasks: Iterable[str],
        outputs: Outputs,
        *,
        now: datetime,
        time_zone: str = UTC_ZONE,
        seed: str = "",
    ) -> tuple[Source, ...]:
        """All that piped text can ask for at a task: the event's values, the outputs of the tasks before it, dates.

        ``now`` and ``seed`` are the run's own, the same in every attempt and replay: so is all that is made from them.
        """
        return (
            *self.sources,
            outputs_source(outputs, frozenset(earlier_tasks)),
            dates_source(now, ZoneInfo(time_zone)),
            random_source(seed),
        )


class ResponseReader(Protocol):
    """Reads Responses from connected Qualtrics accounts."""

    async def read_response(self, wanted: SurveyResponse, body: str, /) -> AnsweredSurvey:
        """The Response that an event tells of, with its Survey.

        Raises:
            Retry: the account cannot be asked now, or does not have the Response yet.
            Permanent: it never will.
            Skip: the Response turned out to be of a kind that the workflow does not start with.
        """


async def read_event(
    database: Database, event: Event, body: str, *, responses: ResponseReader | None = None
) -> EventData:
    """Read an event of the kind that the workflow starts with.

    Raises:
        Retry: it tells of a Response that cannot be read now.
        Permanent: the event cannot be used: it lacks what its kind has, or what it tells of is gone.
        Skip: it tells of a Response of a kind that the workflow does not start with.
    """
    match event:
        case ConversationClosed():
            return _of_fields(_conversation_fields(body))
        case JsonEvent(fields=json_fields):
            return _of_fields(extract(json_fields, msgspec.json.decode(body)))
        case Schedule():
            return _of_fields(msgspec.json.decode(body, type=dict[str, str]))
        case SurveyResponse(account=account):
            told = msgspec.json.decode(body, type=SurveyResponseTold)
            if account is None:
                return _of_response(await _read_response(database, told))
            if responses is None:
                raise Permanent(
                    Reason("account-not-readable", N_("nothing here reads responses of a Qualtrics account"))
                )
            return _of_response(await responses.read_response(event, body))


def _of_fields(fields: Mapping[str, str]) -> EventData:
    plain = {name: str(value) for name, value in fields.items()}
    return EventData(plain, (fields_source(fields),))


def _of_response(answered: AnsweredSurvey) -> EventData:
    fields = {
        **answered.embedded_data,
        "responseId": answered.response_id,
        "surveyId": answered.survey.id,
    }
    sources = (response_source(answered), fields_source(fields))
    state = SurveyResponseState(
        id=answered.response_id,
        version=answered.version,
        is_finished=answered.is_finished,
        finished_at=answered.finished_at,
        recorded_at=answered.recorded_at,
        settles_at=answered.settles_at,
    )
    return EventData(fields, sources, state)


def fields_source(fields: Mapping[str, str]) -> Source:
    """The event's fields for piped text: ``aedj://customerId``."""

    def value(pipe: Pipe) -> str | None:
        return fields.get(pipe.path) if pipe.scheme == "aedj" else None

    return value


CONVERSATION_FIELDS = (
    "customerId",
    "conversationId",
    "agentId",
    "inboxId",
    "closedAt",
    "initiatorType",
    "initiatorId",
)
"""What a closed Conversation offers: ids as Gladly told them, when it was closed (UTC), and who closed it, as Gladly
calls them (``AGENT``, ``AUTOMATION``, ``API``, …).
"""


def _conversation_fields(body: str) -> Mapping[str, str]:
    closed = webhooks.parse(body.encode())
    return {
        "customerId": closed.customer_id or "",
        "conversationId": closed.conversation_id or "",
        "agentId": closed.agent_id or "",
        "inboxId": closed.inbox_id or "",
        "closedAt": closed.occurred_at.isoformat() if closed.occurred_at else "",
        "initiatorType": closed.initiator_type or "",
        "initiatorId": closed.initiator_id or "",
    }


async def _read_response(database: Database, told: SurveyResponseTold) -> AnsweredSurvey:
    async with database.transaction() as connection:
        response = await get_response(connection, told.response_id)
        survey = await get_survey(connection, told.survey_id)
        if response is None or survey is None:
            raise Permanent(Reason("response-gone", N_("the response or its survey was deleted meanwhile")))
        contact = await _contact_of(connection, response)
    return answered_survey(survey, response, contact)


async def _contact_of(connection: AsyncConnection, response: Response) -> Mapping[str, str]:
    """Who was asked, as they are called now; nothing for a Response without an invitation."""
    if response.invitation_id is None:
        return {}
    invitation, contact = tables.invitation, tables.contact
    found = await connection.execute(
        select(
            contact.c.first_name.label("FirstName"),
            contact.c.last_name.label("LastName"),
            contact.c.email.label("Email"),
            contact.c.external_reference.label("ExternalDataReference"),
            contact.c.language.label("Language"),
            contact.c.phone.label("Phone"),
        )
        .join_from(invitation, contact, invitation.c.contact_id == contact.c.id)
        .where(invitation.c.id == response.invitation_id)
    )
    row = found.mappings().one_or_none()
    return {} if row is None else dict(row)
