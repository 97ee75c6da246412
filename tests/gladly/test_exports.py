import json
from datetime import UTC, datetime

import pytest

from afterword.gladly.exports import InvalidExport, read_status_change
from afterword.gladly.models import ConversationMoment

CLOSED = {
    "id": "t1",
    "customerId": "c1",
    "conversationId": "v1",
    "timestamp": "2024-03-15T08:00:00.123Z",
    "initiator": {"id": "a1", "type": "AGENT"},
    "content": {"type": "CONVERSATION_STATUS_CHANGE", "status": "CLOSED"},
}


def line(**changes: object) -> bytes:
    return json.dumps(
        {name: value for name, value in (CLOSED | changes).items() if value is not ...}
    ).encode()


def test_a_closing_and_a_reopening_are_read() -> None:
    assert read_status_change(line(new="field")) == ConversationMoment(
        at=datetime(2024, 3, 15, 8, 0, 0, 123000, tzinfo=UTC),
        type="CONVERSATION/CLOSED",
        conversation_id="v1",
        customer_id="c1",
        initiator_type="AGENT",
        initiator_id="a1",
        item_id="t1",
    )
    reopened = read_status_change(line(content={"type": "CONVERSATION_STATUS_CHANGE", "status": "OPEN"}))
    assert reopened is not None
    assert reopened.type == "CONVERSATION/REOPENED"


@pytest.mark.parametrize(
    "content",
    [
        {"type": "EMAIL", "content": "Hello"},
        {"type": "EMAIL", "content": "CONVERSATION_STATUS_CHANGE"},
        {"type": "TEXT", "status": {"value": "SENT"}, "content": {"text": "CONVERSATION_STATUS_CHANGE"}},
        {"type": "CONVERSATION_STATUS_CHANGE", "status": "SOMETHING_NEW"},
    ],
)
def test_other_items_tell_nothing(content: object) -> None:
    assert read_status_change(line(content=content)) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"conversationId": ...}, "conversationId"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "2024-03-15T08:00:00"}, "timestamp"),
        ({"initiator": "me"}, "initiator"),
        ({"content": {"type": "CONVERSATION_STATUS_CHANGE"}}, "status"),
        ({"content": "CONVERSATION_STATUS_CHANGE"}, "content"),
    ],
)
def test_one_that_is_not_as_documented_is_told(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidExport, match=words):
        read_status_change(line(**changes))


def test_half_a_line_is_told() -> None:
    with pytest.raises(InvalidExport, match="not JSON"):
        read_status_change(line()[:-3])
