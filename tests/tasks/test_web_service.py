"""Web service: what is sent, what comes back, and what each answer means."""

import json
from typing import Any

import msgspec
import pytest

from afterword.accounts.web_service_accounts import add_web_service
from afterword.outcomes import Permanent, Retry
from afterword.outgoing.exchanges import recorded_exchanges
from afterword.store.budgets import RateBudget
from afterword.tasks.contract import Done, Repetition, TaskCall, repetition_of
from afterword.tasks.web_service import LARGEST_OUTPUT, WebService, WebServiceTask
from afterword.web_services.client import WebServiceClient
from afterword.workflows.values.configuration import configure

SECRET = "the-secret-of-the-service"


def call(stand_in: Any, **changes: Any) -> TaskCall[WebService]:
    told: dict[str, Any] = {"address": f"{stand_in.url}/orders", "body": '{"score": 5}'} | changes
    if told.get("method") in {"GET", "HEAD"}:
        told["body"] = ""
    configuration = WebService(**told)
    return TaskCall(run_key="run-7", task_id="T-2", attempt=1, configuration=configuration, fields={})


async def account(ready: Any, stand_in: Any, **changes: Any) -> str:
    told: dict[str, Any] = {"authentication": "bearer", "secret": SECRET, "base_url": stand_in.url} | changes
    async with ready.services.database.transaction() as connection:
        added = await add_web_service(connection, ready.box, name="Service", **told)
    return added.id


async def test_a_call_is_made_as_configured_and_its_answer_is_the_output(ready: Any, stand_in: Any) -> None:
    stand_in.answer(201, '{"order": {"id": 17}}', Location="/orders/17")
    wanted = call(
        stand_in,
        address=f"{stand_in.url}/orders?kept=1",
        query={"customer": "Ä & b", "q": "x"},
        headers={"X-Mine": "yes"},
    )
    task = WebServiceTask(ready.services)
    done = await task.run(wanted)
    ((request, body),) = stand_in.requests
    assert (request.method, request.path) == ("POST", "/orders")
    assert dict(request.query) == {"kept": "1", "customer": "Ä & b", "q": "x"}
    assert json.loads(body) == {"score": 5}
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-Mine"] == "yes"
    assert request.headers["Idempotency-Key"] == "run-7/T-2"
    assert done.output == {
        "status": 201,
        "location": "/orders/17",
        "body": {"order": {"id": 17}},
        "cut": False,
    }
    assert set(done.output) <= set(task.outputs(wanted.configuration))


@pytest.mark.parametrize(
    ("body_type", "body", "content_type"),
    [
        ("json", '{"a": [1]}', "application/json"),
        ("form", "a=1&b=%20", "application/x-www-form-urlencoded"),
        ("text", "Grüße", "text/plain; charset=utf-8"),
    ],
)
async def test_each_body_says_what_it_is(
    ready: Any, stand_in: Any, body_type: str, body: str, content_type: str
) -> None:
    stand_in.answer(204)
    task = WebServiceTask(ready.services)
    await task.run(call(stand_in, body_type=body_type, body=body))
    await task.run(
        call(stand_in, body_type=body_type, body=body, headers={"content-type": "application/xml"})
    )
    (first, sent), (second, _) = stand_in.requests
    assert (sent.decode(), first.headers["Content-Type"]) == (body, content_type)
    assert second.headers["Content-Type"] == "application/xml"


async def test_piped_text_is_escaped_for_where_it_goes(ready: Any, stand_in: Any) -> None:
    value, path = '"},{"x":"&a=b\r\nX-Evil: 1/../?#é', "1/../?x=2#é"
    saved = {
        "address": f"{stand_in.url}/of/${{v://path}}",
        "query": {"q": "${v://x}"},
        "headers": {"X-Told": "${v://x}"},
        "body": '{"told": "${v://x}"}',
    }
    task = WebServiceTask(ready.services)
    stand_in.answer(200, "{}")
    for changes in ({}, {"body_type": "form", "body": "told=${v://x}"}):
        configuration = configure(
            task, saved | changes, (lambda pipe: path if pipe.path == "path" else value,)
        )
        assert isinstance(configuration, WebService)
        await task.run(TaskCall(run_key="1", task_id="T", attempt=1, configuration=configuration, fields={}))
    (request, as_json), (_, as_form) = stand_in.requests
    assert json.loads(as_json) == {"told": value}
    assert as_form.count(b"=") == 1
    assert request.path == f"/of/{path}"
    assert request.query["q"] == value
    assert "X-Evil" not in request.headers
    assert request.headers["X-Told"].startswith('"},{"x"')


