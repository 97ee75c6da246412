"""Tells open pages that what they show has changed, so that they can show it without being reloaded."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from aiohttp import web

from afterword_sandbox.store import Changes

KEEP_ALIVE_SECONDS = 20.0
CUSTOMERS_CHANGED = "customers"
"""What a list of customers watches: it changes with each of them."""


class LiveChanges:
    """Wakes whoever watches a thing, by its id; the news is only that it changed, never what."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def watch(self, thing: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the thing has changed."""
        news = asyncio.Event()
        self._watchers.setdefault(thing, set()).add(news)
        try:
            yield news
        finally:
            watchers = self._watchers[thing]
            watchers.discard(news)
            if not watchers:
                del self._watchers[thing]

    def tell(self, things: Iterable[str]) -> None:
        """Wake the watchers of each thing."""
        for thing in things:
            for news in self._watchers.get(thing, ()):
                news.set()

    def hear(self, changes: Changes) -> None:
        """Hear of a committed transaction."""
        self.tell(
            changes.customer_ids | changes.page_ids | ({CUSTOMERS_CHANGED} if changes.customer_ids else set())
        )


async def stream_changes(request: web.Request, live: LiveChanges, thing: str) -> web.StreamResponse:
    """Answer with server-sent events: one, without content, for each change of the thing."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    with live.watch(thing) as news:
        await response.prepare(request)
        await response.write(b": watching\n\n")
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    await news.wait()
            except TimeoutError:
                line = b": still here\n\n"
            else:
                news.clear()
                line = b"data: changed\n\n"
            try:
                await response.write(line)
            except ConnectionError:
                return response
