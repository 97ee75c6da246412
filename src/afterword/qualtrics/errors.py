"""What each of Qualtrics' refusals means to us: :data:`TABLE`, top to bottom, the first row that fits.

Qualtrics answers in its envelope; gateways before it answer with HTML, with plain text or without an
``errorCode``. What was said stands in our error's words, shortened and masked.
"""

from collections.abc import Iterable

import msgspec

from afterword.outcomes import Outcome, Permanent, Reason, Retry
from afterword.outgoing.masking import masked
from afterword.translating import N_

SEND_JSON_EVENT = "send JSON event"

HOLD_WITHOUT_RETRY_AFTER = 5.0
"""Seconds to hold after a 429 that does not say: the limits are by the minute, and a token can come free at
any time.
"""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer of Qualtrics' said; texts are masked. ``call`` names the call and holds no address."""

    call: str
    status: int | None = None
    code: str = ""
    words: str = ""
    request_id: str = ""
    after: float | None = None


def _reason(told: Told, code: str, what: str, advice: str = "") -> Reason:
    status = "" if told.status is None else f", status {told.status}"
    said = ": " + " ".join(filter(None, (told.code, told.words))) if told.code or told.words else ""
    words = f"{what} ({told.call}{status}{said})" + (f"; {advice}" if advice else "")
    values = {"call": told.call, "code": told.code, "request_id": told.request_id}
    return Reason(code, words, {name: value for name, value in values.items() if value})


class QualtricsWrongCredentials(Permanent):
    """401, or 400 ``ATP_2``: the API token is wrong, or none arrived."""

    def __init__(self, told: Told) -> None:
        what = N_("Qualtrics did not accept the API token")
        advice = N_("check the API token of the connected account; making a new one ends the old one")
        super().__init__(_reason(told, "qualtrics-wrong-credentials", what, advice))


class QualtricsMissingPermission(Permanent):
    """403: the token's user may not do this."""

    def __init__(self, told: Told) -> None:
        what = N_("Qualtrics does not permit this to the token's user")
        advice = N_("give the user access to the API, and to the survey or the workflow's project")
        super().__init__(_reason(told, "qualtrics-missing-permission", what, advice))


class QualtricsNotFound(Permanent):
    """404, or 400 for what cannot be a survey's id: there is no such thing, no longer, or not yet."""

    def __init__(self, told: Told) -> None:
        super().__init__(
            _reason(told, "qualtrics-not-found", N_("Qualtrics has no such thing, or no longer"))
        )
        self.status = told.status


class QualtricsUnknownEndpoint(Permanent):
    """404: there is no such JSON event, or its workflow was deleted."""

    def __init__(self, told: Told) -> None:
        what = N_("Qualtrics knows nothing at this address")
        advice = N_("copy the address of the workflow's JSON event again")
        super().__init__(_reason(told, "qualtrics-unknown-endpoint", what, advice))


class QualtricsBadEvent(Permanent):
    """400, 415, 422: what was sent is not valid."""

    def __init__(self, told: Told) -> None:
        super().__init__(
            _reason(told, "qualtrics-bad-event", N_("Qualtrics refused what was sent as not valid"))
        )


class QualtricsTooLarge(Permanent):
    """413: what was sent is too large."""

    def __init__(self, told: Told) -> None:
        super().__init__(_reason(told, "qualtrics-too-large", N_("what was sent is too large for Qualtrics")))


class QualtricsEventTooLarge(Permanent):
    """413, or found before sending: a JSON event has at most 100 KB."""

    def __init__(self, told: Told) -> None:
        advice = N_("send fewer or shorter fields")
        super().__init__(
            _reason(told, "qualtrics-event-too-large", N_("a JSON event has at most 100 KB"), advice)
        )


class QualtricsUnexpected(Permanent):
    """A redirect, which is never followed, or a status that Qualtrics does not document."""

    def __init__(self, told: Told) -> None:
        what = N_("Qualtrics gave an answer that it does not document")
        super().__init__(_reason(told, "qualtrics-unexpected-answer", what, N_("check the address")))


class QualtricsRateLimited(Retry):
    """429: too many requests in this minute, by us or by others of the brand."""

    def __init__(self, told: Told) -> None:
        after = HOLD_WITHOUT_RETRY_AFTER if told.after is None else told.after
        reason = _reason(told, "qualtrics-rate-limited", N_("Qualtrics' limit of requests was reached"))
        super().__init__(reason, after=after)


