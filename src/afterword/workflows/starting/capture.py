"""Capture: one sample request shows what there is, and fields are picked from it.

While capture is on, the next event at the address is the sample. It is an event like any other: kept, and it starts the
workflow if that is on.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import json_event_origin
from afterword.store import tables
from afterword.workflows.definitions import JsonField
from afterword.workflows.starting.endpoints import NoSuchEndpoint
from afterword.workflows.values.fields import InvalidPath, compile_path

MOST_SUGGESTED = 500
DEEPEST = 20
MOST_ELEMENTS = 3
"""So many of an array's elements are suggested; the others are alike as a rule."""
LONGEST_SHOWN = 200
LONGEST_NAME = 100
PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WORD = re.compile(r"[^\W_]+")


class Suggestion(msgspec.Struct, frozen=True):
    """A field that a sample offers: a name that no other has, its path, and the sample's value (cut when long)."""

    name: str
    path: str
    value: str


class Sample(msgspec.Struct, frozen=True):
    """A request that came while capture was on. ``is_cut`` tells that it offers more fields than are suggested."""

    event_id: int
    received_at: datetime
    fields: tuple[Suggestion, ...]
    is_cut: bool


async def switch_capture(connection: AsyncConnection, endpoint_id: str, *, on: bool) -> None:
    """Take the next event at this address as the sample, or none.

    Raises:
        NoSuchEndpoint: there is none.
    """
    table = tables.json_event_endpoint
    newest = select(func.coalesce(func.max(tables.event.c.id), 0)).scalar_subquery()
    changed = await connection.execute(
        update(table)
        .where(table.c.id == endpoint_id)
        .values(capturing_since=func.now() if on else None, capturing_after_event=newest if on else None)
    )
    if not changed.rowcount:
        raise NoSuchEndpoint(endpoint_id)


async def captured(connection: AsyncConnection, endpoint_id: str) -> Sample | None:
    """The sample; ``None`` when capture is off, or nothing came yet.

    Raises:
        NoSuchEndpoint: there is none.
    """
    table, event = tables.json_event_endpoint, tables.event
    found = await connection.execute(select(table.c.capturing_after_event).where(table.c.id == endpoint_id))
    row = found.one_or_none()
    if row is None:
        raise NoSuchEndpoint(endpoint_id)
    if row.capturing_after_event is None:
        return None
    sample = (
        await connection.execute(
            select(event.c.id, event.c.received_at, event.c.body)
            .where(event.c.id > row.capturing_after_event, event.c.origin == json_event_origin(endpoint_id))
            .order_by(event.c.id)
            .limit(1)
        )
    ).one_or_none()
    if sample is None:
        return None
    suggested = suggest_fields(msgspec.json.decode(sample.body))
    return Sample(
        sample.id, sample.received_at, tuple(suggested[:MOST_SUGGESTED]), len(suggested) > MOST_SUGGESTED
    )


def suggest_fields(document: object) -> list[Suggestion]:
    """Every value that a sample holds, as a field to pick; at most one more than :data:`MOST_SUGGESTED`."""
    taken: set[str] = set()
    suggestions = []
    for keys, value in _values(document, ()):
        path = path_of(keys)
        if not _is_path(path):
            continue
        name = _name(keys, taken)
        taken.add(name.casefold())
        suggestions.append(Suggestion(name, path, _shown(value)))
        if len(suggestions) > MOST_SUGGESTED:
            break
    return suggestions


def pick(fields: Sequence[JsonField], picked: Iterable[JsonField]) -> tuple[JsonField, ...]:
    """The fields with those that were picked: one of the same name is replaced, others come after."""
    merged = {field.name: field for field in fields} | {field.name: field for field in picked}
    return tuple(merged.values())


def path_of(keys: Sequence[str | int]) -> str:
    """The JSONPath (RFC 9535) of one place: ``$.data.items[0]['unit price']``."""
    return "$" + "".join(_segment(key) for key in keys)


def _segment(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    if PLAIN_KEY.fullmatch(key):
        return f".{key}"
    quoted = msgspec.json.encode(key).decode()[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"['{quoted}']"


def _is_path(path: str) -> bool:
    """Whether it can be used: not when it is very long, or a key in it has characters that nobody types."""
    try:
        compile_path(path)
    except InvalidPath:
        return False
    return True


def _values(value: object, keys: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every value that holds no others, in the sample's order; what is nested too deep is offered as it is."""
    if len(keys) < DEEPEST and isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _values(below, (*keys, key))
    elif len(keys) < DEEPEST and isinstance(value, list) and value:
        for number, below in enumerate(value[:MOST_ELEMENTS]):
            yield from _values(below, (*keys, number))
    elif keys:
        yield keys, value


def _name(keys: Sequence[str | int], taken: set[str]) -> str:
    """The last key's words; with as many of the keys before it as it takes to be the only one of its name."""
    parts = [part for key in keys if (part := _words(key))] or ["field"]
    for begin in range(len(parts) - 1, -1, -1):
        name = _joined(parts[begin:])
        if name.casefold() not in taken and not (begin and parts[begin].isdigit()):
            return name
    numbered = (f"{_joined(parts)}{number}" for number in range(2, MOST_SUGGESTED + 3))
    return next(name for name in numbered if name.casefold() not in taken)


def _words(key: str | int) -> str:
    if isinstance(key, int):
        return str(key + 1)
    if PLAIN_KEY.fullmatch(key):
        return key
    first, *rest = [str(word) for word in WORD.findall(key)] or [""]
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def _joined(parts: Sequence[str]) -> str:
    first, *rest = parts
    return (first + "".join(part[:1].upper() + part[1:] for part in rest))[:LONGEST_NAME]


def _shown(value: object) -> str:
    if value is None:
        return ""
    shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[: LONGEST_SHOWN - 1]}…"
