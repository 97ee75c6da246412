"""Renders pages: Jinja2 with everything escaped, times as people write them, the static files."""

from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from aiohttp import web

from afterword_sandbox.clock import parse_time

if TYPE_CHECKING:
    from jinja2 import Environment

_STATIC_TYPES = {"style.css": "text/css", "forms.css": "text/css", "live.js": "text/javascript"}


def _day(text: str) -> str:
    """Write a time for people: today's by the hour, others with their day; UTC, as Gladly gives it."""
    moment = parse_time(text)
    if moment is None:
        return text
    today = datetime.now(UTC).date()
    day = "Today" if moment.date() == today else f"{moment:%b} {moment.day}"
    year = f", {moment.year}" if moment.year != today.year else ""
    return f"{day}{year} {moment:%H:%M}"


NAMELESS = "Unnamed customer"
"""What a customer without a name is called on pages."""


def _initials(name: str) -> str:
    if name == NAMELESS:
        return "?"
    words = [word for word in name.split() if word[0].isalnum()]
    letters = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0] for word in letters).upper() or "?"


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 -- at the first page only

    environment = Environment(
        loader=PackageLoader("afterword_sandbox.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = _day
    environment.filters["initials"] = _initials
    return environment


def render(template: str, *, status: int = 200, **values: object) -> web.Response:
    """Answer with a page."""
    text = _environment().get_template(template).render(**values)
    return web.Response(status=status, text=text, content_type="text/html")


async def static_file(request: web.Request) -> web.Response:
    """Answer with one of our own static files."""
    name = request.match_info["name"]
    if name not in _STATIC_TYPES:
        raise web.HTTPNotFound
    body = resources.files("afterword_sandbox.pages").joinpath("static", name).read_bytes()
    return web.Response(
        body=body,
        content_type=_STATIC_TYPES[name],
        charset="utf-8",
        headers={"Cache-Control": "max-age=60"},
    )


STATIC_ROUTE = web.get("/static/{name}", static_file)
