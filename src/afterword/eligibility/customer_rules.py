"""The rule that looks at the customer's profile, which is asked for anyway."""

from afterword.eligibility.facts import Facts, needed
from afterword.eligibility.settings import Eligibility
from afterword.eligibility.verdicts import Verdict
from afterword.outcomes import Reason
from afterword.translating import N_

NO_EMAIL = Reason("customer-has-no-email", N_("the customer has no email address"))


def has_address(_: Eligibility, facts: Facts) -> Verdict:
    """A customer without an address cannot be asked."""
    return NO_EMAIL if needed(facts.profile, "profile").email_address is None else None
