import base64
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.gladly.webhooks import (
    CONVERSATION_CLOSED,
    PING,
    BasicCredentials,
    HeaderToken,
    InvalidWebhook,
    WebhookCredentials,
    WebhookEvent,
    authenticate,
    parse,
)

OLD, NEW = BasicCredentials("gladly", "old-Secret"), BasicCredentials("gladly", "new-Secret")
TOKEN = HeaderToken("X-Afterword-Token", "token-Secret")


def basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def closed(**changes: object) -> dict[str, object]:
    return {
        "id": "e1",
        "type": "CONVERSATION/CLOSED",
        "timestamp": "2026-11-23T10:00:00.123Z",
        "initiator": {"id": "a1", "type": "AGENT"},
        "content": {
            "customerId": "c1",
            "conversationId": "v1",
            "context": {"assignee": {"inboxId": "i1", "agentId": "a1"}},
        },
    } | changes


def parsed(event: object) -> WebhookEvent:
    return parse(msgspec.json.encode(event))


def test_basic_credentials_are_checked() -> None:
    expected = WebhookCredentials(basic=(NEW,))
    assert authenticate(basic("gladly", "new-Secret"), expected)
    assert authenticate(
        {"authorization": basic("gladly", "new-Secret")["Authorization"].replace("Basic", "bASIC")}, expected
    )
    assert not authenticate(basic("gladly", "old-Secret"), expected)
    assert not authenticate(basic("other", "new-Secret"), expected)
    assert not authenticate({}, expected)


def test_while_a_secret_is_changed_both_are_valid() -> None:
    expected = WebhookCredentials(basic=(NEW, OLD))
    assert authenticate(basic("gladly", "old-Secret"), expected)
    assert authenticate(basic("gladly", "new-Secret"), expected)


def test_a_header_is_checked_whatever_the_case_of_its_name() -> None:
    expected = WebhookCredentials(header_tokens=(TOKEN, HeaderToken("X-Afterword-Token", "next-Secret")))
    assert authenticate({"x-afterword-token": "token-Secret"}, expected)
    assert authenticate({"X-AFTERWORD-TOKEN": "next-Secret"}, expected)
    assert not authenticate({"x-afterword-token": "Token-Secret"}, expected)
    assert not authenticate({"x-other": "token-Secret"}, expected)


def test_where_both_are_set_up_both_are_needed() -> None:
    expected = WebhookCredentials(basic=(NEW,), header_tokens=(TOKEN,))
    header = {"X-Afterword-Token": "token-Secret"}
    assert authenticate(basic("gladly", "new-Secret") | header, expected)
    assert not authenticate(basic("gladly", "new-Secret"), expected)
    assert not authenticate(header, expected)
    assert not authenticate(basic("gladly", "wrong") | header, expected)


def test_with_nothing_set_up_everything_is_refused() -> None:
    assert not authenticate({}, WebhookCredentials())
    assert not authenticate(basic("", ""), WebhookCredentials())


def test_an_empty_secret_lets_nobody_in() -> None:
    assert not authenticate(basic("", ""), WebhookCredentials(basic=(BasicCredentials("", ""),)))
    assert not authenticate({}, WebhookCredentials(basic=(BasicCredentials("", ""),)))
    assert not authenticate({"X-T": ""}, WebhookCredentials(header_tokens=(HeaderToken("X-T", ""),)))


@given(value=st.text())
def test_junk_in_the_header_is_refused_and_never_raises(value: str) -> None:
    expected = WebhookCredentials(basic=(NEW,), header_tokens=(TOKEN,))
    assert not authenticate({"Authorization": value, "X-Afterword-Token": value}, expected)
    assert not authenticate({"Authorization": f"Basic {value}"}, expected)


def test_no_secret_shows_when_credentials_are_printed() -> None:
    shown = repr((NEW, TOKEN, WebhookCredentials(basic=(NEW,), header_tokens=(TOKEN,))))
    assert "Secret" not in shown


def test_a_closing_is_read() -> None:
    assert parsed(closed()) == WebhookEvent(
        type=CONVERSATION_CLOSED,
        id="e1",
        occurred_at=datetime(2026, 11, 23, 10, 0, 0, 123000, tzinfo=UTC),
        initiator_type="AGENT",
        initiator_id="a1",
        customer_id="c1",
        conversation_id="v1",
        agent_id="a1",
        inbox_id="i1",
    )


