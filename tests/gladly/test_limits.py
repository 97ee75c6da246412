"""What Gladly's headers tell, and what follows from it."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.gladly.client import GladlyClient
from afterword.gladly.limits import Seconds, Told, read_headers
from afterword.outgoing.budgets import Turn
from afterword.store.budgets import even_rate

if TYPE_CHECKING:
    from tests.conftest import OpenBudget, StandIn

LIMIT = 10
RATE = even_rate(LIMIT)
INTERVAL = 1 / RATE


class Vendor:
    """Counts by its own seconds, which begin at ``offset``; others call at these moments, too."""

    def __init__(self, others: list[float], offset: float) -> None:
        self._others = others
        self._offset = offset
        self._calls: list[float] = []

    def answer(self, arrives: float) -> Told | None:
        """What it answers; nothing where it is a 429."""
        second = (arrives - self._offset) // 1
        moments = [*self._calls, *(moment for moment in self._others if moment < arrives)]
        used = sum((moment - self._offset) // 1 == second for moment in moments)
        if used >= LIMIT:
            return None
        self._calls.append(arrives)
        return Told(LIMIT, LIMIT - used - 1)


def saturate(vendor: Vendor, seconds: float, latency: float) -> tuple[int, int]:
    """Call for so long, as often as the budget lets us; answers how many calls were good, and how many were not."""
    heard, sent, busy_since, good, refused = Seconds(), 0.0, 0.0, 0, 0
    while sent < seconds:
        told = vendor.answer(sent + latency / 2)
        following = sent + INTERVAL
        if told is None:
            refused += 1
            following = busy_since = sent + latency + 1
        else:
            good += 1
            now = sent + latency
            pause = heard.until_next("GET", told, Turn(RATE, sent - busy_since), sent, now)
            if now + pause > following:
                following = busy_since = now + pause
        sent = following
    return good, refused


@given(offset=st.floats(min_value=0, max_value=1), latency=st.floats(min_value=0.001, max_value=0.1))
def test_alone_we_are_never_held_up_by_what_we_use_ourselves(offset: float, latency: float) -> None:
    good, refused = saturate(Vendor([], offset), 30, latency)
    assert refused == 0
    assert good >= 0.95 * 30 * LIMIT


@given(
    offset=st.floats(min_value=0, max_value=1),
    latency=st.floats(min_value=0.001, max_value=0.1),
    others=st.integers(min_value=2, max_value=8),
)
def test_where_others_use_the_limit_too_we_wait_for_the_next_second(
    offset: float, latency: float, others: int
) -> None:
    """Others who call evenly, so many times a second: what they leave is used, and next to nothing refused."""
    moments = [number / others + 0.01 for number in range(30 * others)]
    good, refused = saturate(Vendor(moments, offset), 30, latency)
    assert refused <= 2 + 0.02 * good
    assert good >= 0.75 * 30 * (LIMIT - others) - 2


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, Told(None, None)),
        ({"Ratelimit-Limit-Second": "10", "Ratelimit-Remaining-Second": "0"}, Told(10, 0)),
        ({"Ratelimit-Limit-Second": " 20 ", "Ratelimit-Remaining-Second": "19"}, Told(20, 19)),
        ({"Ratelimit-Limit-Second": "0"}, Told(None, None)),
        ({"Ratelimit-Limit-Second": "-1", "Ratelimit-Remaining-Second": "x"}, Told(None, None)),
        ({"Ratelimit-Limit-Second": "9" * 30, "Ratelimit-Remaining-Second": "٣"}, Told(None, None)),
        ({"Ratelimit-Limit-Second": "1e3"}, Told(None, None)),
    ],
)
def test_headers_that_make_no_sense_are_left_out(headers: dict[str, str], told: Told) -> None:
    assert read_headers(headers) == told


@given(
    answers=st.lists(
        st.tuples(
            st.floats(min_value=0, max_value=100),
            st.none() | st.integers(min_value=0, max_value=20),
            st.floats(min_value=0, max_value=10),
        )
    )
)
def test_whatever_is_told_nobody_waits_longer_than_a_second(
    answers: list[tuple[float, int | None, float]],
) -> None:
    seconds = Seconds()
    for sent, remaining, latency in answers:
        pause = seconds.until_next("GET", Told(LIMIT, remaining), Turn(RATE, 0.5), sent, sent + latency)
        assert 0 <= pause <= 1


@pytest.mark.parametrize(
    ("ours", "told", "adopted"),
    [
        (None, "20", [("gladly/org/GET", even_rate(20))]),
        (None, "5", [("gladly/org/GET", even_rate(5))]),
        (None, "10", []),
        (None, "many", []),
        (7.0, "20", []),
        (7.0, "5", [("gladly/org/GET", even_rate(5))]),
    ],
)
async def test_another_limit_is_adopted_but_never_more_than_the_setting(
    stand_in: "StandIn",
    open_budget: "OpenBudget",
    ours: float | None,
    told: str,
    adopted: list[tuple[str, float]],
) -> None:
    stand_in.answer(200, '{"id":"o"}', Ratelimit_Limit_Second=told)
    client = GladlyClient(
        stand_in.url, "u", "t", budget=open_budget, budget_name="org", requests_per_second=ours
    )
    await client.organization()
    await client.close()
    assert open_budget.adopted == adopted


async def test_when_others_have_used_the_second_up_everybody_waits_but_not_when_we_may_have_ourselves(
    stand_in: "StandIn", open_budget: "OpenBudget"
) -> None:
    stand_in.answer(200, '{"id":"o"}', Ratelimit_Limit_Second="10", Ratelimit_Remaining_Second="0")
    for turn in (Turn(RATE), Turn(RATE, busy_seconds=5)):
        open_budget.turn = turn
        client = GladlyClient(stand_in.url, "u", "t", budget=open_budget, budget_name="org")
        await client.organization()
        await client.close()
    [(name, seconds)] = open_budget.pauses
    assert name == "gladly/org/GET"
    assert 0 < seconds <= 1
