"""What each role may see and do."""

from collections.abc import Mapping
from types import MappingProxyType

from afterword.accounts.managing import Listed
from afterword.accounts.people import Person, Role
from afterword.translating import N_

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


MANAGES_PEOPLE: Mapping[Role, bool] = MappingProxyType(
    {"owner": True, "administrator": True, "manager": False, "analyst": False, "api_user": False}
)


def may_manage_people(person: Person | None) -> bool:
    """Whether somebody may invite and remove people and give them roles."""
    return person is not None and MANAGES_PEOPLE[person.role]


def may_give_role(person: Person | None, role: Role, *, before: Role | None = None) -> bool:
    """Whether somebody may give this role to who has ``before``: owners are made and unmade by owners alone."""
    if person is None or not may_manage_people(person):
        return False
    return person.role == "owner" or "owner" not in {role, before}


CONNECTS: Mapping[Role, bool] = MappingProxyType(
    {"owner": True, "administrator": True, "manager": False, "analyst": False, "api_user": False}
)


def may_connect(person: Person | None) -> bool:
    """Whether somebody may connect accounts and set the installation up."""
    return person is not None and CONNECTS[person.role]


READS_AUDIT_LOG: Mapping[Role, bool] = MappingProxyType(
    {"owner": True, "administrator": True, "manager": False, "analyst": False, "api_user": False}
)


def may_read_audit_log(person: Person | None) -> bool:
    """Whether somebody may see who changed what, and everybody's API tokens, and end those."""
    return person is not None and READS_AUDIT_LOG[person.role]


def may_make_token_of(person: Person | None, whose: Person) -> bool:
    """Whether somebody may make an API token of this one: their own, or a program's if they see everybody's."""
    if person is None:
        return False
    return person.id == whose.id or (is_program(whose) and may_read_audit_log(person))


def is_program(one: Person | Listed) -> bool:
    """Whether somebody stands for a program: a service account, or somebody with the role for API users."""
    return one.is_service or one.role == "api_user"


EDITS_SURVEYS: Mapping[Role, bool] = MappingProxyType(
    {"owner": True, "administrator": True, "manager": True, "analyst": False, "api_user": False}
)


def may_edit_surveys(person: Person | None) -> bool:
    """Whether somebody may change what a survey asks and says."""
    return person is not None and EDITS_SURVEYS[person.role]


EDITS_WORKFLOWS: Mapping[Role, bool] = MappingProxyType(
    {"owner": True, "administrator": True, "manager": True, "analyst": False, "api_user": False}
)


def may_edit_workflows(person: Person | None) -> bool:
    """Whether somebody may make Workflows, change what they do, turn them on and off and delete them."""
    return person is not None and EDITS_WORKFLOWS[person.role]


PERMISSIONS: Mapping[str, Mapping[Role, bool]] = MappingProxyType(
    {
        N_("See Runs, events and their reasons"): dict.fromkeys(SEES_CUSTOMERS, True),
        N_("See Results: scores, and what they amount to"): dict.fromkeys(SEES_CUSTOMERS, True),
        N_("See Customers' names, addresses and what they wrote"): SEES_CUSTOMERS,
        N_("Replay and cancel Runs"): OPERATES,
        N_("Change Surveys"): EDITS_SURVEYS,
        N_("Make and change Workflows, turn them on and off"): EDITS_WORKFLOWS,
        N_("Connect accounts and set Afterword up"): CONNECTS,
        N_("Read the audit log, see and end everybody's API tokens"): READS_AUDIT_LOG,
        N_("Invite people and give them roles"): MANAGES_PEOPLE,
    }
)
"""What each role may do, in words."""
