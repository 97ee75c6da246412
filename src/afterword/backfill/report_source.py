"""Gladly's ConversationTimestampsReport: any time, by whole days, about an hour behind, cut without a word.

One that is as long as reports are cut at is asked for again by inbox, and where that is not enough by inbox and
channel. What is still too long is missing, and so is what the parts do not show though the whole did.
"""

from collections.abc import Iterable, Sequence
from contextlib import aclosing

import msgspec

from afterword.backfill.finding import Found
from afterword.backfill.retelling import Retelling
from afterword.backfill.rows import Missing
from afterword.backfill.slices import Span
from afterword.events.closings import latest_of
from afterword.gladly.client import GladlyClient
from afterword.gladly.models import Inbox
from afterword.gladly.reports import CHANNELS, CONVERSATION_TIMESTAMPS
from afterword.gladly.webhooks import MUST_NAME_A_CONVERSATION
from afterword.outcomes import Permanent
from afterword.translating import N_, said

ZONE = "UTC"


class Part(msgspec.Struct, frozen=True):
    """What one report told, each thing once, by what tells it from others.

    ``is_unfiltered`` tells that it has rows of another inbox than was asked for.
    """

    found: dict[bytes, Found]
    is_cut: bool
    is_unfiltered: bool
    problems: Sequence[str]


class Undivided(Exception):
    """Gladly takes no notice of the filter by inbox."""


async def read(client: GladlyClient, span: Span, *, most_rows: int) -> tuple[list[Found], list[Missing]]:
    """The closings and reopenings of a part of one day of UTC, and what of it could not be read."""
    day = _Day(client, span, most_rows)
    found = await day.read()
    return sorted(found.values(), key=lambda one: one.occurred_at), day.missing


class _Day:
    """Reads a day, whole or in parts."""

    def __init__(self, client: GladlyClient, span: Span, most_rows: int) -> None:
        self._client = client
        self._span = span
        self._most_rows = most_rows
        self.missing: list[Missing] = []

    async def read(self) -> dict[bytes, Found]:
        whole = await self._part()
        if not whole.is_cut:
            self._note(whole)
            return whole.found
        found: dict[bytes, Found] = {}
        try:
            for inbox in await self._client.inboxes():
                found |= await self._of_inbox(inbox)
        except Permanent as error:
            self._missing(
                said("the report is cut, and its parts are not given: %(why)s", why=error.reason.words)
            )
        except Undivided:
            self._missing(N_("the report is cut, and Gladly does not divide it by inbox"))
        else:
            unseen = whole.found.keys() - found.keys()
            self._note_unseen(
                unseen, N_("the report is cut, and no inbox's report shows all that the whole one shows")
            )
        return whole.found | found

    async def _of_inbox(self, inbox: Inbox) -> dict[bytes, Found]:
        whole = await self._part(inbox=inbox)
        if whole.is_cut and whole.is_unfiltered:
            raise Undivided
        if not whole.is_cut:
            self._note(whole, inbox=inbox)
            return whole.found
        found: dict[bytes, Found] = {}
        for channel in CHANNELS:
            part = await self._part(inbox=inbox, channel=channel)
            self._note(part, inbox=inbox, channel=channel)
            if part.is_cut:
                words = said(
                    "the report is cut, with %(rows)s rows or more, and cannot be divided further",
                    rows=f"{self._most_rows:,}",
                )
                self._missing(words, inbox=inbox, channel=channel)
            found |= part.found
        unseen = whole.found.keys() - found.keys()
        self._note_unseen(
            unseen,
            N_("the report is cut, and no channel's report shows all that the inbox's shows"),
            inbox=inbox,
        )
        return whole.found | found

    async def _part(self, *, inbox: Inbox | None = None, channel: str | None = None) -> Part:
        day = self._span.since.date()
        retelling = Retelling(CONVERSATION_TIMESTAMPS, "report")
        rows = strangers = 0
        async with aclosing(
            self._client.conversation_timestamps(
                day, day, timezone=ZONE, channel=channel, inboxes=() if inbox is None else (inbox.id,)
            )
        ) as moments:
            async for moment in moments:
                rows += 1
                strangers += inbox is not None and moment.inbox_id not in {inbox.id, None}
                latest = latest_of(moment.at, "report") or moment.at
                is_within = latest >= self._span.since and moment.at < self._span.until
                if is_within and moment.type in MUST_NAME_A_CONVERSATION:
                    retelling.add(moment)
        return Part(retelling.found, rows >= self._most_rows, strangers > 0, retelling.problems)

    def _note(self, part: Part, *, inbox: Inbox | None = None, channel: str | None = None) -> None:
        for words in part.problems:
            self._missing(words, inbox=inbox, channel=channel)

    def _note_unseen(self, unseen: Iterable[bytes], words: str, *, inbox: Inbox | None = None) -> None:
        if any(unseen):
            self._missing(words, inbox=inbox)

    def _missing(self, words: str, *, inbox: Inbox | None = None, channel: str | None = None) -> None:
        self.missing.append(
            Missing(
                since=self._span.since,
                until=self._span.until,
                words=words,
                inbox=None if inbox is None else inbox.name or inbox.id,
                channel=channel,
            )
        )
