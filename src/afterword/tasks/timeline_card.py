"""What the card on Gladly's timeline says: the settings of *Gladly: timeline event*, and their presets.

What Gladly's own CSAT report counts exactly is not published, nor what the vendors' certified extension writes. So
every field of the item is a setting; ``settings_like`` reads them off an item that somebody else made.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from afterword.gladly.markup import has_markup, plain
from afterword.gladly.models import ActivityType, CustomerActivity, Link
from afterword.piped_text import Pipe, parse
from afterword.tasks.contract import Piped, SurveyResponseState
from afterword.tasks.fields import LONGEST_TEMPLATE, MULTILINE, GladlyAccountId
from afterword.translating import N_

SCORE = "${q://QID1/SelectedChoicesRecode}"
COMMENT = "${q://QID2/ChoiceTextEntryValue}"
OLDEST = timedelta(days=364)
"""Gladly takes nothing that occurred more than a year ago; an older answer stands where it is posted."""
LINK_START = re.compile(r"https?://[^/?#\\\s@]+", re.IGNORECASE)

PresetName = Literal["csat-score", "numeric-csat", "net-promoter-score"]


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """What the fields are that a task leaves out."""

    activity_type: ActivityType = "SURVEY"
    title: str
    body: str = f"Customer Feedback: {COMMENT}"
    source_name: str


PRESETS: Mapping[PresetName, Preset] = {
    "csat-score": Preset(title=f"CSAT Score: {SCORE}", source_name="Afterword"),
    "numeric-csat": Preset(title=f"Numeric CSAT: {SCORE}", source_name="Qualtrics"),
    "net-promoter-score": Preset(title=f"Net Promoter Score Survey: {SCORE}", source_name="Qualtrics"),
}
"""The first is the vendors' guide's. The others bear the names that Gladly's report has for its survey formats, and a
source that it counts; whether it reads them so is unsure.
"""

Template = Annotated[str, Meta(max_length=LONGEST_TEMPLATE)]


class GladlyTimelineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration, in the order of the vendor's form: account, title, body; then the item's other fields, and what
    becomes of an answer that changes.
    """

    account: GladlyAccountId
    customer_id: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Customer ID"),
            description=N_("The Gladly customer whose timeline it goes on."),
            examples=["${e://Field/CustomerId}"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = "${e://Field/CustomerId}"
    preset: Annotated[
        PresetName,
        Meta(
            title=N_("Preset"),
            description=N_(
                "What the title, the body, the source name and the activity type are where they are left out."
            ),
            examples=["csat-score"],
        ),
    ] = "csat-score"
    title: Annotated[
        Template | None,
        Piped(),
        Meta(
            title=N_("Title"),
            description=N_("The card's title; cut at 100 characters. Left out: the preset's."),
            examples=[PRESETS["csat-score"].title],
        ),
    ] = None
    body: Annotated[
        Template | None,
        Piped(chosen_by="body_format"),
        Meta(
            title=N_("Body"),
            description=N_("The card's text; cut at 25,000 characters. Left out: the preset's."),
            examples=[PRESETS["csat-score"].body],
            extra_json_schema=MULTILINE,
        ),
    ] = None
    body_format: Annotated[
        Literal["text", "html"],
        Meta(
            title=N_("Body format"),
            description=N_("Plain text, or the HTML that Gladly shows (links, bold, lists, tables)."),
            examples=["text"],
        ),
    ] = "text"
    source_name: Annotated[
        Template | None,
        Piped(),
        Meta(
            title=N_("Source name"),
            description=N_("Whom the card says it is from; cut at 50 characters. Left out: the preset's."),
            examples=["Afterword"],
        ),
    ] = None
    activity_type: Annotated[
        ActivityType | None,
        Meta(
            title=N_("Activity type"),
            description=N_("Which icon Gladly shows. Left out: the preset's."),
            examples=["SURVEY"],
        ),
    ] = None
    link_url: Annotated[
        str,
        Piped("url"),
        Meta(
            title=N_("Link"),
            description=N_(
                "Where the card leads: an http or https address with a host of its own. Empty: nowhere."
            ),
            examples=["https://reports.yourcompany.example/responses/${e://Field/ResponseID}"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = ""
    link_text: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Link text"),
            description=N_("What the link says; cut at 50 characters."),
            examples=["Open the response"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = "Open the response"
    expanded: Annotated[
        bool,
        Meta(
            title=N_("Expanded"),
            description=N_("Whether the card is open before anybody clicks."),
            examples=[True],
        ),
    ] = False
    time: Annotated[
        Literal["answered", "posted", "none"],
        Meta(
            title=N_("Time"),
            description=N_(
                "Where on the timeline the card stands: when the customer first answered, when it is posted, "
                "or without a time of its own, when Gladly receives it."
            ),
            examples=["answered"],
        ),
    ] = "answered"
    when_it_changes: Annotated[
        Literal["wait", "replace"],
        Meta(
            title=N_("An answer that changes"),
            description=N_(
                "Wait until the response is finished or the time below has passed; or post at once. In both a "
                "later change replaces the card, if the workflow starts with updated responses too."
            ),
            examples=["wait"],
        ),
    ] = "wait"
    wait_minutes: Annotated[
        float,
        Meta(
            title=N_("Wait at most (minutes)"),
            description=N_("How long after the first answer the card waits for the rest."),
            examples=[10],
            ge=0,
            le=10_080,
        ),
    ] = 10

    def __post_init__(self) -> None:
        """Take what is left out from the preset.

        Raises:
            ValueError: the link leads nowhere that a browser should go.
        """
        for name, value in msgspec.structs.asdict(PRESETS[self.preset]).items():
            if getattr(self, name) is None:
                msgspec.structs.force_setattr(self, name, value)
        if self.link_url and not LINK_START.match(self.link_url):
            raise ValueError(N_("the link has to begin with https:// or http:// and a host of its own"))

    def waits_until(self, response: SurveyResponseState) -> datetime | None:
        """Until when the card of this response waits for what may be added; ``None`` when it is due."""
        if self.when_it_changes != "wait":
            return None
        moments = [] if response.settles_at is None else [response.settles_at]
        if not response.is_finished and response.recorded_at is not None:
            until = response.recorded_at + timedelta(minutes=self.wait_minutes)
            moments.append(until if response.finished_at is None else min(until, response.finished_at))
        until = max(moments, default=datetime.min.replace(tzinfo=UTC))
        return until if until > datetime.now(UTC) else None

    def card(self, response: SurveyResponseState) -> CustomerActivity:
        """The card, its piped text filled in."""
        return CustomerActivity(
            activity_type=self.activity_type or "SURVEY",
            title=self.title or "",
            body=self.body or "",
            is_rich=self.body_format == "html",
            source_name=self.source_name or "",
            link=Link(self.link_url, self.link_text) if self.link_url else None,
            expand_by_default=self.expanded,
            occurred_at=self._occurred_at(response),
        )

    def _occurred_at(self, response: SurveyResponseState) -> datetime | None:
        now = datetime.now(UTC)
        if self.time == "posted":
            return now
        if self.time == "none" or response.recorded_at is None or response.recorded_at < now - OLDEST:
            return None
        return min(response.recorded_at, now)


def settings_like(content: Mapping[str, object]) -> dict[str, object]:
    """The settings that make a card of this content: the preset that has its words, or else its words as they are."""
    title, body = _text(content, "title"), _text(content, "body")
    link = content.get("link")
    preset = next((name for name, one in PRESETS.items() if _is_made_by(one, title, body)), None)
    rich = has_markup(body)
    settings: dict[str, object] = {} if preset is None else {"preset": preset}
    if preset is None:
        settings |= {"title": title, "body": body if rich else plain(body)}
        settings |= {"body_format": "html"} if rich else {}
    settings |= {"source_name": _text(content, "sourceName"), "activity_type": content.get("activityType")}
    if isinstance(link, Mapping):
        settings |= {"link_url": _text(link, "url"), "link_text": _text(link, "text")}
    settings["expanded"] = content.get("expandByDefault") is True
    settings["time"] = "answered" if content.get("occurredAt") else "none"
    return settings


def _text(content: Mapping[str, object], name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""


def _is_made_by(preset: Preset, title: str, body: str) -> bool:
    return _fits(preset.title, title) and _fits(preset.body, plain(body))


def _fits(template: str, text: str) -> bool:
    """Whether a text is this template with something in the place of its piped text."""
    pattern = "".join(
        ".*" if isinstance(piece, Pipe) else re.escape(piece.rstrip()) + r"\s*" for piece in parse(template)
    )
    return re.fullmatch(pattern, text, re.DOTALL) is not None
