"""Surveys: what is asked, in which words, with a preview of the page and of the mail."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from litestar import Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.rights import may_edit_surveys
from afterword.admin.forms import text_of
from afterword.admin.helping import Helping
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.surveys.forms import Draft, read_draft, sections, values_of
from afterword.distributions.invitations import Letter
from afterword.distributions.sending import Mailer
from afterword.distributions.trial_survey import render_trial
from afterword.outcomes import Outcome, Permanent
from afterword.pages.rendering import PAGE_HEADERS, Templates
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.surveys.counts import count_by_survey
from afterword.surveys.definitions import Survey, get_survey, list_surveys
from afterword.surveys.saving import change_survey
from afterword.surveys.shown import TEMPLATES, survey_page_values
from afterword.translating import best_language, gettext, ngettext, retold, speaking
from afterword.workflows.saving.listing import list_workflows

log = structlog.get_logger()

LARGEST_FORM = 128 * 1024
MOST_SURVEYS = 500
WITH_FRAME = {
    "Content-Security-Policy": f"{PAGE_HEADERS['Content-Security-Policy']}; frame-src 'self'",
}
IN_FRAME = "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
FRAMED_PAGE = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'self'; img-src 'self' data:; {IN_FRAME}",
}
FRAMED_MAIL = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; {IN_FRAME}",
}
"""A preview is shown within our own pages alone, runs nothing and sends nothing; a mail has its styles within."""

respondents = Templates(TEMPLATES)


class SentBy(msgspec.Struct, frozen=True):
    """A task that distributes a survey, and the letter that it sends."""

    workflow_id: str
    workflow: str
    is_on: bool
    letter: Letter


def survey_editor_routes(database: Database, settings: Settings, helping: Helping) -> list[HTTPRouteHandler]:
    """The list, the form and its buttons, and the preview."""
    surveys_page = _SurveysPage(database, settings, helping)

    @get("/surveys")
    async def surveys(request: AdminRequest) -> Response[str]:
        """List the surveys."""
        async with database.read_only().transaction() as connection:
            listed = await list_surveys(connection, limit=MOST_SURVEYS)
            counts = await count_by_survey(connection)
        return page(request, "surveys.html", surveys=listed, counts=counts)

    @get("/surveys/{survey_id:str}")
    async def survey(request: AdminRequest, survey_id: FromPath[str]) -> Response[str]:
        """Show what a survey says."""
        known = await surveys_page.find(survey_id)
        said = gettext("Saved.") if request.query_params.get("saved") else None
        return await surveys_page.show(request, known, said=said)

    @post("/surveys/{survey_id:str}", request_max_body_size=LARGEST_FORM)
    async def save(request: AdminRequest, survey_id: FromPath[str]) -> Response[str] | Redirect:
        """Save it."""
        return await surveys_page.save(request, survey_id)

    @get("/surveys/{survey_id:str}/preview")
    async def saved_preview(request: AdminRequest, survey_id: FromPath[str]) -> Response[str]:
        """Show the survey's page, or its mail, as it is saved."""
        known = await surveys_page.find(survey_id)
        if request.query_params.get("show") == "mail":
            return await surveys_page.mail_preview(known)
        question = known.definition.score_question()
        score = request.query_params.get("score", "")
        return _page_preview(known, {question.id: score} if question else {})

    @post("/surveys/{survey_id:str}/preview", request_max_body_size=LARGEST_FORM)
    async def preview(request: AdminRequest, survey_id: FromPath[str]) -> Response[str]:
        """Show the page, the thank-you or the mail as they are typed; stores nothing."""
        return await surveys_page.preview(request, survey_id)

    @post("/surveys/{survey_id:str}/test-mail", request_max_body_size=LARGEST_FORM)
    async def test_mail(request: AdminRequest, survey_id: FromPath[str]) -> Response[str]:
        """Send the mail as it is typed to who asks for it."""
        return await surveys_page.send_test(request, survey_id)

    return [surveys, survey, save, saved_preview, preview, test_mail]


