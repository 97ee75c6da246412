"""The mail page: the mails as pages for people, and ``/messages`` as JSON for programs."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
from aiohttp import web

from afterword_sandbox.live import LiveChanges, stream_changes
from afterword_sandbox.mail.catcher import MAILS_CHANGED, Mail, MailCatcher
from afterword_sandbox.options import Addresses
from afterword_sandbox.pages.rendering import STATIC_ROUTE, render
from afterword_sandbox.pages.site import Site, Way

LISTED_MAILS = 200
_HIGHEST_LIMIT = 1_000_000_000
_HEAD = re.compile(r"<head(\s[^>]*)?>", re.IGNORECASE)
_OPEN_APART = '<base target="_blank">'
_FRAME_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src http: https: data:; "
    "style-src 'unsafe-inline'; frame-ancestors 'self'"
)
"""What a mail's HTML may do in its frame: show pictures and styles, and open links apart; no script, no form.
"""


@dataclass(frozen=True)
class MailSite:
    """What the mail page shows, and where the agent desktop and the SMTP server are."""

    mails: MailCatcher
    live: LiveChanges
    addresses: Addresses

    def header(self) -> Site:
        """Return what every page's header needs."""
        ways = (Way("Agent desktop", self.addresses.sandbox_url), Way("Mail", "/", is_here=True))
        return Site("Mail catcher", "", "/", ways)


MAIL_SITE: web.AppKey[MailSite] = web.AppKey("mail_site", MailSite)


def _limit(request: web.Request) -> int:
    text = request.query.get("limit")
    if text is None:
        return -1
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > _HIGHEST_LIMIT:
        raise web.HTTPBadRequest(
            body=msgspec.json.encode({"error": "limit must be a whole number"}),
            content_type="application/json",
        )
    return int(text)


async def _json_list(mails: MailCatcher, to: str | None, limit: int) -> AsyncIterator[bytes]:
    separator = b"["
    for mail in mails.mails(to, limit):
        yield separator + msgspec.json.encode(mail)
        separator = b",\n"
    yield b"[]" if separator == b"[" else b"]"


async def list_messages(request: web.Request) -> web.Response:
    """List the mails newest first; ``?to=`` keeps those to an address, ``?limit=`` the newest so many."""
    body = _json_list(request.app[MAIL_SITE].mails, request.query.get("to"), _limit(request))
    return web.Response(body=body, content_type="application/json")


async def mail_list(request: web.Request) -> web.Response:
    """Show the newest mails."""
    site = request.app[MAIL_SITE]
    return render(
        "mails.html",
        site=site.header(),
        mails=site.mails.summaries(LISTED_MAILS),
        count=site.mails.count(),
        desktop_url=site.addresses.sandbox_url,
        smtp_port=site.addresses.smtp_port,
    )


def _mail(request: web.Request) -> Mail:
    mail = request.app[MAIL_SITE].mails.get(request.match_info["mail_id"])
    if mail is None:
        site = request.app[MAIL_SITE].header()
        words = "There is no mail at this address. Perhaps the mails were thrown away."
        page = render("problem.html", status=404, title="No such mail", words=words, site=site)
        raise web.HTTPNotFound(text=page.text, content_type="text/html")
    return mail


async def show_mail(request: web.Request) -> web.Response:
    """Show one mail: its HTML in a frame of its own, its plain text, its headers."""
    return render("mail.html", site=request.app[MAIL_SITE].header(), mail=_mail(request))


async def mail_html(request: web.Request) -> web.Response:
    """Show a mail's HTML, boxed in by `_FRAME_POLICY`, with links that open apart."""
    html = _mail(request).html
    if html is None:
        raise web.HTTPNotFound(text="This mail has no HTML.\n")
    head = _HEAD.search(html)
    place = head.end() if head else 0
    body = html[:place] + _OPEN_APART + html[place:]
    return web.Response(
        text=body, content_type="text/html", headers={"Content-Security-Policy": _FRAME_POLICY}
    )


async def changes(request: web.Request) -> web.StreamResponse:
    """Tell an open list when a mail has come."""
    return await stream_changes(request, request.app[MAIL_SITE].live, MAILS_CHANGED)


ROUTES: tuple[web.RouteDef, ...] = (
    web.get("/", mail_list),
    web.get("/messages", list_messages),
    web.get("/changes", changes, allow_head=False),
    web.get("/mails/{mail_id}", show_mail),
    web.get("/mails/{mail_id}/html", mail_html),
    STATIC_ROUTE,
)
