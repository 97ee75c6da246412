"""The rules of the breaker, held in any order of calls, answers, deaths and waits: no database, no clock of its own."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from afterword.accounts.after_call import WHOLE_ACCOUNT, Told, after_call, blocking, claim
from afterword.accounts.signs import Sign
from afterword.accounts.standing import Policy, Standing, after_failure
from afterword.outcomes import Reason

WHY = Reason("gladly-unavailable", "it is down")
CREDENTIALS = b"credentials"
CALLS = ("POST /items", "GET /agents")
POLICY = Policy()
BEGAN = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Call(msgspec.Struct, eq=False):
    """A call under way."""

    name: str
    is_probe: bool
    began: datetime


class Breaker(RuleBasedStateMachine):
    """Any number of processes that call one account; what stands is shared, as the database shares it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGAN
        self.standings: dict[str, Standing] = {}
        self.under_way: list[Call] = []
        self.is_up = True
        self.takes_token = True
        self.forbidden: set[str] = set()
        self.randomness = 0.0

    def random(self) -> float:
        self.randomness = (self.randomness + 0.37) % 1.0
        return self.randomness

    def apply(self, changed: Mapping[str, Standing | None]) -> None:
        for call, standing in changed.items():
            self.standings.pop(call, None)
            if standing is not None:
                self.standings[call] = standing

    @rule(name=st.sampled_from(CALLS))
    def somebody_calls(self, name: str) -> None:
        self.call(name)

    def call(self, name: str) -> Call | None:
        blocked = blocking(self.standings, name)
        if blocked:
            claimed = claim(self.standings, self.now, name, POLICY)
            if claimed is None:
                return None
            self.apply(claimed)
        call = Call(name, bool(blocked), self.now)
        self.under_way.append(call)
        return call

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def a_call_ends(self, data: st.DataObject) -> None:
        self.end(data.draw(st.sampled_from(self.under_way)))

    def end(self, call: Call) -> None:
        self.under_way.remove(call)
        if not self.is_up:
            sign = Sign.DOWN
        elif not self.takes_token:
            sign = Sign.REFUSED
        else:
            sign = Sign.NOT_PERMITTED if call.name in self.forbidden else Sign.ACCEPTED
        self.tell(call, sign)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), sign=st.sampled_from([Sign.ANSWERED, Sign.NOTHING]))
    def a_call_ends_in_a_way_that_tells_little(self, data: st.DataObject, sign: Sign) -> None:
        call = data.draw(st.sampled_from(self.under_way))
        self.under_way.remove(call)
        self.tell(call, sign)
        if sign is Sign.ANSWERED:
            assert all(standing.state not in {"failing", "open"} for standing in self.standings.values())

    def tell(self, call: Call, sign: Sign) -> None:
        told = Told(call=call.name, sign=sign, reason=WHY, credentials=CREDENTIALS, is_probe=call.is_probe)
        self.apply(after_call(self.standings, self.now, told, POLICY, self.random))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def a_process_dies(self, data: st.DataObject) -> None:
        self.under_way.remove(data.draw(st.sampled_from(self.under_way)))

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 11.0, 61.0, 301.0, 1801.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(is_up=st.booleans(), takes_token=st.booleans(), forbidden=st.sets(st.sampled_from(CALLS)))
    def the_other_side_changes(self, *, is_up: bool, takes_token: bool, forbidden: set[str]) -> None:
        self.is_up, self.takes_token, self.forbidden = is_up, takes_token, forbidden

    @invariant()
    def one_probe_at_a_time_for_what_is_blocked(self) -> None:
        for name in (WHOLE_ACCOUNT, *CALLS):
            standing = self.standings.get(name)
            if standing is None or not standing.is_blocked:
                continue
            probes = [
                call
                for call in self.under_way
                if call.is_probe
                and (name in {WHOLE_ACCOUNT, call.name})
                and call.began > standing.since
                and self.now - call.began < timedelta(seconds=POLICY.probe_patience)
            ]
            assert len(probes) <= 1, (name, standing, probes)

    @invariant()
    def what_is_blocked_has_a_next_probe_before_long(self) -> None:
        for standing in self.standings.values():
            if standing.is_blocked:
                assert standing.next_probe_at is not None
                assert standing.next_probe_at - self.now <= timedelta(seconds=POLICY.longest_pause_refused)

    def teardown(self) -> None:
        """When the other side does all it is asked, everything goes again after one pause each."""
        self.the_other_side_changes(is_up=True, takes_token=True, forbidden=set())
        self.under_way.clear()
        for name in CALLS:
            self.time_passes(POLICY.longest_pause_refused)
            call = self.call(name)
            assert call is not None
            self.end(call)
        assert not any(blocking(self.standings, name) for name in CALLS)
        for name in CALLS:
            again = self.call(name)
            assert again is not None
            assert not again.is_probe


TestBreaker = Breaker.TestCase
TestBreaker.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@given(
    gaps=st.lists(st.floats(min_value=0.0, max_value=700.0), min_size=1, max_size=20),
    failures=st.integers(1, 6),
    spread=st.floats(min_value=0.0, max_value=10.0),
)
def test_it_opens_exactly_when_enough_failed_in_a_row_over_more_than_a_moment(
    gaps: list[float], failures: int, spread: float
) -> None:
    policy = Policy(failures=failures, spread=spread)
    now, row, standing = BEGAN, [BEGAN], None
    for gap in gaps:
        standing = after_failure(
            standing, now, WHY, CREDENTIALS, is_probe=False, policy=policy, random=lambda: 0.5
        )
        is_open = len(row) >= failures and (row[-1] - row[0]).total_seconds() >= spread
        assert (standing.state == "open") is is_open
        if is_open:
            return
        now += timedelta(seconds=gap)
        row = [*row, now] if now - row[-1] <= timedelta(seconds=policy.longest_gap) else [now]
