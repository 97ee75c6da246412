"""What was typed into a form."""

from typing import Any

from litestar.datastructures import FormMultiDict


def text_of(form: FormMultiDict | Any, name: str) -> str:
    """The last text of this name; empty when there is none, or it is a file."""
    values = form.getall(name, [])
    return values[-1] if values and isinstance(values[-1], str) else ""


def texts_of(form: FormMultiDict | Any, name: str) -> list[str]:
    """All texts of this name, such as boxes that are ticked."""
    return [value for value in form.getall(name, []) if isinstance(value, str)]
