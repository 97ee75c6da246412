"""The table of rules, and going through it: cheapest first, and a fact is looked for when a rule needs it.

The same functions judge a run, a rehearsal, and closings of the past: what differs is who finds the facts, and what
is known of them from the start.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from afterword.eligibility.asked_rules import asked_about_conversation, asked_lately, same_case
from afterword.eligibility.closing_rules import agent, closed_by, inbox, share, too_old
from afterword.eligibility.customer_rules import has_address
from afterword.eligibility.facts import Facts, Missing, Need
from afterword.eligibility.message_rules import agent_wrote, channel, customer_wrote, length, spam
from afterword.eligibility.quiet_hours import quiet_hours
from afterword.eligibility.settings import Eligibility
from afterword.eligibility.topic_rules import topics
from afterword.eligibility.verdicts import Verdict
from afterword.outgoing.exchanges import made_for

T = TypeVar("T")


class Rule(msgspec.Struct, frozen=True):
    """A rule; ``name`` stands in run history beside the calls that are made for it."""

    name: str
    judge: Callable[[Eligibility, Facts], Verdict]


SAME_CASE = Rule("same case", same_case)
REOPENED_LATER = Rule("reopened later", asked_about_conversation)
ONCE_IN_DAYS = Rule("once in days", asked_lately)
OF_THE_LEDGER = (SAME_CASE, REOPENED_LATER, ONCE_IN_DAYS)
"""Those that are judged once more when it is written down who is asked."""

OF_THE_CLOSING = (
    Rule("age of the closing", too_old),
    Rule("who closed it", closed_by),
    Rule("share", share),
    Rule("inboxes", inbox),
    Rule("agents", agent),
)
"""Those that look at the closing itself."""

RULES = (
    *OF_THE_CLOSING,
    *OF_THE_LEDGER,
    Rule("quiet hours", quiet_hours),
    Rule("email address", has_address),
    Rule("topics", topics),
    Rule("spam", spam),
    Rule("channels", channel),
    Rule("customer wrote", customer_wrote),
    Rule("agent wrote", agent_wrote),
    Rule("length", length),
)

COSTS: tuple[frozenset[Need], ...] = (
    frozenset({"asked", "agent", "inboxes", "topics", "time zone"}),
    frozenset({"profile"}),
    frozenset({"conversation"}),
    frozenset({"messages"}),
)
"""What rules may ask for, round by round: our own database and lists that are remembered; then a call each."""
OF_LISTS: frozenset[Need] = frozenset({"agent", "inboxes"})


class Finder(Protocol):
    """Finds out what is not known yet."""

    async def find(self, need: Need, facts: Facts, /) -> None:
        """Put what is needed into the facts.

        Raises:
            Retry, Permanent: as the call does that is made for it.
        """


async def judge(wanted: Eligibility, facts: Facts, finder: Finder) -> Verdict:
    """The first rule that has something against asking; ``None`` when none has.

    A rule that needs a costly call waits until those that do without have decided, whatever its place in the table.

    Raises:
        Retry, Permanent: a fact cannot be found out, or a rule names what Gladly does not have.
    """
    affordable: frozenset[Need] = frozenset()
    pending: Sequence[Rule] = RULES
    for cost in COSTS:
        affordable |= cost
        waiting: list[Rule] = []
        for rule in pending:
            try:
                verdict = await _judge_by(rule, wanted, facts, finder, affordable)
            except Missing:
                waiting.append(rule)
                continue
            if verdict is not None:
                return verdict
        pending = waiting
    return None


async def judge_closing(wanted: Eligibility, facts: Facts, finder: Finder) -> Verdict:
    """The first rule of the closing itself that has something against asking; ``None`` when none has.

    Raises:
        Missing: a rule needs to know more than the closing and Gladly's lists tell.
        Retry, Permanent: a list cannot be read, or a rule names what Gladly does not have.
    """
    for rule in OF_THE_CLOSING:
        verdict = await _judge_by(rule, wanted, facts, finder, OF_LISTS)
        if verdict is not None:
            return verdict
    return None


async def _judge_by(
    rule: Rule, wanted: Eligibility, facts: Facts, finder: Finder, affordable: frozenset[Need]
) -> Verdict:
    ask = partial(rule.judge, wanted, facts)
    return await resolve(ask, facts, finder, purpose=f"rule: {rule.name}", affordable=affordable)


async def resolve(
    ask: Callable[[], T],
    facts: Facts,
    finder: Finder,
    *,
    purpose: str,
    affordable: frozenset[Need] = frozenset().union(*COSTS),
) -> T:
    """What a function of the facts answers, once what it needs is found; ``purpose`` is for run history.

    Run history keeps nothing of what was said in a conversation.

    Raises:
        Missing: it needs what is not affordable.
        Retry, Permanent: a fact cannot be found out.
    """
    while True:
        try:
            return ask()
        except Missing as missing:
            if missing.need not in affordable:
                raise
            need = missing.need
        with made_for(purpose, keeps_answers=need != "messages"):
            await finder.find(need, facts)
