"""Where Gladly's behaviour is not published the sandbox can be switched; the client is content with both positions."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from afterword.gladly.client import GladlyClient
from afterword.gladly.errors import (
    GladlyInvalid,
    GladlyMissingPermission,
    GladlyNotFound,
    GladlyRateLimited,
    GladlyTimedOut,
    GladlyUnavailable,
    GladlyUnreadable,
    GladlyWrongCredentials,
)
from afterword.gladly.models import CustomerActivity, NewTask, WebhookSettings, item_id
from afterword.gladly.webhooks import CONVERSATION_CLOSED, PING, parse
from afterword.outcomes import Outcome, Retry

if TYPE_CHECKING:
    from tests.conftest import Eventually, OpenBudget, StandIn
    from tests.fixtures.sandbox import Sandbox

ANSWER = CustomerActivity(activity_type="SURVEY", title="CSAT Score: 5", body="Customer Feedback: thanks")
FORMS = ["envelope", "object", "bare", "gateway", "html", "none"]


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


def cards(sandbox: "Sandbox", customer_id: str) -> list[str]:
    timeline = sandbox.control("GET", f"customers/{customer_id}/timeline")
    return [item["id"] for item in timeline if item["content"]["type"] == "CUSTOMER_ACTIVITY"]


@pytest.mark.parametrize("status", [409, 400])
async def test_a_taken_id_is_success(
    gladly: GladlyClient, sandbox: "Sandbox", customer: tuple[str, str], status: int
) -> None:
    inbox = (await gladly.inboxes())[0]
    task = NewTask(body="Call back", due_at=datetime.now(UTC) + timedelta(hours=3), inbox_id=inbox.id)
    with sandbox.switched(takenItemStatus=status):
        for is_there in (False, True):
            made = await gladly.create_activity(customer[0], ANSWER, item_id=item_id(f"{customer[0]} card"))
            tasked = await gladly.create_task(customer[0], task, task_id=item_id(f"{customer[0]} task"))
            assert (made.already_there, tasked.already_there) == (is_there, is_there)


@pytest.mark.parametrize("position", ["free", "taken"])
async def test_the_id_of_a_card_that_was_deleted_is_no_trouble(
    gladly: GladlyClient, sandbox: "Sandbox", customer: tuple[str, str], position: str
) -> None:
    id_ = item_id(customer[0])
    with sandbox.switched(deletedItemId=position):
        await gladly.create_activity(customer[0], ANSWER, item_id=id_)
        sandbox.api("DELETE", f"/api/v1/conversation-items/{id_}")
        again = await gladly.create_activity(customer[0], ANSWER, item_id=id_)
    assert again.already_there is (position == "taken")
    assert cards(sandbox, customer[0]) == ([] if position == "taken" else [id_])


@pytest.mark.parametrize("has_location", [True, False])
async def test_a_merged_customer_is_followed(
    gladly: GladlyClient, sandbox: "Sandbox", customer: tuple[str, str], has_location: bool
) -> None:
    other = sandbox.new_customer("Jane", f"other.{uuid.uuid4().hex}@customer.example")[0]
    merge = {"sourceCustomerId": customer[0], "destinationCustomerId": other}
    sandbox.control("POST", "merges", merge)
    with sandbox.switched(movedLocation=has_location):
        assert (await gladly.customer_profile(customer[0])).id == other
        assert (
            await gladly.create_activity(customer[0], ANSWER, item_id=item_id(other))
        ).customer_id == other


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("status", "error"),
    [(401, GladlyWrongCredentials), (403, GladlyMissingPermission), (429, GladlyRateLimited)],
)
async def test_an_error_is_known_in_every_form(
    gladly: GladlyClient, sandbox: "Sandbox", form: str, status: int, error: type[Outcome]
) -> None:
    told = {"errorBodies": {str(status): form}}
    with sandbox.switched(**told), sandbox.fault("answer", status=status, path="/api/v1/inboxes") as struck:
        with pytest.raises(error):
            await gladly.inboxes()
        assert struck() == 1


@pytest.mark.parametrize("form", FORMS)
async def test_what_is_not_there_is_known_in_every_form(
    gladly: GladlyClient, sandbox: "Sandbox", form: str
) -> None:
    with sandbox.switched(errorBodies={"404": form}), pytest.raises(GladlyNotFound):
        await gladly.conversation("none")


@pytest.mark.parametrize(("says", "after"), [({"retryAfter": 7}, 7), ({}, 1)])
async def test_a_429_is_obeyed_that_says_when_to_come_back_or_does_not(
    gladly: GladlyClient, sandbox: "Sandbox", open_budget: "OpenBudget", says: dict[str, int], after: int
) -> None:
    fault = sandbox.fault("answer", status=429, path="/api/v1/inboxes", **says)
    with fault, pytest.raises(GladlyRateLimited) as limited:
        await gladly.inboxes()
    assert limited.value.after == after
    assert open_budget.holds == [("gladly/account/GET", after)]


@pytest.mark.parametrize("position", ["refused", "taken"])
async def test_topics_of_a_closed_conversation_are_added_or_it_is_told_that_they_cannot_be(
    gladly: GladlyClient, sandbox: "Sandbox", customer: tuple[str, str], position: str
) -> None:
    topic = (await gladly.topics())[0]
    closed(sandbox, customer[1])
    with sandbox.switched(topicsOnClosed=position):
        if position == "taken":
            await gladly.add_topics(customer[1], [topic.id])
            assert (await gladly.conversation(customer[1])).topic_ids == [topic.id]
        else:
            with pytest.raises(GladlyInvalid) as refused:
                await gladly.add_topics(customer[1], [topic.id])
            assert refused.value.code == "invalid_state"


def closed(sandbox: "Sandbox", conversation_id: str) -> None:
    close = {"status": {"value": "CLOSED", "force": True}}
    sandbox.api("PATCH", f"/api/v1/conversations/{conversation_id}", close)


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_list_that_is_whole_is_known_as_such_whether_it_says_so_or_not(
    gladly: GladlyClient, sandbox: "Sandbox", customer: tuple[str, str], is_told: bool
) -> None:
    with sandbox.switched(limitedDataWhenComplete=is_told):
        found = await gladly.conversations_of(customer[0])
    assert [conversation.id for conversation in found.items] == [customer[1]]
    assert not found.is_cut


@pytest.mark.parametrize(
    "switches",
    [
        {"reportTimes": "utc"},
        {"reportTimes": "zoned"},
        {"reportTimes": "local"},
        {"reportStart": "blank-lines"},
        {"reportStart": "byte-order-mark"},
        {"eventsApiIds": "other", "eventsApiEnd": "inclusive"},
    ],
    ids=lambda switches: "-".join(map(str, switches.values())),
)
async def test_a_closing_is_found_again_in_the_events_and_in_a_report(
    gladly: GladlyClient, sandbox: "Sandbox", customer: tuple[str, str], switches: dict[str, Any]
) -> None:
    """The zone is one that is far from UTC, so that an hour that is read wrong is seen."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    closed(sandbox, customer[1])
    after = datetime.now(UTC) + timedelta(seconds=1)
    zone = ZoneInfo("Asia/Kolkata")
    with sandbox.switched(**switches):
        told = [each.event async for each in gladly.events(before, None)]
        reported = [
            moment
            async for moment in gladly.conversation_timestamps(
                before.astimezone(zone).date(), after.astimezone(zone).date(), timezone="Asia/Kolkata"
            )
        ]
    [event] = [
        each
        for each in told
        if each and (each.type, each.conversation_id) == ("CONVERSATION/CLOSED", customer[1])
    ]
    [moment] = [
        each for each in reported if (each.type, each.conversation_id) == ("CONVERSATION/CLOSED", customer[1])
    ]
    assert event.occurred_at is not None
    assert before <= event.occurred_at <= after
    assert abs(moment.at - event.occurred_at) < timedelta(seconds=1)


