"""The weeks before the company is first looked at: some hundreds of conversations that were closed, with all that a
company meets, told by the rules of the present (``company/history.py``).

They are told one by one, each in a transaction of its own, so that whoever calls meanwhile need not wait; a sandbox
that is stopped on the way goes on where it was. What is told is the same each time, but for when it was.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from afterword_sandbox.clock import parse_time, pretend
from afterword_sandbox.company import customers, exports, history, topics
from afterword_sandbox.company.customers import Email, Phone, Profile
from afterword_sandbox.company.events import Actor
from afterword_sandbox.company.history import By, PastChange, PastConversation, PastCustomer, PastMessage
from afterword_sandbox.identifiers import seeded_id
from afterword_sandbox.seed import AGENTS, INBOXES, TIME_ZONE
from afterword_sandbox.seed_talks import (
    AI_TALKS,
    FIRST_NAMES,
    LAST_NAMES,
    MAIL_HOSTS,
    OUTBOUND_TALKS,
    SPAM_TALKS,
    TALKS,
    THANKS,
    Talk,
)
from afterword_sandbox.settings import read as read_settings
from afterword_sandbox.store import Store

SPAM_TOPIC = "Spam"
RULE = By(type="AUTOMATION", id=seeded_id("rule Close what is quiet"))
SPAM_RULE = By(type="AUTOMATION", id=seeded_id("rule Spam"))
GLADLY_AI = By(type="SYSTEM", id="SIDEKICK_V2")
PROGRAM = By(type="API", id=seeded_id(f"agent {AGENTS[0]}"))
AGENT = By(type="AGENT")

OPENS, SHUTS = 8, 20
ON_WEEKDAYS, ON_WEEKENDS = (26, 34), (8, 14)
"""Conversations a day, at least and at most."""
AT_LEAST_AGO = timedelta(minutes=45)
COMES_BACK_AFTER = timedelta(hours=30)
SHARE_THAT_COMES_BACK = 0.15
SHARE_WITHOUT_ADDRESS = 0.06
SHARE_WITHOUT_NAME = 0.04

KINDS = {"answered": 68, "quiet": 9, "gladly-ai": 7, "program": 3, "spam": 5, "outbound": 4, "reopened": 6}
"""What becomes of conversations, by how often."""
CHANNELS = {"EMAIL": 50, "CHAT": 34, "SMS": 6, "WHATSAPP": 6, "INSTAGRAM_DIRECT": 4}


class Known(NamedTuple):
    """A customer of the past, and when their last conversation was over."""

    key: str
    profile: Profile
    until: datetime


class Told(NamedTuple):
    """A conversation of the past, and the customer that it begins with, if it is their first."""

    new: Known | None
    past: PastConversation


def go_on(store: Store) -> Iterator[None]:
    """Tell what is not told yet, a piece with each step; nothing where no past was begun, or all is told."""
    row = store.one("SELECT began_at, days, told FROM past")
    began = None if row is None else parse_time(row["began_at"])
    if row is None or began is None:
        return
    told = plan(began, row["days"])
    for number in range(row["told"], len(told)):
        with store.transaction():
            _tell(store, told[number])
            store.execute("UPDATE past SET told = told + 1")
        yield
    with store.transaction():
        _make_exports(store, began, row["days"])
        store.execute("DELETE FROM past")


def _tell(store: Store, told: Told) -> None:
    past = told.past
    if past.topic_ids == (seeded_id(f"topic {SPAM_TOPIC}"),):
        _know_spam(store)
    if told.new is not None:
        with pretend(past.started_at):
            customers.create(store, told.new.profile, _customer_id(told.new.key))
    history.put(store, past, Actor(PROGRAM.id or "", "API"))


def _know_spam(store: Store) -> None:
    own_id = seeded_id(f"topic {SPAM_TOPIC}")
    if store.one("SELECT 1 FROM topics WHERE id = ? OR name = ?", (own_id, SPAM_TOPIC)) is None:
        topics.create(store, SPAM_TOPIC, None, disabled=False, own_id=own_id)


def _make_exports(store: Store, began: datetime, days: int) -> None:
    """The files that the schedule would have made by then, of whole days."""
    if read_settings(store).export_frequency != "DAILY":
        return
    today = began.replace(hour=0, minute=0, second=0, microsecond=0)
    for ago in range(min(days, exports.KEPT.days - 1), 0, -1):
        start = today - timedelta(days=ago)
        made = min(began, start + exports.MADE_AFTER["DAILY"])
        exports.make(store, start, start + timedelta(days=1), at=made)


def plan(began: datetime, days: int) -> list[Told]:
    """What was before ``began``, the oldest conversation first. Pure."""
    return list(_Plan(began).days(days))


def _customer_id(key: str) -> str:
    return seeded_id(f"customer {key}")


class _Plan:
    """Thinks a past out: by chance, and yet always the same."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._chance = random.Random("Juniper & Pine")  # noqa: S311 -- nothing secret
        self._zone = ZoneInfo(TIME_ZONE)
        self._known: list[Known] = []
        self._count = 0

    def days(self, days: int) -> Iterator[Told]:
        today = self._began.astimezone(self._zone).date()
        for ago in range(days, -1, -1):
            yield from self._day(today - timedelta(days=ago))

    def _day(self, day: date) -> Iterator[Told]:
        is_weekend = day.weekday() > 4  # noqa: PLR2004 -- Monday is 0
        number = self._chance.randint(*(ON_WEEKENDS if is_weekend else ON_WEEKDAYS))
        midnight = datetime.combine(day, time(), self._zone)
        moments = sorted(self._chance.uniform(OPENS, SHUTS) for _ in range(number))
        for hours in moments:
            told = self._conversation(midnight + timedelta(seconds=round(hours * 3600)))
            if _is_over(told.past) <= self._began - AT_LEAST_AGO:
                self._note(told)
                yield told

    def _note(self, told: Told) -> None:
        """Know the customer, who may come back."""
        over = _is_over(told.past)
        if told.new is not None:
            self._known.append(told.new._replace(until=over))
            return
        of = {_customer_id(one.key): number for number, one in enumerate(self._known)}
        number = of[told.past.customer.id or ""]
        self._known[number] = self._known[number]._replace(until=over)

    def _conversation(self, started: datetime) -> Told:
        chance = self._chance
        self._count += 1
        (kind,) = chance.choices(list(KINDS), list(KINDS.values()))
        talk = chance.choice(
            {"gladly-ai": AI_TALKS, "outbound": OUTBOUND_TALKS, "spam": SPAM_TALKS}.get(kind, TALKS)
        )
        is_by_hand = kind not in {"gladly-ai", "spam"}
        (channel,) = chance.choices(list(CHANNELS), list(CHANNELS.values()))
        channel = "CHAT" if kind == "gladly-ai" else "EMAIL" if kind in {"outbound", "spam"} else channel
        customer, new = self._customer(started, kind)
        if channel == "EMAIL" and not customer.profile.emails:
            channel = "SMS"
        messages = self._messages(talk, kind, started, channel)
        closings, messages = self._ends(kind, messages, channel)
        past = PastConversation(
            customer=PastCustomer(id=_customer_id(customer.key)),
            started_at=started,
            id=seeded_id(f"past conversation {self._count}"),
            channel=channel,
            inbox_id=seeded_id(f"inbox {talk.inbox}"),
            agent_id=seeded_id(f"agent {chance.choice(INBOXES[talk.inbox])}") if is_by_hand else None,
            messages=messages,
            closings=closings,
            topic_ids=tuple(
                seeded_id(f"topic {name}") for name in ((SPAM_TOPIC,) if kind == "spam" else talk.topics)
            ),
            topics_by={"spam": SPAM_RULE, "gladly-ai": GLADLY_AI}.get(kind, AGENT),
        )
        return Told(new, past)

    def _messages(self, talk: Talk, kind: str, started: datetime, channel: str) -> tuple[PastMessage, ...]:
        """The talk, each message some minutes after the one before; by mail some hours."""
        answers = GLADLY_AI if kind == "gladly-ai" else AGENT
        first = answers if kind == "outbound" else By(type="CUSTOMER")
        speakers = (first, answers)
        found, at = [], started
        for position, text in enumerate(talk.messages):
            own_id = seeded_id(f"past message {self._count} {position}")
            found.append(PastMessage(at=at, text=text, id=own_id, by=speakers[position % 2]))
            at += self._pause(channel)
        return tuple(found)

    def _pause(self, channel: str) -> timedelta:
        if channel == "EMAIL":
            return timedelta(minutes=self._chance.randint(12, 150), seconds=self._chance.randint(0, 59))
        return timedelta(minutes=self._chance.randint(1, 6), seconds=self._chance.randint(0, 59))

    def _ends(
        self, kind: str, messages: tuple[PastMessage, ...], channel: str
    ) -> tuple[tuple[PastChange, ...], tuple[PastMessage, ...]]:
        """By whom it was closed and when; what was said after it, which opened it again."""
        chance, last = self._chance, messages[-1].at
        match kind:
            case "spam":
                return (PastChange(at=last + timedelta(seconds=2), by=SPAM_RULE),), messages
            case "gladly-ai":
                return (PastChange(at=last + timedelta(minutes=15), by=GLADLY_AI),), messages
            case "quiet":
                return (PastChange(at=last + timedelta(hours=chance.randint(6, 24)), by=RULE),), messages
            case "program":
                return (PastChange(at=last + timedelta(minutes=chance.randint(5, 60)), by=PROGRAM),), messages
        closed = last + timedelta(minutes=chance.randint(1, 40))
        if kind != "reopened":
            return (PastChange(at=closed, by=AGENT),), messages
        again = closed + timedelta(minutes=chance.randint(20, 60 * 20))
        answered = again + self._pause(channel)
        more = (
            PastMessage(
                at=again,
                text=chance.choice(THANKS),
                id=seeded_id(f"past message {self._count} again"),
            ),
            PastMessage(
                at=answered,
                text="Done. Sorry for the trouble!",
                id=seeded_id(f"past message {self._count} answered"),
                by=AGENT,
            ),
        )
        ends = (PastChange(at=closed), PastChange(at=answered + timedelta(minutes=chance.randint(1, 15))))
        return ends, (*messages, *more)

    def _customer(self, started: datetime, kind: str) -> tuple[Known, Known | None]:
        """Somebody who comes back, or somebody new."""
        rested = [one for one in self._known if one.until < started - COMES_BACK_AFTER]
        if rested and kind != "spam" and self._chance.random() < SHARE_THAT_COMES_BACK:
            return self._chance.choice(rested), None
        new = self._somebody(started, kind)
        return new, new

    def _somebody(self, started: datetime, kind: str) -> Known:
        chance, key = self._chance, f"of the past {self._count}"
        if kind == "spam":
            address = f"offers{self._count}@bulk.example"
            return Known(key, Profile(emails=(Email(address, address),)), started)
        first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
        address = f"{first}.{last}{self._count}@{chance.choice(MAIL_HOSTS)}".lower()
        number = f"+1415555{2700 + self._count:04d}"
        is_without_address = kind != "outbound" and chance.random() < SHARE_WITHOUT_ADDRESS
        name = None if chance.random() < SHARE_WITHOUT_NAME else f"{first} {last}"
        emails = () if is_without_address else (Email(address, address),)
        return Known(
            key, Profile(name=name, emails=emails, phones=(Phone(number, number, type="MOBILE"),)), started
        )


def _is_over(past: PastConversation) -> datetime:
    return past.closings[-1].at
