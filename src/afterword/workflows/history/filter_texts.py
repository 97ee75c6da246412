"""Filters as they stand in addresses and on the command line: read, with each mistake named, and written."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar, cast, get_args

from afterword.translating import gettext as _
from afterword.workflows.history.models import EventFilters, EventStatus, RunFilters
from afterword.workflows.history.search_words import InvalidSearch, read_search
from afterword.workflows.running.moves import RunStatus

LONGEST_ID = 200
LARGEST_ID = 2**63 - 1
LARGEST_REVISION = 2**31 - 2
"""Of which there can be a next one."""
EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
"""Whatever is earlier or later is taken for these: there is room to reckon on both sides."""
RUN_STATUSES: tuple[RunStatus, ...] = get_args(RunStatus)
EVENT_STATUSES: tuple[EventStatus, ...] = get_args(EventStatus)
NAMES = (
    "status",
    "workflow",
    "revision",
    "customer",
    "conversation",
    "reason",
    "event_type",
    "survey",
    "event",
    "problem",
    "from",
    "until",
    "search",
)

Status = TypeVar("Status", bound=str)
Given = Mapping[str, Sequence[str]]


class InvalidFilter(ValueError):
    """A filter cannot be so; the message names it and says what it takes."""


def given_in(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Texts by name, from the pairs of an address."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    return given


def read_run_filters(given: Given) -> RunFilters:
    """Filters from texts by name, of which *status* may have several; those that are missing do not matter.

    Moments are ISO 8601, in UTC where no other zone stands there; a day alone as *until* is counted in.

    Raises:
        InvalidFilter: one of them cannot be so.
    """
    search = read_text(given, "search")
    try:
        read_search(search or "")
    except InvalidSearch as error:
        raise InvalidFilter(_("search: %(error)s", error=error)) from None
    workflow_id, revision = read_id(given, "workflow"), read_number(given, "revision")
    if revision is not None and workflow_id is None:
        raise InvalidFilter(_("revision: expected together with workflow, whose revision it is."))
    return RunFilters(
        statuses=_statuses(given, RUN_STATUSES),
        workflow_id=workflow_id,
        revision=None if revision is None else min(revision, LARGEST_REVISION),
        customer_id=read_id(given, "customer"),
        conversation_id=read_id(given, "conversation"),
        reason_code=read_id(given, "reason"),
        event_type=read_id(given, "event_type"),
        survey_id=read_id(given, "survey"),
        event_id=read_number(given, "event"),
        problem_id=read_number(given, "problem"),
        started_from=read_moment(given, "from"),
        started_until=read_moment(given, "until", end_of_day=True),
        search=search or "",
    )


def read_event_filters(given: Given) -> EventFilters:
    """The same for events.

    Raises:
        InvalidFilter: one of them cannot be so.
    """
    return EventFilters(statuses=_statuses(given, EVENT_STATUSES), reason_code=read_id(given, "reason"))


def write_run_filters(filters: RunFilters) -> list[tuple[str, str]]:
    """The filters that are set, by name, in the order of a form; read again they are the same."""
    values = (
        filters.workflow_id,
        filters.revision,
        filters.customer_id,
        filters.conversation_id,
        filters.reason_code,
        filters.event_type,
        filters.survey_id,
        filters.event_id,
        filters.problem_id,
        filters.started_from and filters.started_from.isoformat(),
        filters.started_until and filters.started_until.isoformat(),
        filters.search or None,
    )
    named = zip(NAMES[1:], values, strict=True)
    statuses: list[tuple[str, str]] = [("status", status) for status in filters.statuses]
    return statuses + [(name, str(value)) for name, value in named if value is not None]


def write_event_filters(filters: EventFilters) -> list[tuple[str, str]]:
    """The same for events."""
    reason = [("reason", filters.reason_code)] if filters.reason_code is not None else []
    return [*(("status", str(status)) for status in filters.statuses), *reason]


def read_text(given: Given, name: str) -> str | None:
    """A text, ``None`` when it is missing.

    Raises:
        InvalidFilter: there are several.
    """
    values = given.get(name, ())
    if len(values) > 1:
        raise InvalidFilter(_("%(name)s: expected one value, not %(len)s.", name=name, len=len(values)))
    return values[0] if values else None


def read_id(given: Given, name: str) -> str | None:
    """An id, ``None`` when it is missing.

    Raises:
        InvalidFilter: it is none.
    """
    value = read_text(given, name)
    if value is None or (0 < len(value) <= LONGEST_ID and value.isprintable()):
        return value
    raise InvalidFilter(
        _(
            "%(name)s: expected an id, of 1 to %(longest_id)s printable characters.",
            name=name,
            longest_id=LONGEST_ID,
        )
    )


def read_number(given: Given, name: str) -> int | None:
    """A number, ``None`` when it is missing; what is larger than any that is given is cut to the largest.

    Raises:
        InvalidFilter: it is none.
    """
    value = read_text(given, name)
    if value is None:
        return None
    if value.isascii() and value.isdecimal() and len(value) <= LONGEST_ID:
        return min(int(value), LARGEST_ID)
    raise InvalidFilter(_("%(name)s: expected a number.", name=name))


def _statuses(given: Given, known: Sequence[Status]) -> tuple[Status, ...]:
    wanted = list(dict.fromkeys(given.get("status", ())))
    for status in wanted:
        if status not in known:
            raise InvalidFilter(
                _("status: there is no such status; there are %(join)s.", join=", ".join(known))
            )
    return tuple(cast("Status", status) for status in wanted)


def read_moment(given: Given, name: str, *, end_of_day: bool = False) -> datetime | None:
    """A moment, or a day's beginning or end (UTC); ``None`` when it is missing.

    Raises:
        InvalidFilter: it is none.
    """
    value = read_text(given, name)
    if value is None:
        return None
    try:
        if len(value) == len("2026-11-24"):
            day = date.fromisoformat(value) + timedelta(days=1 if end_of_day else 0)
            moment = datetime.combine(day, time(), UTC)
        else:
            moment = datetime.fromisoformat(value)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        return min(max(moment, EARLIEST), LATEST)
    except (ValueError, OverflowError):
        raise InvalidFilter(
            _("%(name)s: expected a day or a moment, such as 2026-11-24 or 2026-11-24T16:30Z.", name=name)
        ) from None
