"""Sending: the one switch, what is held and which workflows are in test, with a button for each decision."""

from collections.abc import Awaitable, Callable

from litestar import Response, get, post
from litestar.exceptions import ClientException, PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.rights import may_operate, may_see_customers
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.outcomes import ConfigurationError
from afterword.sending import pausing
from afterword.store.database import Database
from afterword.translating import gettext as _
from afterword.workflows.running.held_back import NothingHeld, cancel, let_go, sending_state

LARGEST_FORM = 16_384
PAGE = "/workflows/sending"

Decision = Callable[..., Awaitable[object]]


def sending_page_routes(database: Database) -> list[HTTPRouteHandler]:
    """The page of sending, and its buttons."""

    @get("/workflows/sending")
    async def sending(request: AdminRequest) -> Response[str]:
        """Tell what holds mail to customers back."""
        async with database.read_only().transaction() as connection:
            state = await sending_state(connection, personal=may_see_customers(request.user))
        return page(request, "sending.html", state=state, may_operate=may_operate(request.user))

    @post("/workflows/sending/pause", request_max_body_size=LARGEST_FORM)
    async def pause(request: AdminRequest) -> Redirect:
        """Pause all sending."""
        by = _operator(request)
        why = text_of(await request.form(), "why")
        try:
            async with database.transaction() as connection:
                await pausing.pause(connection, by=by, why=why)
        except ConfigurationError as error:
            raise ClientException(str(error)) from None
        return Redirect(PAGE, status_code=303)

    @post("/workflows/sending/resume", request_max_body_size=LARGEST_FORM)
    async def resume(request: AdminRequest) -> Redirect:
        """Let sending go on."""
        by = _operator(request)
        async with database.transaction() as connection:
            await pausing.resume(connection, by=by)
        return Redirect(PAGE, status_code=303)

    @post("/workflows/sending/{workflow_id:str}/release", request_max_body_size=LARGEST_FORM)
    async def go(request: AdminRequest, workflow_id: FromPath[str]) -> Redirect:
        """Let a workflow's held invitations go out."""
        return await _decide(request, let_go, workflow_id)

    @post("/workflows/sending/{workflow_id:str}/cancel", request_max_body_size=LARGEST_FORM)
    async def end(request: AdminRequest, workflow_id: FromPath[str]) -> Redirect:
        """Cancel a workflow's held invitations."""
        return await _decide(request, cancel, workflow_id)

    async def _decide(request: AdminRequest, decision: Decision, workflow_id: str) -> Redirect:
        """Somebody may have decided a moment before: then the page tells how it stands."""
        by = _operator(request)
        try:
            async with database.transaction() as connection:
                await decision(connection, workflow_id, by=by)
        except NothingHeld:
            pass
        return Redirect(PAGE, status_code=303)

    return [sending, pause, resume, go, end]


def _operator(request: AdminRequest) -> str:
    """Who decides, by name."""
    person = request.user
    if person is None or not may_operate(person):
        raise PermissionDeniedException(
            _("Your role may look at sending, and not pause it or let anything go.")
        )
    return person.name or person.email