@pytest.mark.parametrize(
    ("told", "header", "value"),
    [
        ({"authentication": "bearer"}, "Authorization", f"Bearer {SECRET}"),
        (
            {"authentication": "basic", "username": "me"},
            "Authorization",
            "Basic bWU6dGhlLXNlY3JldC1vZi10aGUtc2VydmljZQ==",
        ),
        ({"authentication": "header", "header_name": "X-API-Key"}, "X-API-Key", SECRET),
    ],
)
async def test_the_accounts_secret_is_sent_and_stands_nowhere_else(
    ready: Any, stand_in: Any, told: dict[str, str], header: str, value: str
) -> None:
    stand_in.answer(200, json.dumps({"echo": f"you sent {value}"}))
    stand_in.answer(500, f"you sent {value}")
    task, wanted = (
        WebServiceTask(ready.services),
        call(stand_in, account=await account(ready, stand_in, **told)),
    )
    with recorded_exchanges() as exchanges:
        done = await task.run(wanted)
        with pytest.raises(Retry) as failed:
            await task.run(wanted)
    assert stand_in.requests[0][0].headers[header] == value
    shown = f"{done} {failed.value.reason} {exchanges} {(await task.plan(wanted)).sends}"
    assert SECRET not in shown
    assert value not in shown
    stored = await ready.services.database.pool.fetchval(
        "SELECT connected_account::text FROM connected_account WHERE kind = 'web-service'"
    )
    assert SECRET not in stored


@pytest.mark.parametrize(
    "address", ["{url}1/orders", "{url}/elsewhere", "{url}/base/../orders", "https://evil.example/base"]
)
async def test_a_secret_goes_nowhere_but_below_its_accounts_address(
    ready: Any, stand_in: Any, address: str
) -> None:
    connected = await account(ready, stand_in, base_url=f"{stand_in.url}/base/")
    task, stand_in.requests = WebServiceTask(ready.services), []
    wanted = call(stand_in, account=connected, address=address.format(url=stand_in.url))
    for attempt in (task.plan, task.run):
        with pytest.raises(Permanent) as refused:
            await attempt(wanted)
        assert refused.value.reason.code == "web-service-address-refused"
    assert stand_in.requests == []
    stand_in.answer(200)
    assert isinstance(
        await task.run(call(stand_in, account=connected, address=f"{stand_in.url}/base/orders")), Done
    )


async def test_a_plan_says_what_would_be_sent_and_calls_nobody(
    ready: Any, stand_in: Any, everything: Any
) -> None:
    stand_in.answer(200, "{}")
    task, wanted = WebServiceTask(ready.services), call(stand_in, query={"q": "1"}, headers={"X-Mine": "yes"})
    before = await everything()
    plan = await task.plan(wanted)
    assert (await everything(), stand_in.requests) == (before, [])
    assert plan.sends == (await task.run(wanted)).sent
    assert plan.sends["address"].endswith("/orders?q=1")


@pytest.mark.parametrize(
    ("status", "body", "headers", "code", "after", "unknown"),
    [
        (302, "", {"Location": "http://127.0.0.1/"}, "web-service-redirected", None, None),
        (400, "what?", {}, "web-service-refused", None, None),
        (401, "", {}, "web-service-wrong-credentials", None, None),
        (403, "", {}, "web-service-missing-permission", None, None),
        (404, "", {}, "web-service-refused", None, None),
        (408, "", {}, "web-service-unavailable", None, False),
        (409, "", {}, "web-service-refused", None, None),
        (425, "", {}, "web-service-unavailable", None, False),
        (429, "", {"Retry_After": "1"}, "web-service-rate-limited", 1.0, False),
        (500, "", {}, "web-service-unavailable", None, True),
        (502, "", {}, "web-service-unavailable", None, True),
        (503, "", {"Retry_After": "33"}, "web-service-unavailable", 33.0, False),
    ],
)
async def test_each_refusal_has_its_outcome_and_then_it_is_done(
    ready: Any,
    stand_in: Any,
    *,
    status: int,
    body: str,
    headers: dict[str, str],
    code: str,
    after: float | None,
    unknown: bool | None,
) -> None:
    stand_in.answer(status, body, **headers)
    stand_in.answer(200, "{}")
    task = WebServiceTask(ready.services)
    with pytest.raises(Permanent if unknown is None else Retry) as refused:
        await task.run(call(stand_in))
    assert refused.value.reason.code == code
    assert len(stand_in.requests) == 1, "a redirect is not followed, and nothing is repeated in place"
    if isinstance(refused.value, Retry):
        assert (refused.value.after, refused.value.outcome_unknown) == (after, unknown)
    assert isinstance(await task.run(call(stand_in)), Done)


