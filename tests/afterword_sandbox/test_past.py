"""The past of a new company: told once, whole and consistent, and nobody is told of it."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from afterword_sandbox import seed_past
from afterword_sandbox.clock import format_time
from afterword_sandbox.company import event_log, exports
from afterword_sandbox.reports import conversations as reports
from afterword_sandbox.reports.window import Window
from afterword_sandbox.seed import seed
from afterword_sandbox.store import Store

DAYS = 14


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A company with a past, of whose telling the half was done before the sandbox was killed."""
    path = tmp_path_factory.mktemp("past") / "gladly.db"
    store = Store(path)
    seed(store, past_days=DAYS)
    telling = seed_past.go_on(store)
    for _ in range(150):
        next(telling)
    store.close()
    store = Store(path)
    seed(store, past_days=DAYS)
    for _ in seed_past.go_on(store):
        pass
    yield store
    store.close()


def closings(store: Store, since: datetime, until: datetime) -> list[event_log.Event]:
    pages = event_log.pages(store, {"CONVERSATION/CLOSED"}, format_time(since), format_time(until))
    return [event for page in pages for event in page]


def test_some_hundreds_were_closed_by_all_who_close_in_every_inbox_and_none_lately(told: Store) -> None:
    now = datetime.now(UTC)
    found = closings(told, now - timedelta(days=DAYS + 1), now)
    assert 250 < len(found) < 500
    assert len({event.timestamp[:10] for event in found}) >= DAYS - 1
    assert max(event.timestamp for event in found) < format_time(now - timedelta(minutes=40))
    by = Counter(event.initiator["type"] for event in found)
    assert by.keys() == {"AGENT", "AUTOMATION", "SYSTEM", "API"}
    assert by["AGENT"] > len(found) / 2
    assert len({event.assignee["inboxId"] for event in found}) == 4
    of_conversations = Counter(event.content["conversationId"] for event in found)
    of_customers = Counter(event.content["customerId"] for event in found)
    assert 2 in of_conversations.values(), "some were reopened, and closed again"
    assert len(of_customers) < len(of_conversations), "some customers came back"


def test_whatever_rules_look_at_is_there(told: Store) -> None:
    def number(sql: str) -> int:
        row = told.one(f"SELECT count(*) AS number FROM {sql}")  # noqa: S608 - constants below
        assert row is not None
        return int(row["number"])

    closed = "conversations WHERE status = 'CLOSED'"
    wrote = "SELECT conversation_id FROM items WHERE initiator_type = '{}' AND type LIKE '%{}%'"
    assert number(f"{closed} AND id NOT IN ({wrote.format('CUSTOMER', '')} AND conversation_id NOT NULL)") > 3
    assert number(f"{closed} AND agent_id IS NULL") > 10
    spam = "(SELECT id FROM topics WHERE name = 'Spam')"
    assert number(f"conversation_topics WHERE topic_id IN {spam}") > 3
    assert number("customers WHERE id NOT IN (SELECT customer_id FROM customer_emails)") > 5
    assert number("contacts WHERE channel NOT IN ('CHAT', 'EMAIL')") > 20
    assert number("contacts WHERE ended_at IS NULL") <= 12, "those of today's customers alone"
    assert number("deliveries") == 0


def test_events_conversations_reports_and_exports_tell_the_same(told: Store) -> None:
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    since, until = midnight - timedelta(days=7), midnight
    events = {event.content["conversationId"] for event in closings(told, since, until)}
    window = Window(format_time(since), format_time(until), ZoneInfo("UTC"))
    rows = [row for page in reports.timestamps(told, window) for row in page]
    assert {row[3] for row in rows if row[2] == "CONVERSATION/CLOSED"} == events
    exported: set[Any] = set()
    for job in exports.jobs(told, status="COMPLETED", since=None, until=None):
        for line in exports.file(told, str(job["id"]), "conversation_items.jsonl").splitlines():
            item = msgspec.json.decode(line)
            is_closing = item["content"].get("status") == "CLOSED"
            if is_closing and format_time(since) <= item["timestamp"] < format_time(until):
                exported.add(item["conversationId"])
    assert exported == events


def test_a_company_that_was_there_is_given_no_past(tmp_path: Path) -> None:
    store = Store(tmp_path / "gladly.db")
    seed(store)
    seed(store, past_days=DAYS)
    assert list(seed_past.go_on(store)) == []
    store.close()
