"""What each refusal of a web service means to us: :data:`TABLE`, top to bottom, the first row that fits.

Nothing is known of the service but HTTP itself (RFC 9110); what it says stands in our error's words, shortened and
masked.
"""

import msgspec

from afterword.outcomes import Outcome, Permanent, Reason, Retry
from afterword.translating import N_, said

HOLD_WITHOUT_RETRY_AFTER = 5.0
"""Seconds to hold after a 429 that does not say."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a web service said. ``call`` is method and host; the path may hold a customer's data."""

    call: str
    status: int | None = None
    words: str = ""
    after: float | None = None


def _reason(told: Told, code: str, what: str, advice: str = "") -> Reason:
    status = "" if told.status is None else f", status {told.status}"
    said = f": {told.words}" if told.words else ""
    words = f"{what} ({told.call}{status}{said})" + (f"; {advice}" if advice else "")
    values = {"call": told.call, "status": "" if told.status is None else str(told.status)}
    return Reason(code, words, {name: value for name, value in values.items() if value})


class WebServiceAddressRefused(Permanent):
    """The address is none, or may not be called, or may not hear the account's secret."""

    def __init__(self, words: str) -> None:
        super().__init__(
            Reason(
                "web-service-address-refused", said("the web service is not called: %(words)s", words=words)
            )
        )


class WebServiceWrongCredentials(Permanent):
    """401: it does not know us."""

    def __init__(self, told: Told) -> None:
        what = N_("the web service did not accept the credentials")
        advice = N_("check the task's connected account")
        super().__init__(_reason(told, "web-service-wrong-credentials", what, advice))


class WebServiceMissingPermission(Permanent):
    """403: it knows us and does not permit this."""

    def __init__(self, told: Told) -> None:
        what = N_("the web service does not permit this")
        super().__init__(_reason(told, "web-service-missing-permission", what))


class WebServiceRedirected(Permanent):
    """An answer that leads elsewhere, which is never followed."""

    def __init__(self, told: Told) -> None:
        what = N_("the web service answered with another address")
        advice = N_("write that one in the task, if it is right")
        super().__init__(_reason(told, "web-service-redirected", what, advice))


class WebServiceRefused(Permanent):
    """Any other status that the task does not count as success."""

    def __init__(self, told: Told) -> None:
        super().__init__(_reason(told, "web-service-refused", N_("the web service refused the request")))


class WebServiceRateLimited(Retry):
    """429: too many requests."""

    def __init__(self, told: Told) -> None:
        after = HOLD_WITHOUT_RETRY_AFTER if told.after is None else told.after
        what = N_("the web service asks for fewer requests")
        super().__init__(_reason(told, "web-service-rate-limited", what), after=after)


class WebServiceUnavailable(Retry):
    """Trouble of its own. After 408, 425 and 503 it did nothing; after the others nobody knows."""

    NOT_DONE = frozenset({408, 425, 503})

    def __init__(self, told: Told) -> None:
        super().__init__(
            _reason(told, "web-service-unavailable", N_("the web service could not do it now")),
            after=told.after,
            outcome_unknown=told.status not in self.NOT_DONE,
        )


class WebServiceUnreachable(Retry):
    """No connection came about: nothing was done."""

    def __init__(self, told: Told) -> None:
        super().__init__(_reason(told, "web-service-unreachable", N_("the web service could not be reached")))


class WebServiceTimedOut(Retry):
    """The request went out and no whole answer came back."""

    def __init__(self, told: Told) -> None:
        what = N_("the web service gave no whole answer; it may have done the work")
        super().__init__(_reason(told, "web-service-timed-out", what), outcome_unknown=True)


TABLE: tuple[tuple[range | frozenset[int] | None, type[Outcome]], ...] = (
    (frozenset({401, 407}), WebServiceWrongCredentials),
    (frozenset({403}), WebServiceMissingPermission),
    (frozenset({429}), WebServiceRateLimited),
    (frozenset({408, 425}), WebServiceUnavailable),
    (range(300, 400), WebServiceRedirected),
    (range(500, 600), WebServiceUnavailable),
    (None, WebServiceRefused),
)
"""Statuses (``None``: any other), and what an answer with such is to us."""


def error_for(told: Told) -> Outcome:
    """Our error for an answer, by the table."""
    kind = next(kind for statuses, kind in TABLE if statuses is None or told.status in statuses)
    make: type[WebServiceRefused] = kind  # type: ignore[assignment]  # each takes what was told
    return make(told)
