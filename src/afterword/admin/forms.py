"""What was typed into a form."""

from typing import Any

from litestar import Request
from litestar.datastructures import FormMultiDict
from litestar.exceptions import NotFoundException

from afterword.translating import gettext as _


def text_of(form: FormMultiDict | Any, name: str) -> str:
    """The last text of this name; empty when there is none, or it is a file."""
    values = form.getall(name, [])
    return _storable(values[-1]) if values and isinstance(values[-1], str) else ""


def texts_of(form: FormMultiDict | Any, name: str) -> list[str]:
    """All texts of this name, such as boxes that are ticked."""
    return [_storable(value) for value in form.getall(name, []) if isinstance(value, str)]


async def refuse_nul(request: Request[Any, Any, Any]) -> None:
    """Refuse an address with a NUL in it: nothing is called so, and PostgreSQL cannot even be asked.

    Raises:
        NotFoundException: it has one.
    """
    if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise NotFoundException(_("There is no such page."))


def _storable(text: str) -> str:
    """No browser sends a NUL, and PostgreSQL takes none."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
