"""Gladly: timeline event: one card for one response, on the right timeline, however often the response changes."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.fixtures.sandbox import Sandbox

from afterword.gladly.models import item_id
from afterword.outcomes import Outcome, Permanent, Retry, Skip
from afterword.tasks.contract import Done, SurveyResponseState, TaskCall, Wait
from afterword.tasks.gladly_timeline_event import GladlyTimelineEventTask
from afterword.tasks.timeline_card import GladlyTimelineEvent
from afterword.tasks.timeline_items import TimelineItems

Call = TaskCall[GladlyTimelineEvent]


def call(ready: Any, customer: str, response: str | None = "R_1", version: int = 1, **settings: Any) -> Call:
    told = {"title": "CSAT Score: 5", "body": "Customer Feedback: fine"} | settings
    return TaskCall(
        run_key="1",
        task_id="T-1",
        attempt=1,
        configuration=GladlyTimelineEvent(account=ready.gladly, customer_id=customer, **told),
        fields={},
        survey_response=None if response is None else SurveyResponseState(id=response, version=version),
    )


def answered(wanted: Call, **state: Any) -> Call:
    """The call of a response that is so."""
    assert wanted.survey_response is not None
    return msgspec.structs.replace(
        wanted, survey_response=msgspec.structs.replace(wanted.survey_response, **state)
    )


async def run(ready: Any, wanted: Call) -> Done:
    done = await GladlyTimelineEventTask(ready.services).run(wanted)
    assert isinstance(done, Done)
    return done


async def waits(ready: Any, wanted: Call) -> Wait:
    wait = await GladlyTimelineEventTask(ready.services).run(wanted)
    assert isinstance(wait, Wait)
    return wait


def cards(sandbox: Sandbox, customer: str) -> list[dict[str, Any]]:
    items = sandbox.control("GET", f"customers/{customer}/timeline")
    return [item["content"] for item in items if item["content"]["type"] == "CUSTOMER_ACTIVITY"]


def titles(sandbox: Sandbox, customer: str) -> list[str]:
    return [card["title"] for card in cards(sandbox, customer)]


async def test_score_and_comment_stand_on_the_timeline(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "card@timeline.example")
    done = await run(ready, call(ready, customer, "R_card"))
    (card,) = cards(sandbox, customer)
    assert (card["activityType"], card["title"], card["body"]) == (
        "SURVEY",
        "CSAT Score: 5",
        "Customer Feedback: fine",
    )
    assert done.output["customerId"] == customer


async def test_every_field_of_the_card_can_be_set(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "fields@timeline.example")
    recorded_at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    wanted = call(
        ready,
        customer,
        "R_fields",
        activity_type="ISSUE",
        source_name="Qualtrics",
        body="<b>Kind</b> <script>x</script>&amp; <a href='javascript:x'>quick</a>",
        body_format="html",
        link_url="https://reports.example/R_fields",
        link_text="x" * 60,
        expanded=True,
    )
    done = await run(ready, answered(wanted, recorded_at=recorded_at))
    (card,) = cards(sandbox, customer)
    card.pop("receivedAt")
    assert card == {
        "type": "CUSTOMER_ACTIVITY",
        "activityType": "ISSUE",
        "title": "CSAT Score: 5",
        "body": "<b>Kind</b> &amp; <a>quick</a>",
        "sourceName": "Qualtrics",
        "link": {"url": "https://reports.example/R_fields", "text": "x" * 49 + "…"},
        "expandByDefault": True,
        "occurredAt": "2026-11-20T09:30:00.000Z",
    }
    assert done.sent["occurredAt"].startswith("2026-11-20T09:30:00.000")


@pytest.mark.parametrize(
    ("time", "age", "placed"), [("none", 1, False), ("posted", 1, True), ("answered", 400, False)]
)
async def test_the_time_of_the_card_can_be_chosen(
    ready: Any, sandbox: Sandbox, time: str, age: int, placed: bool
) -> None:
    """An answer of more than a year ago has no place of its own: Gladly takes none."""
    customer, _ = sandbox.new_customer("Ada", f"{time}@times.example")
    recorded_at = datetime.now(UTC) - timedelta(days=age)
    await run(ready, answered(call(ready, customer, f"R_{time}", time=time), recorded_at=recorded_at))
    (card,) = cards(sandbox, customer)
    assert ("occurredAt" in card) == placed


async def test_the_same_response_makes_one_card_however_often_it_is_told(
    ready: Any, sandbox: Sandbox
) -> None:
    customer, _ = sandbox.new_customer("Ada", "once@timeline.example")
    first = await run(ready, call(ready, customer, "R_once"))
    second = await run(ready, call(ready, customer, "R_once"))
    assert first.output["itemId"] == second.output["itemId"]
    assert (first.output["alreadyThere"], second.output["alreadyThere"]) == (False, True)
    assert len(cards(sandbox, customer)) == 1


async def test_two_responses_make_two_cards(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "two@timeline.example")
    await run(ready, call(ready, customer, "R_first"))
    await run(ready, call(ready, customer, "R_second"))
    assert len(cards(sandbox, customer)) == 2


async def test_a_response_that_changed_replaces_its_card(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "changed@timeline.example")
    first = await run(ready, call(ready, customer, "R_changed", title="CSAT Score: 2"))
    second = await run(ready, call(ready, customer, "R_changed", 2, title="CSAT Score: 4"))
    assert first.output["itemId"] != second.output["itemId"]
    assert second.output["version"] == 2
    assert titles(sandbox, customer) == ["CSAT Score: 4"]


async def test_an_older_version_never_takes_the_place_of_a_newer_one(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "overtaken@timeline.example")
    newer = await run(ready, call(ready, customer, "R_overtaken", 2, title="CSAT Score: 4"))
    older = await run(ready, call(ready, customer, "R_overtaken", 1, title="CSAT Score: 2"))
    assert older.output == {**newer.output, "alreadyThere": True}
    assert titles(sandbox, customer) == ["CSAT Score: 4"]


async def test_an_older_version_waits_while_a_newer_one_is_under_way(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "underway@timeline.example")
    items = TimelineItems(
        ready.services.database, account=ready.gladly, response_id="R_underway", task_id="T-1"
    )
    await items.want(2, item_id("R_underway/T-1/2"), customer)
    wait = await waits(ready, call(ready, customer, "R_underway"))
    assert wait.code == "timeline-item-newer-under-way"
    assert cards(sandbox, customer) == []


async def test_an_older_card_that_may_still_come_is_looked_for_until_it_cannot_any_more(
    ready: Any, sandbox: Sandbox
) -> None:
    """Its call hangs, or its worker died in the middle of it: nobody knows."""
    customer, _ = sandbox.new_customer("Ada", "late@timeline.example")
    database = ready.services.database
    items = TimelineItems(database, account=ready.gladly, response_id="R_late", task_id="T-1")
    older, newer = call(ready, customer, "R_late"), call(ready, customer, "R_late", 2, title="CSAT Score: 4")
    await items.want(1, item_id("R_late/T-1"), customer)
    assert (await waits(ready, newer)).code == "timeline-item-older-under-way"
    gladly = await ready.services.accounts.gladly(ready.gladly)
    card = older.configuration.card(SurveyResponseState(id="R_late"))
    await gladly.create_activity(customer, card, item_id=item_id("R_late/T-1"))
    assert len(cards(sandbox, customer)) == 2
    assert (await waits(ready, newer)).code == "timeline-item-older-under-way"
    assert titles(sandbox, customer) == ["CSAT Score: 4"]
    await database.pool.execute("UPDATE timeline_item SET wanted_at = now() - interval '2 minutes'")
    await run(ready, newer)
    assert [item.version for item in await items.read()] == [2]


async def test_a_card_that_comes_after_a_newer_one_took_its_place_is_taken_off_again(
    ready: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call hung for so long that the newer card's run had done with it."""
    customer, _ = sandbox.new_customer("Ada", "verylate@timeline.example")
    gladly = await ready.services.accounts.gladly(ready.gladly)
    older, newer = call(ready, customer, "R_verylate"), call(ready, customer, "R_verylate", 2, title="New")
    create = type(gladly).create_activity

    async def create_late(*args: Any, **more: Any) -> Any:
        monkeypatch.undo()
        pool = ready.services.database.pool
        await pool.execute("UPDATE timeline_item SET wanted_at = now() - interval '2 minutes'")
        await run(ready, newer)
        return await create(*args, **more)

    monkeypatch.setattr(type(gladly), "create_activity", create_late)
    assert (await waits(ready, older)).code == "timeline-item-newer-under-way"
    assert titles(sandbox, customer) == ["New"]
    assert (await run(ready, older)).output["version"] == 2


