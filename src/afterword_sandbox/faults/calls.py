"""The middleware that makes faults happen to calls of the API.

It stands behind credentials and rate limit: a fault strikes only what Gladly would have let in, and what it strikes
counts against the limit.
"""

import asyncio
import contextlib
import math

from aiohttp import web
from aiohttp.payload import Payload

from afterword_sandbox.api.edge import API_PREFIX, Handler
from afterword_sandbox.errors import GladlyError, refusal
from afterword_sandbox.faults.rules import Answer, Drop, Garble, Hang
from afterword_sandbox.sandbox import SANDBOX

_HTML = (
    b"<!doctype html><html><head><title>Just a moment</title></head><body><h1>Please wait</h1></body></html>"
)
_BYTES = bytes(range(128, 256)) * 2
_CODES = {401: "invalid", 403: "invalid", 404: "not_exist", 409: "taken"}


@web.middleware
async def call_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a call go on, or let happen to it what stands for it."""
    if not request.path.startswith(API_PREFIX):
        return await handler(request)
    match request.app[SANDBOX].faults.of_call(request.method, request.path):
        case None:
            return await handler(request)
        case Answer() as fault:
            return await _answer(request, handler, fault)
        case Hang() as fault:
            return await _hang(request, handler, fault)
        case Drop() as fault:
            return await _drop(request, handler, fault)
        case Garble() as fault:
            return await _garble(request, handler, fault)


async def _work(request: web.Request, handler: Handler) -> None:
    """Do what was asked, whatever comes of it: nobody will hear."""
    with contextlib.suppress(GladlyError, web.HTTPException):
        await handler(request)


async def _answer(request: web.Request, handler: Handler, fault: Answer) -> web.StreamResponse:
    if fault.when == "after":
        await _work(request, handler)
    headers = {} if fault.retry_after is None else {"Retry-After": str(math.ceil(fault.retry_after))}
    code = _CODES.get(fault.status, "temporary_failure" if fault.status >= 429 else "invalid")  # noqa: PLR2004
    error = refusal(fault.status, code, "a fault was asked for", headers=headers)
    error.form = fault.body
    raise error


async def _hang(request: web.Request, handler: Handler, fault: Hang) -> web.StreamResponse:
    if fault.when == "after":
        try:
            return await handler(request)
        finally:
            await asyncio.sleep(fault.seconds)
    await asyncio.sleep(fault.seconds)
    if request.transport is None or request.transport.is_closing():
        return web.Response(status=499)
    return await handler(request)


async def _drop(request: web.Request, handler: Handler, fault: Drop) -> web.StreamResponse:
    if fault.when == "midway":
        return await _break_off(request, await handler(request))
    if fault.when == "after":
        await _work(request, handler)
    return _cut(request, web.Response(status=500))


def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response


async def _break_off(request: web.Request, whole: web.StreamResponse) -> web.StreamResponse:
    """Send the head of an answer and the half of its body, and no more."""
    body = await _body(whole)
    partial = web.StreamResponse(status=whole.status, headers={"Content-Length": str(len(body) + 1)})
    partial.content_type = whole.content_type
    if not whole.prepared:
        await partial.prepare(request)
        await partial.write(body[: len(body) // 2])
    return _cut(request, partial)


async def _garble(request: web.Request, handler: Handler, fault: Garble) -> web.StreamResponse:
    response: web.StreamResponse = web.Response()
    if fault.when == "after":
        response = await handler(request)
    if not isinstance(response, web.Response) or response.prepared:
        return _cut(request, response)
    whole = await _body(response)
    response.body = {
        "html": _HTML,
        "bytes": _BYTES,
        "truncated": whole[: len(whole) // 2],
        "empty": b"",
    }[fault.form]
    response.content_type = "text/html" if fault.form == "html" else "application/json"
    if response.status == 204:  # noqa: PLR2004 -- a status that has no body
        response.set_status(200)
    return response


async def _body(response: web.StreamResponse) -> bytes:
    """Return the whole body of an answer that was not sent yet, one that is streamed too."""
    body = response.body if isinstance(response, web.Response) else None
    if isinstance(body, Payload):
        return await body.as_bytes()
    return bytes(body or b"")
