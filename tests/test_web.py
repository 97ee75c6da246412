"""The web half as a whole: who may open what, its health, and how it bears odd clients and being stopped."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, get_args

import aiohttp
import asyncpg
import msgspec
import pytest
import pytest_asyncio
from litestar import get
from litestar.routes import HTTPRoute
from tests.fixtures.admin_pages import PASSWORD, Browser

from afterword import health as health_of
from afterword import web, web_requests
from afterword.accounts.people import Role, add_person
from afterword.accounts.rights import (
    CONNECTS,
    EDITS_SURVEYS,
    EDITS_WORKFLOWS,
    MANAGES_PEOPLE,
    OPERATES,
    READS_AUDIT_LOG,
    SEES_CUSTOMERS,
)
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store.database import WORKER_NAME

shared = pytest.mark.asyncio(loop_scope="session")

KEY = "one key of the tests that is long enough"

EVERYBODY, CREDENTIALS, QUALTRICS_TOKEN, SIGNED_IN, HALF_WAY = range(5)
WHO_MAY = {
    "/health": EVERYBODY,
    "/static/{name:str}": EVERYBODY,
    "/sign-in": EVERYBODY,
    "/sign-in/code": HALF_WAY,
    "/sign-in/kept/{kept_id:str}": SIGNED_IN,
    "/sign-in/anew": SIGNED_IN,
    "/sign-in/open-id": EVERYBODY,
    "/sign-in/open-id/callback": EVERYBODY,
    "/sign-out": EVERYBODY,
    "/welcome": EVERYBODY,
    "/jfe/form/{survey_id:str}": EVERYBODY,
    "/jfe/form/{survey_id:str}/thanks": EVERYBODY,
    "/opt-out/{link_token:str}": EVERYBODY,
    "/webhooks/gladly/{account_id:str}": CREDENTIALS,
    "/webhooks/qualtrics/{account_id:str}": EVERYBODY,
    "/inbound-event/v1/events/json/triggers": CREDENTIALS,
    "/inbound-event/v1/events/JSON/triggers": CREDENTIALS,
    "/api/v1/runs": CREDENTIALS,
    "/api/v1/runs/{run_id:int}": CREDENTIALS,
    "/api/v1/events": CREDENTIALS,
    "/metrics": CREDENTIALS,
    "/api/v1/explain": CREDENTIALS,
    "/api/v1/sending": CREDENTIALS,
    "/api/v1/sending/pause": CREDENTIALS,
    "/api/v1/sending/resume": CREDENTIALS,
    "/api/v1/sending/held/{workflow_id:str}/release": CREDENTIALS,
    "/api/v1/sending/held/{workflow_id:str}/cancel": CREDENTIALS,
    "/API/v3/whoami": QUALTRICS_TOKEN,
    "/API/v3/surveys": QUALTRICS_TOKEN,
    "/API/v3/surveys/{survey_id:str}": QUALTRICS_TOKEN,
    "/API/v3/surveys/{survey_id:str}/responses/{response_id:str}": QUALTRICS_TOKEN,
    "/API/v3/survey-definitions/{survey_id:str}/flow": QUALTRICS_TOKEN,
    "/API/v3/eventsubscriptions": QUALTRICS_TOKEN,
    "/API/v3/eventsubscriptions/{subscription_id:str}": QUALTRICS_TOKEN,
    "/": SIGNED_IN,
    "/workflows": SIGNED_IN,
    "/workflows/switch": SIGNED_IN,
    "/workflows/json-events": SIGNED_IN,
    "/workflows/json-events/{endpoint_id:str}": SIGNED_IN,
    "/workflows/{workflow_id:str}/test": SIGNED_IN,
    "/workflows/{workflow_id:str}/run": SIGNED_IN,
    "/workflows/{workflow_id:str}/earlier": SIGNED_IN,
    "/workflows/new": SIGNED_IN,
    "/workflows/new/event": SIGNED_IN,
    "/workflows/new/{kind:str}": SIGNED_IN,
    "/workflows/ui/global/run-history": SIGNED_IN,
    "/workflows/runs": SIGNED_IN,
    "/workflows/runs/stream": SIGNED_IN,
    "/workflows/runs/{run_id:str}": SIGNED_IN,
    "/workflows/events": SIGNED_IN,
    "/workflows/problems": SIGNED_IN,
    "/workflows/sending": SIGNED_IN,
    "/workflows/sending/pause": SIGNED_IN,
    "/workflows/sending/resume": SIGNED_IN,
    "/workflows/sending/{workflow_id:str}/release": SIGNED_IN,
    "/workflows/sending/{workflow_id:str}/cancel": SIGNED_IN,
    "/workflows/replays": SIGNED_IN,
    "/workflows/replays/{replay_id:str}": SIGNED_IN,
    "/workflows/replays/{replay_id:str}/stop": SIGNED_IN,
    "/workflows/runs/{run_id:str}/cancel": SIGNED_IN,
    "/workflows/explain": SIGNED_IN,
    "/account": SIGNED_IN,
    "/account/language": SIGNED_IN,
    "/account/password": SIGNED_IN,
    "/account/sessions/end": SIGNED_IN,
    "/account/codes": SIGNED_IN,
    "/account/codes/{what:str}": SIGNED_IN,
    "/setup": SIGNED_IN,
    "/setup/{step_id:str}": SIGNED_IN,
    "/surveys": SIGNED_IN,
    "/surveys/{survey_id:str}": SIGNED_IN,
    "/surveys/{survey_id:str}/preview": SIGNED_IN,
    "/surveys/{survey_id:str}/test-mail": SIGNED_IN,
    "/results": SIGNED_IN,
    "/results/{survey_id:str}": SIGNED_IN,
    "/results/{survey_id:str}/responses.csv": SIGNED_IN,
    "/results/{survey_id:str}/{response_id:str}": SIGNED_IN,
    "/settings": SIGNED_IN,
    "/settings/accounts": SIGNED_IN,
    "/settings/accounts/add/{kind:str}": SIGNED_IN,
    "/settings/accounts/{account_id:str}": SIGNED_IN,
    "/settings/accounts/{account_id:str}/{what:str}": SIGNED_IN,
    "/settings/apps": SIGNED_IN,
    "/settings/apps/add/qualtrics": SIGNED_IN,
    "/settings/audit": SIGNED_IN,
    "/settings/extensions": SIGNED_IN,
    "/settings/extensions/{name:str}": SIGNED_IN,
    "/settings/tokens": SIGNED_IN,
    "/settings/tokens/{token_id:str}/end": SIGNED_IN,
    "/settings/people": SIGNED_IN,
    "/settings/people/services": SIGNED_IN,
    "/settings/people/{person_id:str}": SIGNED_IN,
    "/workflows/{workflow_id:str}": SIGNED_IN,
    "/workflows/{workflow_id:str}/delete": SIGNED_IN,
    "/workflows/{workflow_id:str}/revisions": SIGNED_IN,
    "/workflows/{workflow_id:str}/settings": SIGNED_IN,
    "/workflows/{workflow_id:str}/rehearse": SIGNED_IN,
}
"""Every address; a new one has to be entered here by whoever makes it."""

ANY_ROLE: Mapping[Role, bool] = dict.fromkeys(get_args(Role), True)
NEEDS: Mapping[tuple[str, str], Mapping[Role, bool]] = {
    ("POST", "/sign-in/kept/{kept_id:str}"): ANY_ROLE,
    ("POST", "/sign-in/anew"): ANY_ROLE,
    ("POST", "/account/language"): ANY_ROLE,
    ("POST", "/account/password"): ANY_ROLE,
    ("POST", "/account/sessions/end"): ANY_ROLE,
    ("POST", "/account/codes"): ANY_ROLE,
    ("POST", "/account/codes/{what:str}"): ANY_ROLE,
    ("POST", "/settings/tokens"): ANY_ROLE,
    ("POST", "/settings/tokens/{token_id:str}/end"): ANY_ROLE,
    ("GET", "/setup"): CONNECTS,
    ("GET", "/setup/{step_id:str}"): CONNECTS,
    ("POST", "/setup/{step_id:str}"): CONNECTS,
    ("GET", "/settings/accounts/add/{kind:str}"): CONNECTS,
    ("POST", "/settings/accounts/add/{kind:str}"): CONNECTS,
    ("POST", "/settings/accounts/{account_id:str}/{what:str}"): CONNECTS,
    ("GET", "/settings/apps/add/qualtrics"): CONNECTS,
    ("POST", "/settings/apps/add/qualtrics"): CONNECTS,
    ("POST", "/settings/extensions/{name:str}"): CONNECTS,
    ("GET", "/settings/audit"): READS_AUDIT_LOG,
    ("POST", "/settings/people"): MANAGES_PEOPLE,
    ("POST", "/settings/people/services"): MANAGES_PEOPLE,
    ("POST", "/settings/people/{person_id:str}"): MANAGES_PEOPLE,
    ("POST", "/surveys/{survey_id:str}"): EDITS_SURVEYS,
    ("POST", "/surveys/{survey_id:str}/preview"): EDITS_SURVEYS,
    ("POST", "/surveys/{survey_id:str}/test-mail"): EDITS_SURVEYS,
    ("POST", "/workflows/replays"): OPERATES,
    ("POST", "/workflows/replays/{replay_id:str}/stop"): OPERATES,
    ("POST", "/workflows/runs/{run_id:str}/cancel"): OPERATES,
    ("POST", "/workflows/sending/pause"): OPERATES,
    ("POST", "/workflows/sending/resume"): OPERATES,
    ("POST", "/workflows/sending/{workflow_id:str}/release"): OPERATES,
    ("POST", "/workflows/sending/{workflow_id:str}/cancel"): OPERATES,
    ("GET", "/workflows/{workflow_id:str}/rehearse"): SEES_CUSTOMERS,
    ("POST", "/workflows/{workflow_id:str}/rehearse"): SEES_CUSTOMERS,
    ("GET", "/workflows/new"): EDITS_WORKFLOWS,
    ("GET", "/workflows/new/event"): EDITS_WORKFLOWS,
    ("GET", "/workflows/new/{kind:str}"): EDITS_WORKFLOWS,
    ("POST", "/workflows/new/{kind:str}"): EDITS_WORKFLOWS,
    ("POST", "/workflows/switch"): EDITS_WORKFLOWS,
    ("POST", "/workflows/{workflow_id:str}"): EDITS_WORKFLOWS,
    ("POST", "/workflows/json-events/{endpoint_id:str}"): EDITS_WORKFLOWS,
    ("GET", "/workflows/{workflow_id:str}/delete"): EDITS_WORKFLOWS,
    ("POST", "/workflows/{workflow_id:str}/delete"): EDITS_WORKFLOWS,
    ("GET", "/workflows/{workflow_id:str}/earlier"): EDITS_WORKFLOWS,
    ("POST", "/workflows/{workflow_id:str}/earlier"): EDITS_WORKFLOWS,
    ("POST", "/workflows/{workflow_id:str}/revisions"): EDITS_WORKFLOWS,
    ("GET", "/workflows/{workflow_id:str}/run"): EDITS_WORKFLOWS,
    ("POST", "/workflows/{workflow_id:str}/run"): EDITS_WORKFLOWS,
    ("POST", "/workflows/{workflow_id:str}/settings"): EDITS_WORKFLOWS,
    ("POST", "/workflows/{workflow_id:str}/test"): EDITS_WORKFLOWS,
}
"""Whom of those who are signed in an address is for; where it is not here: every role for GET, and nobody for POST, so
that a new form has to be entered."""

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"]


async def routes_of(database_url: str) -> dict[str, set[str]]:
    """Each address of the application with its methods."""
    settings = Settings.load({}, secret_key=KEY)
    async with web.open_app(settings, database_url, asyncio.Event()) as app:
        return {route.path: set(route.methods) for route in app.routes if isinstance(route, HTTPRoute)}


def address(path: str, afterword: Any) -> str:
    """A path with something in its placeholders."""
    values = {"account_id": afterword.account_id, "run_id": "1", "name": "x.css", "survey_id": "SV_1"}
    filled = re.sub(r"{(\w+):\w+}", lambda match: values.get(match[1], "nobody-at-all"), path)
    return f"{filled}?urlTokenId={afterword.url_token}" if path.startswith("/inbound-event") else filled


@shared
async def test_every_address_is_for_whom_it_should_be(afterword: Any) -> None:
    routes = await routes_of(afterword.database.url)
    assert set(routes) == set(WHO_MAY)
    for path, methods in routes.items():
        for method in sorted(methods - {"OPTIONS"}):
            answer = await afterword.send(method, address(path, afterword))
            told = (path, method, answer.status)
            match WHO_MAY[path]:
                case 1:  # credentials
                    assert answer.status == 401, told
                    assert answer.headers["WWW-Authenticate"]
                case 2:  # Qualtrics answers so when there is no token at all
                    assert answer.status == 400, told
                case 3 | 4 if (
                    method == "POST"
                ):  # a form of another site is refused before anybody asks who it is
                    assert answer.status == 403, told
                case 3 | 4:  # signed in, or half of it
                    assert answer.status == 303, told
                    assert answer.headers["Location"].startswith("/sign-in"), told
                case _:
                    assert answer.status in {200, 403, 404, 410}, told
    assert await afterword.events() == []


@pytest_asyncio.fixture(loop_scope="session")
async def people(afterword: Any) -> AsyncIterator[dict[Role, Browser]]:
    """Somebody of each role, signed in."""
    async with AsyncExitStack() as stack:
        browsers: dict[Role, Browser] = {}
        for role in ANY_ROLE:
            email = f"{role}@roles.example"
            async with afterword.database.transaction() as connection:
                await add_person(connection, email=email, name=role, role=role, password=PASSWORD)
            jar = aiohttp.CookieJar(unsafe=True)
            session = await stack.enter_async_context(aiohttp.ClientSession(afterword.url, cookie_jar=jar))
            browsers[role] = Browser(session, afterword.url)
            answer, _ = await browsers[role].sign_in(email)
            assert answer.headers["Location"] == "/", role
        yield browsers
        await afterword.database.pool.execute("DELETE FROM person WHERE email LIKE '%@roles.example'")


@shared
async def test_every_address_is_for_the_roles_that_it_should_be(
    afterword: Any, people: dict[Role, Browser]
) -> None:
    """What a role may not open or send is refused, whatever it is about; what it may is not."""
    wrong = []
    asked = set()
    for path, methods in (await routes_of(afterword.database.url)).items():
        if WHO_MAY[path] != SIGNED_IN or path.endswith("/stream"):
            continue
        for method in sorted(methods & {"GET", "POST"}):
            may = NEEDS.get((method, path), ANY_ROLE if method == "GET" else {})
            asked.add((method, path))
            for role, browser in people.items():
                place = address(path, afterword)
                send = (
                    browser.get(place, follow=False)
                    if method == "GET"
                    else browser.send(place, {}, follow=False)
                )
                answer, _ = await send
                is_let_in = answer.status != 403 and not answer.headers.get("Location", "").startswith(
                    "/sign-in"
                )
                if is_let_in != may.get(role, False) or answer.status >= 500:
                    wrong.append(f"{method} {path}: {role}: {answer.status}")
    assert wrong == [], "\n".join(wrong)
    assert NEEDS.keys() <= asked


@shared
async def test_no_page_is_called_by_what_cannot_be_asked_for(
    afterword: Any, people: dict[Role, Browser]
) -> None:
    owner = people["owner"]
    wrong = []
    for path in (path for path, whom in WHO_MAY.items() if whom == SIGNED_IN and "{" in path):
        place = re.sub(r"{\w+:\w+}", "%00", path)
        answer, _ = await owner.get(place, follow=False)
        if answer.status not in {404, 405}:
            wrong.append(f"{place}: {answer.status}")
    for place in ("/results?period=%00", "/settings/audit?who=%00"):
        answer, _ = await owner.get(place, follow=False)
        assert answer.status == 404
    for place, form in (
        ("/workflows/switch", {"workflow": "\x00"}),
        ("/workflows/sending/pause", {"why": "\x00"}),
        ("/workflows/sending/resume", {}),
        ("/settings/tokens", {"name": "x", "person": "\x00"}),
    ):
        answer, _ = await owner.send(place, form, follow=False)
        assert answer.status < 500, place
    answer, _ = await owner.get(f"/workflows/runs?workflow=x&revision={'9' * 15}")
    assert answer.status == 200
    assert wrong == []


@shared
async def test_every_address_refuses_every_other_method(afterword: Any) -> None:
    for path, methods in (await routes_of(afterword.database.url)).items():
        for method in METHODS:
            if method in methods:
                continue
            answer = await afterword.send(method, address(path, afterword), headers={"X-API-TOKEN": "x"})
            assert answer.status == 405, (path, method)
            assert set(answer.headers["Allow"].split(", ")) == methods, path
        answer = await afterword.send("OPTIONS", address(path, afterword))
        assert answer.status in {204, 303}, path
        assert answer._body == b""


@shared
async def test_head_is_answered_wherever_get_is(afterword: Any) -> None:
    """Proxies and monitors ask so: the same status and headers, and no body."""
    token = {"X-API-TOKEN": afterword.api_token}
    asked = 0
    for path, methods in (await routes_of(afterword.database.url)).items():
        if "GET" not in methods:
            continue
        by_get = await afterword.send("GET", address(path, afterword), headers=token)
        by_head = await afterword.send("HEAD", address(path, afterword), headers=token)
        assert by_head.status == by_get.status, path
        assert by_head.content_type == by_get.content_type
        assert by_head._body == b""
        asked += 1
    assert asked > 10


async def health(afterword: Any) -> tuple[int, dict[str, Any]]:
    answer = await afterword.send("GET", "/health")
    assert answer.content_type == "application/json"
    return answer.status, msgspec.json.decode(answer._body)


async def test_health_is_ok_while_a_worker_is_there_and_degraded_without(
    start_afterword: Any, database_url: str, empty_database_url: str, eventually: Any
) -> None:
    afterword = await start_afterword()
    status, told = await health(afterword)
    assert (status, told["status"], told["database"], told["workers"]) == (200, "degraded", True, 0)
    assert "No worker" in told["words"]
    elsewhere = await asyncpg.connect(empty_database_url, server_settings={"application_name": WORKER_NAME})
    assert (await health(afterword))[1]["status"] == "degraded"
    await elsewhere.close()
    worker = await asyncpg.connect(database_url, server_settings={"application_name": WORKER_NAME})
    status, told = await health(afterword)
    assert (status, told["status"], told["workers"]) == (200, "ok", 1)
    await worker.close()

    async def is_degraded() -> bool:
        return bool((await health(afterword))[1]["status"] == "degraded")

    await eventually(is_degraded)


async def test_health_says_when_the_database_is_away_or_silent(
    start_afterword: Any, line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    afterword = await start_afterword(url_of_database=line.url)
    assert (await health(afterword))[0] == 200
    line.cut()
    status, told = await health(afterword)
    assert (status, told["status"], told["database"]) == (503, "down", False)
    await line.mend()
    assert (await health(afterword))[0] == 200
    monkeypatch.setattr(health_of, "HEALTH_WITHIN_SECONDS", 0.1)
    line.lose_answer_to(b"afterword worker")
    assert (await health(afterword))[0] == 503
    line.cut()


async def raw(afterword: Any, request: bytes) -> bytes:
    """Send bytes; everything that is answered until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", afterword.port())
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def first_answer(afterword: Any, request: bytes) -> bytes:
    """Send bytes; the first answer, whether or not the server ends the connection after it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", afterword.port())
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    assert length is not None
    body = await reader.readexactly(int(length[1]))
    writer.close()
    return head + body


@shared
async def test_http_1_0_is_spoken(afterword: Any) -> None:
    answer = await raw(afterword, b"GET /health HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
    assert answer.endswith(b"}")


@shared
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"X: " + b"y" * 2 * web.LARGEST_HEADERS, b"431"),
        (b"\r\n".join(b"X%d: y" % number for number in range(200)), b"431"),
    ],
)
async def test_more_headers_than_anybody_needs_are_refused(
    afterword: Any, head: bytes, status: bytes
) -> None:
    answer = await raw(afterword, b"GET /health HTTP/1.1\r\nConnection: close\r\n" + head + b"\r\n\r\n")
    assert answer.split()[1] == status


@shared
async def test_only_http_1_is_spoken(afterword: Any) -> None:
    """What HTTP/2 and web sockets would need in limits, we need not keep."""
    assert not (await raw(afterword, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).startswith(b"\x00\x00")
    answer = await raw(
        afterword,
        b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 200 OK")


def head_of_event(afterword: Any, length: int) -> bytes:
    return (
        f"POST {afterword.json_event_path} HTTP/1.1\r\nHost: a\r\nX-API-TOKEN: {afterword.api_token}\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
    ).encode()


async def test_a_body_that_does_not_come_is_not_waited_for_without_end(
    start_afterword: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_requests, "BODY_WITHIN_SECONDS", 0.1)
    afterword = await start_afterword()
    answer = await first_answer(afterword, head_of_event(afterword, 100) + b'{"a":')
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"408 - ' in answer
    assert await afterword.events() == []


async def test_headers_that_do_not_come_end_the_connection(
    start_afterword: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "HEADERS_WITHIN_MILLISECONDS", 100)
    afterword = await start_afterword()
    assert not (await raw(afterword, b"POST /webhooks")).startswith(b"HTTP/1.1 2")


@shared
async def test_a_sender_that_hangs_up_in_the_middle_leaves_nothing_behind(afterword: Any) -> None:
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", afterword.port())
        writer.write(head_of_event(afterword, 100) + b'{"a":')
        await writer.drain()
        writer.transport.abort()
    assert (await afterword.post_event({"a": 1})).status == 200
    assert len(await afterword.events()) == 1
    assert [entry for entry in afterword.logged if entry.get("log_level") == "error"] == []


@shared
async def test_a_slow_sender_holds_up_nobody_else(afterword: Any) -> None:
    body = b'{"slow": true}'
    reader, writer = await asyncio.open_connection("127.0.0.1", afterword.port())
    writer.write(head_of_event(afterword, len(body)))
    for byte in body:
        writer.write(bytes([byte]))
        await writer.drain()
        assert (await afterword.send("GET", "/health")).status == 200
    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
    writer.close()
    assert [event["body"] for event in await afterword.events()] == [body.decode()]


async def test_requests_in_hand_are_finished_when_it_is_told_to_stop(start_afterword: Any) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    @get("/slow")
    async def slow() -> str:
        entered.set()
        await go_on.wait()
        return "done"

    afterword = await start_afterword(more_routes=[slow])
    asking = asyncio.create_task(afterword.send("GET", "/slow"))
    await entered.wait()
    afterword.stop.set()
    await until_refused(afterword.port())
    assert not afterword.serving.done()
    go_on.set()
    answer = await asking
    assert (answer.status, answer._body) == (200, b"done")
    await afterword.serving


async def test_a_request_that_does_not_end_is_cut_off(
    start_afterword: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "FINISH_WITHIN_SECONDS", 0.1)
    entered = asyncio.Event()

    @get("/endless")
    async def endless() -> None:
        entered.set()
        await asyncio.Event().wait()

    afterword = await start_afterword(more_routes=[endless])
    asking = asyncio.create_task(afterword.send("GET", "/endless"))
    await entered.wait()
    afterword.stop.set()
    await afterword.serving
    assert "requests_cut_off" in afterword.said()
    asking.cancel()


async def until_refused(port: int) -> None:
    """Wait until nobody new is let in."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        writer.close()
        await asyncio.sleep(0.01)


