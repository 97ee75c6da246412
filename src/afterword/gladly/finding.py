"""Agents, inboxes and topics: remembered, found by what people call them, and named by their ids.

Gladly's API takes ids alone, and says nothing but ids in what it tells. Its lists are whole and small, so that they are
remembered, account by account; what is not found in a remembered list is looked for in a fresh one, but neither
the same id again and again nor many things in a moment.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import msgspec
from cachetools import TTLCache

from afterword.gladly.client import GladlyClient
from afterword.gladly.models import Agent, Inbox, Organization, Topic
from afterword.outcomes import Permanent, Reason
from afterword.outgoing.masking import masked
from afterword.translating import said

REMEMBER_SECONDS = 600.0
MOST_LISTS = 300
MISSING_SECONDS = 60.0
"""For how long an id that was not in a fresh list is not looked for again. A name that somebody wrote always is: it is
an error that is mended in Gladly and tried again.
"""
MOST_MISSING = 10_000
FRESH_SECONDS = 2.0
"""A list so young is not asked for again, whatever it lacks."""


class Named(Protocol):
    """What Gladly lists."""

    @property
    def id(self) -> str:
        """Its id, which never changes."""

    @property
    def name(self) -> str | None:
        """What people call it."""


N = TypeVar("N", bound=Named)
Listing = Callable[[], Awaitable[list[N]]]
Pick = Callable[[Sequence[Named]], Named | None]
Key = tuple[str, str]
"""An account's id, and a kind of thing."""


class _Listed(msgspec.Struct, frozen=True):
    things: Sequence[Named]
    at: float


