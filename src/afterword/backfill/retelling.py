"""Rows of Gladly's records, which have no ids of events, made into what can be recorded."""

import hashlib
from collections import Counter

from afterword.backfill.finding import Found
from afterword.events.closings import latest_of
from afterword.events.models import FoundIn
from afterword.gladly.models import ConversationMoment
from afterword.gladly.retold import as_webhook
from afterword.translating import said


class Retelling:
    """What one reading of a record told: ``found`` by the key that tells each from others, ``problems`` in words.

    A row is known again by conversation, type and time, and by its number among those that are alike: within a minute
    a conversation may be closed twice, and the report may tell no seconds.
    """

    def __init__(self, record: str, found_in: FoundIn) -> None:
        self._record = record
        self._found_in: FoundIn = found_in
        self._alike: Counter[str] = Counter()
        self._without_customer = self._unusable = 0
        self.found: dict[bytes, Found] = {}

    def add(self, moment: ConversationMoment) -> None:
        """Take a row."""
        event_id = self._id(moment)
        if "\x00" in f"{moment.conversation_id}{moment.customer_id}":
            self._unusable += 1
            return
        try:
            body = as_webhook(moment, event_id=event_id, record=self._record)
        except ValueError:
            self._without_customer += 1
            return
        self.found[event_id.encode()] = Found(
            type=moment.type,
            conversation_id=moment.conversation_id,
            customer_id=moment.customer_id or "",
            occurred_at=moment.at,
            found_in=self._found_in,
            latest=latest_of(moment.at, self._found_in),
            key=event_id.encode(),
            body=body,
        )

    @property
    def problems(self) -> list[str]:
        """What could not be used."""
        told = []
        if self._without_customer:
            told.append(said("%(rows)s rows name no Customer", rows=f"{self._without_customer:,}"))
        if self._unusable:
            told.append(said("%(rows)s rows have ids that are none", rows=f"{self._unusable:,}"))
        return told

    def _id(self, moment: ConversationMoment) -> str:
        if moment.item_id is not None:
            return f"{self._found_in}/{moment.item_id}"
        told = f"{moment.conversation_id}/{moment.type}/{moment.at.isoformat()}"
        self._alike[told] += 1
        told += f"/{self._alike[told]}"
        return f"{self._found_in}/{hashlib.sha256(told.encode()).hexdigest()[:40]}"
