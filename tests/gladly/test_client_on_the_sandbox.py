import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from afterword.gladly.client import GladlyClient
from afterword.gladly.errors import (
    GladlyInvalid,
    GladlyNotFound,
    GladlyTaken,
    GladlyWrongCredentials,
)
from afterword.gladly.models import (
    Assignee,
    ConversationChanges,
    ConversationStatus,
    CustomerActivity,
    Link,
    NewTask,
    WebhookLogin,
    WebhookSettings,
    item_id,
)
from afterword.store.budgets import even_rate

if TYPE_CHECKING:
    from tests.conftest import OpenBudget, StandIn
    from tests.fixtures.sandbox import Sandbox

ANSWER = CustomerActivity(activity_type="SURVEY", title="CSAT Score: 5", body="Customer Feedback: thanks")


@pytest.fixture
async def gladly(sandbox: "Sandbox", open_budget: "OpenBudget") -> AsyncIterator[GladlyClient]:
    client = GladlyClient(
        sandbox.url, sandbox.username, sandbox.api_token, budget=open_budget, budget_name="account"
    )
    yield client
    await client.close()


@pytest.fixture
def customer(sandbox: "Sandbox") -> tuple[str, str]:
    return sandbox.new_customer("Jane Doe", f"jane.{uuid.uuid4().hex}@customer.example")


def activities(sandbox: "Sandbox", customer_id: str) -> list[dict[str, object]]:
    timeline = sandbox.control("GET", f"customers/{customer_id}/timeline")
    contents = [item["content"] | {"id": item["id"]} for item in timeline]
    return [content for content in contents if content["type"] == "CUSTOMER_ACTIVITY"]


async def test_the_organization_is_asked(gladly: GladlyClient) -> None:
    organization = await gladly.organization()
    assert organization.id
    assert organization.name == "Juniper & Pine"


async def test_agents_and_inboxes_are_listed_and_looked_up(gladly: GladlyClient) -> None:
    agents, inboxes = await gladly.agents(), await gladly.inboxes()
    assert "Maya Okafor" in {agent.name for agent in agents}
    assert "Orders & Delivery" in {inbox.name for inbox in inboxes}
    assert await gladly.agent(agents[0].id) == agents[0]
    assert await gladly.inbox(inboxes[0].id) == inboxes[0]


async def test_a_customer_and_a_conversation_are_looked_up(
    gladly: GladlyClient, customer: tuple[str, str]
) -> None:
    profile, conversation = await gladly.customer_profile(customer[0]), await gladly.conversation(customer[1])
    assert (profile.id, profile.name) == (customer[0], "Jane Doe")
    assert (profile.email_address or "").endswith("@customer.example")
    assert (conversation.customer_id, conversation.status) == (customer[0], "OPEN")
    assert conversation.created_at is not None
    assert conversation.created_at.tzinfo is not None


async def test_an_answer_comes_onto_the_timeline_once(
    gladly: GladlyClient, sandbox: "Sandbox", customer: tuple[str, str]
) -> None:
    id_ = item_id("response-1")
    first = await gladly.create_activity(customer[0], ANSWER, item_id=id_)
    second = await gladly.create_activity(customer[0], ANSWER, item_id=id_)
    assert (first.id, first.customer_id, first.already_there) == (id_, customer[0], False)
    assert (second.id, second.customer_id, second.already_there) == (id_, customer[0], True)
    [shown] = activities(sandbox, customer[0])
    assert shown["id"] == id_
    assert shown["title"] == "CSAT Score: 5"
    assert shown["body"] == "Customer Feedback: thanks"
    assert shown["activityType"] == "SURVEY"


async def test_everything_an_activity_can_hold_is_taken_in_gladlys_lengths(
    gladly: GladlyClient, sandbox: "Sandbox", customer: tuple[str, str]
) -> None:
    activity = CustomerActivity(
        activity_type="SURVEY",
        title="👩‍👧" * 60,
        body="<script>'&\n" * 5000,
        source_name="Afterword " * 20,
        link=Link("https://afterword.example/r/1", "the response " * 20),
        expand_by_default=True,
        occurred_at=datetime.now(UTC) - timedelta(days=300),
    )
    await gladly.create_activity(customer[0], activity, item_id=item_id(customer[0]))
    [shown] = activities(sandbox, customer[0])
    assert "<script" not in str(shown["body"])
    assert str(shown["body"]).startswith("&lt;script&gt;'&amp;<br>&lt;")
    assert str(shown["occurredAt"]).endswith("Z")
    assert shown["expandByDefault"] is True


