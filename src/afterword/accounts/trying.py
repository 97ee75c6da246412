"""What came of trying an account at its vendor: which field is wrong, and what that means in words."""

from collections.abc import Awaitable, Mapping
from typing import TypeVar

from afterword.accounts.connected import InvalidAccount
from afterword.gladly import errors as gladly_errors
from afterword.outcomes import Outcome
from afterword.qualtrics import errors as qualtrics_errors
from afterword.translating import N_, retold, translated
from afterword.translating import gettext as _

T = TypeVar("T")

FIELDS: Mapping[type[Outcome], str] = {
    gladly_errors.GladlyWrongCredentials: "api_token",
    gladly_errors.GladlyMissingPermission: "api_token",
    gladly_errors.GladlyUnreachable: "base_url",
    gladly_errors.GladlyNotFound: "base_url",
    gladly_errors.GladlyRedirected: "base_url",
    gladly_errors.GladlyUnexpected: "base_url",
    gladly_errors.GladlyUnreadable: "base_url",
    qualtrics_errors.QualtricsWrongCredentials: "api_token",
    qualtrics_errors.QualtricsMissingPermission: "api_token",
    qualtrics_errors.QualtricsUnreachable: "base_url",
    qualtrics_errors.QualtricsNotFound: "base_url",
    qualtrics_errors.QualtricsUnexpected: "base_url",
    qualtrics_errors.QualtricsUnreadable: "base_url",
}
"""Which field causes which error; with any other the vendor has trouble, and no field is wrong."""

NOT_GLADLY = N_(
    "What answers there is not Gladly, or not your organization of it: copy the address from the browser"
)
NO_CONNECTION = N_("Gladly cannot be reached there")
TROUBLE = N_("Gladly has trouble at the moment; try again in a while")

IN_WORDS: Mapping[type[Outcome], str] = {
    gladly_errors.GladlyWrongCredentials: N_(
        "Gladly does not accept this user name with this token. The user name is the "
        "API user's email address; its token is made under Settings, API Tokens, and belongs to that user alone"
    ),
    gladly_errors.GladlyMissingPermission: N_(
        "The token is right, but its user is no API user: give that user the "
        'role "API User" in Gladly, under Settings, Users'
    ),
    gladly_errors.GladlyUnreachable: NO_CONNECTION,
    gladly_errors.GladlyNotFound: NOT_GLADLY,
    gladly_errors.GladlyRedirected: NOT_GLADLY,
    gladly_errors.GladlyUnexpected: NOT_GLADLY,
    gladly_errors.GladlyUnreadable: NOT_GLADLY,
    gladly_errors.GladlyTimedOut: TROUBLE,
    gladly_errors.GladlyUnavailable: TROUBLE,
    gladly_errors.GladlyRateLimited: TROUBLE,
}
"""What an error means to somebody who connects an account; with any other its own words tell."""


async def tried(call: Awaitable[T]) -> T:
    """What a call that tries an account answers.

    Raises:
        InvalidAccount: it did not work; which field is wrong, and what to do.
    """
    try:
        return await call
    except Outcome as error:
        raise InvalidAccount(in_words(error), FIELDS.get(type(error), "")) from None


def in_words(error: Outcome) -> str:
    """What came of a try, for somebody who connects an account: what it means, then what was answered."""
    told = error.reason
    if type(error) not in IN_WORDS:
        words = retold(told.words)
        return f"{words[:1].upper()}{words[1:]}."
    status, said = told.values.get("status"), told.values.get("said")
    answered = " ".join(
        filter(None, (status and _("status %(status)s", status=status), said and retold(said)))
    )
    return f"{translated(IN_WORDS[type(error)])}{answered and f' ({answered})'}."
