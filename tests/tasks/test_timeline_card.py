"""The card's settings: what a preset gives, what overrides it, and reading them off another's card."""

from typing import Any

import msgspec
import pytest

from afterword.gladly.models import encode_activity
from afterword.tasks.contract import SurveyResponseState
from afterword.tasks.timeline_card import PRESETS, GladlyTimelineEvent, settings_like
from afterword.workflows.saving.saved import saved_texts

RESPONSE = SurveyResponseState(id="R_1")


def made(**settings: Any) -> GladlyTimelineEvent:
    return msgspec.convert({"account": "GA_1", **settings}, GladlyTimelineEvent)


def test_a_preset_gives_what_is_left_out_and_each_field_overrides_it() -> None:
    for name, preset in PRESETS.items():
        whole = made(preset=name)
        assert (whole.title, whole.body, whole.source_name) == (preset.title, preset.body, preset.source_name)
        own = made(preset=name, title="Mine", source_name="", activity_type="EMAIL")
        assert (own.title, own.body, own.source_name) == ("Mine", preset.body, "")
        assert own.card(RESPONSE).activity_type == "EMAIL"


def test_the_piped_text_of_a_preset_is_checked_when_a_workflow_is_saved() -> None:
    saved = {"account": "GA_1", "preset": "net-promoter-score", "title": None}
    texts = {text.path: text.text for text in saved_texts(GladlyTimelineEvent, saved)}
    assert texts["title"] == PRESETS["net-promoter-score"].title
    assert texts["body"] == PRESETS["net-promoter-score"].body


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "ftp://x.example/", "/responses", "https:///x", "data:x"]
)
def test_a_link_is_http_or_https_or_is_refused(link: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="https:// or http://"):
        made(link_url=link)


@pytest.mark.parametrize("link", ["https://x.example", "HTTP://x.example:8/y?z=1"])
def test_a_link_that_is_http_or_https_is_taken(link: str) -> None:
    found = made(link_url=link).card(RESPONSE).link
    assert found is not None
    assert found.url == link


def test_a_card_of_a_preset_is_known_by_its_words() -> None:
    like = settings_like(
        {
            "activityType": "SURVEY",
            "title": "Numeric CSAT: 5",
            "body": "Customer Feedback: a<br>b &amp; c",
            "sourceName": "Qualtrics",
            "occurredAt": "2026-11-20T09:30:00.000Z",
        }
    )
    assert like == {
        "preset": "numeric-csat",
        "source_name": "Qualtrics",
        "activity_type": "SURVEY",
        "expanded": False,
        "time": "answered",
    }


@pytest.mark.parametrize(
    "settings",
    [
        {
            "title": "Rated 5 & up",
            "body": "“fine”\nsecond <line>",
            "source_name": "S",
            "activity_type": "ISSUE",
        },
        {
            "title": "T",
            "body": "<b>fine</b><ul><li>x &amp; y</li></ul>",
            "body_format": "html",
            "source_name": "S",
        },
        {"title": "T", "body": "B", "link_url": "https://x.example/1", "link_text": "See", "expanded": True},
    ],
)
def test_the_settings_read_off_a_card_make_the_same_card(settings: dict[str, Any]) -> None:
    wanted = made(**settings).card(RESPONSE)
    content = msgspec.json.decode(encode_activity("i", wanted))["content"]
    again = made(**settings_like(content)).card(RESPONSE)
    assert encode_activity("i", again) == encode_activity("i", wanted)