async def test_one_who_was_merged_is_found_under_the_new_id(
    gladly: GladlyClient, sandbox: "Sandbox", customer: tuple[str, str]
) -> None:
    """Twice over: merges come in chains."""
    ids = [customer[0]]
    for number in range(2):
        ids.append(sandbox.new_customer("Jane", f"{number}.{uuid.uuid4().hex}@customer.example")[0])
        merge = {"sourceCustomerId": ids[-2], "destinationCustomerId": ids[-1]}
        sandbox.control("POST", "merges", merge)
    assert (await gladly.customer_profile(ids[0])).id == ids[-1]
    created = await gladly.create_activity(ids[0], ANSWER, item_id=item_id(ids[0]))
    assert created.customer_id == ids[-1]
    assert [shown["title"] for shown in activities(sandbox, ids[-1])] == ["CSAT Score: 5"]


async def test_what_is_not_there_is_told_as_such(gladly: GladlyClient) -> None:
    for asked, code in (
        (gladly.customer_profile("nobody"), "gladly-customer-gone"),
        (gladly.conversation("nothing"), "gladly-not-found"),
        (gladly.agent("nobody"), "gladly-not-found"),
        (gladly.inbox("nothing"), "gladly-not-found"),
        (gladly.webhook("nothing"), "gladly-not-found"),
        (gladly.item("nothing"), "gladly-not-found"),
        (gladly.create_activity("nobody", ANSWER, item_id="abc"), "gladly-customer-gone"),
    ):
        with pytest.raises(GladlyNotFound) as refused:
            await asked
        assert refused.value.reason.code == code


async def test_wrong_credentials_are_told_as_such_without_a_secret(
    sandbox: "Sandbox", open_budget: "OpenBudget"
) -> None:
    client = GladlyClient(
        sandbox.url, sandbox.username, "wrong-Secret", budget=open_budget, budget_name="account"
    )
    with pytest.raises(GladlyWrongCredentials, match="check the user name and the API token") as refused:
        await client.organization()
    assert "wrong-Secret" not in f"{refused.value!r} {refused.value.reason}"
    assert sandbox.username not in f"{refused.value!r} {refused.value.reason}"
    await client.close()


async def test_what_gladly_finds_not_valid_is_told_with_the_field(
    gladly: GladlyClient, customer: tuple[str, str]
) -> None:
    too_old = datetime.now(UTC) - timedelta(days=400)
    activity = CustomerActivity(activity_type="SURVEY", title="t", body="b", occurred_at=too_old)
    with pytest.raises(GladlyInvalid, match="older than a year") as refused:
        await gladly.create_activity(customer[0], activity, item_id="old")
    assert refused.value.attr == "content.occurredAt"
    assert refused.value.code == "invalid"


async def test_the_life_of_a_webhook(gladly: GladlyClient, stand_in: "StandIn") -> None:
    stand_in.answer(200)
    login = WebhookLogin("afterword", "webhook-Secret")
    webhook_id = await gladly.create_webhook(
        WebhookSettings(
            name="Afterword",
            url=f"{stand_in.url}/hook",
            events=["CONVERSATION/CLOSED", "CONVERSATION/REOPENED"],
            credentials=login,
            headers={"X-Afterword-Token": "header-Secret"},
        )
    )
    assert stand_in.requests == [], "it is created disabled"
    webhook = await gladly.webhook(webhook_id)
    assert (webhook.name, webhook.enabled, webhook.has_credentials) == ("Afterword", False, True)
    assert webhook.header_keys == ["X-Afterword-Token"]
    assert webhook in await gladly.webhooks()

    await gladly.enable_webhook(webhook_id)
    request, body = stand_in.requests[0]
    assert b"PING" in body
    assert request.headers["X-Afterword-Token"] == "header-Secret"
    assert (await gladly.webhook(webhook_id)).enabled

    with pytest.raises(GladlyTaken):
        await gladly.create_webhook(
            WebhookSettings(url=f"{stand_in.url}/hook", events=["CONVERSATION/CLOSED"])
        )
    with pytest.raises(GladlyInvalid):
        await gladly.delete_webhook(webhook_id)
    await gladly.update_webhook(webhook_id, WebhookSettings(name="Other"))
    changed = await gladly.webhook(webhook_id)
    assert (changed.name, changed.url, changed.enabled) == ("Other", f"{stand_in.url}/hook", True)

    await gladly.disable_webhook(webhook_id)
    await gladly.delete_webhook(webhook_id)
    with pytest.raises(GladlyNotFound):
        await gladly.webhook(webhook_id)


