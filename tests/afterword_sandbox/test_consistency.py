"""Whatever is done to a conversation, everything that tells of it tells the same."""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword_sandbox.clock import format_time, pretend
from afterword_sandbox.company import conversations, customers, event_log, exports, items, messages
from afterword_sandbox.company.customers import Profile
from afterword_sandbox.company.events import Actor
from afterword_sandbox.company.messages import CHANNELS, Message
from afterword_sandbox.errors import GladlyError
from afterword_sandbox.reports import conversations as reports
from afterword_sandbox.reports.window import Window
from afterword_sandbox.seed import seed
from afterword_sandbox.store import Store

AGENT = Actor("the-agent", "AGENT")
STARTS = (datetime(2020, 5, 1, tzinfo=UTC) + timedelta(days=3 * number) for number in itertools.count())
"""Each example has three days of its own."""

STEP = timedelta(hours=3)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("consistency") / "gladly.db")
    seed(store)
    with store.transaction():
        store.insert(
            "agents", {"id": AGENT.id, "name": "The Agent", "email_address": "the.agent@mail.example"}
        )
    yield store
    store.close()


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["write", "answer", "close", "reopen"]), st.sampled_from(sorted(CHANNELS))),
    max_size=12,
)


def act(store: Store, customer_id: str, action: str, channel: str) -> None:
    """Do one thing to the customer's last conversation, as far as Gladly allows it."""
    last = store.one(
        "SELECT id FROM conversations WHERE customer_id = ? ORDER BY created_at DESC LIMIT 1", (customer_id,)
    )
    if action == "write" or last is None:
        messages.receive(store, customer_id, Message("Hello", channel))
    elif action == "answer":
        messages.write_outbound(store, last["id"], Message("Hello", channel), AGENT)
    elif action == "close":
        conversations.close(store, last["id"], AGENT, force=True)
    else:
        conversations.reopen(store, last["id"], AGENT)


@settings(deadline=None, max_examples=50)
@given(actions=ACTIONS)
def test_items_events_report_and_export_tell_of_the_same_closings(
    store: Store, actions: list[tuple[str, str]]
) -> None:
    start = next(STARTS)
    with store.transaction():
        customer_id = customers.create(store, Profile(name="Kim"))
    for position, (action, channel) in enumerate(actions):
        with pretend(start + STEP * position), suppress(GladlyError), store.transaction():
            act(store, customer_id, action, channel)
    since, until = format_time(start), format_time(start + timedelta(days=3))
    found, _ = conversations.of_customer(store, customer_id)
    told = [
        event
        for page in event_log.pages(store, {"CONVERSATION/CLOSED"}, since, until)
        for event in page
        if event.content["customerId"] == customer_id
    ]
    shown = [
        (item["conversationId"], item["timestamp"])
        for item in items.timeline(store, customer_id)
        if item["content"] == {"type": "CONVERSATION_STATUS_CHANGE", "status": "CLOSED"}
    ]
    assert sorted((event.content["conversationId"], event.timestamp) for event in told) == sorted(shown)
    rows = [
        dict(zip(reports.TIMESTAMPS_COLUMNS, row, strict=True))
        for page in reports.timestamps(store, Window(since, until, ZoneInfo("UTC")))
        for row in page
    ]
    reported = [
        (row["Conversation ID"], row["Timestamp"])
        for row in rows
        if row["Event Type"] == "CONVERSATION/CLOSED" and row["Customer ID"] == customer_id
    ]
    assert sorted(reported) == sorted(shown)
    for conversation in found:
        closings = [at for conversation_id, at in shown if conversation_id == conversation["id"]]
        assert (conversation["status"] == "CLOSED") == ("closedAt" in conversation)
        assert conversation.get("closedAt") in {None, *closings[-1:]}
        open_contacts = store.all(
            "SELECT 1 FROM contacts WHERE conversation_id = ? AND ended_at IS NULL",
            (str(conversation["id"]),),
        )
        assert conversation["status"] != "CLOSED" or not open_contacts
    assert sum(conversation["status"] != "CLOSED" for conversation in found) <= 1
    with store.transaction():
        job = exports.make(store, start, start + timedelta(days=3))
        lines = exports.file(store, str(job["id"]), "conversation_items.jsonl").decode()
        exports.delete(store, str(job["id"]))
    assert all(str(conversation_id) in lines and str(at) in lines for conversation_id, at in shown)