async def test_killed_between_the_new_card_and_the_deletion_of_the_old_one(
    ready: Any, sandbox: Sandbox
) -> None:
    customer, _ = sandbox.new_customer("Ada", "killed@timeline.example")
    await run(ready, call(ready, customer, "R_killed", title="CSAT Score: 2"))
    newer = call(ready, customer, "R_killed", 2, title="CSAT Score: 4")
    path = "/api/v1/conversation-items/*"
    with sandbox.fault("answer", status=503, method="DELETE", path=path, times=1), pytest.raises(Retry):
        await GladlyTimelineEventTask(ready.services).run(newer)
    assert len(cards(sandbox, customer)) == 2
    done = await run(ready, newer)
    assert done.output["alreadyThere"] is True
    assert titles(sandbox, customer) == ["CSAT Score: 4"]


FAULTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("answer", {"status": 429, "retryAfter": 1}),
    ("answer", {"status": 500, "when": "after"}),
    ("answer", {"status": 503}),
    ("drop", {"when": "after"}),
    ("drop", {"when": "before"}),
    ("garble", {"form": "truncated"}),
)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_whatever_gladly_answers_the_same_call_again_ends_as_one_card(
    ready: Any, sandbox: Sandbox, method: str
) -> None:
    for effect, details in FAULTS:
        name = "-".join(map(str, (method, effect, *details.values()))).lower()
        customer, _ = sandbox.new_customer("Ada", f"{name}@faults.example")
        response = f"R_{name}"
        await run(ready, call(ready, customer, response, title="CSAT Score: 2"))
        newer = call(ready, customer, response, 2, title="CSAT Score: 4")
        with sandbox.fault(effect, method=method, path="/api/v1/**", times=1, **details) as struck:
            with contextlib.suppress(Retry):
                await GladlyTimelineEventTask(ready.services).run(newer)
            assert struck() == 1, name
        await ready.services.database.pool.execute("DELETE FROM rate_budget")
        await run(ready, newer)
        assert titles(sandbox, customer) == ["CSAT Score: 4"], name


