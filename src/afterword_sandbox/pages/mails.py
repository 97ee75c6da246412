"""The mail page: the mails as pages for people, and ``/messages`` as JSON for programs."""

from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from afterword_sandbox.mail.catcher import MailCatcher

MAILS: web.AppKey[MailCatcher] = web.AppKey("mails", MailCatcher)


def _limit(request: web.Request) -> int:
    text = request.query.get("limit")
    if text is None:
        return -1
    if not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004 -- SQLite's integers
        raise web.HTTPBadRequest(
            body=msgspec.json.encode({"error": "limit must be a whole number"}),
            content_type="application/json",
        )
    return int(text)


async def _json_list(request: web.Request) -> AsyncIterator[bytes]:
    separator = b"["
    for mail in request.app[MAILS].mails(request.query.get("to"), _limit(request)):
        yield separator + msgspec.json.encode(mail)
        separator = b",\n"
    yield b"[]" if separator == b"[" else b"]"


async def list_messages(request: web.Request) -> web.Response:
    """List the mails newest first; ``?to=`` keeps those delivered to an address, ``?limit=`` the newest so
    many.
    """
    return web.Response(body=_json_list(request), content_type="application/json")


ROUTES = (web.get("/messages", list_messages),)
