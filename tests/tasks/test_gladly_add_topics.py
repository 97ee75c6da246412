"""Gladly: add topics: by name or id, each once, on a conversation that is open."""

import json
from typing import Any

import pytest
from tests.fixtures.sandbox import Sandbox

from afterword.gladly import finding
from afterword.gladly.models import ConversationChanges, ConversationStatus
from afterword.outcomes import Outcome, Permanent, Retry, Skip
from afterword.tasks.contract import Done, TaskCall
from afterword.tasks.gladly_add_topics import GladlyAddTopics, GladlyAddTopicsTask

TOPICS = '[{"id": "t1", "name": "Refund"}, {"id": "t2", "name": "Sizing"}, {"id": "t3", "name": "Sizing"}]'


def call(account: str, conversation: str, *topics: str) -> TaskCall[GladlyAddTopics]:
    configuration = GladlyAddTopics(account=account, conversation_id=conversation, topics=topics)
    return TaskCall(run_key="1", task_id="T-1", attempt=1, configuration=configuration, fields={})


async def topics_of(ready: Any, conversation: str) -> list[str]:
    gladly = await ready.services.accounts.gladly(ready.gladly)
    names = {topic.id: topic.name for topic in await gladly.topics()}
    return [names[topic] for topic in (await gladly.conversation(conversation)).topic_ids]


def changes_of(sandbox: Sandbox, customer: str) -> list[Any]:
    items = sandbox.control("GET", f"customers/{customer}/timeline")
    return [item for item in items if item["content"]["type"] == "TOPIC_CHANGE"]


async def test_topics_are_added_by_name_and_by_id_and_each_once(ready: Any, sandbox: Sandbox) -> None:
    customer, conversation = sandbox.new_customer("Ada", "topics@add.example")
    gladly = await ready.services.accounts.gladly(ready.gladly)
    exchange = next(topic for topic in await gladly.topics() if topic.name == "Exchange")
    task = GladlyAddTopicsTask(ready.services)
    wanted = call(ready.gladly, conversation, "refund", " Refund ", exchange.id, "")
    done = await task.run(wanted)
    assert await topics_of(ready, conversation) == ["Refund", "Exchange"]
    assert done.output["topics"] == ["Refund", "Exchange"]
    assert set(done.output) == set(task.outputs(wanted.configuration))
    assert len(changes_of(sandbox, customer)) == 1


async def test_again_it_changes_nothing(ready: Any, sandbox: Sandbox) -> None:
    customer, conversation = sandbox.new_customer("Ada", "again@add.example")
    task = GladlyAddTopicsTask(ready.services)
    first = await task.run(call(ready.gladly, conversation, "Refund"))
    assert await task.run(call(ready.gladly, conversation, "Refund")) == first
    assert await topics_of(ready, conversation) == ["Refund"]
    assert len(changes_of(sandbox, customer)) == 1


async def test_a_plan_says_what_would_be_sent_and_adds_nothing(
    ready: Any, sandbox: Sandbox, everything: Any
) -> None:
    customer, conversation = sandbox.new_customer("Ada", "plan@add.example")
    task, wanted = GladlyAddTopicsTask(ready.services), call(ready.gladly, conversation, "Refund", "Exchange")
    before = await everything(customer)
    plan = await task.plan(wanted)
    assert await everything(customer) == before
    assert await topics_of(ready, conversation) == []
    assert not plan.repeats
    done = await task.run(wanted)
    assert (plan.sends, plan.output) == (done.sent, done.output)
    assert (await task.plan(wanted)).repeats