@pytest.mark.parametrize("nothing", ["header", "nothing"])
async def test_a_report_of_a_day_without_closings_is_empty(
    gladly: GladlyClient, sandbox: "Sandbox", nothing: str
) -> None:
    with sandbox.switched(emptyReport=nothing):
        day = date(2020, 2, 29)
        assert [moment async for moment in gladly.conversation_timestamps(day, day)] == []


@pytest.mark.parametrize("body", ["whole", "minimal"])
async def test_a_ping_is_read(
    gladly: GladlyClient, sandbox: "Sandbox", stand_in: "StandIn", body: str
) -> None:
    stand_in.answer(200)
    with sandbox.switched(pingBody=body):
        webhook_id = await gladly.create_webhook(
            WebhookSettings(url=f"{stand_in.url}/{body}", events=["CONVERSATION/CLOSED"], enabled=True)
        )
    await gladly.disable_webhook(webhook_id)
    await gladly.delete_webhook(webhook_id)
    assert parse(stand_in.requests[0][1]).type == PING


@pytest.mark.parametrize("initiator", ["API", "APPLICATION"])
async def test_a_closing_is_read_whoever_gladly_says_did_it(
    gladly: GladlyClient,
    sandbox: "Sandbox",
    stand_in: "StandIn",
    customer: tuple[str, str],
    *,
    eventually: "Eventually",
    initiator: str,
) -> None:
    stand_in.answer(200)
    webhook_id = await gladly.create_webhook(
        WebhookSettings(url=f"{stand_in.url}/{initiator}", events=["CONVERSATION/CLOSED"], enabled=True)
    )
    with sandbox.switched(apiInitiator=initiator):
        closed(sandbox, customer[1])
    await eventually(lambda: len(stand_in.requests) > 1)
    await gladly.disable_webhook(webhook_id)
    await gladly.delete_webhook(webhook_id)
    event = parse(stand_in.requests[-1][1])
    assert (event.conversation_id, event.initiator_type) == (customer[1], initiator)


