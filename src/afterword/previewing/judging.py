"""Closings of the past judged as live ones are, at the moment at which they were closed.

Who would have been asked before is played through, in order of time; what was asked before the time that is looked at
is in the ledger.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from afterword.eligibility.facts import Asked, Facts, Missing, Need
from afterword.eligibility.finding import GladlyFinder
from afterword.eligibility.judging import Finder, judge, judge_closing
from afterword.eligibility.ledger import Ledger
from afterword.eligibility.quiet_hours import quiet_hours
from afterword.eligibility.settings import Credit, Eligibility
from afterword.gladly.client import GladlyClient
from afterword.gladly.errors import GladlyNotFound
from afterword.gladly.finding import GladlyNames
from afterword.gladly.messages import Messages, messages_of
from afterword.gladly.models import Conversation as GladlyConversation
from afterword.gladly.models import CustomerProfile, Email
from afterword.outcomes import Reason
from afterword.previewing.conversations import Conversation
from afterword.previewing.counting import Weighed
from afterword.previewing.moments import Fact, FactKind
from afterword.store.database import Database, PlainConnection
from afterword.translating import N_

NEVER = datetime.min.replace(tzinfo=UTC)
GONE = "null"
NOT_THERE = Reason("gladly-not-found", N_("Gladly has no such thing, or no longer"))
SOME_ADDRESS = Email(original="kept.nowhere@afterword.invalid", primary=True)
"""Of an address it is kept that there is one, and not which."""

BEFORE = """
SELECT customer_id, conversation_id, closed_at, asked_at FROM asked
WHERE account_id = $1 AND state IN ('asking', 'asked') AND asked_at < $2
  AND (customer_id = ANY($3::text[]) OR conversation_id = ANY($4::text[]))