async def test_an_unfinished_answer_is_waited_for_until_it_is_finished_or_the_time_has_passed(
    ready: Any, sandbox: Sandbox
) -> None:
    customer, _ = sandbox.new_customer("Ada", "waiting@timeline.example")
    now = datetime.now(UTC)
    wanted = call(ready, customer, "R_waiting", wait_minutes=10)
    unfinished = {"is_finished": False, "finished_at": now + timedelta(hours=24)}
    wait = await waits(ready, answered(wanted, recorded_at=now, **unfinished))
    assert (wait.until, wait.code) == (now + timedelta(minutes=10), "response-not-finished")
    unfinished["finished_at"] = now + timedelta(minutes=5)
    assert (await waits(ready, answered(wanted, recorded_at=now, **unfinished))).until == unfinished[
        "finished_at"
    ]
    settles_at = now + timedelta(minutes=1)
    assert (await waits(ready, answered(wanted, settles_at=settles_at))).until == settles_at
    assert cards(sandbox, customer) == []
    await run(ready, answered(wanted, recorded_at=now - timedelta(minutes=10), **unfinished))
    assert len(cards(sandbox, customer)) == 1


async def test_an_unfinished_answer_can_be_posted_at_once(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "atonce@timeline.example")
    wanted = call(ready, customer, "R_atonce", when_it_changes="replace")
    await run(ready, answered(wanted, recorded_at=datetime.now(UTC), is_finished=False))
    assert len(cards(sandbox, customer)) == 1


