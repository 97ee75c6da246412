"""Topics, inboxes and agents found by what people call them: Gladly's API takes ids alone.

Its lists are whole and small, and are remembered for a minute; what is not found in a remembered list is looked for in
a fresh one.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from cachetools import TTLCache

from afterword.gladly.client import GladlyClient
from afterword.gladly.models import Agent, Inbox, Topic
from afterword.outcomes import Permanent, Reason
from afterword.outgoing.masking import masked

REMEMBER_SECONDS = 60.0
MOST_LISTS = 300


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


class GladlyNames:
    """Finds things of any connected account; ``account`` is the account's id, which what is remembered goes by.

    Raises (all methods):
        Permanent: there is no such thing, or there are several of this name.
    """

    def __init__(self) -> None:
        self._remembered: TTLCache[tuple[str, str], Sequence[Named]] = TTLCache(MOST_LISTS, REMEMBER_SECONDS)

    async def topics(self, account: str, gladly: GladlyClient, wanted: Iterable[str]) -> list[Topic]:
        """Topics by id or name, without regard to case, each once."""
        found = [await self._find(account, "topic", gladly.topics, name, Topic) for name in wanted]
        return list({topic.id: topic for topic in found}.values())

    async def inbox(self, account: str, gladly: GladlyClient, wanted: str) -> Inbox:
        """An inbox by id or name."""
        return await self._find(account, "inbox", gladly.inboxes, wanted, Inbox)

    async def agent(self, account: str, gladly: GladlyClient, wanted: str) -> Agent:
        """An agent by id, email address or name."""
        return await self._find(account, "agent", gladly.agents, wanted, Agent)

    async def _find(self, account: str, kind: str, listing: Listing[N], wanted: str, model: type[N]) -> N:
        wanted = wanted.strip()
        remembered = self._remembered.get((account, kind))
        found = None if remembered is None else _only(kind, remembered, wanted)
        if found is None:
            self._remembered[account, kind] = fresh = await listing()
            found = _only(kind, fresh, wanted)
        if not isinstance(found, model):
            words = f"Gladly has no {kind} “{masked(wanted)}”; write its name or its id as Gladly has it"
            raise Permanent(Reason("gladly-name-unknown", words, {"kind": kind}))
        return found


def _only(kind: str, listed: Sequence[Named], wanted: str) -> Named | None:
    """The one thing of this id, or else of this address or name; ``None`` when there is none."""
    of_id = [thing for thing in listed if thing.id == wanted]
    of_name = [thing for thing in listed if wanted.casefold() in _names(thing)]
    found = of_id or of_name
    if len(found) > 1:
        words = f"Gladly has {len(found)} things of kind {kind} called “{masked(wanted)}”; write the id of the one"
        raise Permanent(Reason("gladly-name-ambiguous", words, {"kind": kind}))
    return found[0] if found else None


def _names(thing: Named) -> set[str]:
    names = {thing.name, thing.email_address if isinstance(thing, Agent) else None}
    return {name.casefold() for name in names if name}