@pytest.mark.parametrize(
    ("fault", "error", "unknown"),
    [
        ({"effect": "answer", "status": 500}, GladlyUnavailable, True),
        ({"effect": "answer", "status": 500, "when": "after"}, GladlyUnavailable, True),
        ({"effect": "answer", "status": 503}, GladlyUnavailable, False),
        ({"effect": "drop"}, GladlyTimedOut, True),
        ({"effect": "drop", "when": "after"}, GladlyTimedOut, True),
        ({"effect": "drop", "when": "midway"}, GladlyTimedOut, True),
        ({"effect": "garble", "form": "html"}, GladlyUnreadable, True),
        ({"effect": "garble", "form": "bytes"}, GladlyUnreadable, True),
        ({"effect": "garble", "form": "truncated"}, GladlyUnreadable, True),
        ({"effect": "garble", "form": "empty"}, GladlyUnreadable, True),
    ],
)
async def test_whatever_goes_wrong_with_a_card_the_second_attempt_leaves_one(
    gladly: GladlyClient,
    sandbox: "Sandbox",
    customer: tuple[str, str],
    *,
    fault: dict[str, Any],
    error: type[Retry],
    unknown: bool,
) -> None:
    path = f"/api/v1/customers/{customer[0]}/conversation-items"
    with sandbox.fault(**fault, method="POST", path=path, times=1) as struck:
        with pytest.raises(error) as failed:
            await gladly.create_activity(customer[0], ANSWER, item_id=item_id(customer[0]))
        assert failed.value.outcome_unknown is unknown
        await gladly.create_activity(customer[0], ANSWER, item_id=item_id(customer[0]))
        assert struck() == 1
    assert cards(sandbox, customer[0]) == [item_id(customer[0])]


@pytest.mark.parametrize(
    "position",
    [
        {"reportTimes": "zoned"},
        {"reportTimes": "local"},
        {"reportStart": "blank-lines"},
        {"reportStart": "byte-order-mark"},
        {"emptyReport": "nothing"},
    ],
)
async def test_a_report_is_read_in_whatever_form(
    gladly: GladlyClient, sandbox: "Sandbox", position: dict[str, str]
) -> None:
    closed_at = datetime(2025, 7, 9, 20, 15, 3, tzinfo=UTC)
    told = {
        "customer": {"email": f"{uuid.uuid4().hex}@customer.example"},
        "startedAt": "2025-07-09T19:00:00Z",
        "closings": [{"at": closed_at.isoformat()}],
    }
    past = sandbox.control("POST", "past-conversations", {"conversations": [told]})["conversations"][0]
    with sandbox.switched(**position):
        [closing] = [
            moment
            async for moment in gladly.conversation_timestamps(
                date(2025, 7, 10), date(2025, 7, 10), timezone="Asia/Kolkata"
            )
            if moment.conversation_id == past["conversationId"] and moment.type == CONVERSATION_CLOSED
        ]
        empty = [
            moment
            async for moment in gladly.conversation_timestamps(
                date(2001, 1, 1), date(2001, 1, 1), timezone="UTC"
            )
        ]
    assert (closing.at, empty) == (closed_at, [])


@pytest.mark.parametrize(("ids", "end"), [("same", "inclusive"), ("other", "exclusive")])
async def test_events_are_read_with_whatever_ids_and_end(
    gladly: GladlyClient, sandbox: "Sandbox", ids: str, end: str
) -> None:
    closed_at = (datetime.now(UTC) - timedelta(hours=2)).replace(microsecond=0)
    told = {
        "customer": {"email": f"{uuid.uuid4().hex}@customer.example"},
        "startedAt": (closed_at - timedelta(hours=1)).isoformat(),
        "closings": [{"at": closed_at.isoformat()}],
    }
    past = sandbox.control("POST", "past-conversations", {"conversations": [told]})["conversations"][0]
    with sandbox.switched(eventsApiIds=ids, eventsApiEnd=end):
        found = [
            told.event.type
            async for told in gladly.events(closed_at - timedelta(hours=2), closed_at)
            if told.event and told.event.conversation_id == past["conversationId"]
        ]
    assert ("CONVERSATION/CREATED" in found, CONVERSATION_CLOSED in found) == (True, end == "inclusive")
