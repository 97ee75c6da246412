"""Gladly: timeline event: one card for one response, on the right timeline."""

from typing import Any

import pytest
from tests.fixtures.sandbox import Sandbox

from afterword.outcomes import Outcome, Permanent, Skip
from afterword.tasks.contract import TaskCall
from afterword.tasks.gladly_timeline_event import GladlyTimelineEvent, GladlyTimelineEventTask


def call(
    ready: Any, customer: str, response: str | None = "R_1", **texts: str
) -> TaskCall[GladlyTimelineEvent]:
    told = {"title": "CSAT Score: 5", "body": "Customer Feedback: fine"} | texts
    return TaskCall(
        run_key="1",
        task_id="T-1",
        attempt=1,
        configuration=GladlyTimelineEvent(account=ready.gladly, customer_id=customer, **told),
        fields={},
        survey_response_id=response,
    )


def cards(sandbox: Sandbox, customer: str) -> list[dict[str, Any]]:
    items = sandbox.control("GET", f"customers/{customer}/timeline")
    return [item["content"] for item in items if item["content"]["type"] == "CUSTOMER_ACTIVITY"]


async def test_score_and_comment_stand_on_the_timeline(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "card@timeline.example")
    done = await GladlyTimelineEventTask(ready.services).run(call(ready, customer, "R_card"))
    (card,) = cards(sandbox, customer)
    assert (card["activityType"], card["title"], card["body"]) == (
        "SURVEY",
        "CSAT Score: 5",
        "Customer Feedback: fine",
    )
    assert done.output["customerId"] == customer


async def test_the_same_response_makes_one_card_however_often_it_is_told(
    ready: Any, sandbox: Sandbox
) -> None:
    customer, _ = sandbox.new_customer("Ada", "once@timeline.example")
    task = GladlyTimelineEventTask(ready.services)
    first = await task.run(call(ready, customer, "R_once"))
    second = await task.run(call(ready, customer, "R_once"))
    assert first.output["itemId"] == second.output["itemId"]
    assert (first.output["alreadyThere"], second.output["alreadyThere"]) == (False, True)
    assert len(cards(sandbox, customer)) == 1


async def test_two_responses_make_two_cards(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "two@timeline.example")
    task = GladlyTimelineEventTask(ready.services)
    await task.run(call(ready, customer, "R_first"))
    await task.run(call(ready, customer, "R_second"))
    assert len(cards(sandbox, customer)) == 2


async def test_what_the_customer_wrote_is_no_markup(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "markup@timeline.example")
    body = 'Customer Feedback: <img src=x onerror="alert(1)"> & more\nsecond line'
    await GladlyTimelineEventTask(ready.services).run(call(ready, customer, "R_markup", body=body))
    (card,) = cards(sandbox, customer)
    assert "<img" not in card["body"]
    assert "&lt;img" in card["body"]
    assert "<br>" in card["body"]


async def test_the_card_of_a_customer_who_was_merged_goes_to_the_one_that_remains(
    ready: Any, sandbox: Sandbox
) -> None:
    gone, _ = sandbox.new_customer("Old", "old@timeline.example")
    remains, _ = sandbox.new_customer("New", "new@timeline.example")
    sandbox.control("POST", "merges", {"sourceCustomerId": gone, "destinationCustomerId": remains})
    done = await GladlyTimelineEventTask(ready.services).run(call(ready, gone, "R_merged"))
    assert done.output["customerId"] == remains
    assert len(cards(sandbox, remains)) == 1


async def test_a_customer_who_was_deleted_fails_with_that_reason(ready: Any) -> None:
    with pytest.raises(Permanent) as failed:
        await GladlyTimelineEventTask(ready.services).run(call(ready, "no-such-customer"))
    assert failed.value.reason.code == "gladly-not-found"


async def test_a_response_that_names_no_customer_is_skipped(ready: Any) -> None:
    with pytest.raises(Skip):
        await GladlyTimelineEventTask(ready.services).run(call(ready, ""))


async def test_without_a_response_there_is_nothing_to_tell(ready: Any) -> None:
    with pytest.raises(Permanent):
        await GladlyTimelineEventTask(ready.services).run(call(ready, "c", None))


async def test_a_plan_is_the_card_as_it_would_be_and_makes_none(
    ready: Any, sandbox: Sandbox, everything: Any
) -> None:
    customer, _ = sandbox.new_customer("Ada", "plan@timeline.example")
    task, wanted = GladlyTimelineEventTask(ready.services), call(ready, customer, "R_plan", title="x" * 200)
    before = await everything(customer)
    plan = await task.plan(wanted)
    assert await everything(customer) == before
    done = await task.run(wanted)
    assert (plan.sends, plan.output, plan.repeats) == (done.sent, done.output, False)
    assert task.outputs(wanted.configuration) == tuple(done.output)
    assert len(done.sent["title"]) == 100
    assert (await task.plan(wanted)).repeats


async def test_a_plan_of_what_cannot_be_done_ends_as_the_run_would(ready: Any) -> None:
    task = GladlyTimelineEventTask(ready.services)
    for wanted, code in (
        (call(ready, "no-such-customer"), "gladly-not-found"),
        (call(ready, ""), "response-names-no-customer"),
        (call(ready, "c", None), "not-a-survey-response"),
    ):
        for attempt in (task.plan, task.run):
            with pytest.raises(Outcome) as ended:
                await attempt(wanted)
            assert ended.value.reason.code == code
