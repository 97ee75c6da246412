"""Which record is read for which part of a time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from afterword.backfill.slices import EVENTS_ARE_KEPT, Slice, Span, next_slice, uncovered

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def slices(
    since: datetime, until: datetime = NOW, now: datetime = NOW, *, takes: timedelta = timedelta(0)
) -> list[Slice]:
    found = []
    while (part := next_slice(since, until, now)) is not None:
        found.append(part)
        since, now = part.span.until, now + takes
    return found


def test_the_last_hours_come_from_the_list_of_events() -> None:
    assert [(one.record, one.span) for one in slices(NOW - 3 * HOUR)] == [
        ("events", Span(NOW - 3 * HOUR, NOW))
    ]


def test_what_is_older_comes_from_reports_a_day_each() -> None:
    parts = slices(NOW - 60 * HOUR)
    two_days_ago, yesterday = NOW - 60 * HOUR, NOW - 36 * HOUR
    seam = NOW - EVENTS_ARE_KEPT + timedelta(minutes=35)
    assert [part for part in parts if part.record == "report"] == [
        Slice("report", Span(two_days_ago, yesterday)),
        Slice("report", Span(yesterday, seam)),
    ]


@given(st.integers(0, 40 * 24 * 60), st.integers(0, 25 * 60), st.integers(0, 20))
def test_slices_cover_everything_in_order_and_ask_for_events_only_while_they_are_kept(
    minutes: int, ends: int, takes: int
) -> None:
    since, until = NOW - timedelta(minutes=minutes), NOW - timedelta(minutes=ends)
    each = timedelta(minutes=takes)
    parts = slices(since, until, takes=each)
    edges = [since, *(part.span.until for part in parts)]
    assert [part.span.since for part in parts] == edges[:-1]
    assert edges[-1] >= until
    for number, part in enumerate(parts):
        asked_at = NOW + number * each
        if part.record == "events":
            assert part.span.since > asked_at - EVENTS_ARE_KEPT
        else:
            assert part.span.since.date() == (part.span.until - timedelta(microseconds=1)).date()
            assert part.span.until <= asked_at - HOUR  # a report is an hour behind
    order = [part.record for part in parts]
    assert order == sorted(order, reverse=True)


moments = st.integers(0, 20).map(lambda hours: NOW + hours * HOUR)


@given(st.lists(st.tuples(moments, moments).map(sorted), max_size=5), st.tuples(moments, moments).map(sorted))
def test_what_is_uncovered_is_what_no_span_has(covered: list[list[datetime]], wanted: list[datetime]) -> None:
    left = uncovered(Span(*wanted), [Span(*span) for span in covered])
    for hours in range(21):
        moment = NOW + hours * HOUR
        is_wanted = wanted[0] <= moment < wanted[1] and not any(a <= moment < b for a, b in covered)
        assert any(span.since <= moment < span.until for span in left) is is_wanted
