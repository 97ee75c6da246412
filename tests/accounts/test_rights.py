"""Who may see customers' data: every role, one by one."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from afterword.accounts.people import Person, Role
from afterword.accounts.rights import PERMISSIONS, may_see_customers

TABLE = {"owner": True, "administrator": True, "manager": True, "analyst": False, "api_user": False}


@pytest.mark.parametrize("role", get_args(Role))
def test_each_role_sees_customers_or_does_not(role: Role) -> None:
    person = Person("UR_1", "a@example.org", "A", role, datetime.now(UTC))
    assert may_see_customers(person) is TABLE[role]


def test_a_new_role_has_to_be_decided_on() -> None:
    assert all(set(by_role) == set(get_args(Role)) for by_role in PERMISSIONS.values())


def test_nobody_sees_nothing() -> None:
    assert not may_see_customers(None)