class _SurveysPage:
    def __init__(self, database: Database, settings: Settings, helping: Helping) -> None:
        self._helping = helping
        self._database = database
        self._settings = settings
        self._mailer = Mailer(settings)

    async def find(self, survey_id: str) -> Survey:
        async with self._database.read_only().transaction() as connection:
            known = await get_survey(connection, survey_id)
        if known is None:
            raise NotFoundException(gettext("There is no such survey; it may have been deleted."))
        return known

    async def show(
        self,
        request: AdminRequest,
        survey: Survey,
        *,
        draft: Draft | None = None,
        status: int = 200,
        said: str | None = None,
        problem: str | None = None,
        theirs: Mapping[str, str] | None = None,
    ) -> Response[str]:
        """The form: as the survey is saved, or as the draft has it; ``theirs`` is what others saved meanwhile."""
        async with self._database.read_only().transaction() as connection:
            sent_by = await _sent_by(connection, survey.id)
        return page(
            request,
            "survey.html",
            help=await self._helping.of("survey", request),
            status=status,
            headers=WITH_FRAME,
            survey=survey,
            sections=sections(survey),
            typed=values_of(survey) if draft is None else draft.typed,
            errors={} if draft is None else draft.errors,
            theirs=theirs or {},
            sent_by=sent_by,
            may_edit=may_edit_surveys(request.user),
            said=said,
            problem=problem,
            modified_at="" if survey.modified_at is None else survey.modified_at.isoformat(),
        )

    async def save(self, request: AdminRequest, survey_id: str) -> Response[str] | Redirect:
        known, draft, form = await self._draft(request, survey_id)
        if draft.errors:
            return await self._refuse(request, known, draft)
        seen = _moment(text_of(form, "modified_at"))
        async with self._database.transaction() as connection:
            changed = msgspec.structs.replace(draft.survey, modified_at=seen)
            is_saved = seen is not None and await change_survey(connection, changed)
        if is_saved:
            return Redirect(f"/surveys/{survey_id}?saved=1", status_code=303)
        now = await self.find(survey_id)
        saved = values_of(now)
        theirs = {name: saved.get(name, "") for name in saved.keys() | draft.typed.keys()}
        theirs = {name: text for name, text in theirs.items() if text != draft.typed.get(name, "")}
        problem = gettext(
            "Somebody else saved this survey meanwhile. What is saved now stands below each field that you have "
            "otherwise; save again to put yours in its place."
        )
        return await self.show(request, now, draft=draft, status=409, problem=problem, theirs=theirs)

    async def preview(self, request: AdminRequest, survey_id: str) -> Response[str]:
        _, draft, form = await self._draft(request, survey_id)
        match text_of(form, "show"):
            case "mail":
                return await self.mail_preview(draft.survey)
            case "thanks":
                return _preview(
                    draft.survey, "thanks.html", {"texts": draft.survey.definition.texts, "changeable": None}
                )
            case _:
                return _page_preview(draft.survey)

    async def send_test(self, request: AdminRequest, survey_id: str) -> Response[str]:
        known, draft, _ = await self._draft(request, survey_id)
        person = request.user
        if draft.errors or person is None:
            return await self._refuse(request, known, draft)
        letter = await self._letter(draft.survey)
        letter = msgspec.structs.replace(letter, subject=f"[{gettext('Test')}] {letter.subject}")
        try:
            message = render_trial(draft.survey, letter, self._settings, to=person.email, name=person.name)
            await self._mailer.send(message)
        except Outcome as error:
            log.warning("test_mail_not_sent", reason=error.reason.code)
            problem = gettext(
                "The test mail could not be sent: %(reason)s.", reason=retold(error.reason.words)
            )
            return await self.show(request, known, draft=draft, status=502, problem=problem)
        said = gettext(
            "A test mail is on its way to %(email)s. Nothing was saved by that.", email=person.email
        )
        return await self.show(request, known, draft=draft, said=said)

    async def _draft(self, request: AdminRequest, survey_id: str) -> tuple[Survey, Draft, Any]:
        if not may_edit_surveys(request.user):
            raise PermissionDeniedException(gettext("Your role may look at surveys, and not change them."))
        form = await request.form()
        known = await self.find(survey_id)
        return known, read_draft(known, form), form

    async def _refuse(self, request: AdminRequest, known: Survey, draft: Draft) -> Response[str]:
        number = len(draft.errors)
        problem = ngettext(
            "%(num)s field needs another look; nothing was saved.",
            "%(num)s fields need another look; nothing was saved.",
            number,
        )
        return await self.show(request, known, draft=draft, status=422, problem=problem)

    async def _letter(self, survey: Survey) -> Letter:
        """What the first workflow that distributes the survey writes, one that is on before others."""
        async with self._database.read_only().transaction() as connection:
            sent_by = await _sent_by(connection, survey.id)
        if sent_by:
            return min(sent_by, key=lambda one: not one.is_on).letter
        return _letter({})

    async def mail_preview(self, survey: Survey) -> Response[str]:
        try:
            message = render_trial(survey, await self._letter(survey), self._settings, to="ada@example.org")
        except Permanent as error:
            words = gettext(
                "No preview of the mail: %(reason)s. A real event may have it.",
                reason=retold(error.reason.words),
            )
            return Response(
                words, media_type="text/plain", headers={**PAGE_HEADERS, **FRAMED_MAIL}, status_code=200
            )
        part = message.get_body(("html",))
        html = "" if part is None else str(part.get_content())
        return Response(
            html, media_type="text/html", headers={**PAGE_HEADERS, **FRAMED_MAIL}, status_code=200
        )


def _page_preview(survey: Survey, typed: Mapping[str, str] | None = None) -> Response[str]:
    values = survey_page_values(survey.definition, action="#", opt_out="#", typed=typed or {})
    return _preview(survey, "survey.html", values)


def _preview(survey: Survey, name: str, values: Mapping[str, object]) -> Response[str]:
    with speaking(best_language(survey.definition.texts.language)):
        return respondents.page(name, values, headers=FRAMED_PAGE)


async def _sent_by(connection: AsyncConnection, survey_id: str) -> Sequence[SentBy]:
    return [
        SentBy(workflow.id, workflow.name, workflow.is_on, _letter(task.configuration))
        for workflow in await list_workflows(connection)
        for task in workflow.definition.tasks
        if task.type == "distribute-survey" and task.configuration.get("survey") == survey_id
    ]


def _letter(configuration: Mapping[str, Any]) -> Letter:
    """What a task of this configuration writes, with the task type's own words where it says nothing."""
    from afterword.tasks.distribute_survey import DistributeSurvey  # noqa: PLC0415

    usual = {field.name: field.default for field in msgspec.structs.fields(DistributeSurvey)}

    def text(name: str) -> str:
        value = configuration.get(name)
        return value if isinstance(value, str) else str(usual[name])

    return Letter(text("from_name"), text("subject"), text("message"))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
