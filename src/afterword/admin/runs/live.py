"""Telling open pages that run history changed, by server-sent events."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

from litestar import get
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler
from litestar.response import ServerSentEvent, ServerSentEventMessage
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.sessions import Session, session_lasts
from afterword.admin.ids import read_id
from afterword.admin.signing_in.sessions import AdminRequest, Sessions
from afterword.previewing.rows import preview_state
from afterword.store.database import CONNECTION_LOST, Database
from afterword.translating import gettext as _
from afterword.workflows.history.watching import newest_state, run_state

LOOK_EVERY_SECONDS = 0.5
LIVES_SECONDS = 60.0
RECONNECT_AFTER_MS = 300

Look = Callable[[AsyncConnection], Awaitable[str | None]]
"""Answers what a page shows, told as one word."""


def live_routes(database: Database, stopping: asyncio.Event, sessions: Sessions) -> list[HTTPRouteHandler]:
    """The stream that pages listen to; it ends with its session, and every one when ``stopping`` is set."""

    @get("/workflows/runs/stream")
    async def stream(request: AdminRequest) -> ServerSentEvent:
        """Say *changed* when the newest runs and events, the one run that is asked for, or a count changed."""
        wanted = request.query_params.get("run")
        run_id = None if wanted is None else read_id(wanted)
        if wanted is not None and run_id is None:
            raise ClientException(_("That is not a run's number."))
        look: Look = newest_state
        if run_id is not None:
            look = functools.partial(run_state, run_id=run_id)
        elif request.query_params.get("of") == "preview":
            look = preview_state
        session_id = cast("Session", request.auth).id

        async def lasts() -> bool:
            return await session_lasts(database, session_id, idle=sessions.idle)

        return ServerSentEvent(changes(database, look, stopping, lasts))

    return [stream]


async def changes(
    database: Database, look: Look, stopping: asyncio.Event, lasts: Callable[[], Awaitable[bool]]
) -> AsyncIterator[ServerSentEventMessage]:
    """A message for each change, and one to begin with: something may have changed since the page was made.

    It ends when the session does not last any more, so that whoever signed out hears nothing; and after a minute, when
    the browser asks anew.
    """
    known = await _state(database, look)
    yield ServerSentEventMessage(event="changed", data="", retry=RECONNECT_AFTER_MS)
    loop = asyncio.get_running_loop()
    end = loop.time() + LIVES_SECONDS
    while loop.time() < end and not await _is_set_within(stopping, LOOK_EVERY_SECONDS):
        try:
            if not await lasts():
                return
        except CONNECTION_LOST:
            continue
        state = await _state(database, look)
        if state is not None and state != known:
            known = state
            yield ServerSentEventMessage(event="changed", data="")


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


async def _state(database: Database, look: Look) -> str | None:
    """What would be shown, told as one word; ``None`` while the database is away."""
    with contextlib.suppress(*CONNECTION_LOST):
        async with database.transaction() as connection:
            return await look(connection)
    return None
