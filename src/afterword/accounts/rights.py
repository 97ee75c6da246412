"""What each role may see and do."""

from collections.abc import Mapping
from types import MappingProxyType

from afterword.accounts.people import Person, Role

SEES_CUSTOMERS: Mapping[Role, bool] = MappingProxyType(
    {"owner": True, "administrator": True, "manager": True, "analyst": False, "api_user": False}
)


def may_see_customers(person: Person | None) -> bool:
    """Whether somebody is shown customers' names and addresses, and what was received, compared, sent and answered.

    Everybody who is let in sees ids, times and reasons.
    """
    return person is not None and SEES_CUSTOMERS[person.role]


OPERATES: Mapping[Role, bool] = MappingProxyType(
    {"owner": True, "administrator": True, "manager": True, "analyst": False, "api_user": False}
)


def may_operate(person: Person | None) -> bool:
    """Whether somebody may replay and cancel runs."""
    return person is not None and OPERATES[person.role]
