"""When schedules are due: in words, through the nights when clocks change, and after a downtime."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.translating import speaking
from afterword.workflows.cron import MOST_COUNTED, check_schedule, due, next_moment, next_moments, words_of
from afterword.workflows.definitions import Schedule

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIELD = st.from_regex(r"(\*|[0-9]{1,2}|[0-9]-[0-9]{1,2}|[0-9]{1,2},[0-9]{1,2})(/[0-9]{1,2})?", fullmatch=True)


def moments(cron: str, zone: str, after: str, count: int) -> list[str]:
    """The next moments on the schedule's own clock."""
    moment, found = datetime.fromisoformat(after), []
    for _ in range(count):
        moment = next_moment(Schedule(cron, zone), moment)
        found.append(moment.strftime("%d %H:%M UTC"))
    return found


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 9 * * *", "every day at 09:00"),
        ("30 9 * * 1-5", "on Monday through Friday at 09:30"),
        ("0 9 * * MON", "on Monday at 09:00"),
        ("0 9 1 * *", "on the first day of every month at 09:00"),
        ("0 0 L * *", "on the last day of every month at 00:00"),
        ("0 9,17 * * *", "every day at 09:00 and 17:00"),
        ("*/15 * * * *", "every 15 minutes"),
        ("* * * * *", "every minute"),
        ("0 * * * *", "every hour"),
        ("0  */2 * * *", "every 2 hours"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_schedule_is_told_as_people_say_it(cron: str, words: str) -> None:
    assert words_of(Schedule(cron, "Europe/Berlin")) == f"{words} (Europe/Berlin)"


@pytest.mark.parametrize(
    ("cron", "german", "spanish"),
    [
        ("30 9 * * 1-5", "Montag bis Freitag um 09:30", "de lunes a viernes a las 09:30"),
        (
            "0 9,17 * * SUN,MON",
            "Montag und Sonntag um 09:00 und 17:00",
            "lunes y domingo a las 09:00 y 17:00",
        ),
        ("0 9 1 * *", "am 1. jedes Monats um 09:00", "el día 1 de cada mes a las 09:00"),
        ("*/15 * * * *", "alle 15 Minuten", "cada 15 minutos"),
        ("0 9 1 * 1", "0 9 1 * 1", "0 9 1 * 1"),
        ("0 9 * * 5L", "0 9 * * 5L", "0 9 * * 5L"),
        ("*/5 9-17 * * *", "*/5 9-17 * * *", "*/5 9-17 * * *"),
    ],
)
def test_a_usual_schedule_is_told_in_the_readers_language_and_others_as_they_stand(
    cron: str, german: str, spanish: str
) -> None:
    for language, words in (("de", german), ("es", spanish)):
        with speaking(language):
            assert words_of(Schedule(cron, "UTC")) == f"{words} (UTC)"


def test_a_time_of_day_that_a_night_leaves_out_comes_at_the_first_that_there_is() -> None:
    assert moments("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2) == [
        "29 01:00 UTC",
        "30 00:30 UTC",
    ]


def test_two_times_that_a_night_brings_to_one_moment_are_one() -> None:
    assert moments("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2) == [
        "29 01:00 UTC",
        "30 00:00 UTC",
    ]


def test_a_time_of_day_that_a_night_has_twice_comes_once_at_its_first() -> None:
    expected = ["25 00:30 UTC", "26 01:30 UTC"]
    assert moments("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2) == expected
    between_the_two = "2026-10-25T01:10:00Z"
    assert moments("30 2 * * *", "Europe/Berlin", between_the_two, 1) == expected[1:]


def test_what_recurs_within_the_day_recurs_by_the_time_that_passes() -> None:
    found = moments("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 4)
    assert found == ["25 00:30 UTC", "25 01:00 UTC", "25 01:30 UTC", "25 02:00 UTC"]


@pytest.mark.parametrize(
    ("cron", "zone", "field", "told"),
    [
        ("0 9 * *", "UTC", "cron", "4 fields"),
        ("* * * * * *", "UTC", "cron", "6 fields"),
        ("0 24 * * *", "UTC", "cron", "hour"),
        ("0 0 30 2 *", "UTC", "cron", "day of month"),
        ("x" * 201, "UTC", "cron", "200 characters"),
        ("0 9 * * *", "Berlin", "time_zone", "Europe/Berlin"),
        ("0 9 * * *", "../../etc/passwd", "time_zone", "IANA"),
        ("0 9 * * *", "", "time_zone", "IANA"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_with_what_to_do(
    cron: str, zone: str, field: str, told: str
) -> None:
    ((path, words),) = check_schedule(Schedule(cron, zone))
    assert path == field
    assert told in words


def test_both_mistakes_of_a_schedule_are_told_at_once() -> None:
    assert [path for path, _ in check_schedule(Schedule("x", "y"))] == ["time_zone", "cron"]


def test_the_next_moments_are_told_on_the_schedules_own_clock() -> None:
    """Clocks are put back in Berlin on 25 October 2026: nine o'clock stays nine o'clock."""
    schedule = Schedule("0 9 * * *", "Europe/Berlin")
    found = next_moments(schedule, datetime(2026, 10, 24, 6, tzinfo=UTC), 3)
    assert [f"{moment:%d %H:%M %z}" for moment in found] == [
        "24 09:00 +0200",
        "25 09:00 +0100",
        "26 09:00 +0100",
    ]


def test_nothing_is_due_before_its_moment() -> None:
    assert due(Schedule("0 12 * * *"), NOON, NOON - timedelta(microseconds=1)) is None


def test_a_moment_is_due_when_it_comes() -> None:
    found = due(Schedule("0 12 * * *"), NOON, NOON)
    assert found is not None
    assert (found.latest, found.missed, found.following) == (NOON, 0, NOON + timedelta(days=1))


def test_after_a_downtime_the_latest_is_due_and_the_others_are_counted() -> None:
    found = due(Schedule("0 12 * * *"), NOON, NOON + timedelta(days=3, hours=1))
    assert found is not None
    assert (found.latest, found.missed, found.first_missed) == (NOON + timedelta(days=3), 3, NOON)
    assert found.following == NOON + timedelta(days=4)


@pytest.mark.parametrize("cron", ["* * * * *", "* * 1 * *", "* * 1 1 *"])
def test_after_years_the_latest_is_found_without_counting_them_all(cron: str) -> None:
    found = due(Schedule(cron), datetime(2000, 1, 1, tzinfo=UTC), NOON)
    assert found is not None
    assert found.missed == MOST_COUNTED
    assert found.latest <= NOON < found.following
    assert next_moment(Schedule(cron), found.latest) == found.following


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_raises(cron: str, zone: str) -> None:
    words_of(Schedule(cron, zone))
    assert check_schedule(Schedule(cron, zone))


@given(
    st.tuples(FIELD, FIELD, FIELD, FIELD, FIELD).map(" ".join),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_whatever_can_be_saved_has_moments_that_only_go_forward(
    cron: str, zone: str, start: datetime
) -> None:
    schedule = Schedule(cron, zone)
    words_of(schedule)
    if check_schedule(schedule):
        return
    found = [start]
    for _ in range(4):
        found.append(next_moment(schedule, found[-1]))
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(moment.second == 0 for moment in found[1:])
