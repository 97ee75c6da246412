"""What an event offers to a run: fields by name, and values for piped text."""

from collections.abc import Mapping

import msgspec

from afterword.gladly import webhooks
from afterword.outcomes import Permanent, Reason
from afterword.piped_text import Pipe, Source
from afterword.store.database import Database
from afterword.surveys.definitions import get_survey
from afterword.surveys.piped import response_source
from afterword.surveys.responses import SurveyResponseTold, get_response
from afterword.workflows.definitions import ConversationClosed, Event, JsonEvent, Schedule, SurveyResponse
from afterword.workflows.fields import extract


class EventData(msgspec.Struct, frozen=True):
    """An event as a run sees it."""

    fields: Mapping[str, str]
    sources: tuple[Source, ...]
    survey_response_id: str | None = None

    def field(self, name: str) -> str | None:
        """A field by name without regard to case, as embedded data has it; ``None`` when missing or empty."""
        wanted = name.casefold()
        return next(
            (value for field, value in self.fields.items() if field.casefold() == wanted and value), None
        )


async def read_event(database: Database, event: Event, body: str) -> EventData:
    """Read an event of the kind that the workflow starts with.

    Raises:
        Permanent: the event cannot be used: it lacks what its kind has, or what it tells of is gone.
    """
    match event:
        case ConversationClosed():
            fields = _conversation_fields(body)
            return EventData(fields, (fields_source(fields),))
        case JsonEvent(fields=json_fields):
            fields = extract(json_fields, msgspec.json.decode(body))
            return EventData(fields, (fields_source(fields),))
        case Schedule():
            fields = msgspec.json.decode(body, type=dict[str, str])
            return EventData(fields, (fields_source(fields),))
        case SurveyResponse():
            return await _read_response(database, msgspec.json.decode(body, type=SurveyResponseTold))


def fields_source(fields: Mapping[str, str]) -> Source:
    """The event's fields for piped text: ``aedj://customerId``."""

    def value(pipe: Pipe) -> str | None:
        return fields.get(pipe.path) if pipe.scheme == "aedj" else None

    return value


def _conversation_fields(body: str) -> Mapping[str, str]:
    closed = webhooks.parse(body.encode())
    return {
        "customerId": closed.customer_id or "",
        "conversationId": closed.conversation_id or "",
        "agentId": closed.agent_id or "",
        "inboxId": closed.inbox_id or "",
    }


async def _read_response(database: Database, told: SurveyResponseTold) -> EventData:
    async with database.transaction() as connection:
        response = await get_response(connection, told.response_id)
        survey = await get_survey(connection, told.survey_id)
    if response is None or survey is None:
        raise Permanent(Reason("response-gone", "the response or its survey was deleted meanwhile"))
    fields = {**response.embedded_data, "responseId": response.id, "surveyId": survey.id}
    return EventData(fields, (response_source(survey, response), fields_source(fields)), response.id)
