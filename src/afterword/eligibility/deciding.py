"""Deciding about one closing: the rules first; at the very end, under a lock, the customer is kept for this call."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from msgspec.structs import replace

from afterword.eligibility.credit import Credited, credited
from afterword.eligibility.facts import Asked, Facts
from afterword.eligibility.finding import GladlyFinder, customer_ids
from afterword.eligibility.judging import OF_THE_LEDGER, judge, resolve
from afterword.eligibility.ledger import Asker, Ledger
from afterword.eligibility.settings import Eligibility
from afterword.eligibility.verdicts import Verdict
from afterword.gladly.client import GladlyClient
from afterword.gladly.errors import GladlyNotFound
from afterword.gladly.finding import GladlyNames
from afterword.gladly.messages import Messages
from afterword.outcomes import Outcome, Reason, Retry

T = TypeVar("T")


class Decider:
    """Decides about one closing; ``facts`` grow while it does."""

    def __init__(
        self, ledger: Ledger, gladly: GladlyClient, names: GladlyNames, wanted: Eligibility, facts: Facts
    ) -> None:
        self.facts = facts
        self._ledger = ledger
        self._wanted = wanted
        self._finder = GladlyFinder(ledger, gladly, names, wanted)

    async def verdict(self, *, whenever: bool = False) -> Verdict:
        """Why the customer is not to be asked, or not yet; nothing is written. ``whenever`` leaves quiet hours aside.

        Raises:
            Retry, Permanent: a fact cannot be found out, or a rule names what Gladly does not have.
        """
        wanted = replace(self._wanted, quiet_hours=()) if whenever else self._wanted
        return await judge(wanted, self.facts, self._finder)

    async def known(self, ask: Callable[[Facts], T], purpose: str) -> T:
        """What a function of the facts answers; ``purpose`` is for run history.

        Raises:
            Retry, Permanent: a fact cannot be found out.
        """
        return await resolve(lambda: ask(self.facts), self.facts, self._finder, purpose=purpose)

    async def credited(self) -> Credited:
        """The agent who is credited. A conversation that is gone in Gladly tells of nobody.

        Raises:
            Retry, Permanent: Gladly cannot be asked.
        """
        try:
            return await self.known(credited, "rule: credited agent")
        except GladlyNotFound:
            self.facts.messages = self.facts.messages or Messages()
            return await self.known(credited, "rule: credited agent")

    @contextlib.asynccontextmanager
    async def customer_kept(self) -> AsyncIterator[None]:
        """Ask within the block: it is written down before, and how it ended after.

        Raises:
            Skip: somebody else asked meanwhile, or is about to.
        """
        asker = Asker(self.facts.closing, customer_ids(self.facts), self._judge_by_ledger)
        reservation = await self._ledger.reserve(asker)
        try:
            yield
        except Outcome as outcome:
            if not (isinstance(outcome, Retry) and outcome.outcome_unknown):
                await self._ledger.note_not_asked(reservation)
            raise
        await self._ledger.note_asked(reservation)

    def _judge_by_ledger(self, asked: Asked) -> Reason | None:
        """Judge the rules of the ledger once more, by what it tells where nobody can come between."""
        self.facts.asked = asked
        for rule in OF_THE_LEDGER:
            verdict = rule.judge(self._wanted, self.facts)
            if isinstance(verdict, Reason):
                return verdict
        return None
