"""What the settings pages have in common: their tabs, reading forms, and what is wrong told at its field."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from aiohttp import web

from afterword_sandbox.errors import GladlyError
from afterword_sandbox.pages.rendering import render
from afterword_sandbox.pages.site import desktop_site
from afterword_sandbox.sandbox import SANDBOX

TABS = (
    ("Users", "/settings/users"),
    ("API tokens", "/settings/api-tokens"),
    ("Webhooks", "/settings/webhooks"),
    ("Behaviour", "/settings/behaviour"),
    ("Faults", "/settings/faults"),
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Form(NamedTuple):
    """A form as it was sent: texts by name, and the boxes that were ticked."""

    texts: Mapping[str, str]
    ticked: Mapping[str, list[str]]

    def text(self, name: str) -> str:
        """Return what stands in a field, without the spaces around it."""
        return self.texts.get(name, "").strip()


class Problem(NamedTuple):
    """What is wrong with a form: the field it is about ("" for none), in words."""

    field: str
    words: str


async def read_form(request: web.Request) -> Form:
    """Read a form; files are not looked at."""
    sent = await request.post()
    values = [(name, value) for name, value in sent.items() if isinstance(value, str)]
    ticked: dict[str, list[str]] = {}
    for name, value in values:
        ticked.setdefault(name, []).append(value)
    return Form(dict(values), ticked)


def problems_of(error: GladlyError) -> list[Problem]:
    """Return what an error says, as it is shown above a form and at its fields."""
    return [Problem((detail.attr or "").partition(".")[0], detail.detail) for detail in error.errors]


def page(
    request: web.Request,
    template: str,
    tab: str,
    *,
    problems: list[Problem] | None = None,
    **values: object,
) -> web.Response:
    """Answer with a page of the settings; with problems it is a 400."""
    return render(
        f"settings/{template}",
        status=400 if problems else 200,
        site=desktop_site(request.app[SANDBOX], "Settings"),
        tabs=TABS,
        tab=tab,
        problems=problems or [],
        **values,
    )


def found_or_404(handler: Handler) -> Handler:
    """Let a page answer 404, for people, when what it is about is not there."""

    async def look(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except GladlyError as error:
            words = "; ".join(detail.detail for detail in error.errors)
            return render(
                "problem.html",
                status=error.status,
                title="Not found" if error.status == 404 else "Nothing was changed",  # noqa: PLR2004
                words=f"{words[:1].upper()}{words[1:]}.",
                site=desktop_site(request.app[SANDBOX], "Settings"),
            )

    return look
