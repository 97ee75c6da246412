"""*What you had typed*: a form that was not taken, as somebody had to sign in first; to be sent now, or thrown away."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.admin.pages import page
from afterword.admin.signing_in.kept_forms import PATH, KeptForms
from afterword.admin.signing_in.letting_in import FIRST_PAGE, own_path
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.translating import N_
from afterword.translating import gettext as _

LARGEST_FORM = 1024
PLACES: Mapping[str, str] = MappingProxyType(
    {
        "/workflows/replays": N_("Replays"),
        "/workflows/runs": N_("Run history"),
        "/workflows/sending": N_("Sending"),
        "/workflows/json-events": N_("JSON events"),
        "/workflows": N_("Workflows"),
        "/surveys": N_("Surveys"),
        "/results": N_("Results"),
        "/settings/people": N_("People"),
        "/settings/tokens": N_("API tokens"),
        "/settings/accounts": N_("Connected accounts"),
        "/settings/apps": N_("Apps"),
        "/settings/extensions": N_("Extensions"),
        "/settings": N_("Settings"),
        "/account": N_("My account"),
        "/setup": N_("Set-up"),
    }
)
"""What the parts of Afterword are called, by how addresses begin; the first that fits."""

SHOWN_AGAIN = re.compile(r"/workflows/OC_\w+")
"""Addresses of forms that are shown again as they are where ``do`` says *show*."""


def what_was_typed_routes(kept_forms: KeptForms) -> list[HTTPRouteHandler]:
    """The page, and its button that throws the form away; the other one sends it to where it was sent to."""

    @get(f"{PATH}/{{kept_id:str}}")
    async def show(request: AdminRequest, kept_id: FromPath[str]) -> Response[str]:
        """Show what was typed."""
        kept = await kept_forms.find(request, kept_id)
        if kept is None:
            raise NotFoundException(
                _("What was typed is not kept here any more: it was thrown away, or an hour went by.")
            )
        _place, name = _place_of(kept.path)
        return page(
            request,
            "what_was_typed.html",
            kept=kept,
            action=own_path(kept.path),
            forget=f"{PATH}/{kept_id}",
            place=name,
            is_shown_again=SHOWN_AGAIN.fullmatch(kept.path) is not None,
        )

    @post(f"{PATH}/{{kept_id:str}}", request_max_body_size=LARGEST_FORM)
    async def throw_away(request: AdminRequest, kept_id: FromPath[str]) -> Redirect:
        """Throw it away."""
        kept = await kept_forms.throw_away(request, kept_id)
        return Redirect(FIRST_PAGE if kept is None else _place_of(kept.path)[0], status_code=303)

    return [show, throw_away]


def _place_of(path: str) -> tuple[str, str]:
    """The part of Afterword that an address is in: its own address and its name."""
    own = own_path(path)
    return next(
        ((place, name) for place, name in PLACES.items() if own.startswith(place)), (FIRST_PAGE, N_("Home"))
    )
