"""Errors take the form that the address asks for, and tell nobody what is none of their business."""

import asyncio
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import get
from litestar.exceptions import InternalServerException
from litestar.params import FromPath

from afterword.store.database import ConnectionLost

shared = pytest.mark.asyncio(loop_scope="session")

ENVELOPE, PROBLEM, PAGE = "application/json", "application/problem+json", "text/html"


def check_form(answer: Any, form: str) -> str:
    """Hold an error to its form; answers its words."""
    assert answer.content_type == form
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer._body.decode()
    if form == ENVELOPE:
        meta = msgspec.json.decode(body)["meta"]
        assert meta["httpStatus"].startswith(f"{answer.status} - ")
        assert meta["requestId"]
        return str(meta["error"]["errorMessage"])
    if form == PROBLEM:
        told = msgspec.json.decode(body)
        assert told["status"] == answer.status
        assert told["title"]
        assert told["instance"].startswith("urn:uuid:")
        return str(told["detail"])
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<h1>" in body
    return str(body)


@shared
@pytest.mark.parametrize(
    ("path", "accept", "form"),
    [
        ("/inbound-event/nothing", "*/*", ENVELOPE),
        ("/inbound-event", "text/html", ENVELOPE),
        ("/API/v3/nothing", "text/html", ENVELOPE),
        ("/API", "*/*", ENVELOPE),
        ("//API//v3", "*/*", ENVELOPE),
        ("/%41PI/v3", "*/*", ENVELOPE),
        ("/API-docs", "*/*", PROBLEM),
        ("/webhooks/nothing", "text/html", PROBLEM),
        ("/webhooks", "*/*", PROBLEM),
        ("/api/v1/nothing", "text/html, image/gif, */*; q=.2", PROBLEM),
        ("/health/nothing", "text/html", PROBLEM),
        ("/nothing", "*/*", PROBLEM),
        ("/nothing", "application/json", PROBLEM),
        ("/nothing", "text/html,application/xhtml+xml", PAGE),
        ("/jfe/nothing", "*/*", PAGE),
        ("/sign-in/nothing", "*/*", PAGE),
    ],
)
async def test_each_address_has_its_form(afterword: Any, path: str, accept: str, form: str) -> None:
    answer = await afterword.send("GET", path, headers={"Accept": accept})
    assert answer.status == 404
    check_form(answer, form)


@shared
async def test_a_form_without_its_cookie_says_what_to_do_and_a_forms_address_alone_where_to_go(
    afterword: Any,
) -> None:
    answer = await afterword.send("POST", "/sign-in")
    assert answer.status == 403
    assert "load the page again" in check_form(answer, PAGE)
    answer = await afterword.send("GET", "/workflows/switch")
    assert answer.status == 405
    page = check_form(answer, PAGE)
    assert "There is nothing to see at this address by itself" in page
    assert 'href="/"' in page


PLACES = ["/inbound-event", "/API", "/webhooks", "/api", "/workflows", "/elsewhere"]
FORMS = {"/inbound-event": ENVELOPE, "/API": ENVELOPE, "/workflows": PAGE}


@get([f"{place}/raise/{{what:str}}" for place in PLACES])
async def raise_something(what: FromPath[str]) -> None:
    """What nobody expected, with words that hold what was sent."""
    if what == "chain":
        try:
            dict[str, str]()["cause-Secret"]
        except KeyError as error:
            raise ValueError("detail-Secret") from error
    if what == "framework":
        raise InternalServerException("framework-Secret")
    if what == "database":
        raise ConnectionLost("host=db-Secret")
    raise RuntimeError(f"{what} is not what I wanted: Secret")


async def test_what_nobody_expected_is_told_to_the_log_alone(start_afterword: Any) -> None:
    afterword = await start_afterword(more_routes=[raise_something])
    for place in PLACES:
        for what, causes in [
            ("plain-Secret", ["RuntimeError"]),
            ("chain", ["ValueError", "KeyError"]),
            ("framework", ["InternalServerException"]),
        ]:
            afterword.logged.clear()
            answer = await afterword.send("GET", f"{place}/raise/{what}?token=Secret")
            assert answer.status == 500
            check_form(answer, FORMS.get(place, PROBLEM))
            for word in (b"Secret", b"Traceback", b"RuntimeError", b"test_web_errors"):
                assert word not in answer._body
            (entry,) = afterword.logged
            assert (entry["event"], entry["log_level"]) == ("request_failed", "error")
            assert entry["path_kind"] == f"{place}/raise/{{what}}"
            assert entry["causes"] == causes
            assert "test_web_errors" in entry["places"][-1]
            if place != "/workflows":
                assert entry["request_id"] in answer._body.decode()
            assert "Secret" not in str(entry)


