"""Whatever bytes arrive: nothing breaks, what is acknowledged is stored as it came, and nothing else is."""

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.asyncio(loop_scope="session")

modestly = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b":",
    b",",
    b'"type":"PING"',
    b'"type":"CONVERSATION/CLOSED"',
    b'"id":"e1"',
    b'"timestamp":"2026-11-23T10:00:00Z"',
    b'"content":{"customerId":"c","conversationId":"v"}',
    b"1e400",
    b"9" * 5000,
    b"-0",
    b"NaN",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\x00",
    b" ",
    b"null",
]


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["PING", "CONVERSATION/CLOSED", "CONTACT/STARTED"]) | VALUES},
    optional={
        "id": st.text(min_size=1, max_size=8) | VALUES,
        "timestamp": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | VALUES,
        "initiator": VALUES,
        "content": st.fixed_dictionaries(
            {}, optional={"customerId": VALUES, "conversationId": st.text(max_size=8), "context": VALUES}
        )
        | VALUES,
    },
)
BODIES = (
    st.binary(max_size=300)
    | st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
    | st.lists(st.sampled_from(PIECES), max_size=6).map(lambda pieces: b"{" + b",".join(pieces) + b"}")
    | (EVENTS | VALUES).map(as_json)
)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)


@modestly
@given(BODIES)
async def test_a_body_is_stored_exactly_when_it_is_acknowledged(afterword: Any, body: bytes) -> None:
    for post in (afterword.post_webhook, afterword.post_event):
        before = len(await afterword.events())
        answer = await post(body)
        stored = await afterword.events()
        assert answer.status in {200, 400}
        if answer.status == 200:
            assert len(stored) == before + 1
            assert stored[-1]["body"].encode() == body
        else:
            assert len(stored) == before


@modestly
@given(BODIES)
async def test_a_body_without_the_right_credentials_is_never_stored(afterword: Any, body: bytes) -> None:
    before = len(await afterword.events())
    assert (await afterword.post_webhook(body, headers={})).status == 401
    assert (await afterword.post_event(body, headers={"X-API-TOKEN": "x"})).status == 401
    assert len(await afterword.events()) == before


@modestly
@given(
    BODIES,
    st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data", "x"]
    ),
)
async def test_forms_of_pages_take_any_bytes_without_breaking(
    afterword: Any, body: bytes, content_type: str
) -> None:
    shown = await afterword.send("GET", "/sign-in")
    name, _, rest = shown.headers["Set-Cookie"].partition("=")
    token = rest.partition(";")[0]
    headers = {"Content-Type": content_type, "Cookie": f"{name}={token}", "x-csrftoken": token}
    for path in ("/sign-in", "/sign-out", "/jfe/form/SV_1?Q_DL=nobody-at-all", "/opt-out/nobody-at-all"):
        answer = await afterword.send("POST", path, body, headers=headers)
        assert answer.status < 500, path
    assert await afterword.events() == []


@modestly
@given(
    st.none()
    | TEXT
    | TEXT.map(lambda text: f"Basic {text}")
    | st.binary(max_size=30).map(lambda junk: f"basic {base64.b64encode(junk).decode()}"),
    st.dictionaries(
        st.sampled_from(
            ["X-API-TOKEN", "Idempotency-Key", "Content-Type", "Accept", "Cookie", "X-Afterword"]
        ),
        TEXT,
    ),
)
async def test_headers_of_any_kind_are_refused_without_breaking(
    afterword: Any, authorization: str | None, headers: dict[str, str]
) -> None:
    if authorization is not None:
        headers = headers | {"Authorization": authorization}
    for method, path in [
        ("POST", afterword.webhook_path),
        ("POST", afterword.json_event_path),
        ("GET", "/API/v3/whoami"),
        ("GET", "/api/v1/runs"),
    ]:
        answer = await afterword.send(method, path, b"{}" if method == "POST" else None, headers=headers)
        assert answer.status in {400, 401}, path
    assert await afterword.events() == []
