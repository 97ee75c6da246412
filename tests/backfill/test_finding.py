"""What a source tells, held against what is known."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from afterword.backfill.finding import Found, Told, new_among
from afterword.events.closings import latest_of
from afterword.events.models import FoundIn

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLOSED, REOPENED = "CONVERSATION/CLOSED", "CONVERSATION/REOPENED"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def told(kind: str, seconds: float, found_in: FoundIn | None = None, key: bytes | None = None) -> Told:
    return Told(type=kind, occurred_at=at(seconds), found_in=found_in, key=key)


def found(kind: str, seconds: float, found_in: FoundIn = "report", key: bytes = b"") -> Found:
    return Found(
        type=kind,
        occurred_at=at(seconds),
        found_in=found_in,
        latest=latest_of(at(seconds), found_in),
        key=key or f"{found_in} {kind} {seconds}".encode(),
        conversation_id="c",
        customer_id="cust",
        body="{}",
    )


def moments(fresh: list[Found]) -> list[tuple[str, float]]:
    return [(one.type, (one.occurred_at - NOON).total_seconds()) for one in fresh]


def test_what_nobody_knows_is_new_and_stays_as_it_was_told() -> None:
    assert moments(new_among([found(CLOSED, 5), found(REOPENED, 9)], [])) == [(CLOSED, 5), (REOPENED, 9)]


def test_an_event_is_known_again_by_its_id_whatever_its_time() -> None:
    assert new_among([found(CLOSED, 5, "events", b"e1")], [told(CLOSED, 500, key=b"e1")]) == []


def test_with_another_id_it_is_known_by_its_time() -> None:
    assert new_among([found(CLOSED, 5, "events", b"e1")], [told(CLOSED, 6, key=b"e2")]) == []
    assert len(new_among([found(CLOSED, 5, "events", b"e1")], [told(CLOSED, 9, key=b"e2")])) == 1


def test_a_time_that_was_cut_to_the_minute_is_known_by_what_lies_in_the_minute() -> None:
    assert new_among([found(CLOSED, 0)], [told(CLOSED, 59.9)]) == []
    assert len(new_among([found(CLOSED, 1)], [told(CLOSED, 59.9)])) == 1  # it tells seconds: nothing was cut


def test_a_reopening_is_no_closing() -> None:
    assert len(new_among([found(REOPENED, 5)], [told(CLOSED, 5)])) == 1


def test_of_two_closings_in_a_minute_the_one_that_is_missing_is_found_and_stands_behind_the_other() -> None:
    report = [found(CLOSED, 0, key=b"1"), found(REOPENED, 0, key=b"2"), found(CLOSED, 0, key=b"3")]
    fresh = new_among(report, [told(CLOSED, 10.2)])
    assert moments(fresh) == [(REOPENED, 10.201), (CLOSED, 10.202)]


def test_what_is_missing_before_something_known_stands_before_it() -> None:
    report = [found(CLOSED, 0, key=b"1"), found(REOPENED, 60, key=b"2"), found(CLOSED, 60, key=b"3")]
    fresh = new_among(report, [told(REOPENED, 59.5), told(CLOSED, 61)])
    assert moments(fresh) == [(CLOSED, 0)]
    fresh = new_among(report, [told(CLOSED, 59.9)])
    assert moments(fresh) == [(REOPENED, 60), (CLOSED, 60.001)]


def test_one_source_tells_one_thing_once() -> None:
    known = [told(CLOSED, 0, "report", b"one")]
    assert len(new_among([found(CLOSED, 0, "report", b"two")], known)) == 1
    assert new_among([found(CLOSED, 0, "report", b"one")], known) == []


gaps = st.lists(st.integers(1, 400), min_size=1, max_size=8)


@given(gaps, st.data())
def test_what_is_known_is_never_new_and_what_is_not_always_is_where_clocks_are_exact(
    between: list[int], data: st.DataObject
) -> None:
    truth = [(CLOSED if n % 2 == 0 else REOPENED, float(sum(between[: n + 1]))) for n in range(len(between))]
    delivered = [one for one in truth if data.draw(st.booleans())]
    fresh = new_among(
        [found(kind, seconds, "events") for kind, seconds in truth],
        [told(kind, seconds) for kind, seconds in delivered],
    )
    assert moments(fresh) == [one for one in truth if one not in delivered]


@given(gaps, st.data())
def test_where_they_are_not_there_are_never_more_new_ones_than_missing_ones(
    between: list[int], data: st.DataObject
) -> None:
    """Cut to the minute, and two seconds apart, as the report's may be."""
    truth = [(CLOSED if n % 2 == 0 else REOPENED, float(sum(between[: n + 1]))) for n in range(len(between))]
    delivered = [one for one in truth if data.draw(st.booleans())]
    is_cut = data.draw(st.booleans())
    off = data.draw(st.floats(-1, 1))
    report = [
        found(kind, seconds // 60 * 60 if is_cut else seconds + off, key=b"%d" % n)
        for n, (kind, seconds) in enumerate(truth)
    ]
    fresh = new_among(report, [told(kind, seconds) for kind, seconds in delivered])
    for kind in (CLOSED, REOPENED):
        missing = sum(one[0] == kind for one in truth) - sum(one[0] == kind for one in delivered)
        assert sum(one.type == kind for one in fresh) == missing
