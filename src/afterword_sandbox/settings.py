"""What can be set while the sandbox runs: rules of the organization, and which of two likely behaviours it shows
where Gladly does not publish its own.

Each setting is a field here and a line in docs/sandbox.md; its default is what the sandbox takes for the likeliest.
"""

from typing import Any

import msgspec

from afterword_sandbox.errors import refusal
from afterword_sandbox.store import Store


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The settings as ``PATCH /_sandbox/settings`` names them, in camelCase."""

    topics_required: bool = False
    """Whether a conversation needs a topic before it is closed."""


def read(store: Store) -> Settings:
    """Return the present settings."""
    row = store.one("SELECT body FROM settings")
    return Settings() if row is None else msgspec.json.decode(row["body"], type=Settings)


def as_json(store: Store) -> dict[str, Any]:
    """Return the present settings as a request names them."""
    shown: dict[str, Any] = msgspec.to_builtins(read(store))
    return shown


def change(store: Store, wanted: dict[str, object]) -> None:
    """Change the settings that are named, in the present transaction; raises 400 for an unknown one or a value that
    it cannot have.
    """
    try:
        settings = msgspec.convert({**as_json(store), **wanted}, Settings)
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at `$.")
        raise refusal(400, "invalid", words, attr=place.rstrip("`") or None) from None
    store.execute("DELETE FROM settings")
    store.insert("settings", {"body": msgspec.json.encode(settings).decode()})
