"""The survey page: the questions on one page, sent once, and changed for as long as the survey lets its respondents."""

import contextlib
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import msgspec
from litestar import HttpMethod, Response, get, post, route
from litestar.background_tasks import BackgroundTask
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.distributions.invitations import Invitation, reopened_at
from afterword.events.recording import notify_inbox
from afterword.pages.rendering import PAGE_HEADERS, Templates
from afterword.store.database import CONNECTION_LOST, Database
from afterword.survey_pages.links import PageRequest, find_invitation, speak_to, text_fields
from afterword.surveys.answers import InvalidAnswer, read_answers
from afterword.surveys.changing import TooLate, change_response, finish_response
from afterword.surveys.definitions import Survey, TextQuestion, get_survey, value_name
from afterword.surveys.models import Answers, Sitting
from afterword.surveys.models import Response as SurveyResponse
from afterword.surveys.responses import record_response, response_to
from afterword.surveys.shown import TEMPLATES, survey_page_values
from afterword.translating import ngettext

LARGEST_FORM = 64 * 1024
SHOWN_AT = "shown_at"
"""The field that holds when the questions were first shown, in seconds since 1970."""
SEEN_VERSION = "seen_version"
"""The field that holds which version of the answer the form was filled in with."""
ENOUGH = "enough"
"""The field of the button that says that there is no more to say."""
NUMBER = re.compile(r"[0-9]{1,12}")
LEAST_TOLD_IN_HOURS = 120
"""Minutes."""
CHANNEL = "email"
"""Personal links go out by mail alone."""
SURVEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

templates = Templates(Path(__file__).parent / "templates", TEMPLATES)


class Asked(msgspec.Struct, frozen=True):
    """An invitation, the survey that it is to, what was answered, and whether a reopening cancelled it."""

    invitation: Invitation
    survey: Survey
    response: SurveyResponse | None
    cancelled: bool = False

    @property
    def takes_answers(self) -> bool:
        """Whether it can be answered now, or an answer be changed."""
        if self.response is not None:
            return self.survey.is_active and self.response.is_changeable(self.survey.definition)
        return self.survey.is_active and not self.cancelled and not self.invitation.is_expired

    @property
    def said(self) -> dict[str, str]:
        """What was answered, as the form has it."""
        answers = {} if self.response is None else self.response.answers
        questions = self.survey.definition.questions
        return {one.id: str(answers[name]) for one in questions if (name := value_name(one)) in answers}


