"""How much a list has at most, and that it says so when there is more."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from afterword_sandbox.company import conversations, customers, items, tasks
from afterword_sandbox.company.customers import Profile
from afterword_sandbox.company.events import Actor
from afterword_sandbox.company.messages import first_inbox
from afterword_sandbox.company.tasks import Assignee, Comment, NewTask
from afterword_sandbox.seed import seed
from afterword_sandbox.store import Store

SOMEBODY = Actor("somebody", "API")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("caps") / "gladly.db")
    seed(store)
    yield store
    store.close()


def test_a_search_gives_50_customers(store: Store) -> None:
    profile = Profile(external_customer_id="the-same")
    for expected, limited in ((50, False), (50, True)):
        with store.transaction():
            for _ in range(1 if limited else 50):
                customers.create(store, profile)
        found, more = customers.search(store, "externalCustomerId", "the-same")
        assert (len(found), more) == (expected, limited)


def test_a_customer_has_100_conversations_and_a_conversation_1000_items(store: Store) -> None:
    with store.transaction():
        customer_id = customers.create(store, Profile(name="Many"))
        for _ in range(101):
            conversation_id = conversations.create(store, customer_id, first_inbox(store), SOMEBODY)
            conversations.close(store, conversation_id, SOMEBODY, force=True)
    found, more = conversations.of_customer(store, customer_id)
    assert (len(found), more) == (100, True)
    with store.transaction():
        for _ in range(1000):
            items.add(store, customer_id, {"type": "SMS"}, SOMEBODY, conversation_id=conversation_id)
    listed, more = items.of_conversation(store, conversation_id)
    assert (len(listed), more) == (1000, True)


def test_a_customer_has_2000_tasks_and_a_task_1000_comments(store: Store) -> None:
    agent = store.one("SELECT id FROM agents")
    assert agent is not None
    with store.transaction():
        customer_id = customers.create(store, Profile(name="Busy"))
        wanted = NewTask(Assignee(first_inbox(store)), "Call", datetime(2199, 1, 1, tzinfo=UTC))
        task_id = [tasks.create(store, customer_id, wanted, SOMEBODY) for _ in range(2001)][-1]
        for _ in range(1001):
            tasks.add_comment(store, task_id, Comment(agent["id"], "No answer"))
    found, more = tasks.of_customer(store, customer_id)
    assert (len(found), more) == (2000, True)
    comments, more = tasks.comments(store, task_id)
    assert (len(comments), more) == (1000, True)
