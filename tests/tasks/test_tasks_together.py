"""Task types of several kinds in one run: what one answers, the next one says; and an outcome that nobody knows."""

import json
from typing import Any

import pytest
from tests.fixtures.sandbox import Sandbox

from afterword.events.models import json_event_origin
from afterword.store.queue import RunQueue
from afterword.tasks.registry import load_task_types
from afterword.workflows.definitions import Definition, JsonEvent, JsonField, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.matching import Inbox

EVENT = JsonEvent("OC_together", (JsonField("customer", "$.customer"), JsonField("comment", "$.comment")))


async def start(ready: Any, tasks: tuple[Task, ...], event: dict[str, str]) -> tuple[RunEngine, int]:
    database = ready.services.database
    async with database.transaction() as connection:
        await add_workflow(connection, name="Test", definition=Definition(EVENT, tasks), is_on=True)
    await database.pool.execute(
        "INSERT INTO event (origin, type, body) VALUES ($1, 'JSON Event', $2)",
        json_event_origin(EVENT.endpoint),
        json.dumps(event),
    )
    await Inbox(database, RunQueue(database)).drain()
    engine = RunEngine(database, load_task_types(ready.services))
    return engine, int(await database.pool.fetchval("SELECT id FROM run"))


async def test_a_web_services_answer_goes_into_a_task_and_a_mail(
    ready: Any, sandbox: Sandbox, stand_in: Any
) -> None:
    customer, _ = sandbox.new_customer("Ada", "together@tasks.example")
    stand_in.answer(200, '{"order": {"id": 17, "lead": "lead@tasks.example"}}')
    body = '{"comment": "~{aedj://comment}"}'
    call = {"address": f"{stand_in.url}/of/~{{aedj://customer}}", "body": body}
    todo = {
        "account": ready.gladly,
        "customer_id": "~{aedj://customer}",
        "body": "Look at order ~{ch://T-1/$.body.order.id}",
        "inbox": "Returns & Refunds",
    }
    mail = {
        "to": ["~{ch://T-1/$.body.order.lead}"],
        "subject": "Order ~{ch://T-1/$.body.order.id}",
        "message": "Task ~{ch://T-2/$.taskId}: ~{aedj://comment}",
    }
    tasks = (
        Task("T-1", "web-service", "Look up", call),
        Task("T-2", "gladly-create-task", "Follow up", todo),
        Task("T-3", "email-notification", "Tell", mail),
    )
    comment = 'Bad "service"\r\nBcc: all@tasks.example <b>'
    engine, run_id = await start(ready, tasks, {"customer": customer, "comment": comment})
    await engine.advance(run_id)
    pool = ready.services.database.pool
    rows = await pool.fetch(
        "SELECT status, output::text, exchanges::text FROM task_attempt ORDER BY position"
    )
    assert [row["status"] for row in rows] == ["succeeded"] * 3
    ((request, sent),) = stand_in.requests
    assert json.loads(sent) == {"comment": comment}
    assert request.path == f"/of/{customer}"
    (made,) = [
        item
        for item in sandbox.control("GET", f"customers/{customer}/timeline")
        if item["content"]["type"] == "TASK"
    ]
    assert made["content"]["body"] == "Look at order 17"
    (mail_sent,) = sandbox.mails("lead@tasks.example")
    assert mail_sent["subject"] == "Order 17"
    assert f"Task {made['id']}: Bad" in mail_sent["text"]
    assert "<b>" not in mail_sent["html"].split("Bad")[1]
    exchanged = [[one["method"] for one in json.loads(row["exchanges"])] for row in rows]
    assert (exchanged[0], exchanged[1][-1], exchanged[2]) == (["POST"], "POST", ["SMTP"])


@pytest.mark.parametrize(
    ("told", "after", "status", "reason"),
    [
        ({"method": "POST"}, None, "failed", "outcome-unknown"),
        ({"method": "POST"}, "do-again", "succeeded", None),
        ({"method": "PUT"}, None, "succeeded", None),
        ({"method": "GET"}, "stop", "succeeded", None),
    ],
)
async def test_after_an_answer_that_is_lost_it_goes_by_the_method_and_the_workflow(
    ready: Any, stand_in: Any, *, told: dict[str, str], after: Any, status: str, reason: str | None
) -> None:
    stand_in.drop()
    stand_in.answer(200, "{}")
    task = Task(
        "T-1", "web-service", "Call", {"address": f"{stand_in.url}/", **told}, after_unknown_outcome=after
    )
    engine, run_id = await start(ready, (task,), {"customer": "c", "comment": ""})
    pool = ready.services.database.pool
    for _ in range(2):
        await pool.execute("UPDATE run SET due_at = now() WHERE status = 'waiting'")
        await engine.advance(run_id)
    ended = await pool.fetchrow("SELECT status, reason_code FROM run")
    assert (ended["status"], ended["reason_code"]) == (status, reason)
    assert len(stand_in.requests) == (2 if status == "succeeded" else 1)
    keys = {request.headers["Idempotency-Key"] for request, _ in stand_in.requests}
    assert len(keys) == 1
