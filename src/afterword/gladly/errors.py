"""What each of Gladly's refusals means to us: :data:`TABLE`, top to bottom, the first row that fits.

Gladly documents one form for errors and sends others too: one object in place of the list, a bare list, a
gateway's ``message``, HTML, nothing. All are read; what they say stands in our error's words, shortened and
masked.
"""

from collections.abc import Iterable, Mapping

import msgspec

from afterword.outcomes import Outcome, Permanent, Reason, Retry
from afterword.outgoing.masking import masked
from afterword.translating import N_

HOLD_WITHOUT_RETRY_AFTER = 1.0
"""Seconds to hold after a 429 that does not say: Gladly counts by the second and documents no Retry-After."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer of Gladly's said, read from any of its forms; texts are masked.

    ``call`` is the call without its ids: ``GET /api/v1/conversations/{id}``.
    """

    call: str
    status: int | None = None
    code: str = ""
    attr: str = ""
    detail: str = ""
    words: str = ""
    new_id: str | None = None
    after: float | None = None


def _reason(told: Told, code: str, what: str, advice: str = "") -> Reason:
    status = "" if told.status is None else f", status {told.status}"
    said = f": {told.words}" if told.words else ""
    words = f"{what} ({told.call}{status}{said})" + (f"; {advice}" if advice else "")
    values = {
        "call": told.call,
        "status": "" if told.status is None else str(told.status),
        "code": told.code,
        "attr": told.attr,
        "detail": told.detail,
        "said": told.words,
    }
    return Reason(code, words, {name: value for name, value in values.items() if value})


class GladlyWrongCredentials(Permanent):
    """401: the user name or the API token is wrong."""

    def __init__(self, told: Told) -> None:
        what = N_("Gladly did not accept the credentials")
        advice = N_("check the user name and the API token of the connected account")
        super().__init__(_reason(told, "gladly-wrong-credentials", what, advice))


class GladlyMissingPermission(Permanent):
    """403: the API user may not do this."""

    def __init__(self, told: Told) -> None:
        what = N_("Gladly does not permit this to the API user")
        advice = N_('give the user the permission "API User" in Gladly')
        super().__init__(_reason(told, "gladly-missing-permission", what, advice))


class GladlyNotFound(Permanent):
    """404: there is no such thing, or no more."""

    def __init__(self, told: Told) -> None:
        super().__init__(_reason(told, "gladly-not-found", N_("Gladly has no such thing, or no longer")))
        self.told = told


class GladlyCustomerGone(GladlyNotFound):
    """404 where a customer was asked for: the customer was deleted, or never was in this organization."""

    def __init__(self, told: Told) -> None:
        what = N_("the customer was deleted in Gladly, or never was there")
        Permanent.__init__(self, _reason(told, "gladly-customer-gone", what))
        self.told = told


class GladlyMoved(Permanent):
    """The customer was merged into another; ``new_id`` is that one's, if Gladly told it."""

    def __init__(self, told: Told) -> None:
        super().__init__(_reason(told, "gladly-moved", N_("the customer was merged into another in Gladly")))
        self.new_id = told.new_id


class GladlyRedirected(Permanent):
    """An answer that leads elsewhere, which is never followed."""

    def __init__(self, told: Told) -> None:
        advice = N_("check the base address of the connected account")
        super().__init__(
            _reason(told, "gladly-redirected", N_("Gladly answered with another address"), advice)
        )


class GladlyInvalid(Permanent):
    """400: the request is not valid; ``attr`` is the field (dotted), ``code`` and ``detail`` are Gladly's
    words.
    """

    def __init__(self, told: Told) -> None:
        super().__init__(_reason(told, "gladly-invalid", N_("Gladly refused the request as not valid")))
        self.attr, self.code, self.detail = told.attr, told.code, told.detail


class GladlyTaken(Permanent):
    """409: something unique is in use already; ``code`` is Gladly's, ``taken`` for an id."""

    def __init__(self, told: Told) -> None:
        super().__init__(_reason(told, "gladly-taken", N_("Gladly has this already")))
        self.code = told.code


class GladlyUnexpected(Permanent):
    """A status that Gladly does not document."""

    def __init__(self, told: Told) -> None:
        advice = N_("check the base address of the connected account")
        what = N_("Gladly gave an answer that it does not document")
        super().__init__(_reason(told, "gladly-unexpected-answer", what, advice))


class GladlyRateLimited(Retry):
    """429: too many requests in this second, by us or by others who use the organization's limit."""

    def __init__(self, told: Told) -> None:
        after = HOLD_WITHOUT_RETRY_AFTER if told.after is None else told.after
        reason = _reason(told, "gladly-rate-limited", N_("Gladly's limit of requests a second was reached"))
        super().__init__(reason, after=after)


class GladlyUnavailable(Retry):
    """Gladly has trouble of its own. After most statuses nobody knows whether it did the work; after some it
    did not.
    """

    NOT_DONE = frozenset({400, 408, 503})

    def __init__(self, told: Told) -> None:
        reason = _reason(told, "gladly-unavailable", N_("Gladly could not do it now"))
        super().__init__(reason, after=told.after, outcome_unknown=told.status not in self.NOT_DONE)


