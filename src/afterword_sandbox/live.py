"""Tells open pages that a customer's timeline changed, so that they can show it without being reloaded."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from afterword_sandbox.store import Changes


class LiveChanges:
    """Wakes whoever watches a customer; the news is only that something changed, never what."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def watch(self, customer_id: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the customer's timeline has changed."""
        news = asyncio.Event()
        self._watchers.setdefault(customer_id, set()).add(news)
        try:
            yield news
        finally:
            watchers = self._watchers[customer_id]
            watchers.discard(news)
            if not watchers:
                del self._watchers[customer_id]

    def tell(self, changes: Changes) -> None:
        """Wake the watchers of every customer whom a transaction touched."""
        for customer_id in changes.customer_ids:
            for news in self._watchers.get(customer_id, ()):
                news.set()
