"""Brakes, for programs: all sending paused and resumed, held invitations let go or cancelled."""

from typing import Annotated

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException, PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Meta

from afterword.accounts.people import Person
from afterword.accounts.rights import may_operate, may_see_customers
from afterword.accounts.scopes import ROUTE
from afterword.api.tokens import Guard, caller
from afterword.sending import pausing
from afterword.store.database import Database
from afterword.workflows.running.held_back import NothingHeld, SendingState, cancel, let_go, sending_state

NOT_KEPT = {"Cache-Control": "no-store"}

MANAGES = {ROUTE: "manage:sending"}

ApiRequest = Request[object, object, State]


class PauseAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why sending is to be paused."""

    why: Annotated[str, Meta(max_length=pausing.LONGEST_WHY)] = ""


def sending_routes(database: Database, wants_token: Guard) -> list[HTTPRouteHandler]:
    """``/api/v1/sending``."""

    @get("/api/v1/sending", guards=[wants_token], opt={ROUTE: "read:runs"})
    async def state(request: ApiRequest) -> Response[SendingState]:
        """Tell what holds mail to customers back."""
        return await _state(database, personal=may_see_customers(caller(request)))

    @post("/api/v1/sending/pause", guards=[wants_token], opt=MANAGES, status_code=200)
    async def pause(request: ApiRequest) -> Response[SendingState]:
        """Pause all sending; paused already, it stays as it was."""
        person = _operator(request)
        asked = _pause_asked(await request.body())
        async with database.transaction() as connection:
            await pausing.pause(connection, by=person.name or person.email, why=asked.why)
        return await _state(database)

    @post("/api/v1/sending/resume", guards=[wants_token], opt=MANAGES, status_code=200)
    async def resume(request: ApiRequest) -> Response[SendingState]:
        """Let sending go on."""
        person = _operator(request)
        async with database.transaction() as connection:
            await pausing.resume(connection, by=person.name or person.email)
        return await _state(database)

    @post(
        "/api/v1/sending/held/{workflow_id:str}/release",
        guards=[wants_token],
        opt=MANAGES,
        status_code=200,
    )
    async def go(request: ApiRequest, workflow_id: FromPath[str]) -> Response[SendingState]:
        """Let a workflow's held invitations go out."""
        person = _operator(request)
        try:
            async with database.transaction() as connection:
                await let_go(connection, workflow_id, by=person.name or person.email)
        except NothingHeld as error:
            raise NotFoundException(str(error)) from None
        return await _state(database)

    @post(
        "/api/v1/sending/held/{workflow_id:str}/cancel",
        guards=[wants_token],
        opt=MANAGES,
        status_code=200,
    )
    async def end(request: ApiRequest, workflow_id: FromPath[str]) -> Response[SendingState]:
        """Cancel a workflow's held invitations."""
        person = _operator(request)
        try:
            async with database.transaction() as connection:
                await cancel(connection, workflow_id, by=person.name or person.email)
        except NothingHeld as error:
            raise NotFoundException(str(error)) from None
        return await _state(database)

    return [state, pause, resume, go, end]


async def _state(database: Database, *, personal: bool = True) -> Response[SendingState]:
    async with database.read_only().transaction() as connection:
        return Response(await sending_state(connection, personal=personal), headers=NOT_KEPT)


def _pause_asked(body: bytes) -> PauseAsked:
    try:
        return msgspec.json.decode(body, type=PauseAsked) if body else PauseAsked()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ClientException(f"body: {error}") from None


def _operator(request: ApiRequest) -> Person:
    person = caller(request)
    if not may_operate(person):
        raise PermissionDeniedException("Your role may look at sending, and not pause it or let anything go.")
    return person