async def test_an_answer_that_is_lost_leaves_the_outcome_unknown(ready: Any, stand_in: Any) -> None:
    stand_in.drop()
    stand_in.drop(after=b"{")
    stand_in.hang()
    task = WebServiceTask(ready.services)
    for _ in range(3):
        with pytest.raises(Retry) as lost:
            await task.run(call(stand_in, timeout_seconds=1.0))
        assert (lost.value.reason.code, lost.value.outcome_unknown) == ("web-service-timed-out", True)


async def test_a_service_that_is_not_there_did_nothing(ready: Any, stand_in: Any) -> None:
    with pytest.raises(Retry) as refused:
        await WebServiceTask(ready.services).run(call(stand_in, address="http://127.0.0.1:1/"))
    assert (refused.value.reason.code, refused.value.outcome_unknown) == ("web-service-unreachable", False)


async def test_statuses_that_count_as_success_are_chosen(ready: Any, stand_in: Any) -> None:
    stand_in.answer(404, "no such thing")
    stand_in.answer(200, "{}")
    task, wanted = WebServiceTask(ready.services), call(stand_in, success_statuses="201-204, 404")
    assert (await task.run(wanted)).output == {"status": 404, "text": "no such thing", "cut": False}
    with pytest.raises(Permanent) as refused:
        await task.run(wanted)
    assert refused.value.reason.code == "web-service-refused"


async def test_an_answer_too_long_to_keep_is_cut_and_says_so(ready: Any, stand_in: Any) -> None:
    fits = json.dumps("x" * (LARGEST_OUTPUT - 2))
    for body in (fits, f"{fits} ", "y" * 2_000_000, b'"\\u0000\xff"', "\x00"):
        stand_in.answer(200, body)
    task = WebServiceTask(ready.services)
    outputs = [(await task.run(call(stand_in))).output for _ in range(5)]
    kept, longer, huge, *odd = outputs
    assert (kept["cut"], len(str(kept["body"]))) == (False, LARGEST_OUTPUT - 2)
    for output in (longer, huge):
        assert output["cut"] is True
        assert "body" not in output
        assert len(str(output["text"])) == 10_000
    pool = ready.services.database.pool
    for output in odd:
        stored = await pool.fetchval("SELECT $1::jsonb", msgspec.json.encode(output).decode())
        assert json.loads(stored) == output


async def test_a_body_that_is_no_json_is_not_sent(ready: Any, stand_in: Any) -> None:
    task = WebServiceTask(ready.services)
    for attempt in (task.plan, task.run):
        with pytest.raises(Permanent) as refused:
            await attempt(call(stand_in, body='{"score": }'))
        assert refused.value.reason.code == "web-service-body-not-json"
    assert stand_in.requests == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"headers": {"Authorization": "Bearer x"}}, "connect an account"),
        ({"headers": {"Idempotency-Key": "x"}}, "cannot be set"),
        ({"headers": {"a b": "x"}}, "not a header's name"),
        ({"method": "GET", "body": "x"}, "leave it empty"),
        ({"method": "TRACE"}, "TRACE"),
        ({"success_statuses": "ok"}, "success_statuses"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_saved(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({"address": "https://x.example/", **changes}, WebService)


def test_what_twice_means_goes_by_the_method(ready: Any) -> None:
    task = WebServiceTask(ready.services)
    by_method = {
        method: repetition_of(task, {"method": method}).name
        for method in ("GET", "HEAD", "PUT", "DELETE", "POST", "PATCH")
    }
    assert {method for method, word in by_method.items() if word == "NEITHER"} == {"POST", "PATCH"}
    assert repetition_of(task, {}) is Repetition.NEITHER
    assert task.repeats_when_unknown is False


async def test_who_may_write_a_workflow_does_not_thereby_reach_this_machine(
    ready: Any, stand_in: Any
) -> None:
    guarded = WebServiceClient(budget=RateBudget(ready.services.database.pool), allow_private=False)
    accounts = ready.services.accounts
    accounts.web_services, usual = guarded, accounts.web_services
    await usual.close()
    task = WebServiceTask(ready.services)
    for address in (
        stand_in.url,
        stand_in.url.replace("127.0.0.1", "localhost"),
        "https://10.1.2.3/",
        "https://[::1]/",
    ):
        with pytest.raises(Permanent) as refused:
            await task.run(call(stand_in, address=f"{address}/"))
        assert refused.value.reason.code == "web-service-address-refused"
    assert stand_in.requests == []
    stand_in.answer(200)
    open_account = await account(ready, stand_in, authentication="none", secret="")
    assert isinstance(await task.run(call(stand_in, account=open_account)), Done)