def survey_routes(database: Database) -> list[HTTPRouteHandler]:
    """The survey's page and its thank-you."""

    @route("/jfe/form/{survey_id:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], name="survey")
    async def show(request: PageRequest, survey_id: FromPath[str]) -> Response[str]:
        """Show the questions as they were answered, with the score that was clicked in the mail chosen; stores
        nothing.
        """
        async with database.transaction() as connection:
            asked = await _find(connection, survey_id, _link_token(request))
        await speak_to(request, None if asked is None else asked.survey)
        if asked is None or not asked.takes_answers:
            return _nothing_to_ask(asked)
        clicked = _chosen_in_mail(asked.survey, request.query_params.get("score", ""))
        return _questions(asked, {**asked.said, **clicked})

    @post("/jfe/form/{survey_id:str}", request_max_body_size=LARGEST_FORM, exclude_from_csrf=True)
    async def send(request: PageRequest, survey_id: FromPath[str]) -> Response[str] | Redirect:
        """Store the answer, or what was changed of it, and say thank you."""
        async with database.transaction() as connection:
            asked = await _find(connection, survey_id, _link_token(request))
        await speak_to(request, None if asked is None else asked.survey)
        if asked is None or not asked.takes_answers:
            return _nothing_to_ask(asked)
        typed = text_fields(await request.form())
        try:
            answers = None if ENOUGH in typed else read_answers(asked.survey.definition, typed)
        except InvalidAnswer as error:
            return _questions(asked, typed, status=422, errors={error.question_id: str(error)})
        try:
            async with database.transaction() as connection:
                await _store(connection, asked, answers, typed)
        except TooLate:
            return templates.page("answered.html", {"texts": asked.survey.definition.texts})
        except CONNECTION_LOST:
            return _questions(asked, {**asked.said, **typed}, status=503, not_stored=True)
        return Redirect(
            _address(asked, "/thanks"),
            status_code=303,
            headers=dict(PAGE_HEADERS),
            background=BackgroundTask(_wake_inbox, database),
        )

    @get("/jfe/form/{survey_id:str}/thanks")
    async def thank(request: PageRequest, survey_id: FromPath[str]) -> Response[str]:
        """Say thank you, in the survey's own words, and ask whether there is anything to add."""
        async with database.transaction() as connection:
            asked = await _find(connection, survey_id, _link_token(request))
            known = SURVEY_ID.fullmatch(survey_id)
            survey = asked.survey if asked else await get_survey(connection, survey_id) if known else None
        await speak_to(request, survey)
        if survey is None:
            return templates.page("not_found.html", status=404)
        return _thanks(survey, asked)

    return [show, send, thank]


def _link_token(request: PageRequest) -> str:
    return str(request.query_params.get("Q_DL", ""))


async def _find(connection: AsyncConnection, survey_id: str, link_token: str) -> Asked | None:
    """What the link asks; ``None`` when it is nobody's, or another survey's."""
    invitation = await find_invitation(connection, link_token)
    if invitation is None or invitation.survey_id != survey_id:
        return None
    survey = await get_survey(connection, survey_id)
    if survey is None:
        return None
    response = await response_to(connection, invitation.id)
    if response is not None:
        return Asked(invitation, survey, response)
    return Asked(invitation, survey, None, cancelled=await _is_cancelled(connection, invitation))


async def _is_cancelled(connection: AsyncConnection, invitation: Invitation) -> bool:
    """Whether the conversation was opened again, and the invitation is one that this cancels though it was sent."""
    cancels = invitation.when_reopened == "cancel-if-not-answered"
    return cancels and await reopened_at(connection, invitation) is not None


async def _store(
    connection: AsyncConnection, asked: Asked, answers: Answers | None, typed: Mapping[str, str]
) -> None:
    """Store the answers; without any, that there is no more to say.

    Raises:
        TooLate: it was answered before, and cannot be changed any more.
    """
    invitation_id, sitting = asked.invitation.id, _sitting(asked, typed)
    if answers is None:
        await finish_response(connection, asked.survey, invitation_id, sitting=sitting)
        return
    is_new = asked.response is None and await record_response(
        connection,
        asked.survey,
        invitation_id=invitation_id,
        answers=answers,
        embedded_data=asked.invitation.embedded_data,
        sitting=sitting,
    )
    if not is_new:
        seen = _number(typed, SEEN_VERSION) or 0
        await change_response(
            connection, asked.survey, invitation_id, seen_version=seen, answers=answers, sitting=sitting
        )


def _nothing_to_ask(asked: Asked | None) -> Response[str]:
    """Why there is nothing to answer here, said kindly."""
    if asked is None:
        return templates.page("not_found.html", status=404)
    if asked.response is not None:
        return templates.page("answered.html", {"texts": asked.survey.definition.texts})
    if asked.cancelled:
        return templates.page("not_needed.html", {"texts": asked.survey.definition.texts}, status=410)
    return templates.page("closed.html", {"texts": asked.survey.definition.texts}, status=410)


def _chosen_in_mail(survey: Survey, score: str) -> dict[str, str]:
    """The form as the mail's link fills it in; a score that is none of the choices is left out."""
    question = survey.definition.score_question()
    if question is None or score not in {str(choice.recode) for choice in question.choices}:
        return {}
    return {question.id: score}


def _sitting(asked: Asked, typed: Mapping[str, str]) -> Sitting:
    """How the answer came; a time of showing that cannot be is not believed."""
    shown_at = _number(typed, SHOWN_AT)
    seconds = None if shown_at is None else time.time() - shown_at
    invited = 1 + (datetime.now(UTC) - asked.invitation.created_at).total_seconds()
    return Sitting(
        channel=CHANNEL,
        language=asked.survey.definition.texts.language.upper(),
        seconds=seconds if seconds is not None and 0 <= seconds <= invited else None,
        contact_id=asked.invitation.contact_id,
        mailing_list_id=asked.invitation.mailing_list_id,
        invited_at=asked.invitation.send_at,
    )


def _number(typed: Mapping[str, str], field: str) -> int | None:
    """A number that a form hands back to us; ``None`` for what is none."""
    number = typed.get(field, "")
    return int(number) if NUMBER.fullmatch(number) else None


def _address(asked: Asked, page: str = "") -> str:
    link = urlencode({"Q_DL": asked.invitation.link_token, "Q_CHL": CHANNEL})
    return f"/jfe/form/{quote(asked.survey.id, safe='')}{page}?{link}"


def _questions(
    asked: Asked,
    typed: Mapping[str, str],
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    not_stored: bool = False,
) -> Response[str]:
    shown_at, seen = _number(typed, SHOWN_AT), _number(typed, SEEN_VERSION)
    version = 0 if asked.response is None else asked.response.version
    values = survey_page_values(
        asked.survey.definition,
        action=_address(asked),
        opt_out=f"/opt-out/{quote(asked.invitation.link_token, safe='')}",
        typed=typed,
        errors=errors or {},
        not_stored=not_stored,
        shown_at=int(time.time()) if shown_at is None else shown_at,
        seen_version=version if seen is None else seen,
        changeable_for=_changeable_for(asked),
    )
    return templates.page("survey.html", values, status=status)


def _thanks(survey: Survey, asked: Asked | None) -> Response[str]:
    """Thank you; and to whom may still change the answer, what is open yet."""
    if asked is None or asked.response is None or not asked.takes_answers:
        return templates.page("thanks.html", {"texts": survey.definition.texts, "changeable": None})
    response = asked.response
    questions = () if response.finished else survey.definition.unanswered(response.answers)
    changeable = {
        "action": _address(asked),
        "question": next((one for one in questions if isinstance(one, TextQuestion)), None),
        "said": asked.said,
        "seen_version": response.version,
    }
    return templates.page("thanks.html", {"texts": survey.definition.texts, "changeable": changeable})


def _changeable_for(asked: Asked) -> str | None:
    """Tells for how long an answer can still be changed; ``None`` when there is none."""
    if asked.response is None:
        return None
    left = asked.response.changeable_until(asked.survey.definition) - datetime.now(UTC)
    minutes = max(1, int(left.total_seconds() // 60))
    if minutes < LEAST_TOLD_IN_HOURS:
        return ngettext(
            "We have your answer. You can change it here for another %(num)s minute.",
            "We have your answer. You can change it here for another %(num)s minutes.",
            minutes,
        )
    return ngettext(
        "We have your answer. You can change it here for another %(num)s hour.",
        "We have your answer. You can change it here for another %(num)s hours.",
        round(minutes / 60),
    )


async def _wake_inbox(database: Database) -> None:
    """Hint that there is a response to tell of; the inbox finds it without, only later."""
    with contextlib.suppress(*CONNECTION_LOST):
        await notify_inbox(database)
