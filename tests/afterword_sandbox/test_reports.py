"""Reports: CSV of whole days in a time zone, with filters, a cap, a limit of their own."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from tests.afterword_sandbox.conftest import PutPast, Set, Write

from afterword_sandbox.rate_limit import ReportLimit
from afterword_sandbox.reports import catalogue, conversations

REPORTS = "/api/v1/reports"
CLOSE = {"status": {"value": "CLOSED", "force": True}}


def time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def report(
    gladly: aiohttp.ClientSession, metric_set: str = "ConversationTimestampsReport", **asked: Any
) -> list[dict[str, str]]:
    """The rows of a report, of the last two days in UTC unless told otherwise."""
    today = datetime.now(UTC).date()
    days = {"startAt": f"{today - timedelta(days=1)}", "endAt": f"{today}", "timezone": "UTC"}
    body = {"metricSet": metric_set, **days, **asked}
    async with gladly.post(REPORTS, json=body) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/csv"
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
        return list(csv.DictReader(io.StringIO(await answer.text())))


async def refused(gladly: aiohttp.ClientSession, **asked: Any) -> tuple[int, str | None, str, str]:
    days = {"startAt": "2026-01-01", "endAt": "2026-01-02"}
    body = {"metricSet": "ConversationTimestampsReport", **days, **asked}
    async with gladly.post(REPORTS, json=body) as answer:
        assert answer.status >= 400, await answer.text()
        (error,) = (await answer.json())["errors"]
        return answer.status, error.get("attr"), error["code"], error["detail"]


def of(rows: list[dict[str, str]], conversation_id: str) -> list[dict[str, str]]:
    return [row for row in rows if row["Conversation ID"] == conversation_id]


async def people(gladly: aiohttp.ClientSession, kind: str) -> dict[str, str]:
    async with gladly.get(f"/api/v1/{kind}") as answer:
        return {entry["name"]: entry["id"] for entry in await answer.json()}


async def test_a_month_of_closings_says_who_closed(gladly: aiohttp.ClientSession, put_past: PutPast) -> None:
    inboxes, agents = await people(gladly, "inboxes"), await people(gladly, "agents")
    inbox_id, agent_id = inboxes["Loyalty Program"], agents["Devon Clarke"]
    now = datetime.now(UTC)
    closers: list[dict[str, str]] = [
        {"type": "AGENT"},
        {"type": "AUTOMATION", "id": "a-rule"},
        {"type": "SYSTEM", "id": "SIDEKICK_V2"},
        {"type": "API"},
    ]
    told = [
        {
            "startedAt": time(now - timedelta(days=age, hours=2)),
            "inboxId": inbox_id,
            "agentId": agent_id,
            "closings": [{"at": time(now - timedelta(days=age)), "by": closers[age % 4]}],
        }
        for age in range(1, 31)
    ]
    past = await put_past(*told)
    since = (now - timedelta(days=31)).date()
    rows = await report(gladly, startAt=f"{since}", endAt=f"{now.date()}")
    closings = {row["Conversation ID"]: row for row in rows if row["Event Type"] == "CONVERSATION/CLOSED"}
    for age, (one, asked) in enumerate(zip(past, told, strict=True), 1):
        row = closings[one.conversation_id]
        assert row["Timestamp"] == asked["closings"][0]["at"]  # type: ignore[index]
        assert row["Customer ID"] == one.customer_id
        assert (row["Assigned Inbox ID"], row["Assigned Agent Name"]) == (inbox_id, "Devon Clarke")
        expected = ("AGENT", "AUTOMATION", "SYSTEM", "APPLICATION")[age % 4]
        assert row["Initiator Type"] == expected
        assert row["Initiator Agent Name"] == ("Devon Clarke" if expected == "AGENT" else "")
    assert tuple(rows[0]) == conversations.TIMESTAMPS_COLUMNS
    assert [row["Timestamp"] for row in rows] == sorted(row["Timestamp"] for row in rows)


async def test_a_day_is_a_day_of_the_time_zone(gladly: aiohttp.ClientSession, put_past: PutPast) -> None:
    """On the day that New York's clocks go back it has 25 hours; Kolkata is half an hour off."""
    day = "2025-11-02"
    first, last = datetime(2025, 11, 2, 4, 0, tzinfo=UTC), datetime(2025, 11, 3, 4, 59, 59, tzinfo=UTC)
    moments = [first - timedelta(seconds=1), first, last, last + timedelta(seconds=1)]
    past = await put_past(*({"startedAt": time(moment)} for moment in moments))
    rows = await report(gladly, startAt=day, endAt=day, timezone="America/New_York")
    inside = [bool(of(rows, one.conversation_id)) for one in past]
    assert inside == [False, True, True, False]
    assert {row["Timezone Filter"] for row in rows} == {"America/New_York"}
    midnight = datetime(2025, 11, 1, 18, 30, tzinfo=UTC)
    before, after = await put_past(
        {"startedAt": time(midnight - timedelta(milliseconds=1))}, {"startedAt": time(midnight)}
    )
    rows = await report(gladly, startAt=day, endAt=day, timezone="Asia/Kolkata")
    assert not of(rows, before.conversation_id)
    assert of(rows, after.conversation_id)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("utc", "2025-07-01T06:30:00.250Z"),
        ("zoned", "2025-07-01T12:00:00.250+05:30"),
        ("local", "2025-07-01 12:00:00"),
    ],
)
async def test_times_are_shown_as_it_is_set(
    gladly: aiohttp.ClientSession, put_past: PutPast, set_sandbox: Set, setting: str, expected: str
) -> None:
    (past,) = await put_past({"startedAt": "2025-07-01T06:30:00.250Z"})
    await set_sandbox(reportTimes=setting)
    rows = await report(gladly, startAt="2025-07-01", endAt="2025-07-01", timezone="Asia/Kolkata")
    assert of(rows, past.conversation_id)[0]["Timestamp"] == expected


