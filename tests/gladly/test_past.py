"""What is read of the past, with a Gladly that misbehaves."""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from afterword.gladly import errors
from afterword.gladly.client import GladlyClient
from afterword.gladly.past import GladlyEvent
from afterword.outcomes import Outcome, Retry
from afterword.outgoing.calls import Caller
from afterword.store.budgets import even_rate

if TYPE_CHECKING:
    from tests.conftest import OpenBudget, StandIn

Eventually = Callable[..., Awaitable[Any]]

START, END = datetime(2024, 3, 15, 8, tzinfo=UTC), datetime(2024, 3, 15, 9, 0, 0, 5000, tzinfo=UTC)
HEADER = b"Timestamp,Event Type,Conversation ID,Customer ID\n"
CLOSED = b"2024-03-15T08:00:00.000Z,CONVERSATION/CLOSED,v1,c1\n"


class Watch:
    """Keeps a diary."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def before(self, call: str, /) -> bool:
        self.told.append(f"before {call}")
        return True

    async def after(self, _: str, error: Outcome | None, /, *, is_probe: bool) -> None:
        assert is_probe
        self.told.append("good" if error is None else error.reason.code)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def gladly(stand_in: "StandIn", open_budget: "OpenBudget", watch: Watch) -> AsyncIterator[GladlyClient]:
    client = GladlyClient(
        stand_in.url, "u", "token", budget=open_budget, budget_name="org", caller=Caller(), watch=watch
    )
    yield client
    await client.close()


def event(number: int, **changes: object) -> bytes:
    content = {"customerId": "c1", "conversationId": "v1", "context": {"assignee": {"inboxId": "i1"}}}
    told = {
        "id": f"e{number}",
        "type": "CONVERSATION/CLOSED",
        "timestamp": "2024-03-15T08:00:00.123Z",
        "content": content,
    }
    return json.dumps(told | changes).encode()


async def all_events(gladly: GladlyClient, end: datetime | None = None) -> list[GladlyEvent]:
    return [event async for event in gladly.events(START, end, ("CONVERSATION", "CUSTOMER"))]


async def test_events_are_asked_for_by_time_and_entity_and_come_as_a_webhook_would(
    gladly: GladlyClient, stand_in: "StandIn", watch: Watch
) -> None:
    stand_in.stream(event(1) + b"\n" + event(2)[:20], event(2)[20:] + b"\r\n\r\n", event(3))
    found = await all_events(gladly, END)
    assert [told.body for told in found] == [event(number) for number in (1, 2, 3)]
    assert [told.event and told.event.id for told in found] == ["e1", "e2", "e3"]
    assert [told.event and told.event.inbox_id for told in found] == ["i1"] * 3
    query = stand_in.requests[0][0].query
    assert query["startAt"] == "2024-03-15T08:00:00.000Z"
    assert query["endAt"] == "2024-03-15T09:00:00.005Z"
    assert query.getall("entities") == ["CONVERSATION", "CUSTOMER"]
    assert watch.told == ["before GET /api/v1/events", "good"]


async def test_an_event_that_cannot_be_read_hides_no_other(gladly: GladlyClient, stand_in: "StandIn") -> None:
    stand_in.stream(event(1) + b"\n" + event(2, content={}) + b"\n{\n" + event(3, type="NEW/TYPE") + b"\n")
    found = await all_events(gladly)
    assert [told.event and told.event.id for told in found] == ["e1", None, None, "e3"]
    assert [told.problem for told in found] == [
        "",
        "content.customerId: is missing",
        "the body is not JSON",
        "",
    ]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (lambda stand_in: stand_in.stream(event(1) + b"\n", then="drop"), "gladly-timed-out"),
        (lambda stand_in: (stand_in.drop(), stand_in.drop()), "gladly-timed-out"),
        (lambda stand_in: stand_in.answer(429, "", Retry_After="7"), "gladly-rate-limited"),
        (lambda stand_in: stand_in.answer(500, ""), "gladly-unavailable"),
        (lambda stand_in: stand_in.answer(403, "no"), "gladly-missing-permission"),
        (
            lambda stand_in: stand_in.answer(400, '{"errors":[{"attr":"startAt","code":"invalid"}]}'),
            "gladly-invalid",
        ),
    ],
)
async def test_a_stream_fails_as_any_call_does_and_the_watch_hears_of_it(
    gladly: GladlyClient,
    stand_in: "StandIn",
    watch: Watch,
    fault: "Callable[[StandIn], None]",
    code: str,
) -> None:
    fault(stand_in)
    stand_in.stream(event(1))
    with pytest.raises(Outcome) as failed:
        await all_events(gladly)
    assert failed.value.reason.code == code
    assert watch.told == ["before GET /api/v1/events", code]
    assert len(await all_events(gladly)) == 1


async def test_after_a_429_to_a_stream_everybody_holds(
    gladly: GladlyClient, stand_in: "StandIn", open_budget: "OpenBudget"
) -> None:
    stand_in.answer(429, "", Retry_After="7")
    with pytest.raises(errors.GladlyRateLimited):
        await all_events(gladly)
    assert open_budget.holds == [("gladly/org/GET", 7.0)]


async def test_who_stops_early_closes_the_connection_and_the_call_was_good(
    gladly: GladlyClient, stand_in: "StandIn", watch: Watch, eventually: Eventually
) -> None:
    stand_in.stream(event(1) + b"\n" + event(2) + b"\n", then="hang")
    async with contextlib.aclosing(gladly.events(START)) as events:
        async for told in events:
            assert told.body == event(1)
            break
    await eventually(lambda: stand_in.left == 1)
    assert watch.told == ["before GET /api/v1/events", "good"]


async def test_a_report_is_read_row_by_row(
    gladly: GladlyClient, stand_in: "StandIn", open_budget: "OpenBudget"
) -> None:
    stand_in.stream(b"\xef\xbb\xbf\r\n" + HEADER, CLOSED[:10], CLOSED[10:] + CLOSED.replace(b"v1", b"v2"))
    day = date(2024, 3, 15)
    found = [moment async for moment in gladly.conversation_timestamps(day, day, timezone="UTC")]
    assert [(moment.conversation_id, moment.at) for moment in found] == [("v1", START), ("v2", START)]
    assert json.loads(stand_in.requests[0][1])["startAt"] == "2024-03-15"
    assert ("gladly/org/reports", even_rate(10, 60), 1) in open_budget.turns
    assert ("gladly/org/POST", even_rate(10), 1) in open_budget.turns


@pytest.mark.parametrize("body", [b"Unexpected error occurred", b"<html>", HEADER + b"a,b\n"])
async def test_what_is_no_report_can_be_asked_for_again(
    gladly: GladlyClient, stand_in: "StandIn", body: bytes
) -> None:
    stand_in.stream(body)
    with pytest.raises(errors.GladlyUnreadable) as told:
        _ = [moment async for moment in gladly.conversation_timestamps(date(2024, 3, 1), date(2024, 3, 1))]
    assert isinstance(told.value, Retry)
    assert "POST /api/v1/reports" in told.value.reason.words


async def test_export_jobs_are_listed_and_their_closings_read(
    gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    job = {
        "id": "j1",
        "status": "COMPLETED",
        "updatedAt": "2024-03-15T08:00:00Z",
        "parameters": {"type": "CONVERSATIONS", "startAt": "2024-03-14T00:00:00Z"},
        "files": ["conversation_items.jsonl"],
    }
    item = {
        "id": "t1",
        "conversationId": "v1",
        "timestamp": "2024-03-15T08:00:00Z",
        "content": {"type": "CONVERSATION_STATUS_CHANGE", "status": "CLOSED"},
    }
    stand_in.answer(200, json.dumps([job, {"id": "j2"}]))
    stand_in.stream(b'{"content":{"type":"EMAIL"}}\n' + json.dumps(item).encode())
    jobs = await gladly.export_jobs(status="COMPLETED", start=START)
    assert [(job.id, job.files) for job in jobs] == [("j1", ["conversation_items.jsonl"]), ("j2", None)]
    assert dict(stand_in.requests[0][0].query) == {
        "status": "COMPLETED",
        "startAt": "2024-03-15T08:00:00.000Z",
    }
    [closing] = [moment async for moment in gladly.exported_status_changes("j1")]
    assert (closing.conversation_id, closing.at, closing.item_id) == ("v1", START, "t1")
    assert stand_in.requests[1][0].path == "/api/v1/export/jobs/j1/files/conversation_items.jsonl"


async def test_a_file_whose_name_is_none_is_not_asked_for(gladly: GladlyClient, stand_in: "StandIn") -> None:
    with pytest.raises(errors.GladlyNotFound):
        _ = [line async for line in gladly.export_file("j1", "../j2/agents.jsonl")]
    assert stand_in.requests == []
