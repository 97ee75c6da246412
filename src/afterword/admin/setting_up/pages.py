"""The first set-up: a list of steps, each with a page of its own, to be left and come back to."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.people import Person
from afterword.accounts.rights import may_connect
from afterword.admin.forms import text_of
from afterword.admin.ids import read_id
from afterword.admin.pages import page
from afterword.admin.setting_up.answer import AnswerStep, OwnAnswer
from afterword.admin.setting_up.doing import Doing, Refused
from afterword.admin.setting_up.steps import TITLES, SetUp, look
from afterword.admin.setting_up.whom import Shown, WhomStep, typed_in
from afterword.admin.setting_up.work import Work
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.surveys.pages import WITH_FRAME
from afterword.outcomes import ConfigurationError
from afterword.translating import gettext as _
from afterword.workflows.saving.responses_told import WebService

PATH = "/setup"
LARGEST_FORM = 1024 * 1024
"""Rules may name many Agents, Inboxes and Topics."""
LONGEST_SCORE, LONGEST_COMMENT = 20, 5_000
NOTHING: Mapping[str, str] = MappingProxyType({})


def setup_routes(work: Work) -> list[HTTPRouteHandler]:
    """The list of steps, their pages and their forms."""
    pages = _SetUpPages(work)

    @get(PATH)
    async def overview(request: AdminRequest) -> Response[str]:
        """List the steps with their states."""
        _person(request)
        return page(request, "setup.html", set_up=await pages.look(), step=None)

    @get(f"{PATH}/{{step_id:str}}")
    async def step(request: AdminRequest, step_id: FromPath[str]) -> Response[str]:
        """One step."""
        _person(request)
        return await pages.show(request, _known(step_id))

    @post(f"{PATH}/{{step_id:str}}", request_max_body_size=LARGEST_FORM)
    async def do(request: AdminRequest, step_id: FromPath[str]) -> Response[str] | Redirect:
        """Do what the step's form asks for."""
        person = _person(request)
        form = await request.form()
        if step_id == "whom":
            return await pages.do_whom(request, person, form)
        if step_id == "answer":
            return await pages.do_answer(request, form)
        return await pages.do(request, person, _known(step_id), form)

    return [overview, step, do]


class _SetUpPages:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._doing = Doing(work)
        self._whom = WhomStep(work)
        self._answer = AnswerStep(work)

    async def look(self) -> SetUp:
        work = self._work
        return await look(work.database, work.box, work.settings, work.store)

    async def show(
        self,
        request: AdminRequest,
        step_id: str,
        *,
        typed: Mapping[str, str] = NOTHING,
        errors: Mapping[str, str] = NOTHING,
        to_paste: WebService | None = None,
        of_step: Shown | None = None,
    ) -> Response[str]:
        """The page of a step; ``errors`` are told at their fields, that without a field above the form.

        ``of_step`` is what the step shows besides, where that is not what is saved.
        """
        set_up = await self.look()
        steps = set_up.steps
        if of_step is None:
            of_step = await self._shown(request, step_id, set_up)
        number = next(index for index, one in enumerate(steps) if one.id == step_id)
        return page(
            request,
            "setup.html",
            status=422 if errors else 200,
            headers=WITH_FRAME,
            set_up=set_up,
            step=steps[number],
            number=number + 1,
            following=steps[number + 1] if number + 1 < len(steps) else None,
            typed=typed,
            errors=errors,
            to_paste=to_paste,
            settings=self._work.settings,
            said=request.query_params.get("saved", ""),
            **of_step,
        )

    async def _shown(self, request: AdminRequest, step_id: str, set_up: SetUp) -> Shown:
        """What a step shows besides, as it is saved."""
        match step_id:
            case "whom":
                return await self._whom.shown(set_up)
            case "answer":
                return await self._answer.shown(set_up, request.query_params.get("event", ""))
            case _:
                return {}

    async def do_answer(self, request: AdminRequest, form: Any) -> Response[str] | Redirect:
        """Try part two with an earlier Response: rehearsed, or really."""
        set_up, step, chosen = await self.look(), self._answer, text_of(form, "event")
        try:
            match text_of(form, "do"):
                case "rehearse":
                    tried = await step.rehearse(set_up, chosen)
                    return await self.show(request, "answer", of_step=await step.shown(set_up, chosen, tried))
                case "own":
                    own = OwnAnswer(
                        text_of(form, "score").strip()[:LONGEST_SCORE],
                        text_of(form, "comment")[:LONGEST_COMMENT],
                    )
                    return await self.show(
                        request, "answer", of_step=await step.shown(set_up, chosen, own=own)
                    )
                case "post":
                    await step.put_onto_timeline(set_up, chosen)
                    return Redirect(f"{PATH}/answer?event={read_id(chosen)}", status_code=303)
        except ConfigurationError as error:
            return await self.show(request, "answer", errors={"": str(error)})
        return await self.show(request, "answer", errors={"": _("There is nothing to do here.")})

    async def do_whom(self, request: AdminRequest, person: Person, form: Any) -> Response[str] | Redirect:
        set_up, draft, step = await self.look(), typed_in(form), self._whom
        if draft.wanted is None:
            words = _("Some of it cannot be read; nothing was saved. See below.")
            return await self.show(
                request, "whom", errors={"": words}, of_step=await step.shown(set_up, draft)
            )
        match text_of(form, "do"):
            case "count":
                await step.count(set_up, draft.wanted, person)
            case "save":
                try:
                    theirs = await step.save(set_up, draft.wanted, text_of(form, "revision"), person)
                except ConfigurationError as error:
                    shown = await step.shown(set_up, draft)
                    return await self.show(request, "whom", errors={"": str(error)}, of_step=shown)
                if theirs is None:
                    return Redirect(f"{PATH}/whom?saved=1", status_code=303)
                words = _(
                    "Somebody else saved other rules meanwhile; nothing of yours was saved. What is saved now stands "
                    "below each field that you have otherwise; save again to put yours in its place."
                )
                shown = await step.shown(set_up, draft, theirs=theirs)
                return await self.show(request, "whom", errors={"": words}, of_step=shown)
            case "look":
                pass
            case _:
                return await self.show(request, "whom", errors={"": _("There is nothing to do here.")})
        return await self.show(request, "whom", of_step=await step.shown(set_up, draft))

    async def do(
        self, request: AdminRequest, person: Person, step_id: str, form: Any
    ) -> Response[str] | Redirect:
        typed = {name: text_of(form, name).strip() for name in form if name != "_csrf_token"}
        try:
            await self._doing.do(step_id, typed, person, await self.look())
        except Refused as error:
            return await self.show(
                request, step_id, typed=typed, errors=error.errors, to_paste=error.to_paste
            )
        return Redirect(f"{PATH}/{step_id}", status_code=303)


def _person(request: AdminRequest) -> Person:
    if request.user is None or not may_connect(request.user):
        raise PermissionDeniedException(_("Owners and administrators set Afterword up."))
    return request.user


def _known(step_id: str) -> str:
    if step_id not in TITLES:
        raise NotFoundException(_("The set-up has no such step."))
    return step_id
