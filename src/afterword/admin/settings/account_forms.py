"""What the forms of connected accounts share: who may send them, and what is wrong told at its field."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from litestar.exceptions import PermissionDeniedException

from afterword.accounts.connected import InvalidAccount
from afterword.accounts.rights import may_connect
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.pages.wording import sentence
from afterword.translating import N_
from afterword.translating import gettext as _

LARGEST_FORM = 32 * 1024
PATH = "/settings/accounts"

FIELDS: Mapping[str, str] = MappingProxyType({"base_url": "address"})
"""What a form calls what an account calls otherwise."""

DELIVERIES: Mapping[str, str] = MappingProxyType(
    {
        "own": N_("by a webhook that Afterword makes and keeps"),
        "by-hand": N_("by a webhook that I make in Gladly's settings"),
        "pull": N_("no webhook: Afterword asks Gladly, every few seconds"),
        "none": N_("not at all: the account is for Tasks alone"),
    }
)
"""How a Gladly account's events reach us, in words for a choice."""


class Wrong(msgspec.Struct, frozen=True):
    """What is wrong with a form: ``field`` is where it is told, empty for above the form."""

    words: str
    field: str = ""


def wrong(error: InvalidAccount) -> Wrong:
    """What is wrong, at the form's own field."""
    words = str(error).removeprefix(f"{error.field}: ") if error.field else str(error)
    return Wrong(sentence(words), FIELDS.get(error.field, error.field))


def check_filled(typed: Mapping[str, str], names: Mapping[str, str]) -> None:
    """Refuse a form with nothing in a field that is needed.

    Raises:
        InvalidAccount: names the first such field.
    """
    for field, name in names.items():
        if not typed.get(field):
            raise InvalidAccount(_("%(name)s is missing.", name=name), field)


def check_may(request: AdminRequest) -> None:
    """Let nobody connect or change accounts whose role does not permit it.

    Raises:
        PermissionDeniedException: it does not.
    """
    if not may_connect(request.user):
        raise PermissionDeniedException(_("Your role may look at connected accounts, and not change them."))