class GladlyNames:
    """Finds things of any connected account; one for each process. ``account`` is the account's id.

    ``monotonic`` answers seconds. All methods raise the errors of the calls to Gladly, too.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lists: TTLCache[Key, _Listed] = TTLCache(MOST_LISTS, REMEMBER_SECONDS, timer=monotonic)
        self._missing: TTLCache[tuple[str, str, str], bool] = TTLCache(
            MOST_MISSING, MISSING_SECONDS, timer=monotonic
        )
        self._asking: defaultdict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._organizations: TTLCache[str, Organization] = TTLCache(
            MOST_LISTS, REMEMBER_SECONDS, timer=monotonic
        )

    async def topics(self, account: str, gladly: GladlyClient, wanted: Iterable[str]) -> list[Topic]:
        """Topics by id or name, without regard to case, each once.

        Raises:
            Permanent: there is no such topic, or there are several of this name.
        """
        found = [await self._only(account, "topic", gladly.topics, name, Topic) for name in wanted]
        return list({topic.id: topic for topic in found}.values())

    async def inbox(self, account: str, gladly: GladlyClient, wanted: str) -> Inbox:
        """An inbox by id or name; raises as :meth:`topics`."""
        return await self._only(account, "inbox", gladly.inboxes, wanted, Inbox)

    async def agent(self, account: str, gladly: GladlyClient, wanted: str) -> Agent:
        """An agent by id, email address or name; raises as :meth:`topics`."""
        return await self._only(account, "agent", gladly.agents, wanted, Agent)

    async def agent_of_id(self, account: str, gladly: GladlyClient, id_: str) -> Agent | None:
        """The agent with this id; ``None`` when Gladly lists none, as perhaps of one who has left (unsure)."""
        return await self._of_id(account, "agent", gladly.agents, id_, Agent)

    async def all_topics(
        self, account: str, gladly: GladlyClient, *, naming: Iterable[str] = ()
    ) -> Sequence[Topic]:
        """All topics; a fresh list, where one of these names or ids is not in the one that is remembered."""
        listed = await self._all((account, "topic"), gladly.topics, naming)
        return [thing for thing in listed if isinstance(thing, Topic)]

    async def all_inboxes(
        self, account: str, gladly: GladlyClient, *, naming: Iterable[str] = ()
    ) -> Sequence[Inbox]:
        """All inboxes; a fresh list as of :meth:`all_topics`."""
        listed = await self._all((account, "inbox"), gladly.inboxes, naming)
        return [thing for thing in listed if isinstance(thing, Inbox)]

    async def all_agents(
        self, account: str, gladly: GladlyClient, *, naming: Iterable[str] = ()
    ) -> Sequence[Agent]:
        """All agents; a fresh list as of :meth:`all_topics`."""
        listed = await self._all((account, "agent"), gladly.agents, naming)
        return [thing for thing in listed if isinstance(thing, Agent)]

    async def organization(self, account: str, gladly: GladlyClient) -> Organization:
        """The organization, remembered as long as a list."""
        known = self._organizations.get(account)
        if known is None:
            known = self._organizations[account] = await gladly.organization()
        return known

    async def _only(self, account: str, kind: str, listing: Listing[N], wanted: str, model: type[N]) -> N:
        wanted = wanted.strip()

        def pick(things: Sequence[Named]) -> Named | None:
            return _called(kind, things, wanted)

        found = await self._find((account, kind), listing, pick)
        if not isinstance(found, model):
            words = said(
                "Gladly has no %(kind)s “%(masked)s”; write its name or its id as Gladly has it",
                kind=kind,
                masked=masked(wanted),
            )
            raise Permanent(Reason("gladly-name-unknown", words, {"kind": kind}))
        return found

    async def _of_id(
        self, account: str, kind: str, listing: Listing[N], id_: str, model: type[N]
    ) -> N | None:
        if (account, kind, id_) in self._missing:
            return None

        def pick(things: Sequence[Named]) -> Named | None:
            return next((thing for thing in things if thing.id == id_), None)

        found = await self._find((account, kind), listing, pick)
        if found is None:
            self._missing[account, kind, id_] = True
        return found if isinstance(found, model) else None

    async def _all(self, key: Key, listing: Listing[N], naming: Iterable[str]) -> Sequence[Named]:
        wanted = {name.strip().casefold() for name in naming}
        async with self._asking[key]:
            listed = self._lists.get(key)
            if listed is not None and (wanted <= _all_names(listed.things) or self._is_fresh(listed)):
                return listed.things
            listed = self._lists[key] = _Listed(await listing(), self._monotonic())
            return listed.things

    def _is_fresh(self, listed: _Listed) -> bool:
        return self._monotonic() - listed.at < FRESH_SECONDS

    async def _find(self, key: Key, listing: Listing[N], pick: Pick) -> Named | None:
        """Look into the remembered list, and, where it is not there, into a fresh one."""
        async with self._asking[key]:  # those who come together share an answer
            listed = self._lists.get(key)
            found = None if listed is None else pick(listed.things)
            if found is not None or (listed and self._is_fresh(listed)):
                return found
            listed = self._lists[key] = _Listed(await listing(), self._monotonic())
            return pick(listed.things)


def _called(kind: str, listed: Sequence[Named], wanted: str) -> Named | None:
    """The one thing of this id, or else of this address or name; ``None`` when there is none."""
    found = [thing for thing in listed if thing.id == wanted] or [
        thing for thing in listed if wanted.casefold() in _names(thing)
    ]
    if len(found) > 1:
        words = said(
            "Gladly has %(len)s things of kind %(kind)s called “%(masked)s”; write the id of the one",
            len=len(found),
            kind=kind,
            masked=masked(wanted),
        )
        raise Permanent(Reason("gladly-name-ambiguous", words, {"kind": kind}))
    return found[0] if found else None


def _all_names(things: Sequence[Named]) -> set[str]:
    return {name for thing in things for name in {thing.id.casefold(), *_names(thing)}}


def _names(thing: Named) -> set[str]:
    names = {thing.name, thing.email_address if isinstance(thing, Agent) else None}
    return {name.casefold() for name in names if name}
