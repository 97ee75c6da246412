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
from afterword.admin.pages import page
from afterword.admin.sessions import AdminRequest
from afterword.admin.setup_doing import Doing, Refused
from afterword.admin.setup_steps import TITLES, SetUp, look
from afterword.admin.setup_work import Work
from afterword.translating import gettext as _
from afterword.workflows.saving.responses_told import WebService

PATH = "/setup"
LARGEST_FORM = 32 * 1024
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
        return await pages.do(request, person, _known(step_id), form)

    return [overview, step, do]


class _SetUpPages:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._doing = Doing(work)

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
    ) -> Response[str]:
        """The page of a step; ``errors`` are told at their fields, that without a field above the form."""
        set_up = await self.look()
        steps = set_up.steps
        number = next(index for index, one in enumerate(steps) if one.id == step_id)
        return page(
            request,
            "setup.html",
            status=422 if errors else 200,
            set_up=set_up,
            step=steps[number],
            number=number + 1,
            following=steps[number + 1] if number + 1 < len(steps) else None,
            typed=typed,
            errors=errors,
            to_paste=to_paste,
            settings=self._work.settings,
        )

    async def do(
        self, request: AdminRequest, person: Person, step_id: str, form: Any
    ) -> Response[str] | Redirect:
        typed = {name: text_of(form, name).strip() for name in form if name != "_csrf_token"}
        try:
            await self._doing.do(step_id, typed, person, await self.look())
        except Refused as error:
            errors = {error.field: str(error)}
            return await self.show(request, step_id, typed=typed, errors=errors, to_paste=error.to_paste)
        return Redirect(f"{PATH}/{step_id}", status_code=303)


def _person(request: AdminRequest) -> Person:
    if request.user is None or not may_connect(request.user):
        raise PermissionDeniedException(_("Owners and administrators set Afterword up."))
    return request.user


def _known(step_id: str) -> str:
    if step_id not in TITLES:
        raise NotFoundException(_("The set-up has no such step."))
    return step_id
