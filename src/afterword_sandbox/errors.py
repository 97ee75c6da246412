"""Gladly's error format: ``{"errors": [{"attr", "code", "detail", "meta"}]}``."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Literal, TypeVar

import msgspec

ErrorForm = Literal["envelope", "object", "bare", "gateway", "html", "none"]
"""The forms in which Gladly, or a gateway before it, may tell an error: the documented envelope; one object in place of
the list; the list without the envelope; a gateway's ``message``; a page; nothing.
"""


class ErrorDetail(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that was wrong: a dotted path, one of Gladly's codes, words for a person, and what it points
    at.
    """

    code: str
    detail: str = ""
    attr: str | None = None
    meta: dict[str, str] | None = None


class GladlyError(Exception):
    """A request that Gladly would refuse, with the status, errors and headers of its answer."""

    def __init__(
        self, status: int, errors: Sequence[ErrorDetail], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status}: {'; '.join(error.detail for error in errors)}")
        self.status = status
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.form: ErrorForm | None = None

    def body(self, form: ErrorForm = "envelope") -> tuple[bytes, str]:
        """Return the answer's body and its content type, in the form that the error has itself, else in this one."""
        form = self.form or form
        words = "; ".join(error.detail for error in self.errors)
        if form == "none":
            return b"", "application/json"
        if form == "html":
            return f"<html><body><h1>{self.status} {escape(words)}</h1></body></html>".encode(), "text/html"
        told: dict[ErrorForm, object] = {
            "envelope": {"errors": self.errors},
            "object": {"errors": self.errors[0]},
            "bare": self.errors,
            "gateway": {"message": words},
        }
        return msgspec.json.encode(told[form]), "application/json"


def refusal(
    status: int,
    code: str,
    detail: str,
    *,
    attr: str | None = None,
    meta: dict[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> GladlyError:
    """Make an error with a single detail."""
    return GladlyError(status, [ErrorDetail(code, detail, attr, meta)], headers)


def not_found(what: str) -> GladlyError:
    """Make the 404 of something that is not there; ``what`` as in "conversation"."""
    return refusal(404, "not_exist", f"{what} does not exist")


def invalid_state(detail: str, *, attr: str | None = None) -> GladlyError:
    """Make the 400 of something that is in no state for what was asked."""
    return refusal(400, "invalid_state", detail, attr=attr)


class Problems:
    """Collects what is wrong with a request, so that one answer names all of it."""

    def __init__(self) -> None:
        self._errors: list[ErrorDetail] = []

    def add(self, attr: str | None, code: str, detail: str) -> None:
        """Note one thing that is wrong."""
        self._errors.append(ErrorDetail(code, detail, attr))

    def raise_any(self, status: int = 400) -> None:
        """Raise `GladlyError` if anything was noted."""
        if self._errors:
            raise GladlyError(status, self._errors)


Shape = TypeVar("Shape", bound=msgspec.Struct)


def convert(body: object, shape: type[Shape]) -> Shape:
    """Return a request's body in a shape of ours; raises 400 that names the field that does not fit."""
    try:
        return msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at `$.")
        raise refusal(400, "invalid", words, attr=place.rstrip("`") or None) from None