def test_a_port_that_is_taken_or_forbidden_is_told_by_its_number() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} at 127.0.0.1 is taken"):
            web.refuse_taken_port("127.0.0.1", port)
    web.refuse_taken_port("127.0.0.1", port)
    with pytest.raises(ConfigurationError, match="AFTERWORD_WEB_HOST"):
        web.refuse_taken_port("192.0.2.1", port)


def web_process(database_url: str, port: int, data_dir: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "afterword", "web"],
        env={
            **os.environ,
            "AFTERWORD_DATABASE_URL": database_url,
            "AFTERWORD_WEB_PORT": str(port),
            "AFTERWORD_DATA_DIR": str(data_dir),
            "AFTERWORD_SECRET_KEY": KEY,
            "AFTERWORD_LOG_LEVEL": "debug",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


async def test_a_second_one_on_the_same_port_ends_with_one_line(
    start_afterword: Any, database_url: str, tmp_path: Path
) -> None:
    """The kernel would let both listen, and each take half of the other's requests."""
    afterword = await start_afterword()
    process = web_process(database_url, afterword.port(), tmp_path)
    output, _ = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 1
    (only,) = output.decode().splitlines()
    assert only.startswith("afterword: ")
    assert str(afterword.port()) in only


async def test_the_real_process_finishes_its_requests_on_sigterm_and_keeps_secrets_out_of_its_log(
    start_afterword: Any, database_url: str, tmp_path: Path, eventually: Any
) -> None:
    """With everything logged that can be, over every door, right and wrong."""
    afterword = await start_afterword()
    afterword.stop.set()
    await afterword.serving
    process = web_process(database_url, afterword.port(), tmp_path)
    await eventually(lambda: is_open(afterword.port()) or process.poll() is not None, within=60)
    try:
        for status, sending in [
            (200, afterword.post_webhook(afterword.closing())),
            (400, afterword.post_webhook(b'{"type":"Secret"')),
            (401, afterword.post_webhook(b"{}", headers={"Authorization": "Basic U2VjcmV0OlNlY3JldA=="})),
            (200, afterword.post_event({"name": "Secret"})),
            (401, afterword.post_event({}, headers={"X-API-TOKEN": "Secret"})),
            (404, afterword.send("POST", "/inbound-event/v1/events/json/triggers?urlTokenId=Secret", {})),
            (400, afterword.post_webhook(afterword.closing("e2", content={"conversationId": ["Secret"]}))),
            (404, afterword.send("GET", "/jfe/form/SV_1?Q_DL=Secret-Secret")),
            (404, afterword.send("GET", "/opt-out/Secret-Secret")),
            (404, afterword.send("GET", "/Secret")),
            (403, afterword.send("POST", "/sign-in", b"email=Secret&password=Secret")),
        ]:
            assert (await sending).status == status
        body = b'{"in hand": true}'
        reader, writer = await asyncio.open_connection("127.0.0.1", afterword.port())
        writer.write(head_of_event(afterword, len(body)) + body[:5])
        await writer.drain()
        assert (await afterword.send("GET", "/health")).status == 200
        process.send_signal(signal.SIGTERM)
        await until_refused(afterword.port())
        writer.write(body[5:])
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
        writer.close()
        output, _ = await asyncio.to_thread(process.communicate, timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert (await afterword.events())[-1]["body"] == body.decode()
    assert b"web_started" in output
    for secret in afterword.secrets:
        assert secret.encode() not in output


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
