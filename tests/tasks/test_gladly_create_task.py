"""Gladly: create task: one task for each run, due in time, for the right inbox and agent."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.fixtures.sandbox import Sandbox

from afterword.outcomes import Outcome, Permanent, Retry, Skip
from afterword.tasks.contract import Done, TaskCall
from afterword.tasks.gladly_create_task import GladlyCreateTask, GladlyCreateTaskTask

INBOXES = '[{"id": "i1", "name": "Returns"}]'
TAKEN = '{"errors": [{"attr": "newConversationItems", "code": "taken", "detail": "task already exists"}]}'


def call(account: str, customer: str, run_key: str = "run", **changes: Any) -> TaskCall[GladlyCreateTask]:
    told: dict[str, Any] = {"body": "Call back", "inbox": "Returns & Refunds"} | changes
    configuration = GladlyCreateTask(account=account, customer_id=customer, **told)
    return TaskCall(
        run_key=f"{run_key} of {customer}", task_id="T-1", attempt=1, configuration=configuration, fields={}
    )


async def tasks_of(ready: Any, customer: str) -> list[dict[str, Any]]:
    gladly = await ready.services.accounts.gladly(ready.gladly)
    listed: list[dict[str, Any]] = json.loads(
        (await gladly._call("GET", "/api/v1/customers/{id}/tasks", customer)).body
    )
    return listed


async def test_a_task_is_created_for_inbox_and_agent_by_name(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "new@task.example")
    body = "Call <b>Ada</b> & say sorry\nsoon"
    wanted = call(ready.gladly, customer, body=body, agent="Ingrid Solberg", due_in_hours=2)
    task = GladlyCreateTaskTask(ready.services)
    done = await task.run(wanted)
    (made,) = await tasks_of(ready, customer)
    gladly = await ready.services.accounts.gladly(ready.gladly)
    assert made["id"] == done.output["taskId"]
    assert made["body"] == "Call &lt;b&gt;Ada&lt;/b&gt; &amp; say sorry<br>soon"
    assert (await gladly.inbox(made["assignee"]["inboxId"])).name == "Returns & Refunds"
    assert (await gladly.agent(made["assignee"]["agentId"])).name == "Ingrid Solberg"
    due_in = datetime.fromisoformat(made["dueAt"]) - datetime.now(UTC)
    assert timedelta(hours=1.9) < due_in < timedelta(hours=2)
    assert set(done.output) == set(task.outputs(wanted.configuration))


async def test_twice_is_one_task_and_another_run_makes_another(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "once@task.example")
    task = GladlyCreateTaskTask(ready.services)
    first = await task.run(call(ready.gladly, customer))
    second = await task.run(call(ready.gladly, customer))
    assert first.output["taskId"] == second.output["taskId"]
    assert (first.output["alreadyThere"], second.output["alreadyThere"]) == (False, True)
    assert len(await tasks_of(ready, customer)) == 1
    await task.run(call(ready.gladly, customer, "another run"))
    assert len(await tasks_of(ready, customer)) == 2


async def test_a_plan_says_what_would_be_sent_and_creates_nothing(
    ready: Any, sandbox: Sandbox, everything: Any
) -> None:
    customer, _ = sandbox.new_customer("Ada", "plan@task.example")
    due_at = (datetime.now(UTC) + timedelta(days=3)).isoformat(timespec="seconds")
    wanted = call(ready.gladly, customer, due_at=due_at, agent="Ingrid Solberg")
    task, before = GladlyCreateTaskTask(ready.services), await everything(customer)
    plan = await task.plan(wanted)
    assert await everything(customer) == before
    assert await tasks_of(ready, customer) == []
    assert not plan.repeats
    done = await task.run(wanted)
    assert (plan.sends, plan.output) == (done.sent, done.output)
    assert (await task.plan(wanted)).repeats


async def test_a_merged_customers_task_is_the_others(ready: Any, sandbox: Sandbox) -> None:
    gone, _ = sandbox.new_customer("Old", "old@task.example")
    remains, _ = sandbox.new_customer("New", "new2@task.example")
    sandbox.control("POST", "merges", {"sourceCustomerId": gone, "destinationCustomerId": remains})
    done = await GladlyCreateTaskTask(ready.services).run(call(ready.gladly, gone))
    assert done.output["customerId"] == remains
    assert len(await tasks_of(ready, remains)) == 1


async def test_a_due_time_that_passed_while_it_was_tried_again_does_not_fail_what_was_done(
    ready: Any, sandbox: Sandbox
) -> None:
    customer, _ = sandbox.new_customer("Ada", "late@task.example")
    task = GladlyCreateTaskTask(ready.services)
    past = call(ready.gladly, customer, due_at="2020-01-01T00:00:00Z")
    for attempt in (task.plan, task.run):
        with pytest.raises(Permanent) as failed:
            await attempt(past)
        assert failed.value.reason.code == "due-time-past"
    await task.run(call(ready.gladly, customer))
    assert (await task.run(past)).output["alreadyThere"] is True
    assert (await task.plan(past)).repeats


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"customer_id": " "}, Skip, "no-customer"),
        ({"body": " "}, Permanent, "gladly-task-without-body"),
        ({"inbox": ""}, Permanent, "gladly-task-without-inbox"),
        ({"inbox": "No such inbox"}, Permanent, "gladly-name-unknown"),
        ({"agent": "Nobody"}, Permanent, "gladly-name-unknown"),
        ({"agent": "Maya Okafor"}, Permanent, "gladly-invalid"),
        ({"due_at": "tomorrow"}, Permanent, "due-time-invalid"),
        ({"customer_id": "no-such-customer"}, Permanent, "gladly-customer-gone"),
        ({"account": "GA_none"}, Permanent, "account-not-connected"),
    ],
)
async def test_what_is_wrong_has_its_reason_and_mended_it_is_done(
    ready: Any, sandbox: Sandbox, changes: dict[str, Any], kind: type[Outcome], code: str
) -> None:
    customer, _ = sandbox.new_customer("Ada", f"mended@{code}.example")
    task = GladlyCreateTaskTask(ready.services)
    told = {"account": ready.gladly, "customer": customer} | {
        {"customer_id": "customer"}.get(name, name): value for name, value in changes.items()
    }
    with pytest.raises(kind) as refused:
        await task.run(call(**told))
    assert refused.value.reason.code == code
    assert isinstance(await task.run(call(ready.gladly, customer)), Done)


@pytest.mark.parametrize(
    ("status", "body", "code", "unknown"),
    [
        (409, '{"errors": [{"code": "other"}]}', "gladly-taken", None),
        (429, "", "gladly-rate-limited", False),
        (502, "", "gladly-unavailable", True),
        (503, "", "gladly-unavailable", False),
    ],
)
async def test_each_refusal_has_its_outcome_and_then_it_is_done(
    ready: Any, stand_in: Any, *, status: int, body: str, code: str, unknown: bool | None
) -> None:
    stand_in.answer(200, INBOXES)
    stand_in.answer(status, body)
    stand_in.answer(201)
    task, wanted = GladlyCreateTaskTask(ready.services), call(ready.faulty_gladly, "c1", inbox="returns")
    with pytest.raises(Permanent if unknown is None else Retry) as refused:
        await task.run(wanted)
    assert refused.value.reason.code == code
    assert getattr(refused.value, "outcome_unknown", None) is unknown
    assert (await task.run(wanted)).output["alreadyThere"] is False


async def test_after_an_answer_that_was_lost_the_same_id_is_sent_and_taken_is_success(
    ready: Any, stand_in: Any
) -> None:
    stand_in.answer(200, INBOXES)
    stand_in.drop()
    stand_in.answer(409, TAKEN)
    task, wanted = GladlyCreateTaskTask(ready.services), call(ready.faulty_gladly, "c1", inbox="i1")
    with pytest.raises(Retry) as lost:
        await task.run(wanted)
    assert lost.value.outcome_unknown
    assert (await task.run(wanted)).output["alreadyThere"] is True
    first, second = (
        json.loads(body)["id"] for request, body in stand_in.requests if request.method == "POST"
    )
    assert first == second
