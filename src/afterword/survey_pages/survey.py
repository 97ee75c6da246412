"""The survey page: the questions on one page, sent once."""

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
from afterword.survey_pages.links import PageRequest, find_invitation, text_fields
from afterword.surveys.definitions import Survey, get_survey
from afterword.surveys.responses import InvalidAnswer, Sitting, answered, read_answers, record_response

LARGEST_FORM = 64 * 1024
SHOWN_AT = "shown_at"
"""The field that holds when the questions were first shown, in seconds since 1970."""
SECONDS = re.compile(r"[0-9]{1,12}")
CHANNEL = "email"
"""Personal links go out by mail alone."""
SURVEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

templates = Templates(Path(__file__).parent / "templates")


class Asked(msgspec.Struct, frozen=True):
    """An invitation, the survey that it is to, whether it was answered, and whether a reopening cancelled it."""

    invitation: Invitation
    survey: Survey
    answered: bool
    cancelled: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it can be answered now."""
        is_over = self.answered or self.cancelled or self.invitation.is_expired
        return not is_over and self.survey.is_active


def survey_routes(database: Database) -> list[HTTPRouteHandler]:
    """The survey's page and its thank-you."""

    @route("/jfe/form/{survey_id:str}", http_method=[HttpMethod.GET, HttpMethod.HEAD], name="survey")
    async def show(request: PageRequest, survey_id: FromPath[str]) -> Response[str]:
        """Show the questions, with the score that was clicked in the mail chosen; stores nothing."""
        async with database.transaction() as connection:
            asked = await _find(connection, survey_id, _link_token(request))
        if asked is None or not asked.is_open:
            return _nothing_to_ask(asked)
        return _questions(asked, _chosen_in_mail(asked.survey, request.query_params.get("score", "")))

    @post("/jfe/form/{survey_id:str}", request_max_body_size=LARGEST_FORM, exclude_from_csrf=True)
    async def send(request: PageRequest, survey_id: FromPath[str]) -> Response[str] | Redirect:
        """Store the answer, once, and say thank you."""
        async with database.transaction() as connection:
            asked = await _find(connection, survey_id, _link_token(request))
        if asked is None or not asked.is_open:
            return _nothing_to_ask(asked)
        typed = text_fields(await request.form())
        try:
            answers = read_answers(asked.survey.definition, typed)
        except InvalidAnswer as error:
            return _questions(asked, typed, status=422, errors={error.question_id: str(error)})
        try:
            async with database.transaction() as connection:
                await record_response(
                    connection,
                    asked.survey,
                    invitation_id=asked.invitation.id,
                    answers=answers,
                    embedded_data=asked.invitation.embedded_data,
                    sitting=_sitting(asked, typed),
                )
        except CONNECTION_LOST:
            return _questions(asked, typed, status=503, not_stored=True)
        return Redirect(
            f"/jfe/form/{quote(asked.survey.id, safe='')}/thanks",
            status_code=303,
            headers=dict(PAGE_HEADERS),
            background=BackgroundTask(_wake_inbox, database),
        )

    @get("/jfe/form/{survey_id:str}/thanks")
    async def thank(survey_id: FromPath[str]) -> Response[str]:
        """Say thank you, in the survey's own words."""
        survey = None
        if SURVEY_ID.fullmatch(survey_id):
            async with database.transaction() as connection:
                survey = await get_survey(connection, survey_id)
        if survey is None:
            return templates.page("not_found.html", status=404)
        return templates.page("thanks.html", {"texts": survey.definition.texts})

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
    if await answered(connection, invitation.id):
        return Asked(invitation, survey, answered=True)
    return Asked(invitation, survey, answered=False, cancelled=await _is_cancelled(connection, invitation))


async def _is_cancelled(connection: AsyncConnection, invitation: Invitation) -> bool:
    """Whether the conversation was opened again, and the invitation is one that this cancels though it was sent."""
    cancels = invitation.when_reopened == "cancel-if-not-answered"
    return cancels and await reopened_at(connection, invitation) is not None


def _nothing_to_ask(asked: Asked | None) -> Response[str]:
    """Why there is nothing to answer here, said kindly."""
    if asked is None:
        return templates.page("not_found.html", status=404)
    if asked.answered:
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
    shown_at = _seconds(typed, None)
    seconds = None if shown_at is None else time.time() - shown_at
    invited = 1 + (datetime.now(UTC) - asked.invitation.created_at).total_seconds()
    return Sitting(
        channel=CHANNEL,
        language=asked.survey.definition.texts.language.upper(),
        seconds=seconds if seconds is not None and 0 <= seconds <= invited else None,
        contact_id=asked.invitation.contact_id,
        mailing_list_id=asked.invitation.mailing_list_id,
    )


def _seconds(typed: Mapping[str, str], default: int | None) -> int | None:
    """When the questions were first shown, as the form has it."""
    shown_at = typed.get(SHOWN_AT, "")
    return int(shown_at) if SECONDS.fullmatch(shown_at) else default


def _questions(
    asked: Asked,
    typed: Mapping[str, str],
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    not_stored: bool = False,
) -> Response[str]:
    link = urlencode({"Q_DL": asked.invitation.link_token, "Q_CHL": "email"})
    values = {
        "action": f"/jfe/form/{quote(asked.survey.id, safe='')}?{link}",
        "opt_out": f"/opt-out/{quote(asked.invitation.link_token, safe='')}",
        "questions": asked.survey.definition.questions,
        "texts": asked.survey.definition.texts,
        "typed": typed,
        "errors": errors or {},
        "not_stored": not_stored,
        "shown_at": _seconds(typed, int(time.time())),
    }
    return templates.page("survey.html", values, status=status)


async def _wake_inbox(database: Database) -> None:
    """Hint that there is a response to tell of; the inbox finds it without, only later."""
    with contextlib.suppress(*CONNECTION_LOST):
        await notify_inbox(database)