async def test_a_database_that_is_away_is_worth_another_try(start_afterword: Any) -> None:
    afterword = await start_afterword(more_routes=[raise_something])
    for place in PLACES:
        afterword.logged.clear()
        answer = await afterword.send("GET", f"{place}/raise/database")
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert "try again" in check_form(answer, FORMS.get(place, PROBLEM))
        (entry,) = afterword.logged
        assert (entry["event"], entry["cause"]) == ("database_away", "ConnectionLost")


async def test_every_door_says_so_when_the_database_is_away(start_afterword: Any, line: Any) -> None:
    afterword = await start_afterword(url_of_database=line.url)
    token = {"X-API-TOKEN": afterword.api_token}
    for knows_already in (False, True):
        line.cut()
        for method, path, form in [
            ("GET", "/API/v3/whoami", ENVELOPE),
            ("GET", "/api/v1/runs", PROBLEM),
            ("GET", "/api/v1/runs/1", PROBLEM),
            ("GET", "/jfe/form/SV_1?Q_DL=somebodys-link", PAGE),
            ("GET", "/opt-out/somebodys-link", PAGE),
            ("POST", "/opt-out/somebodys-link", PAGE),
        ]:
            answer = await afterword.send(method, path, headers=token)
            assert answer.status == 503, (path, knows_already)
            check_form(answer, form)
        await line.mend()
        for path in ("/API/v3/whoami", "/api/v1/runs"):
            assert (await afterword.send("GET", path, headers=token)).status == 200


SEGMENTS = st.sampled_from(
    [
        *("inbound-event", "API", "api", "webhooks", "gladly", "v1", "v3", "events", "json", "JSON"),
        *("triggers", "whoami", "runs", "jfe", "form", "opt-out", "workflows", "sign-in", "static"),
        *("health", "..", ".", "", "%2e%2e", "%2F", "%00", "%ff", "%0d%0a", "%", "%zz", "*", "SV_1"),
        *("{account_id:str}", "-1", "9" * 400, "x" * 3000, "%F0%9F%8E%84", "thanks", "stream"),
    ]
) | st.text(max_size=12).map(lambda text: quote(text.encode("utf-8", "surrogatepass"), safe=""))
QUERIES = st.sampled_from(
    ["", "?", "?urlTokenId=%00", "?triggerId=%ff", "?limit=%00", "?a=%zz&&=", "?Q_DL=%00"]
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])


@shared
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(METHODS, st.lists(SEGMENTS, min_size=1, max_size=6), QUERIES, st.sampled_from(["*/*", "text/html"]))
async def test_any_method_at_any_address_is_answered_in_its_form(
    afterword: Any, method: str, segments: list[str], query: str, accept: str
) -> None:
    path = "/" + "/".join(segments)
    answer = await afterword.send(method, path + query, headers={"Accept": accept})
    assert answer.status < 500
    if answer.status < 400 or method == "HEAD":
        return
    door = unquote(path, errors="replace").lstrip("/").partition("/")[0]
    if door in {"inbound-event", "API"}:
        check_form(answer, ENVELOPE)
    elif door in {"webhooks", "api", "health"}:
        check_form(answer, PROBLEM)
    elif door in {"jfe", "opt-out", "workflows", "static", "sign-in"}:
        assert answer.content_type == PAGE
    else:
        check_form(answer, PAGE if accept == "text/html" else PROBLEM)


@shared
@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /API/v3/x HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /API/v3/x HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"GET /API/v3/x HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /sign-in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: junk\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT other:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://other/API/v3/x HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
async def test_what_is_hardly_http_is_refused_without_breaking(afterword: Any, request_bytes: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", afterword.port())
    writer.write(request_bytes)
    status_line = await reader.readline()
    writer.close()
    assert b" 4" in status_line or status_line == b""
    assert (await afterword.send("GET", "/health")).status == 200
