import msgspec
import pytest

from afterword.gladly.items import ConversationItem


def item(content: dict[str, object], initiator: object = None) -> ConversationItem:
    told = {"id": "t1", "content": content, "initiator": initiator, "new": {"field": [1]}}
    return msgspec.json.decode(msgspec.json.encode(told), type=ConversationItem)


@pytest.mark.parametrize(
    ("content", "channel", "text"),
    [
        ({"type": "EMAIL", "content": "Hello", "subject": "Hi", "to": ["a@b.example"]}, "EMAIL", "Hello"),
        ({"type": "CHAT_MESSAGE", "content": "Hello", "sessionId": "s"}, "CHAT", "Hello"),
        ({"type": "FACEBOOK_MESSAGE", "content": "Hello"}, "FB_MESSENGER", "Hello"),
        ({"type": "VOICE_AI_MESSAGE", "body": "Hello", "status": "PLAYED"}, "PHONE_CALL", "Hello"),
        ({"type": "PHONE_CALL", "from": "+1", "recordingDuration": "12"}, "PHONE_CALL", ""),
        ({"type": "TEXT", "customChannelId": "k", "content": {"text": "Hello"}}, "CUSTOM", "Hello"),
        ({"type": "FILES", "customChannelId": "k", "content": {"caption": "Look"}}, "CUSTOM", "Look"),
        ({"type": "FILES", "customChannelId": "k", "content": {"files": []}}, "CUSTOM", ""),
        ({"type": "CONVERSATION_NOTE", "body": "Called"}, None, "Called"),
        ({"type": "CONVERSATION_STATUS_CHANGE", "status": "CLOSED"}, None, ""),
        ({"type": "SOMETHING_NEW"}, None, ""),
    ],
)
def test_each_kind_of_item_tells_its_channel_and_text(
    content: dict[str, object], channel: str | None, text: str
) -> None:
    told = item(content)
    assert (told.channel, told.text, told.is_message) == (channel, text, channel is not None)


def test_the_initiator_tells_the_direction() -> None:
    assert item({"type": "EMAIL"}, {"id": "c1", "type": "CUSTOMER"}).is_from("CUSTOMER")
    assert not item({"type": "EMAIL"}, {"id": "a1", "type": "AGENT"}).is_from("CUSTOMER")
    assert not item({"type": "EMAIL"}).is_from("CUSTOMER")
