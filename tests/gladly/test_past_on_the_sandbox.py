"""A closing is found again in each of Gladly's records, and is the same one there."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from afterword.gladly.client import GladlyClient
from afterword.gladly.errors import GladlyInvalid, GladlyNotFound
from afterword.gladly.models import ConversationChanges, ConversationMoment, ConversationStatus
from afterword.gladly.reports import ReportRequest
from afterword.gladly.webhooks import CONVERSATION_CLOSED, CONVERSATION_REOPENED

if TYPE_CHECKING:
    from tests.conftest import OpenBudget
    from tests.fixtures.sandbox import Sandbox

CLOSED = ConversationChanges(status=ConversationStatus("CLOSED", force=True))
OPEN = ConversationChanges(status=ConversationStatus("OPEN"))


@pytest.fixture
async def gladly(sandbox: "Sandbox", open_budget: "OpenBudget") -> AsyncIterator[GladlyClient]:
    client = GladlyClient(
        sandbox.url, sandbox.username, sandbox.api_token, budget=open_budget, budget_name="organization"
    )
    yield client
    await client.close()


@pytest.fixture
async def closed(gladly: GladlyClient, sandbox: "Sandbox") -> str:
    """A conversation that was closed, reopened, and closed again."""
    _, conversation = sandbox.new_customer("Jane Doe", f"{uuid.uuid4().hex}@customer.example")
    for changes in (CLOSED, OPEN, CLOSED):
        await gladly.update_conversation(conversation, changes)
    return conversation


async def test_events_tell_of_it_as_its_webhook_does(gladly: GladlyClient, closed: str) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    told = [event async for event in gladly.events(since)]
    assert not [event.problem for event in told if event.event is None]
    mine = [event.event for event in told if event.event and event.event.conversation_id == closed]
    kinds = [
        event.type for event in mine if event.type.startswith("CONVERSATION/C") or "REOPENED" in event.type
    ]
    assert kinds == ["CONVERSATION/CREATED", CONVERSATION_CLOSED, CONVERSATION_REOPENED, CONVERSATION_CLOSED]
    closing = mine[-1]
    conversation = await gladly.conversation(closed)
    assert closing.customer_id == conversation.customer_id
    assert closing.inbox_id == conversation.inbox_id
    assert closing.occurred_at == conversation.closed_at


async def test_events_end_where_they_are_told_to(gladly: GladlyClient, closed: str) -> None:
    now = datetime.now(UTC)
    earlier = [event async for event in gladly.events(now - timedelta(hours=2), now - timedelta(hours=1))]
    assert closed not in {event.event and event.event.conversation_id for event in earlier}
    for start, end in ((now - timedelta(hours=25), None), (now, now - timedelta(hours=1))):
        with pytest.raises(GladlyInvalid) as refused:
            _ = [event async for event in gladly.events(start, end)]
        assert refused.value.attr == "startAt"


async def test_the_report_tells_of_it(gladly: GladlyClient, closed: str) -> None:
    yesterday, tomorrow = (datetime.now(UTC).date() + timedelta(days=days) for days in (-1, 1))
    for timezone in (None, "UTC", "Asia/Kolkata"):
        mine = [
            moment
            async for moment in gladly.conversation_timestamps(yesterday, tomorrow, timezone=timezone)
            if moment.conversation_id == closed
        ]
        assert [moment.type for moment in mine if moment.type == CONVERSATION_CLOSED] == [
            CONVERSATION_CLOSED
        ] * 2
        conversation = await gladly.conversation(closed)
        closing = mine[-1]
        assert closing.customer_id == conversation.customer_id
        assert closing.inbox_id == conversation.inbox_id
        assert conversation.closed_at is not None
        assert abs(closing.at - conversation.closed_at) < timedelta(seconds=1)


async def test_a_report_is_of_an_inbox_and_a_channel(gladly: GladlyClient, closed: str) -> None:
    today = datetime.now(UTC).date()
    mine = (await gladly.conversation(closed)).inbox_id or ""
    for inbox in await gladly.inboxes():
        found = {
            moment.conversation_id
            async for moment in gladly.conversation_timestamps(
                today - timedelta(days=1), today + timedelta(days=1), inboxes=[inbox.id]
            )
        }
        assert (closed in found) == (inbox.id == mine)
    with pytest.raises(GladlyInvalid) as refused:
        _ = [row async for row in gladly.conversation_timestamps(today, today, inboxes=["none"])]
    assert refused.value.attr == "filters.inboxes"


async def test_any_report_can_be_read_by_its_columns(gladly: GladlyClient, closed: str) -> None:
    today = datetime.now(UTC).date()
    request = ReportRequest(
        metric_set="ConversationExportReport", start=today - timedelta(days=1), end=today + timedelta(days=1)
    )
    rows = [row async for row in gladly.report(request, ("Conversation ID", "Status"))]
    [row] = [row for row in rows if row["Conversation ID"] == closed]
    assert row["Status"] == "CLOSED"


async def test_the_next_export_tells_of_it(
    gladly: GladlyClient, sandbox: "Sandbox", closed: str, open_budget: "OpenBudget"
) -> None:
    made = sandbox.control("POST", "export-jobs", {})
    jobs = await gladly.export_jobs(status="COMPLETED", start=datetime.now(UTC) - timedelta(days=13))
    assert made["id"] in {job.id for job in jobs}
    job = await gladly.export_job(made["id"])
    assert job.status == "COMPLETED"
    assert "conversation_items.jsonl" in (job.files or [])
    mine: list[ConversationMoment] = [
        moment async for moment in gladly.exported_status_changes(job.id) if moment.conversation_id == closed
    ]
    assert [moment.type for moment in mine].count(CONVERSATION_CLOSED) == 2
    assert mine[-1].at == (await gladly.conversation(closed)).closed_at
    async with contextlib.aclosing(gladly.export_file(job.id, "agents.jsonl")) as agents:
        assert b"Maya Okafor" in b"".join([line async for line in agents])
    with pytest.raises(GladlyNotFound):
        _ = [line async for line in gladly.export_file(job.id, "nothing.jsonl")]
    with pytest.raises(GladlyNotFound):
        await gladly.export_job("none")


async def test_reports_have_a_budget_of_their_own(
    gladly: GladlyClient, open_budget: "OpenBudget", closed: str
) -> None:
    today = datetime.now(UTC).date()
    _ = [moment async for moment in gladly.used_for("backfill").conversation_timestamps(today, today)]
    assert open_budget.leases == [("gladly/organization/reports", 2)]
    names = [name for name, _, _ in open_budget.turns]
    assert names[-2:] == ["gladly/organization/reports", "gladly/organization/POST"]
    assert open_budget.uses[-2:] == ["backfill", "backfill"]