async def test_a_webhook_whose_ping_fails_is_refused_and_then_enabled_when_it_answers(
    gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    stand_in.answer(500)
    stand_in.answer(200)
    settings = WebhookSettings(url=f"{stand_in.url}/ping", events=["CONVERSATION/CLOSED"], enabled=True)
    with pytest.raises(GladlyInvalid, match="PING"):
        await gladly.create_webhook(settings)
    webhook_id = await gladly.create_webhook(settings)
    assert (await gladly.webhook(webhook_id)).enabled


async def test_topics_are_added_once(gladly: GladlyClient, customer: tuple[str, str]) -> None:
    topics = {topic.name: topic for topic in await gladly.topics()}
    refund = topics["Refund"]
    assert refund.parent_id == topics["Return"].id
    for _ in range(2):
        await gladly.add_topics(customer[1], [refund.id])
    assert (await gladly.conversation(customer[1])).topic_ids == [refund.id]
    with pytest.raises(GladlyNotFound):
        await gladly.add_topics(customer[1], ["no-such-topic"])


async def test_a_task_is_created_once_with_its_text_in_gladlys_length(
    gladly: GladlyClient, customer: tuple[str, str]
) -> None:
    inbox = (await gladly.inboxes())[0]
    due_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    task = NewTask(body="<b>'&\n" * 5000, due_at=due_at, inbox_id=inbox.id)
    id_ = item_id(f"task of {customer[0]}")
    first = await gladly.create_task(customer[0], task, task_id=id_)
    second = await gladly.create_task(customer[0], task, task_id=id_)
    assert (first.id, first.customer_id, first.already_there) == (id_, customer[0], False)
    assert second.already_there
    made = await gladly.task(id_)
    assert (made.due_at, made.status) == (due_at, "OPEN")
    assert made.assignee is not None
    assert made.assignee.inbox_id == inbox.id
    assert (made.body or "").startswith("&lt;b&gt;'&amp;<br>&lt;b")
    with pytest.raises(GladlyNotFound):
        await gladly.task("no-such-task")


async def test_whether_an_item_is_there_is_told(gladly: GladlyClient, customer: tuple[str, str]) -> None:
    id_ = item_id(f"item of {customer[0]}")
    assert not await gladly.has_item(id_)
    await gladly.create_activity(customer[0], ANSWER, item_id=id_)
    assert await gladly.has_item(id_)


async def test_customers_are_found_by_their_address(gladly: GladlyClient, sandbox: "Sandbox") -> None:
    address = f"Find.Me+{uuid.uuid4().hex}@customer.example"
    customer_id, _ = sandbox.new_customer("Jane Doe", address)
    found = await gladly.customers_with_email(address.lower())
    assert [customer.id for customer in found.items] == [customer_id]
    assert not found.is_cut
    assert (await gladly.customers_with_email(f"nobody.{address}")).items == []
    with pytest.raises(GladlyInvalid) as refused:
        await gladly.customers_with_email("no address")
    assert refused.value.attr == "email"


async def test_a_customers_conversations_are_listed_also_after_a_merge(
    gladly: GladlyClient, sandbox: "Sandbox", customer: tuple[str, str]
) -> None:
    customer_id, conversation_id = customer
    listed = await gladly.conversations_of(customer_id)
    assert [conversation.id for conversation in listed.items] == [conversation_id]
    assert not listed.is_cut
    other, _ = sandbox.new_customer("Jane", f"{uuid.uuid4().hex}@customer.example")
    sandbox.control("POST", "merges", {"sourceCustomerId": customer_id, "destinationCustomerId": other})
    assert {found.customer_id for found in (await gladly.conversations_of(customer_id)).items} == {other}
    with pytest.raises(GladlyNotFound):
        await gladly.conversations_of("no-such-customer")


async def test_a_conversation_is_assigned_closed_and_reopened(
    gladly: GladlyClient, customer: tuple[str, str]
) -> None:
    """Gladly's rules are told in its own words; each change twice is once."""
    conversation_id = customer[1]
    inbox = (await gladly.conversation(conversation_id)).inbox_id
    assert inbox is not None
    close, force = (
        ConversationChanges(status=ConversationStatus("CLOSED", force=it)) for it in (False, True)
    )
    with pytest.raises(GladlyInvalid, match="customer waiting for response") as refused:
        await gladly.update_conversation(conversation_id, close)
    assert refused.value.code == "invalid_state"
    unassigned = ConversationChanges(
        assignee=Assignee(inbox), status=ConversationStatus("CLOSED", force=True)
    )
    await gladly.update_conversation(conversation_id, unassigned)
    await gladly.update_conversation(conversation_id, force)
    closed = await gladly.conversation(conversation_id)
    assert (closed.status, closed.agent_id) == ("CLOSED", None)
    with pytest.raises(GladlyInvalid):
        await gladly.update_conversation(conversation_id, ConversationChanges(assignee=Assignee(inbox)))
    await gladly.update_conversation(conversation_id, ConversationChanges(status=ConversationStatus("OPEN")))
    assert (await gladly.conversation(conversation_id)).status == "OPEN"
    with pytest.raises(GladlyNotFound):
        await gladly.update_conversation("no-such-conversation", force)


async def test_a_note_and_what_was_said_stand_among_the_items(
    gladly: GladlyClient, customer: tuple[str, str]
) -> None:
    note_id = await gladly.create_note(customer[1], "<b>Called back\ntwice")
    listed = await gladly.conversation_items(customer[1])
    assert not listed.is_cut
    said = [item for item in listed.items if item.is_message]
    assert [(item.channel, item.text, item.is_from("CUSTOMER")) for item in said] == [("CHAT", "Hello", True)]
    [note] = [item for item in listed.items if item.id == note_id]
    assert note.content.type == "CONVERSATION_NOTE"
    assert note.text == "&lt;b&gt;Called back<br>twice"
    assert not note.is_message
    assert (await gladly.item(said[0].id)).text == "Hello"
    for missing in (gladly.create_note("none", "text"), gladly.conversation_items("none")):
        with pytest.raises(GladlyNotFound):
            await missing


async def test_an_item_is_shown_whole_and_deleted_once(
    gladly: GladlyClient, customer: tuple[str, str]
) -> None:
    id_ = item_id(f"to delete of {customer[0]}")
    await gladly.create_activity(customer[0], ANSWER, item_id=id_)
    item, sent = await gladly.item(id_), await gladly.item_as_sent(id_)
    assert (item.content.activity_type, item.content.title) == ("SURVEY", "CSAT Score: 5")
    assert not item.is_message
    content = sent["content"]
    assert isinstance(content, dict)
    assert content["receivedAt"]
    assert await gladly.delete_item(id_)
    assert not await gladly.delete_item(id_)
    with pytest.raises(GladlyNotFound):
        await gladly.item(id_)


async def test_an_item_that_is_no_activity_is_not_deleted(
    gladly: GladlyClient, customer: tuple[str, str]
) -> None:
    message = (await gladly.conversation_items(customer[1])).items[0]
    with pytest.raises(GladlyInvalid):
        await gladly.delete_item(message.id)


async def test_a_topic_is_looked_up(gladly: GladlyClient) -> None:
    topic = (await gladly.topics())[0]
    assert await gladly.topic(topic.id) == topic
    with pytest.raises(GladlyNotFound):
        await gladly.topic("no-such-topic")


async def test_the_sandboxs_limit_is_heeded(gladly: GladlyClient, open_budget: "OpenBudget") -> None:
    """It is started with a thousand a second, and says so."""
    await gladly.organization()
    assert open_budget.adopted == [("gladly/account/GET", even_rate(1000))]