async def test_what_is_beyond_the_cap_is_silently_left_out(
    gladly: aiohttp.ClientSession, put_past: PutPast, set_sandbox: Set
) -> None:
    inbox_ids = list((await people(gladly, "inboxes")).values())
    channels = ("CHAT", "FB_MESSENGER")
    await put_past(
        *(
            {
                "startedAt": f"2025-03-05T{number % 24:02}:00:00Z",
                "closings": [{"at": f"2025-03-05T{number % 24:02}:30:00Z"}],
                "inboxId": inbox_ids[number % 2],
                "channel": channels[number // 2 % 2],
            }
            for number in range(40)
        )
    )
    day = {"startAt": "2025-03-05", "endAt": "2025-03-05"}
    assert len(await report(gladly, **day)) == 80
    await set_sandbox(reportRowCap=50)
    assert len(await report(gladly, **day)) == 50
    parts = [
        await report(gladly, **day, filters={"inboxes": [inbox_id], "channel": channel})
        for inbox_id in inbox_ids[:2]
        for channel in ("chat", "fbMessenger")
    ]
    assert [len(part) for part in parts] == [20, 20, 20, 20]
    found = {row["Conversation ID"] for part in parts for row in part}
    assert len(found) == 40, "inboxes and channels divide the day without a rest"


async def test_filters_that_gladly_does_not_list_for_a_report(
    gladly: aiohttp.ClientSession, put_past: PutPast, set_sandbox: Set
) -> None:
    inbox_ids = list((await people(gladly, "inboxes")).values())
    (past,) = await put_past({"startedAt": "2025-04-01T10:00:00Z", "inboxId": inbox_ids[0]})
    asked: dict[str, Any] = {
        "startAt": "2025-04-01",
        "endAt": "2025-04-01",
        "filters": {"inboxes": [inbox_ids[1]]},
    }
    assert not of(await report(gladly, **asked), past.conversation_id)
    await set_sandbox(reportFilters="ignored")
    assert of(await report(gladly, **asked), past.conversation_id)
    assert not of(await report(gladly, "ContactExportReport", **asked), past.conversation_id)
    await set_sandbox(reportFilters="refused")
    detail = "the inboxes filter cannot be applied to the ConversationTimestampsReport metricSet"
    assert await refused(gladly, **asked) == (400, "filters.inboxes", "invalid", detail)
    assert not of(await report(gladly, "ConversationExportReport", **asked), past.conversation_id)


async def test_an_empty_report_and_what_may_stand_before_the_header(
    gladly: aiohttp.ClientSession, set_sandbox: Set
) -> None:
    body = {"metricSet": "ContactTimestampsReport", "startAt": "2001-01-01", "endAt": "2001-01-01"}
    header = "Timestamp,Event Type,Contact ID"
    for settings, start in (
        ({}, header),
        ({"reportStart": "blank-lines"}, f"\r\n\r\n{header}"),
        ({"reportStart": "byte-order-mark"}, f"\ufeff{header}"),
        ({"emptyReport": "nothing"}, ""),
    ):
        await set_sandbox(**settings)
        async with gladly.post(REPORTS, json=body) as answer:
            text = (await answer.read()).decode()
        assert text.startswith(start)
        assert bool(text) == bool(start)


async def test_reports_may_be_behind(gladly: aiohttp.ClientSession, write: Write, set_sandbox: Set) -> None:
    opened = await write()
    assert of(await report(gladly), opened.conversation_id)
    await set_sandbox(reportLagSeconds=3600)
    assert not of(await report(gladly), opened.conversation_id)


@pytest.mark.parametrize(
    ("asked", "attr", "code", "detail"),
    [
        ({"metricSet": None}, "metricSet", "blank", "metricSet must be specified"),
        ({"metricSet": "NoReport"}, "metricSet", "invalid", None),
        ({"metricSet": "AgentSummary"}, "metricSet", "invalid", "the sandbox does not make the AgentSummary"),
        ({"startAt": "01/02/2026"}, "startAt", "invalid", None),
        ({"startAt": ""}, "startAt", "blank", None),
        ({"endAt": "2025-12-31"}, "startAt", "invalid", None),
        ({"timezone": "Mars/Phobos"}, "timezone", "invalid", None),
        ({"timezone": "../etc/passwd"}, "timezone", "invalid", None),
        (
            {"aggregationLevel": "yearly"},
            "aggregationLevel",
            "invalid",
            "aggregationLevel must be one of daily, halfHourly, monthly, quarterly, weekly",
        ),
        (
            {"filters": {"inboxes": ["none"]}},
            "filters.inboxes",
            "present",
            "the requested inbox does not exist",
        ),
        ({"filters": {"channel": "pigeon"}}, "filters.channel", "invalid", None),
        ({"filters": {"phoneNumber": "+15555555555"}}, "filters.phoneNumber", "invalid", None),
        ({"endAt": "9999-12-31"}, "endAt", "invalid", None),
    ],
)
async def test_what_gladly_refuses(
    gladly: aiohttp.ClientSession, asked: dict[str, Any], attr: str, code: str, detail: str | None
) -> None:
    status, *error = await refused(gladly, **asked)
    assert (status, *error[:2]) == (400, attr, code)
    assert detail in {None, error[2]}


async def test_the_other_reports_tell_of_the_same_conversation(
    gladly: aiohttp.ClientSession, put_past: PutPast
) -> None:
    agents, inboxes = await people(gladly, "agents"), await people(gladly, "inboxes")
    (past,) = await put_past(
        {
            "startedAt": "2025-05-06T10:00:00Z",
            "channel": "EMAIL",
            "inboxId": inboxes["Product Questions"],
            "agentId": agents["Maya Okafor"],
            "messages": [
                {"at": "2025-05-06T10:00:00Z", "text": "Which size?"},
                {"at": "2025-05-06T10:20:00Z", "text": "M", "by": {"type": "AGENT"}},
            ],
            "closings": [{"at": "2025-05-06T10:30:00Z"}, {"at": "2025-05-06T12:30:00Z"}],
            "reopenings": [{"at": "2025-05-06T12:00:00Z"}],
        }
    )
    day = {"startAt": "2025-05-06", "endAt": "2025-05-06"}
    (row,) = of(await report(gladly, "ConversationExportReport", **day), past.conversation_id)
    assert (row["Status"], row["Created At"]) == ("CLOSED", "2025-05-06T10:00:00.000Z")
    assert (row["First Closed At"], row["Last Closed At"]) == (
        "2025-05-06T10:30:00.000Z",
        "2025-05-06T12:30:00.000Z",
    )
    assert (row["Initiator Type - Created"], row["Assigned Agent Name - Current"]) == (
        "Customer",
        "Maya Okafor",
    )
    contact = of(await report(gladly, "contactTimestampsReport", **day), past.conversation_id)
    assert [event["Event Type"] for event in contact] == [
        "CONTACT/STARTED",
        "CONTACT/MESSAGE_RECEIVED",
        "CONTACT/MESSAGE_SENT",
        "CONTACT/FULFILLED",
        "CONTACT/ENDED",
    ]
    (exported,) = of(await report(gladly, "ContactExportReport", **day), past.conversation_id)
    assert (exported["Channel"], exported["Direction"]) == ("EMAIL", "INBOUND")
    assert exported["Fulfilled At"] == "2025-05-06T10:20:00.000Z"
    times = {"startAtTime": "2025-05-06T00:00-07:00", "endAtTime": "2025-05-07T00:00-07:00"}
    async with gladly.post(f"{REPORTS}/work-session-events", json=times) as answer:
        assert answer.status == 200
        sessions = list(csv.DictReader(io.StringIO(await answer.text())))
    (session,) = [one for one in sessions if one["conversation_id"] == past.conversation_id]
    assert session["agent_id"] == agents["Maya Okafor"]
    assert session["work_session_handle_time_sec"] == "600.000"


async def test_reports_tell_what_was_merged_and_no_more_of_who_was_deleted(
    gladly: aiohttp.ClientSession, write: Write
) -> None:
    gone, kept, deleted = await write(), await write(), await write()
    merge = {"sourceCustomerId": gone.customer_id, "destinationCustomerId": kept.customer_id}
    await gladly.post("/_sandbox/merges", json=merge)
    await gladly.patch(f"/api/v1/conversations/{deleted.conversation_id}", json=CLOSE)
    async with gladly.delete(f"/api/v1/customer-profiles/{deleted.customer_id}") as answer:
        assert answer.status == 204
    exported = await report(gladly, "ConversationExportReport")
    assert [row["Status"] for row in of(exported, gone.conversation_id)] == ["MERGED"]
    assert [row["Status"] for row in of(exported, kept.conversation_id)] == ["OPEN"]
    assert of(exported, deleted.conversation_id) == []
    (merged,) = [row for row in await report(gladly) if row["Merged Conversation ID"] == gone.conversation_id]
    assert (merged["Event Type"], merged["Customer ID"]) == ("CUSTOMER/MERGED", kept.customer_id)
    assert (merged["Conversation ID"], merged["Merged Customer ID"]) == (
        kept.conversation_id,
        gone.customer_id,
    )


async def test_work_sessions_are_asked_for_by_times(gladly: aiohttp.ClientSession) -> None:
    times = {"startAtTime": "2025-05-06T00:00Z", "endAtTime": "2025-05-06T00:00Z"}
    async with gladly.post(f"{REPORTS}/work-session-events", json=times) as answer:
        (error,) = (await answer.json())["errors"]
    assert (error["attr"], error["detail"]) == ("startAtTime", "endAtTime must occur after startAtTime")
    body = {"metricSet": "WorkSessionEventsReportV4", **times, "endAtTime": "2025-05-06T01:00Z"}
    async with gladly.post(REPORTS, json=body) as answer:
        assert answer.status == 200


async def test_agents_and_tasks_have_reports_too(gladly: aiohttp.ClientSession, write: Write) -> None:
    agents, inboxes = await people(gladly, "agents"), await people(gladly, "inboxes")
    change = {"agentId": agents["Tom Brennan"], "change": {"type": "AGENT_STATUS/LOGGED_IN"}}
    told = {**change, "at": "2025-06-01T08:00:00Z"}
    async with gladly.post("/_sandbox/agent-statuses", json={"changes": [told]}) as answer:
        assert answer.status == 204
    rows = await report(gladly, "AgentTimestampsReport", startAt="2025-06-01", endAt="2025-06-01", filters={})
    assert [(row["Agent"], row["Type"]) for row in rows] == [("Tom Brennan", "AGENT_STATUS/LOGGED_IN")]
    opened = await write()
    task = {
        "assignee": {"inboxId": inboxes["Loyalty Program"]},
        "body": "Call",
        "dueAt": "2199-01-01T00:00:00Z",
    }
    async with gladly.post(f"/api/v1/customers/{opened.customer_id}/tasks", json=task) as answer:
        task_id = answer.headers["Location"].rsplit("/", 1)[1]
    exported = await report(gladly, "TaskExportReport")
    assert task_id in {row["Task ID"] for row in exported}
    assert task_id in {row["Task ID"] for row in await report(gladly, "TaskTimestampsReport")}


async def test_two_reports_may_be_made_at_once(gladly: aiohttp.ClientSession, set_sandbox: Set) -> None:
    await set_sandbox(reportSeconds=1)
    body = {"metricSet": "AgentTimestampsReport", "startAt": "2025-01-01", "endAt": "2025-01-01"}

    async def ask() -> tuple[int, str | None]:
        async with gladly.post(REPORTS, json=body) as answer:
            return answer.status, answer.headers.get("Retry-After")

    answers = await asyncio.gather(*(ask() for _ in range(3)))
    assert sorted(answers, key=str) == [(200, None), (200, None), (429, "1")]


def test_ten_reports_may_be_made_in_a_minute() -> None:
    moment = 120.0
    limit = ReportLimit(10, lambda: moment)
    for _ in range(10):
        assert limit.begin() is None
        limit.end()
    moment = 150.0
    assert limit.begin() == 30.0
    moment = 180.0
    assert limit.begin() is None


def test_every_metric_set_of_gladly_is_known() -> None:
    assert len(catalogue.NOT_MADE | catalogue.MADE.keys()) == 53
    assert not catalogue.NOT_MADE & catalogue.MADE.keys()
    assert catalogue.find("agentSummary") == ("AgentSummary", None)
    assert catalogue.find("Reports") is None
