"""Export jobs: files of what happened in a stretch of time, by schedule, for 14 days."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.afterword_sandbox.conftest import PutPast, Set, Write

from afterword_sandbox import settings
from afterword_sandbox.clock import pretend
from afterword_sandbox.company import exports
from afterword_sandbox.seed import seed
from afterword_sandbox.store import Store

JOBS = "/api/v1/export/jobs"
CLOSE = {"status": {"value": "CLOSED", "force": True}}


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def make(gladly: aiohttp.ClientSession, **told: str) -> dict[str, Any]:
    async with gladly.post("/_sandbox/export-jobs", json=told) as answer:
        assert answer.status == 201, await answer.text()
        job: dict[str, Any] = await answer.json()
    return job


async def lines(gladly: aiohttp.ClientSession, job: dict[str, Any], name: str) -> list[dict[str, Any]]:
    async with gladly.get(f"{JOBS}/{job['id']}/files/{name}.jsonl") as answer:
        assert (answer.status, answer.content_type) == (200, "application/x-ndjson")
        return [json.loads(line) for line in (await answer.text()).splitlines()]


async def jobs(gladly: aiohttp.ClientSession, **query: str) -> list[dict[str, Any]]:
    async with gladly.get(JOBS, params=query) as answer:
        assert answer.status == 200, await answer.text()
        found: list[dict[str, Any]] = await answer.json()
    return found


async def test_a_closing_is_in_the_conversation_its_items_the_events_the_next_export_and_the_report(
    gladly: aiohttp.ClientSession, write: Write
) -> None:
    opened = await write("Gone?", email="Export.Me@mail.example")
    path = f"/api/v1/conversations/{opened.conversation_id}"
    await gladly.patch(path, json=CLOSE)
    async with gladly.get(path) as answer:
        closed_at = (await answer.json())["closedAt"]
    async with gladly.get(f"{path}/items") as answer:
        items = await answer.json()
    assert items[-1]["timestamp"] == closed_at
    async with gladly.get(
        "/api/v1/events", params={"startAt": ago(hours=1), "entities": "CONVERSATION"}
    ) as answer:
        events = [json.loads(line) for line in (await answer.text()).splitlines()]
    (closed,) = [
        event
        for event in events
        if event["type"] == "CONVERSATION/CLOSED"
        and event["content"]["conversationId"] == opened.conversation_id
    ]
    day = closed_at[:10]
    body = {"metricSet": "ConversationExportReport", "startAt": day, "endAt": day, "timezone": "UTC"}
    async with gladly.post("/api/v1/reports", json=body) as answer:
        assert f"{opened.conversation_id},{opened.customer_id}" in await answer.text()
    job = await make(gladly)
    assert job["files"] == ["agents.jsonl", "conversation_items.jsonl", "customers.jsonl", "topics.jsonl"]
    exported = await lines(gladly, job, "conversation_items")
    assert [item for item in exported if item.get("conversationId") == opened.conversation_id] == items
    assert closed["initiator"] == items[-1]["initiator"]
    (customer,) = [one for one in await lines(gladly, job, "customers") if one["id"] == opened.customer_id]
    assert customer == {
        "id": opened.customer_id,
        "name": "Robin Doe",
        "emailAddresses": ["Export.Me@mail.example"],
        "phoneNumbers": [],
    }
    for kind in ("agents", "topics"):
        async with gladly.get(f"/api/v1/{kind}") as answer:
            assert await lines(gladly, job, kind) == await answer.json()


async def test_a_job_is_of_its_stretch_of_time(gladly: aiohttp.ClientSession, put_past: PutPast) -> None:
    inside, outside = await put_past({"startedAt": ago(days=5)}, {"startedAt": ago(days=7)})
    job = await make(gladly, startAt=ago(days=6), endAt=ago(days=4))
    found = {item.get("conversationId") for item in await lines(gladly, job, "conversation_items")}
    assert inside.conversation_id in found
    assert outside.conversation_id not in found


async def test_jobs_are_listed_filtered_and_deleted_once_they_are_done(gladly: aiohttp.ClientSession) -> None:
    done, failed, running = [
        await make(gladly, status=status) for status in ("COMPLETED", "FAILED", "IN_PROGRESS")
    ]
    assert running["files"] == failed["files"] == []
    assert done in await jobs(gladly)
    assert {job["status"] for job in await jobs(gladly, status="FAILED")} == {"FAILED"}
    assert done not in await jobs(gladly, endAt=ago(minutes=10))
    assert done in await jobs(gladly, startAt=ago(minutes=10))
    async with gladly.get(f"{JOBS}/{done['id']}") as answer:
        assert await answer.json() == done
    async with gladly.delete(f"{JOBS}/{running['id']}") as answer:
        assert answer.status == 400
        (error,) = await answer.json()
        assert (error["attr"], error["code"]) == ("status", "temporary_failure")
    for job in (done, failed):
        async with gladly.delete(f"{JOBS}/{job['id']}") as answer:
            assert answer.status == 204
        for path in (f"{JOBS}/{job['id']}", f"{JOBS}/{job['id']}/files/agents.jsonl"):
            async with gladly.get(path) as answer:
                assert answer.status == 404


async def test_after_14_days_a_job_is_gone(gladly: aiohttp.ClientSession) -> None:
    kept, gone = await make(gladly, updatedAt=ago(days=13.9)), await make(gladly, updatedAt=ago(days=14.1))
    listed = {job["id"] for job in await jobs(gladly)}
    assert kept["id"] in listed
    assert gone["id"] not in listed
    async with gladly.get(f"{JOBS}/{gone['id']}/files/agents.jsonl") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"status": "DONE"}, "status"),
        ({"startAt": "2020-01-01T00:00:00Z"}, "startAt"),
        ({"startAt": "soon"}, "startAt"),
        ({"endAt": "2199-01-01T00:00:00Z"}, "endAt"),
    ],
)
async def test_what_gladly_refuses(gladly: aiohttp.ClientSession, query: dict[str, str], attr: str) -> None:
    async with gladly.get(JOBS, params=query) as answer:
        assert answer.status == 400
        (error,) = (await answer.json())["errors"]
    assert (error["attr"], error["code"]) == (attr, "invalid")


async def test_a_finished_job_is_told_by_webhook(
    gladly: aiohttp.ClientSession, hear: Any, eventually: Any
) -> None:
    receiver = await hear("EXPORT_JOB/COMPLETED")
    job = await make(gladly)
    (told,) = await eventually(lambda: receiver.events("EXPORT_JOB/COMPLETED"))
    assert told["content"] == {"jobId": job["id"]}


async def test_the_schedule_is_told(gladly: aiohttp.ClientSession, set_sandbox: Set) -> None:
    async with gladly.get("/api/v1/export/schedules") as answer:
        (schedule,) = await answer.json()
    assert (schedule["frequency"], schedule["type"]) == ("DAILY", "CONVERSATIONS")
    await set_sandbox(exportFrequency="NEVER")
    async with gladly.get("/api/v1/export/schedules") as answer:
        assert await answer.json() == []


@pytest.mark.parametrize(("frequency", "made"), [("DAILY", 3), ("HOURLY", 95), ("NEVER", 0)])
def test_jobs_are_made_by_the_schedule(tmp_path: Path, frequency: str, made: int) -> None:
    """Four days and an hour pass: a day's job comes in the night after it, an hour's two hours after it began."""
    store, start = Store(tmp_path / "gladly.db"), datetime.now(UTC).replace(hour=0, minute=30)
    seed(store)
    with store.transaction():
        settings.change(store, {"exportFrequency": frequency})
    for later in (timedelta(0), timedelta(days=1), timedelta(days=4)):
        with pretend(start + later), store.transaction():
            exports.make_due(store)
    with pretend(start + timedelta(days=4)):
        found = exports.jobs(store, status=None, since=None, until=None)
    assert len(found) == made
    stretches = sorted(job["parameters"]["startAt"] for job in found)  # type: ignore[index]
    assert len(set(stretches)) == made
    store.close()