"""


class Before(msgspec.Struct, frozen=True):
    """Who was asked before the time that is looked at: customers with when last, conversations with their closings."""

    customers: Mapping[str, datetime] = {}
    conversations: Mapping[str, Sequence[datetime]] = {}


async def asked_before(
    connection: PlainConnection, account_id: str, since: datetime, customers: Sequence[list[Conversation]]
) -> Before:
    """What the ledger has of these customers from before ``since``."""
    ids = [one.id for conversations in customers for one in conversations]
    rows = await connection.fetch(
        BEFORE, account_id, since, [conversations[0].customer_id for conversations in customers], ids
    )
    last: dict[str, datetime] = {}
    closings: dict[str, list[datetime]] = {}
    for row in rows:
        customer_id = row["customer_id"]
        last[customer_id] = max(last.get(customer_id, row["asked_at"]), row["asked_at"])
        if row["conversation_id"] and row["closed_at"]:
            closings.setdefault(row["conversation_id"], []).append(row["closed_at"])
    return Before(last, closings)


class KnownFacts:
    """Finds facts by Gladly, each once."""

    def __init__(
        self,
        database: Database,
        gladly: GladlyClient,
        names: GladlyNames,
        wanted: Eligibility,
        known: Mapping[tuple[str, str], str],
    ) -> None:
        self._gladly = gladly
        self._lists = GladlyFinder(Ledger(database), gladly, names, wanted)
        self._known = dict(known)
        self._fresh: list[Fact] = []

    def take_fresh(self) -> list[Fact]:
        """What was found out since this was last asked."""
        fresh, self._fresh = self._fresh, []
        return fresh

    async def find(self, need: Need, facts: Facts, /) -> None:
        """Put what is needed into the facts.

        Raises:
            Retry, Permanent: Gladly did not answer, or does not have it.
        """
        closing = facts.closing
        match need:
            case "profile":
                facts.profile = await self._profile(closing.customer_id)
            case "conversation":
                facts.conversation = await self._conversation(closing.conversation_id)
            case "messages":
                facts.messages = (await self._messages(closing.conversation_id)).until(closing.closed_at)
            case _:
                await self._lists.find(need, facts)

    async def _profile(self, customer_id: str) -> CustomerProfile:
        if (told := self._told("profile", customer_id)) is None:
            try:
                profile = await self._gladly.customer_profile(customer_id)
            except GladlyNotFound:
                self._keep("profile", customer_id, GONE)
                raise
            told = self._keep("profile", customer_id, "true" if profile.email_address else "false")
        return CustomerProfile(customer_id, emails=[SOME_ADDRESS] if told == "true" else [])

    async def _conversation(self, conversation_id: str) -> GladlyConversation:
        if (told := self._told("conversation", conversation_id)) is None:
            try:
                conversation = await self._gladly.conversation(conversation_id)
            except GladlyNotFound:
                self._keep("conversation", conversation_id, GONE)
                raise
            told = self._keep("conversation", conversation_id, msgspec.json.encode(conversation).decode())
        return msgspec.json.decode(told, type=GladlyConversation)

    async def _messages(self, conversation_id: str) -> Messages:
        if (told := self._told("messages", conversation_id)) is None:
            try:
                messages = messages_of(await self._gladly.conversation_items(conversation_id))
            except GladlyNotFound:
                self._keep("messages", conversation_id, GONE)
                raise
            told = self._keep("messages", conversation_id, msgspec.json.encode(messages).decode())
        return msgspec.json.decode(told, type=Messages)

    def _told(self, kind: FactKind, subject_id: str) -> str | None:
        told = self._known.get((kind, subject_id))
        if told == GONE:
            raise Gone
        return told

    def _keep(self, kind: FactKind, subject_id: str, value: str) -> str:
        self._known[kind, subject_id] = value
        self._fresh.append(Fact(kind, subject_id, value))
        return value


class Gone(Exception):
    """Gladly said before that it does not have it."""


async def excluded_by_records(
    conversation: Conversation, wanted: Eligibility, credit: Credit, finder: Finder
) -> Reason | None:
    """Why a conversation is not asked about, where what the records tell of each of its closings says so.

    Raises:
        Retry, Permanent: a list of Gladly's cannot be read, or a rule names what Gladly does not have.
    """
    last: Reason | None = None
    for closing in conversation.closings:
        facts = Facts(closing=closing, now=closing.closed_at or NEVER, credit=credit)
        try:
            verdict = await judge_closing(wanted, facts, finder)
        except Missing:
            return None
        if not isinstance(verdict, Reason):
            return None
        last = verdict
    return last


async def weigh(
    conversations: Sequence[Conversation], wanted: Eligibility, credit: Credit, finder: Finder, before: Before
) -> tuple[Weighed, list[Reason]]:
    """What would have become of one customer's conversations, and the reasons why those not asked about were not.

    Raises:
        Retry, Permanent: Gladly did not answer, or a rule names what it does not have.
    """
    customer = _Customer(conversations, before)
    last_word: dict[str, Reason] = {}
    for closing, conversation in customer.closings:
        facts = Facts(
            closing=closing,
            now=closing.closed_at or NEVER,
            credit=credit,
            asked=customer.asked(conversation),
        )
        reason, waits = await _verdict(wanted, facts, finder)
        if reason is None:
            customer.ask(conversation, facts.now, waits=waits)
        else:
            last_word[conversation.id] = reason
    reasons = [reason for id_, reason in last_word.items() if id_ not in customer.about]
    counted = Counter(reason.code for reason in reasons)
    return Weighed(len(conversations), len(customer.about), customer.waited, dict(counted)), reasons


async def _verdict(wanted: Eligibility, facts: Facts, finder: Finder) -> tuple[Reason | None, bool]:
    """Why not to ask; else whether it would have waited for the end of quiet hours."""
    try:
        verdict = await judge(msgspec.structs.replace(wanted, quiet_hours=()), facts, finder)
        if isinstance(verdict, Reason):
            return verdict, False
        if wanted.quiet_hours and not wanted.time_zone and facts.time_zone is None:
            await finder.find("time zone", facts)
    except (GladlyNotFound, Gone):
        return NOT_THERE, False
    quiet = quiet_hours(wanted, facts)
    return (quiet, False) if isinstance(quiet, Reason) else (None, quiet is not None)


class _Customer:
    """One customer as the time goes by: whom of their conversations they were asked about, and when last."""

    def __init__(self, conversations: Sequence[Conversation], before: Before) -> None:
        customer_id = conversations[0].customer_id
        self.about: dict[str, list[datetime]] = {}
        self.waited = 0
        self._before = before
        self._last = before.customers.get(customer_id)
        pairs = [(closing, one) for one in conversations for closing in one.closings]
        self.closings = sorted(pairs, key=lambda pair: (pair[0].closed_at or NEVER, pair[0].key))

    def asked(self, conversation: Conversation) -> Asked:
        earlier = (
            *self._before.conversations.get(conversation.id, ()),
            *self.about.get(conversation.id, ()),
        )
        return Asked(conversation.closed_at, earlier, self._last)

    def ask(self, conversation: Conversation, now: datetime, *, waits: bool) -> None:
        self.waited += waits and conversation.id not in self.about
        self.about.setdefault(conversation.id, []).append(now)
        self._last = now
