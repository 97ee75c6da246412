"""What is told of a webhook, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from afterword.accounts.standing_alerts import AccountName
from afterword.outcomes import Reason
from afterword.webhook_keeping.states import Known
from afterword.webhook_keeping.telling import News, news_after

NOW = datetime(2026, 11, 25, 10, 2, tzinfo=UTC)
ACME = AccountName("GA_1", "gladly", "Acme")
OFF_AT = NOW - timedelta(seconds=30)
BY_GLADLY = Reason("webhook-switched-off-by-gladly", "Gladly switched it off", {"at": OFF_AT.isoformat()})
BY_SOMEBODY = Reason("webhook-switched-off", "it was switched off in Gladly")


def known(state: Any, *, minutes: int = 60, **values: Any) -> Known:
    return Known(state=state, since=NOW - timedelta(minutes=minutes), **values)


WORKED = known("works", worked_at=NOW - timedelta(minutes=1))


def told(news: News) -> str | None:
    return None if news.alert is None else news.alert.kind


def test_one_that_works_and_one_that_is_new_are_not_told_of() -> None:
    assert news_after(ACME, WORKED, WORKED, None, NOW) == News()
    assert news_after(ACME, None, WORKED, BY_SOMEBODY, NOW) == News()
    assert news_after(ACME, known("not-yet", minutes=5), WORKED, None, NOW) == News()


def test_one_that_was_put_right_at_once_is_one_alert_with_a_gap_from_the_first_failures_on() -> None:
    news = news_after(ACME, WORKED, WORKED, BY_GLADLY, NOW)
    assert told(news) == "webhook-back"
    assert news.event_type == "Webhook back"
    assert news.missed is not None
    assert news.missed.since == OFF_AT - timedelta(hours=2)
    assert news.missed.until >= NOW


def test_one_that_stays_off_is_told_of_once_and_again_when_it_works() -> None:
    off = known("off", minutes=0, reason=BY_SOMEBODY, worked_at=WORKED.worked_at)
    first = news_after(ACME, WORKED, off, BY_SOMEBODY, NOW)
    assert (told(first), first.event_type, first.marks) == ("webhook-off", "Webhook off", True)
    assert first.missed is not None
    assert first.missed.since <= NOW - timedelta(minutes=1)
    assert news_after(ACME, off, off, BY_SOMEBODY, NOW) == News()
    later = NOW + timedelta(hours=3)
    back = news_after(ACME, off, msgspec.structs.replace(WORKED, since=later), BY_SOMEBODY, later)
    assert (told(back), back.withdraws_off) == ("webhook-back", True)
    assert back.missed is not None
    assert back.missed.since < first.missed.until
    assert back.missed.until >= later


def test_one_that_has_never_worked_is_told_of_after_an_hour_and_leaves_no_gap() -> None:
    before = known("not-yet", minutes=59, reason=BY_SOMEBODY)
    assert news_after(ACME, before, before, BY_SOMEBODY, NOW) == News()
    late = known("not-yet", minutes=60, reason=BY_SOMEBODY)
    news = news_after(ACME, late, late, BY_SOMEBODY, NOW)
    assert (told(news), news.marks, news.missed) == ("webhook-off", True, None)
    marked = msgspec.structs.replace(late, alerted_at=NOW)
    assert news_after(ACME, marked, marked, BY_SOMEBODY, NOW) == News()
    assert told(news_after(ACME, marked, WORKED, None, NOW)) == "webhook-back"


LOOKS = st.lists(
    st.tuples(st.integers(1, 300), st.sampled_from(["fine", "mended", "off", "away"])), min_size=1
)


@given(LOOKS)
def test_every_moment_at_which_it_may_not_have_worked_lies_in_a_gap(looks: list[tuple[int, str]]) -> None:
    """However looks follow each other: seen to work, put right, off, or nothing seen as Gladly did not answer."""
    now, state, worked_at = NOW, WORKED, NOW
    missed: list[tuple[datetime, datetime]] = []
    doubtful: list[tuple[datetime, datetime]] = []
    for minutes, seen in looks:
        now += timedelta(minutes=minutes)
        if seen == "away":
            continue
        wrong = BY_SOMEBODY if seen != "fine" or state.state == "off" else None
        is_off = seen == "off"
        after = (
            msgspec.structs.replace(
                state, state="off", since=state.since if state.state == "off" else now, reason=BY_SOMEBODY
            )
            if is_off
            else msgspec.structs.replace(state, state="works", worked_at=now)
        )
        news = news_after(ACME, state, after, wrong, now)
        if news.missed is not None:
            missed.append((news.missed.since, news.missed.until))
        if not is_off:
            if wrong is not None:
                doubtful.append((worked_at, now))
            worked_at = now
        state = after
    for since, until in doubtful:
        inside = sorted(span for span in missed if span[0] <= until and span[1] >= since)
        reached = since
        for start, end in inside:
            assert start <= reached
            reached = max(reached, end)
        assert reached >= until