async def test_a_closed_conversation_fails_with_that_reason_and_goes_on_when_it_is_open(
    ready: Any, sandbox: Sandbox
) -> None:
    _, conversation = sandbox.new_customer("Ada", "closed@add.example")
    gladly = await ready.services.accounts.gladly(ready.gladly)
    task = GladlyAddTopicsTask(ready.services)
    closed = ConversationChanges(status=ConversationStatus("CLOSED", force=True))
    await gladly.update_conversation(conversation, closed)
    for attempt in (task.plan, task.run):
        with pytest.raises(Permanent) as failed:
            await attempt(call(ready.gladly, conversation, "Refund"))
        assert failed.value.reason.code == "gladly-conversation-not-open"
    await gladly.update_conversation(conversation, ConversationChanges(status=ConversationStatus("OPEN")))
    assert isinstance(await task.run(call(ready.gladly, conversation, "Refund")), Done)


@pytest.mark.parametrize(
    ("conversation", "topics", "code"),
    [("", ("Refund",), "no-conversation"), ("c1", ("", "  "), "no-topic")],
)
async def test_where_there_is_nothing_to_do_it_is_skipped(
    ready: Any, conversation: str, topics: tuple[str, ...], code: str
) -> None:
    with pytest.raises(Skip) as skipped:
        await GladlyAddTopicsTask(ready.services).run(call(ready.gladly, conversation, *topics))
    assert skipped.value.reason.code == code


async def test_a_name_that_gladly_lacks_or_has_twice_is_told_and_an_id_helps(
    ready: Any, stand_in: Any
) -> None:
    stand_in.answer(200, TOPICS)
    task = GladlyAddTopicsTask(ready.services)
    for name, code in (("Unheard of", "gladly-name-unknown"), ("sizing", "gladly-name-ambiguous")):
        with pytest.raises(Permanent) as failed:
            await task.run(call(ready.faulty_gladly, "c1", name))
        assert failed.value.reason.code == code
        assert name in failed.value.reason.words
    assert {request.method for request, _ in stand_in.requests} == {"GET"}
    await task.run(call(ready.faulty_gladly, "c1", "t3"))
    request, body = stand_in.requests[-1]
    assert (request.method, request.path) == ("POST", "/api/v1/conversations/c1/topics")
    assert json.loads(body) == {"topicIds": ["t3"]}


async def test_a_topic_that_was_made_a_moment_ago_is_found_and_the_list_is_not_asked_for_each_time(
    ready: Any, stand_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "FRESH_SECONDS", 0.0)
    stand_in.answer(200, "[]")
    stand_in.answer(200, TOPICS)
    task = GladlyAddTopicsTask(ready.services)
    with pytest.raises(Permanent):
        await task.run(call(ready.faulty_gladly, "c1", "Refund"))
    for _ in range(3):
        await task.run(call(ready.faulty_gladly, "c1", "Refund"))
    assert [request.method for request, _ in stand_in.requests] == ["GET", "GET", "POST", "POST", "POST"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "unknown"),
    [
        (400, '{"errors": [{"code": "not_exist", "attr": "topicIds"}]}', Permanent, "gladly-not-found", None),
        (400, '{"errors": [{"code": "invalid"}]}', Permanent, "gladly-invalid", None),
        (404, "", Permanent, "gladly-not-found", None),
        (429, "", Retry, "gladly-rate-limited", False),
        (500, "", Retry, "gladly-unavailable", True),
        (503, "", Retry, "gladly-unavailable", False),
    ],
)
async def test_each_refusal_has_its_outcome_and_then_it_is_done(
    ready: Any, stand_in: Any, *, status: int, body: str, kind: type[Outcome], code: str, unknown: bool | None
) -> None:
    stand_in.answer(200, TOPICS)
    stand_in.answer(status, body)
    stand_in.answer(204)
    task = GladlyAddTopicsTask(ready.services)
    with pytest.raises(kind) as refused:
        await task.run(call(ready.faulty_gladly, "c1", "Refund"))
    assert refused.value.reason.code == code
    assert getattr(refused.value, "outcome_unknown", None) is unknown
    assert isinstance(await task.run(call(ready.faulty_gladly, "c1", "Refund")), Done)
