"""What can be set while the sandbox runs: rules of the organization, and which of two likely behaviours it shows
where Gladly does not publish its own.

Each setting is a field here and a line in docs/sandbox.md; its default is what the sandbox takes for the likeliest.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from afterword_sandbox.errors import ErrorForm, convert
from afterword_sandbox.store import Store

Seconds = Annotated[float, Meta(ge=0, le=1_000_000)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The settings as ``PATCH /_sandbox/settings`` names them, in camelCase."""

    topics_required: bool = False
    """Whether a conversation needs a topic before it is closed."""
    requests_per_second: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """The limit for each HTTP method; None: as the sandbox was started."""
    resend_delays: tuple[Annotated[float, msgspec.Meta(ge=0, le=86_400)], ...] | None = None
    """Seconds before each resend of a webhook; None: as the sandbox was started."""
    taken_item_status: Literal[409, 400] = 409
    """What answers an item or a task whose id is in use; the code is *taken* either way."""
    moved_location: bool = True
    """Whether the 301 of a merged customer has a ``Location``."""
    error_bodies: dict[Literal["401", "403", "404", "429"], ErrorForm] = {}
    """The form of errors by their status; what is not mentioned is the envelope."""
    retry_after: bool = True
    """Whether a 429 says when to come back."""
    limited_data_when_complete: bool = True
    """Whether a list that is whole says ``Gladly-Limited-Data: false``, or nothing."""
    ping_body: Literal["whole", "minimal"] = "whole"
    """Whether a PING is an event with all its fields or has a type alone."""
    resent_event_id: Literal["same", "other"] = "same"
    """The id of an event that is sent again after a failure."""
    topics_on_closed: Literal["refused", "taken"] = "refused"
    """Whether the topics of a closed conversation can be changed."""
    deleted_item_id: Literal["free", "taken"] = "free"
    """Whether the id of a deleted activity can be used again."""
    events_while_disabled: Literal["dropped", "kept"] = "dropped"
    """What becomes of the events that a disabled webhook would have had: kept, they come when it is enabled."""
    api_initiator: Literal["API", "APPLICATION"] = "API"
    """The initiator's type in events of what the API did; items say API either way."""
    topic_names: Literal["unique", "unique-per-parent"] = "unique"
    """Among which topics a name may stand once: all, or those of the same parent."""
    events_api_ids: Literal["same", "other"] = "same"
    """Whether the Events API gives the ids that webhooks gave."""
    events_api_end: Literal["exclusive", "inclusive"] = "exclusive"
    """Whether an event of the very moment ``endAt`` is given."""
    events_lag_seconds: Seconds = 0
    """How long after it happened an event is in the Events API; Gladly says up to 15."""
    report_lag_seconds: Seconds = 0
    """How long after it happened an event is in a report; Gladly says about an hour, 3600."""
    report_seconds: Seconds = 0
    """How long a report takes to be made; two may be made at once."""
    report_row_cap: Annotated[int, Meta(ge=1)] = 100_000
    """How many rows a report has at most; what is beyond is silently left out."""
    report_times: Literal["utc", "zoned", "local"] = "utc"
    """How a report shows times: as the API does, with the offset of its zone, or as a clock there shows them."""
    report_filters: Literal["applied", "refused", "ignored"] = "applied"
    """What becomes of a filter that Gladly does not list for the metric set."""
    empty_report: Literal["header", "nothing"] = "header"
    """What a report without rows is."""
    report_start: Literal["plain", "blank-lines", "byte-order-mark"] = "plain"
    """What stands before a report's header."""
    export_frequency: Literal["HOURLY", "DAILY", "NEVER"] = "DAILY"
    """How often an export job is made."""


def read(store: Store) -> Settings:
    """Return the present settings."""
    row = store.one("SELECT body FROM settings")
    return Settings() if row is None else msgspec.json.decode(row["body"], type=Settings)


def as_json(store: Store) -> dict[str, Any]:
    """Return the present settings as a request names them."""
    shown: dict[str, Any] = msgspec.to_builtins(read(store))
    return shown


def _merged(before: dict[str, Any], wanted: dict[str, object]) -> dict[str, object]:
    """Return settings with others laid over them, and theirs where they are objects; without what is null then."""
    merged = before | {
        name: _merged(before.get(name) or {}, value) if isinstance(value, dict) else value
        for name, value in wanted.items()
    }
    return {name: value for name, value in merged.items() if value is not None}


def change(store: Store, wanted: dict[str, object]) -> None:
    """Change the settings that are named, in the present transaction: null sets a default back.

    Raises 400 for an unknown one or a value that it cannot have.
    """
    settings = convert(_merged(as_json(store), wanted), Settings)
    store.execute("DELETE FROM settings")
    store.insert("settings", {"body": msgspec.json.encode(settings).decode()})