async def test_what_the_customer_wrote_is_no_markup(ready: Any, sandbox: Sandbox) -> None:
    customer, _ = sandbox.new_customer("Ada", "markup@timeline.example")
    body = 'Customer Feedback: <img src=x onerror="alert(1)"> & more\nsecond line'
    await run(ready, call(ready, customer, "R_markup", body=body))
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
    done = await run(ready, call(ready, gone, "R_merged"))
    assert done.output["customerId"] == remains
    assert len(cards(sandbox, remains)) == 1


async def test_a_customer_who_was_merged_between_two_versions_has_the_newer_card_alone(
    ready: Any, sandbox: Sandbox
) -> None:
    gone, _ = sandbox.new_customer("Old", "old@versions.example")
    remains, _ = sandbox.new_customer("New", "new@versions.example")
    await run(ready, call(ready, gone, "R_merged2", title="CSAT Score: 2"))
    sandbox.control("POST", "merges", {"sourceCustomerId": gone, "destinationCustomerId": remains})
    done = await run(ready, call(ready, gone, "R_merged2", 2, title="CSAT Score: 4"))
    assert done.output["customerId"] == remains
    assert titles(sandbox, remains) == ["CSAT Score: 4"]


async def test_a_customer_who_was_deleted_fails_with_that_reason(ready: Any) -> None:
    with pytest.raises(Permanent) as failed:
        await run(ready, call(ready, "no-such-customer"))
    assert failed.value.reason.code == "gladly-customer-gone"
    assert "the customer was deleted in Gladly" in failed.value.reason.words


async def test_a_response_that_names_no_customer_is_skipped(ready: Any) -> None:
    with pytest.raises(Skip):
        await run(ready, call(ready, ""))


async def test_without_a_response_there_is_nothing_to_tell(ready: Any) -> None:
    with pytest.raises(Permanent):
        await run(ready, call(ready, "c", None))


async def test_a_plan_is_the_card_as_it_would_be_and_makes_none(
    ready: Any, sandbox: Sandbox, everything: Any
) -> None:
    customer, _ = sandbox.new_customer("Ada", "plan@timeline.example")
    task, wanted = GladlyTimelineEventTask(ready.services), call(ready, customer, "R_plan", title="x" * 200)
    before = await everything(customer)
    plan = await task.plan(wanted)
    assert await everything(customer) == before
    done = await run(ready, wanted)
    assert (plan.sends, plan.output, plan.repeats) == (done.sent, done.output, False)
    assert task.outputs(wanted.configuration) == tuple(done.output)
    assert len(done.sent["title"]) == 100
    assert (await task.plan(wanted)).repeats


async def test_a_plan_of_what_cannot_be_done_ends_as_the_run_would(ready: Any) -> None:
    task = GladlyTimelineEventTask(ready.services)
    for wanted, code in (
        (call(ready, "no-such-customer"), "gladly-customer-gone"),
        (call(ready, ""), "response-names-no-customer"),
        (call(ready, "c", None), "not-a-survey-response"),
    ):
        for attempt in (task.plan, task.run):
            with pytest.raises(Outcome) as ended:
                await attempt(wanted)
            assert ended.value.reason.code == code
