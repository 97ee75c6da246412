"""How long a request may take to arrive, and HEAD where there is GET: what holds for every door."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

from litestar import Request
from litestar.connection.base import empty_receive, empty_send
from litestar.exceptions import ClientException, HTTPException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import HTTPRequestEvent, Receive, Scope, Send

from afterword.translating import N_

BODY_WITHIN_SECONDS = 20.0
"""The whole body has to be there by then, however slowly it drips in."""
MOST_FORGOTTEN = 1024 * 1024
"""Bytes that are read of a body that is refused for its size."""


class RequestTimeout(HTTPException):
    """The body did not arrive in time."""

    status_code = 408


class BoundedRequest(Request[Any, Any, Any]):
    """A request whose body arrives in time, or is refused.

    Reading the body raises :class:`RequestTimeout`, or :class:`ClientException` when its sender hangs up.
    """

    def __init__(self, scope: Scope, receive: Receive = empty_receive, send: Send = empty_send) -> None:
        super().__init__(scope, receive, send)
        self._receive_unbounded = receive
        self._deadline: float | None = None
        self.receive = self._receive_in_time

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives; of one that is too large the rest is read and forgotten.

        Else the connection would end while its sender still sends, who might never see the answer.
        """
        try:
            async for chunk in super().stream():
                yield chunk
        except RequestEntityTooLarge:
            await self._forget_the_rest()
            raise

    async def _forget_the_rest(self) -> None:
        left = MOST_FORGOTTEN
        if (self.content_length or 0) > left:
            return
        while left > 0:
            message = await self._receive_in_time()
            left -= len(message["body"])
            if not message["more_body"]:
                return

    async def _receive_in_time(self) -> HTTPRequestEvent:
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + BODY_WITHIN_SECONDS
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive_unbounded()
        except TimeoutError:
            raise RequestTimeout(
                f"The body was not there within {BODY_WITHIN_SECONDS:g} s; send it again.",
                headers={"Connection": "close"},
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientException(N_("The connection ended before the body did."))
        return cast("HTTPRequestEvent", message)


class HeadWhereGet(ReceiveRoutePlugin):
    """Answers HEAD at every address that answers GET, with the same headers and no body (RFC 9110)."""

    def receive_route(self, route: BaseRoute) -> None:
        """Let a route take HEAD."""
        if isinstance(route, HTTPRoute) and "GET" in route.route_handler_map:
            route.route_handler_map.setdefault("HEAD", route.route_handler_map["GET"])
            route.methods.add("HEAD")
