"""One response, as Qualtrics tells it: ``values``, ``labels``, ``displayedFields``, ``displayedValues``."""

import re

from litestar import Response as Answer
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from afterword.accounts.scopes import ROUTE
from afterword.distributions.invitations import Invitation, get_invitation
from afterword.qualtrics import envelope
from afterword.qualtrics_api.answers import Refused, answer, milliseconds_date, seconds_date
from afterword.qualtrics_api.surveys import find_survey
from afterword.store.database import Database
from afterword.surveys.definitions import ScoreQuestion, Survey, SurveyDefinition, TextQuestion
from afterword.surveys.models import Response
from afterword.surveys.responses import get_response

RESPONSE_ID = re.compile(r"R_[A-Za-z0-9]{11,15}")
STATUS = {
    "created": (0, "IP Address"),
    "partial": (0, "IP Address"),
    "preview": (1, "Survey Preview"),
    "test": (2, "Survey Test"),
    "imported": (4, "Imported"),
}


def response_routes(database: Database) -> list[HTTPRouteHandler]:
    """The routes of responses; there is no list of them, as with Qualtrics."""

    @get("/surveys/{survey_id:str}/responses/{response_id:str}", opt={ROUTE: "read:survey_responses"})
    async def response(survey_id: FromPath[str], response_id: FromPath[str]) -> Answer[bytes]:
        """Tell one response."""
        invitation = None
        async with database.transaction() as connection:
            survey = await find_survey(connection, survey_id, envelope.MALFORMED_SURVEY_ID)
            found = (
                await get_response(connection, response_id) if RESPONSE_ID.fullmatch(response_id) else None
            )
            if found is None or found.survey_id != survey.id:
                raise Refused(
                    envelope.NO_SUCH_RESOURCE, f"There is no response {response_id[:40]} in this survey."
                )
            if found.invitation_id is not None:
                invitation = await get_invitation(connection, found.invitation_id)
        return answer(response_shape(survey, found, invitation))

    return [response]


def response_shape(survey: Survey, response: Response, invitation: Invitation | None) -> dict[str, object]:
    """A response; what is not known of it is left out."""
    metadata, labels = _metadata(response)
    recipient = {} if invitation is None else _recipient(invitation)
    known = {name: value for name, value in {**metadata, **recipient}.items() if value is not None}
    return {
        "responseId": response.id,
        "values": {**known, **response.answers, **_declared(survey.definition, response)},
        "labels": {**labels, **_labels(survey.definition, response)},
        "displayedFields": [_field(question) for question in survey.definition.questions],
        "displayedValues": {
            question.id: [choice.recode for choice in question.choices]
            for question in survey.definition.questions
            if isinstance(question, ScoreQuestion)
        },
    }


def _metadata(response: Response) -> tuple[dict[str, object], dict[str, str]]:
    """Our pages record whole answers alone, so that an answer ends when it is recorded."""
    status, status_label = STATUS.get(response.kind, STATUS["created"])
    finished = response.kind != "partial"
    started, recorded = response.started_at, response.recorded_at
    values: dict[str, object] = {
        "startDate": seconds_date(started),
        "endDate": seconds_date(recorded) if finished else None,
        "status": status,
        "progress": 100 if finished else None,
        "duration": int((recorded - started).total_seconds()) if started else None,
        "finished": int(finished),
        "recordedDate": milliseconds_date(recorded),
        "_recordId": response.id,
        "distributionChannel": response.channel,
        "userLanguage": response.language,
    }
    return values, {"status": status_label, "finished": str(finished)}


def _recipient(invitation: Invitation) -> dict[str, object]:
    return {
        "recipientFirstName": invitation.first_name or None,
        "recipientLastName": invitation.last_name or None,
        "recipientEmail": invitation.email or None,
    }


def _declared(definition: SurveyDefinition, response: Response) -> dict[str, str]:
    """Embedded Data that the flow declares, as with Qualtrics; what else came with the link is not told."""
    declared = set(definition.embedded_data)
    return {name: value for name, value in response.embedded_data.items() if name in declared}


def _labels(definition: SurveyDefinition, response: Response) -> dict[str, str]:
    chosen = (
        (question.id, question.choice(recode))
        for question in definition.questions
        if isinstance(question, ScoreQuestion)
        and isinstance(recode := response.answers.get(question.id), int)
    )
    return {question_id: choice.text for question_id, choice in chosen if choice is not None}


def _field(question: ScoreQuestion | TextQuestion) -> str:
    return question.id if isinstance(question, ScoreQuestion) else f"{question.id}_TEXT"
