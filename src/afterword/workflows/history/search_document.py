"""The words that a run is found by: from its row, its event and what its tasks were given, found out and sent."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from afterword.workflows.history.concerned import Concerned
from afterword.workflows.history.search_words import (
    tag,
    words_of_address,
    words_of_id,
    words_of_name,
    words_of_text,
)
from afterword.workflows.running.moves import End

MOST_WORDS = 120
LONGEST_ID = 200
LONGEST_ADDRESS = 320


class RunTold(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run, as far as it can be found by it.

    ``told`` are values by name: the tasks' outputs, what they were given and what they sent. ``ids`` are those that
    have no name, such as the response's.
    """

    status: str
    workflow_id: str
    event_type: str | None
    reason_code: str | None
    reason_words: str | None
    ends: Mapping[str, End]
    concerned: Concerned
    ids: tuple[str, ...]
    told: tuple[Mapping[str, Any], ...]


def words_of_run(run: RunTold) -> list[str]:
    """Every word that finds a run, its tags first; each is one word, without a space in it."""
    return list(dict.fromkeys((*_tags(run), *_found_by(run))))[:MOST_WORDS]


def _tags(run: RunTold) -> Iterator[str]:
    yield tag("status", run.status)
    yield tag("workflow", run.workflow_id)
    if run.event_type is not None:
        yield tag("event", run.event_type)
    if run.reason_code is not None:
        yield tag("reason", run.reason_code)


def _found_by(run: RunTold) -> Iterator[str]:
    customer = run.concerned.customer
    for one in (run.concerned.conversation_id, customer.id, *run.ids):
        yield from words_of_id(one[:LONGEST_ID])
    yield from words_of_name(customer.name)
    if customer.email:
        yield from words_of_address(customer.email[:LONGEST_ADDRESS])
    yield from _reasons(run)
    for values in run.told:
        yield from _words_of_values(values)


def _reasons(run: RunTold) -> Iterator[str]:
    codes = [run.reason_code, *(end.code for end in run.ends.values())]
    words = [run.reason_words, *(end.words for end in run.ends.values())]
    for one in dict.fromkeys((*codes, *words)):
        yield from words_of_text(one or "")


def _words_of_values(values: Mapping[str, Any]) -> Iterator[str]:
    """The ids, names and addresses among some values, told apart by what they are called and how they look."""
    for name, value in _texts(values.items()):
        called = name.casefold()
        if called == "messageid":
            yield from words_of_id(value)
            yield from words_of_id(value.strip("<>").partition("@")[0])
        elif "@" in value and len(value.split()) == 1:
            yield from words_of_address(value)
        elif called.endswith("id") and len(value) <= LONGEST_ID:
            yield from words_of_id(value)
        elif "name" in called and len(value) <= LONGEST_ID:
            yield from words_of_name(value)


def _texts(values: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    return (
        (name, value)
        for name, value in values
        if isinstance(value, str) and 0 < len(value) <= LONGEST_ADDRESS
    )
