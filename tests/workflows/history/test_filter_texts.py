"""Filters from texts and back."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.workflows.history.filter_texts import (
    InvalidFilter,
    given_in,
    read_event_filters,
    read_run_filters,
    write_event_filters,
    write_run_filters,
)
from afterword.workflows.history.models import EventFilters, EventStatus, RunFilters
from afterword.workflows.running.moves import RunStatus

IDS = st.none() | st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=200)
NUMBERS = st.none() | st.integers(0, 2**63 - 1)
MOMENTS = st.none() | st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 - the zone is given beside
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(
    st.builds(
        RunFilters,
        statuses=st.lists(st.sampled_from(get_args(RunStatus)), unique=True).map(tuple),
        workflow_id=IDS,
        revision=st.none() | st.integers(0, 2**31 - 2),
        customer_id=IDS,
        conversation_id=IDS,
        reason_code=IDS,
        event_type=IDS,
        survey_id=IDS,
        event_id=NUMBERS,
        problem_id=NUMBERS,
        started_from=MOMENTS,
        started_until=MOMENTS,
        search=st.sampled_from(["", "ada", "a b"]),
    ).filter(lambda filters: filters.revision is None or filters.workflow_id is not None)
)
def test_filters_that_are_written_are_read_the_same(filters: RunFilters) -> None:
    assert read_run_filters(given_in(write_run_filters(filters))) == filters


@given(st.lists(st.sampled_from(get_args(EventStatus)), unique=True).map(tuple), IDS)
def test_filters_of_events_too(statuses: tuple[Any, ...], reason: str | None) -> None:
    filters = EventFilters(statuses=statuses, reason_code=reason)
    assert read_event_filters(given_in(write_event_filters(filters))) == filters


def test_a_day_is_meant_whole_and_a_moment_without_a_zone_in_utc() -> None:
    filters = read_run_filters({"from": ["2026-11-24"], "until": ["2026-11-24"]})
    assert filters.started_from == datetime(2026, 11, 24, tzinfo=UTC)
    assert filters.started_until == datetime(2026, 11, 25, tzinfo=UTC)
    filters = read_run_filters({"from": ["0001-01-01"], "until": ["9999-12-31T23:59"]})
    assert filters.started_from is not None
    assert filters.started_until is not None
    assert filters.started_until + timedelta(1) > filters.started_from - timedelta(1), (
        "there is room to reckon"
    )
    filters = read_run_filters({"from": ["2026-11-24T10:30"], "until": ["2026-11-24T10:30+02:00"]})
    assert filters.started_from == datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
    assert filters.started_until == filters.started_from - timedelta(hours=2)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("status", ["done"]),
        ("status", [""]),
        ("workflow", [""]),
        ("workflow", ["a", "b"]),
        ("workflow", ["\x00"]),
        ("reason", ["x" * 201]),
        ("event", ["-1"]),
        ("event", ["1.0"]),
        ("event", ["٣"]),
        ("problem", ["x"]),
        ("from", ["yesterday"]),
        ("until", ["2026-02-30"]),
        ("until", ["9999-12-31"]),
        ("from", ["0001-01-01T00:00+14:00"]),
        ("search", ["?"]),
    ],
)
def test_a_filter_that_cannot_be_is_named(name: str, values: list[str]) -> None:
    with pytest.raises(InvalidFilter, match=rf"^{name}: "):
        read_run_filters({name: values})