class QualtricsUnavailable(Retry):
    """Qualtrics has trouble of its own. After 408 and 503 it did nothing; after the others nobody knows."""

    NOT_DONE = frozenset({408, 503})

    def __init__(self, told: Told) -> None:
        reason = _reason(told, "qualtrics-unavailable", N_("Qualtrics could not do it now"))
        super().__init__(reason, after=told.after, outcome_unknown=told.status not in self.NOT_DONE)


class QualtricsUnreachable(Retry):
    """No connection came about: nothing was done."""

    def __init__(self, told: Told) -> None:
        super().__init__(_reason(told, "qualtrics-unreachable", N_("Qualtrics could not be reached")))


class QualtricsTimedOut(Retry):
    """The request went out and no whole answer came back."""

    def __init__(self, told: Told) -> None:
        what = N_("Qualtrics gave no whole answer; it may have done the work")
        super().__init__(_reason(told, "qualtrics-timed-out", what), outcome_unknown=True)


class QualtricsUnreadable(Retry):
    """A good status with a body that is not what Qualtrics documents: a gateway's page, for one."""

    def __init__(self, told: Told) -> None:
        what = N_("Qualtrics' answer could not be read")
        super().__init__(_reason(told, "qualtrics-unreadable-answer", what), outcome_unknown=True)


class Row(msgspec.Struct, frozen=True):
    """Statuses (``None``: any), codes (``None``: any), and what an answer with such is to us; ``call`` where it is that
    to one call alone.
    """

    statuses: range | frozenset[int] | None
    codes: frozenset[str] | None
    error: type[Outcome]
    call: str | None = None

    def fits(self, told: Told) -> bool:
        """Whether this row is the answer's."""
        return (
            (self.statuses is None or told.status in self.statuses)
            and (self.codes is None or told.code in self.codes)
            and (self.call is None or told.call == self.call)
        )


TABLE = (
    Row(frozenset({400}), frozenset({"ATP_2"}), QualtricsWrongCredentials),
    Row(frozenset({401}), None, QualtricsWrongCredentials),
    Row(frozenset({403}), None, QualtricsMissingPermission),
    Row(frozenset({404, 410}), None, QualtricsUnknownEndpoint, call=SEND_JSON_EVENT),
    Row(frozenset({404, 410}), None, QualtricsNotFound),
    Row(frozenset({400}), frozenset({"MSTC_1", "QVAL_7"}), QualtricsNotFound),
    Row(frozenset({413}), None, QualtricsEventTooLarge, call=SEND_JSON_EVENT),
    Row(frozenset({413}), None, QualtricsTooLarge),
    Row(frozenset({400, 415, 422}), None, QualtricsBadEvent),
    Row(frozenset({429}), None, QualtricsRateLimited),
    Row(frozenset({408}), None, QualtricsUnavailable),
    Row(range(500, 600), None, QualtricsUnavailable),
    Row(None, None, QualtricsUnexpected),
)


def error_for(told: Told) -> Outcome:
    """Our error for an answer of Qualtrics', by the table."""
    row = next(row for row in TABLE if row.fits(told))
    make: type[QualtricsUnexpected] = row.error  # type: ignore[assignment]  # each takes what was told
    return make(told)


class _Error(msgspec.Struct, frozen=True, rename="camel"):
    error_message: str | None = None
    error_code: str | None = None


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    request_id: str | None = None
    error: _Error | None = None


class _Envelope(msgspec.Struct, frozen=True):
    meta: _Meta | None = None


def read_refusal(
    call: str, status: int, body: str, *, after: float | None = None, secrets: Iterable[str] = ()
) -> Told:
    """Read an answer that is not a success, in whatever form it came; never raises."""
    secrets = tuple(secrets)
    try:
        meta = msgspec.json.decode(body, type=_Envelope).meta
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        meta = None
    error = (meta and meta.error) or _Error()
    return Told(
        call=call,
        status=status,
        code=masked(error.error_code or "", secrets),
        words=masked(error.error_message or "" if meta else body, secrets),
        request_id=masked((meta and meta.request_id) or "", secrets),
        after=after,
    )