class GladlyUnreachable(Retry):
    """No connection came about: nothing was done."""

    def __init__(self, told: Told) -> None:
        super().__init__(_reason(told, "gladly-unreachable", N_("Gladly could not be reached")))


class GladlyTimedOut(Retry):
    """The request went out and no whole answer came back."""

    def __init__(self, told: Told) -> None:
        reason = _reason(
            told, "gladly-timed-out", N_("Gladly gave no whole answer; it may have done the work")
        )
        super().__init__(reason, outcome_unknown=True)


class GladlyUnreadable(Retry):
    """A good status with a body that is not what Gladly documents: a gateway's page, for one."""

    def __init__(self, told: Told) -> None:
        reason = _reason(told, "gladly-unreadable-answer", N_("Gladly's answer could not be read"))
        super().__init__(reason, outcome_unknown=True)


class Row(msgspec.Struct, frozen=True):
    """Statuses (``None``: any), codes (``None``: any), and what an answer with such is to us."""

    statuses: range | frozenset[int] | None
    codes: frozenset[str] | None
    error: type[Outcome]

    def fits(self, told: Told) -> bool:
        """Whether this row is the answer's."""
        return (self.statuses is None or told.status in self.statuses) and (
            self.codes is None or told.code in self.codes
        )


def _row(statuses: int | Iterable[int] | None, codes: str | None, error: type[Outcome]) -> Row:
    if isinstance(statuses, int):
        statuses = (statuses,)
    if statuses is not None and not isinstance(statuses, range):
        statuses = frozenset(statuses)
    return Row(statuses, None if codes is None else frozenset(codes.split()), error)


TABLE = (
    _row(401, None, GladlyWrongCredentials),
    _row(403, None, GladlyMissingPermission),
    _row(429, None, GladlyRateLimited),
    _row(range(300, 500), "moved", GladlyMoved),
    _row(range(300, 400), None, GladlyRedirected),
    _row(404, None, GladlyNotFound),
    _row(409, None, GladlyTaken),
    _row(400, "taken", GladlyTaken),
    _row(400, "not_exist", GladlyNotFound),
    _row(400, "temporary_failure", GladlyUnavailable),
    _row((400, 422), None, GladlyInvalid),
    _row(408, None, GladlyUnavailable),
    _row(range(500, 600), None, GladlyUnavailable),
    _row(None, None, GladlyUnexpected),
)


def error_for(told: Told) -> Outcome:
    """Our error for an answer of Gladly's, by the table."""
    row = next(row for row in TABLE if row.fits(told))
    make: type[GladlyUnexpected] = row.error  # type: ignore[assignment]  # each takes what was told
    return make(told)


class _Detail(msgspec.Struct, frozen=True):
    code: str | None = None
    attr: str | None = None
    detail: str | None = None
    meta: dict[str, object] | None = None


class _Envelope(msgspec.Struct, frozen=True):
    errors: list[_Detail] | _Detail | None = None
    message: str | None = None


def read_refusal(
    call: str,
    status: int,
    body: str,
    *,
    location: str | None = None,
    after: float | None = None,
    secrets: Iterable[str] = (),
) -> Told:
    """Read an answer that is not a success, in whatever form it came; never raises."""
    secrets = tuple(secrets)
    details, words = _details(body)
    first = details[0] if details else _Detail()
    moved_to = _new_id(details) or _customer_in(location)
    is_move = first.code == "moved" or (moved_to is not None and 300 <= status < 400)  # noqa: PLR2004
    return Told(
        call=call,
        status=status,
        code="moved" if is_move else masked(first.code or "", secrets),
        attr=masked(first.attr or "", secrets),
        detail=masked(first.detail or "", secrets),
        words=masked(words, secrets),
        new_id=moved_to if is_move else None,
        after=after,
    )


def _details(body: str) -> tuple[list[_Detail], str]:
    """The errors in a body, and what it says for people to read."""
    try:
        told = msgspec.json.decode(body, type=_Envelope | list[_Detail])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return [], body
    if isinstance(told, _Envelope):
        message, errors = told.message or "", told.errors or []
        told = [errors] if isinstance(errors, _Detail) else errors
    else:
        message = ""
    return told, "; ".join([*map(_said, told), message]).strip("; ")


def _said(detail: _Detail) -> str:
    return " ".join(part for part in (detail.attr, detail.code, detail.detail) if part)


def _new_id(details: list[_Detail]) -> str | None:
    meta: Mapping[str, object] = (details[0].meta if details else None) or {}
    new = meta.get("new")
    return new if isinstance(new, str) and new else None


def _customer_in(location: str | None) -> str | None:
    """The customer that a ``Location`` names: Gladly documents one for a merged customer's items."""
    segments = (location or "").partition("?")[0].split("/")
    for kind in ("customers", "customer-profiles"):
        if kind in segments[:-1]:
            return segments[segments.index(kind) + 1] or None
    return None
