"""What the end of a call tells of the account that it was made for: :func:`sign_of`, by the vendors' errors."""

import enum

from afterword.gladly.errors import (
    GladlyInvalid,
    GladlyMissingPermission,
    GladlyMoved,
    GladlyTaken,
    GladlyTimedOut,
    GladlyUnavailable,
    GladlyUnreachable,
    GladlyWrongCredentials,
)
from afterword.outcomes import Outcome, Permanent, Retry, Skip
from afterword.qualtrics.errors import (
    QualtricsBadEvent,
    QualtricsMissingPermission,
    QualtricsTimedOut,
    QualtricsUnavailable,
    QualtricsUnreachable,
    QualtricsWrongCredentials,
)
from afterword.web_services.errors import (
    WebServiceMissingPermission,
    WebServiceTimedOut,
    WebServiceUnavailable,
    WebServiceUnreachable,
    WebServiceWrongCredentials,
)


class Sign(enum.Enum):
    """What a call told."""

    ACCEPTED = "accepted"
    """It is there and takes the token."""
    ANSWERED = "answered"
    """It is there. What it said (429, 404, a page in place of JSON) tells nothing of the token."""
    DOWN = "down"
    """It is not there, or has trouble of its own (5xx, 408)."""
    REFUSED = "refused"
    """It does not take the token (401)."""
    NOT_PERMITTED = "not permitted"
    """It does not permit this to the token (403)."""
    NOTHING = "nothing"
    """It was not asked: the rate budget had no turn to give."""


BY_ERROR: dict[type[Outcome], Sign] = {
    GladlyUnreachable: Sign.DOWN,
    GladlyTimedOut: Sign.DOWN,
    GladlyUnavailable: Sign.DOWN,
    QualtricsUnreachable: Sign.DOWN,
    QualtricsTimedOut: Sign.DOWN,
    QualtricsUnavailable: Sign.DOWN,
    GladlyWrongCredentials: Sign.REFUSED,
    QualtricsWrongCredentials: Sign.REFUSED,
    GladlyMissingPermission: Sign.NOT_PERMITTED,
    QualtricsMissingPermission: Sign.NOT_PERMITTED,
    GladlyTaken: Sign.ACCEPTED,
    GladlyInvalid: Sign.ACCEPTED,
    GladlyMoved: Sign.ACCEPTED,
    QualtricsBadEvent: Sign.ACCEPTED,
    WebServiceUnreachable: Sign.DOWN,
    WebServiceTimedOut: Sign.DOWN,
    WebServiceUnavailable: Sign.DOWN,
    WebServiceWrongCredentials: Sign.REFUSED,
    WebServiceMissingPermission: Sign.NOT_PERMITTED,
    Retry: Sign.NOTHING,
    Permanent: Sign.NOTHING,
    Skip: Sign.NOTHING,
}
"""Every other error of a vendor's is :attr:`Sign.ANSWERED`."""


def sign_of(error: Outcome | None) -> Sign:
    """What a call told; ``None`` for one that did what it was to do."""
    return Sign.ACCEPTED if error is None else BY_ERROR.get(type(error), Sign.ANSWERED)