@pytest.mark.parametrize(
    "context",
    [None, {}, {"assignee": None}, {"assignee": {}}, {"assignee": {"inboxId": None, "agentId": None}}],
)
def test_a_closing_with_nobody_assigned_is_read(context: object) -> None:
    event = parsed(closed(content={"customerId": "c1", "conversationId": "v1", "context": context}))
    assert (event.agent_id, event.inbox_id, event.customer_id) == (None, None, "c1")


def test_a_ping_may_have_only_its_type() -> None:
    assert parse(b'{"type":"PING"}') == WebhookEvent(type=PING)


def test_a_ping_may_come_with_everything() -> None:
    event = parsed(closed(type="PING", content={}))
    assert (event.type, event.id) == (PING, "e1")


@pytest.mark.parametrize("content", [{}, None, [], 5, {"customerId": 5}, {"context": {"assignee": "x"}}])
def test_types_that_we_do_not_know_are_legal_whatever_they_hold(content: object) -> None:
    event = parsed(closed(type="SOMETHING/NEW", content=content))
    assert (event.type, event.id, event.customer_id) == ("SOMETHING/NEW", "e1", None)


def test_fields_and_initiators_that_we_do_not_know_are_ignored() -> None:
    event = parsed(
        closed(initiator={"id": "SIDEKICK_V2", "type": "SOMETHING_NEW", "more": 1}, more={"a": [1]})
    )
    assert (event.initiator_type, event.initiator_id) == ("SOMETHING_NEW", "SIDEKICK_V2")
    assert parsed(closed(initiator=5)).initiator_type is None


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": 5}, "id"),
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"type": None}, "type"),
        ({"type": "x" * 201}, "type"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "2026-11-23T10:00:00"}, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+23:59"}, "timestamp"),
        ({"timestamp": None}, "timestamp"),
        ({"content": None}, "content"),
        ({"content": {"customerId": "c1"}}, "content.conversationId"),
        ({"content": {"conversationId": "v1"}}, "content.customerId"),
        ({"content": {"customerId": 5, "conversationId": "v1"}}, "content.customerId"),
        (
            {
                "content": {
                    "customerId": "c1",
                    "conversationId": "v1",
                    "context": {"assignee": {"inboxId": 5}},
                }
            },
            "content.context.assignee.inboxId",
        ),
    ],
)
def test_a_wrong_shape_is_refused_with_the_field(changes: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidWebhook) as refused:
        parsed(closed(**changes))
    assert refused.value.path == path
    assert str(refused.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"5", b"{", b'{"a":1}', b"\xff\xfe", b"[" * 100_000, b'{"type":"\xff"}']
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidWebhook):
        parse(body)


@given(body=st.binary())
def test_junk_is_refused_and_nothing_else(body: bytes) -> None:
    with pytest.raises(InvalidWebhook):
        parse(body)


@given(
    moment=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    digits=st.integers(min_value=0, max_value=9),
    offset=st.sampled_from(["Z", "z", "+00:00", "-08:00", "+05:30"]),
)
def test_times_are_read_in_every_form_of_the_standard(moment: datetime, digits: int, offset: str) -> None:
    fraction = f"{moment.microsecond:06}000"[:digits]
    text = f"{moment:%Y-%m-%dT%H:%M:%S}{'.' if digits else ''}{fraction}{offset}"
    occurred_at = parsed(closed(timestamp=text)).occurred_at
    assert occurred_at is not None
    assert occurred_at.utcoffset() == timedelta(0)
    hours = {"-08:00": -8.0, "+05:30": 5.5}.get(offset, 0.0)
    expected = moment.replace(microsecond=int(f"{fraction:0<6}"[:6]), tzinfo=UTC) - timedelta(hours=hours)
    assert abs(occurred_at - expected) <= timedelta(microseconds=1)


@pytest.mark.parametrize("module", ["afterword.gladly.webhooks", "afterword.qualtrics.envelope"])
def test_what_the_web_half_imports_brings_no_http_client(module: str) -> None:
    program = f"import sys, {module}; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
