"""What an API token may do: all that its person may, or of that only what its scopes name.

Scopes are written as Qualtrics writes those of its own OAuth clients.
"""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Literal, get_args

from afterword.accounts.people import InvalidPerson
from afterword.translating import N_
from afterword.translating import gettext as _

Scope = Literal[
    "read:runs",
    "read:metrics",
    "manage:sending",
    "read:surveys",
    "read:survey_responses",
    "write:surveys",
    "read:subscriptions",
    "write:subscriptions",
    "write:json_events",
]

SCOPES: Mapping[Scope, str] = MappingProxyType(
    {
        "read:runs": N_("Run history, events, Explain, and what holds sending back"),
        "read:metrics": N_("Metrics"),
        "manage:sending": N_("Pause and resume sending, let held invitations go or cancel them"),
        "read:surveys": N_("Surveys and their flow"),
        "read:survey_responses": N_("Responses"),
        "write:surveys": N_("Change a Survey's flow"),
        "read:subscriptions": N_("See event subscriptions"),
        "write:subscriptions": N_("Make and end event subscriptions"),
        "write:json_events": N_("Send JSON events"),
    }
)
"""Each in words."""
assert tuple(SCOPES) == get_args(Scope)  # noqa: S101 - each has words

SENDS_JSON_EVENTS: Scope = "write:json_events"

Scopes = frozenset[str] | None
"""``None`` is all that the token's person may, also what comes with later versions."""

ROUTE = "scope"
"""The name under which a route says which scope it needs; ``None`` there is none."""


def allows(scopes: Collection[str] | None, needed: str | None) -> bool:
    """Whether a token of these scopes may do what needs this one; ``None`` needs none."""
    return scopes is None or needed is None or needed in scopes


def scope_needed(route: Mapping[str, object]) -> str | None:
    """The scope that a route's options name; a route that says nothing is for tokens without limits alone."""
    needed = route.get(ROUTE, "")
    return None if needed is None else str(needed)


def checked_scopes(scopes: Iterable[str]) -> list[str]:
    """Scopes in their own order.

    Raises:
        InvalidPerson: one of them is none, or there is none at all.
    """
    wanted = set(scopes)
    unknown = sorted(wanted - set(SCOPES))
    if unknown:
        raise InvalidPerson(
            _(
                "%(unknown)s is not a scope; the scopes are %(join)s.",
                unknown=repr(unknown[0]),
                join=", ".join(SCOPES),
            ),
            "scope",
        )
    if not wanted:
        raise InvalidPerson(_("Choose what the token may do."), "scope")
    return [scope for scope in SCOPES if scope in wanted]
