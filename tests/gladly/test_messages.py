"""What was said in a conversation, of items of every kind that Gladly documents, and of some that it does not."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from afterword.gladly.initiators import party
from afterword.gladly.items import ConversationItem
from afterword.gladly.messages import Message, messages_of
from afterword.gladly.models import Limited

AT = "2026-11-25T12:00:00.123456789Z"
WHEN = datetime(2026, 11, 25, 12, 0, 0, 123457, tzinfo=UTC)


def read(content: dict[str, Any], **told: Any) -> Message | None:
    item = {"id": "i", "customerId": "c", "timestamp": AT, "content": content, **told}
    item.setdefault("initiator", {"id": "who", "type": "CUSTOMER"})
    found = messages_of(listed(item)).messages
    return found[0] if found else None


def listed(*items: dict[str, Any], is_cut: bool = False) -> Limited[ConversationItem]:
    return Limited(
        msgspec.json.decode(msgspec.json.encode(items), type=list[ConversationItem]), is_cut=is_cut
    )


@pytest.mark.parametrize(
    ("content", "channel", "characters"),
    [
        ({"type": "CHAT_MESSAGE", "messageType": "TEXT", "sessionId": "s", "content": "Hello"}, "CHAT", 5),
        ({"type": "CHAT_MESSAGE", "sessionId": "s", "content": " Hello \n"}, "CHAT", 5),
        ({"type": "EMAIL", "from": "a", "to": ["b"], "subject": "S", "content": "Dear all"}, "EMAIL", 8),
        ({"type": "SMS", "from": "1", "to": "2", "content": "Hi"}, "SMS", 2),
        ({"type": "WHATSAPP", "content": "Hi"}, "WHATSAPP", 2),
        ({"type": "FACEBOOK_MESSAGE", "pageId": "p", "userId": "u", "content": "Hi"}, "FB_MESSENGER", 2),
        ({"type": "INSTAGRAM_DIRECT", "content": "Hi"}, "INSTAGRAM_DIRECT", 2),
        ({"type": "TWITTER", "content": "Hi"}, "TWITTER", 2),
        ({"type": "PHONE_CALL", "from": "1", "to": "2", "startedAt": AT}, "PHONE_CALL", 0),
        ({"type": "VOICEMAIL", "startedAt": AT}, "VOICEMAIL", 0),
        ({"type": "VOICE_AI_MESSAGE", "companyNumber": "1", "body": "Hi"}, "PHONE_CALL", 2),
        ({"customChannelId": "x", "type": "TEXT", "content": {"text": "Hi"}}, "CUSTOM", 2),
        ({"customChannelId": "x", "type": "FILES", "content": {"files": [], "caption": "Hi"}}, "CUSTOM", 2),
        ({"type": "EMAIL", "content": None}, "EMAIL", 0),
    ],
)
def test_a_message_tells_where_and_how_much(content: dict[str, Any], channel: Any, characters: int) -> None:
    assert read(content) == Message(
        at=WHEN,
        by=frozenset({"customer"}),
        channel=channel,
        characters=characters,
    )


@pytest.mark.parametrize(
    "content",
    [
        {"type": "CONVERSATION_NOTE", "body": "seen"},
        {"type": "CONVERSATION_STATUS_CHANGE", "status": "CLOSED"},
        {"type": "TOPIC_CHANGE", "addedTopicIds": ["t"]},
        {"type": "CUSTOMER_ACTIVITY", "activityType": "SURVEY", "title": "CSAT", "body": "5"},
        {"type": "SOMETHING_NEW", "content": "Hi"},
    ],
)
def test_what_is_no_message_is_left_out(content: dict[str, Any]) -> None:
    assert read(content) is None


def test_an_answered_call_is_by_both_and_a_missed_one_by_who_called() -> None:
    call = {"type": "PHONE_CALL", "from": "1", "to": "2", "startedAt": AT}
    both = {"initiator": {"id": "c", "type": "CUSTOMER"}, "responder": {"id": "a7", "type": "AGENT"}}
    answered = read({**call, "answeredAt": AT}, **both)
    missed = read(call, **both)
    assert answered is not None
    assert missed is not None
    assert (sorted(answered.by), answered.agent_id) == (["agent", "customer"], "a7")
    assert (sorted(missed.by), missed.agent_id) == (["customer"], "")


def test_only_what_was_said_before_a_moment_counts() -> None:
    told = messages_of(
        listed(
            *(
                {
                    "id": "i",
                    "timestamp": f"2026-11-25T12:00:0{second}Z",
                    "content": {"type": "SMS", "content": "x" * second},
                }
                for second in range(3)
            ),
            is_cut=True,
        )
    )
    until = told.until(datetime(2026, 11, 25, 12, 0, 1, tzinfo=UTC))
    assert [one.characters for one in until.messages] == [0, 1]
    assert until.is_whole is False
    assert told.until(None) is told


@pytest.mark.parametrize(
    ("type_", "id_", "who"),
    [
        ("AGENT", "a", "agent"),
        ("agent", "a", "agent"),
        ("CUSTOMER", "c", "customer"),
        ("AUTOMATION", "r", "rule"),
        ("API", "u", "api"),
        ("APPLICATION", "u", "api"),
        ("SYSTEM", "SIDEKICK_V2", "gladly-ai"),
        ("SYSTEM", "other", "gladly"),
        ("SYSTEM", None, "gladly"),
        ("INTERNAL", "i", "third"),
        ("EXTERNAL", "e", "third"),
        ("SOMETHING_NEW", "x", "unknown"),
        (None, None, "unknown"),
    ],
)
def test_who_did_it(type_: str | None, id_: str | None, who: str) -> None:
    assert party(type_, id_) == who
