"""Whatever tells of a closing, and in whatever order: each is asked about once, and none is missed."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.backfill.conftest import CLOSED, REOPENED, Scene

from afterword.backfill import found_rows
from afterword.backfill.backfilling import fresh_among
from afterword.backfill.finding import Found
from afterword.events.closings import latest_of
from afterword.events.models import FoundIn

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NUMBERS = itertools.count()
UNCERTAIN = timedelta(seconds=300)

Life = Sequence[tuple[str, datetime]]


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, datetime]]:
    """A conversation's closings and reopenings, one after the other, by turns."""
    moment, life = NOON, []
    for number in range(draw(st.integers(1, 6))):
        moment += timedelta(
            milliseconds=draw(
                st.sampled_from([3_100, 20_000, 59_000, 150_000, 900_000]) | st.integers(3_000, 900_000)
            )
        )
        life.append((CLOSED if number % 2 == 0 else REOPENED, moment))
    return life


class Teller:
    """Tells a life as a source does: with its clock, its ids, and perhaps without seconds."""

    def __init__(self, found_in: FoundIn, off: float, *, is_cut: bool) -> None:
        self.found_in = found_in
        self.off = timedelta(seconds=off)
        self.is_cut = is_cut

    def tell(self, conversation: str, life: Life) -> list[Found]:
        return [self._found(conversation, number, *one) for number, one in enumerate(life)]

    def _found(self, conversation: str, number: int, kind: str, at: datetime) -> Found:
        at = at.replace(second=0, microsecond=0) if self.is_cut else at + self.off
        return Found(
            type=kind,
            conversation_id=conversation,
            customer_id="cust",
            occurred_at=at,
            found_in=self.found_in,
            latest=latest_of(at, self.found_in),
            key=f"{self.found_in}/{conversation}/{number}".encode(),
            body="{}",
        )


tellers = st.one_of(
    st.builds(lambda: Teller("events", 0, is_cut=False)),
    st.builds(lambda off: Teller("export", off, is_cut=False), st.floats(-1, 1)),
    st.builds(lambda off: Teller("report", off, is_cut=False), st.floats(-1, 1)),
    st.builds(lambda: Teller("report", 0, is_cut=True)),
)


@pytest.fixture
async def started(scene: Scene) -> Scene:
    await scene.workflow()
    return scene


async def find(scene: Scene, teller: Teller, conversation: str, life: Life) -> None:
    async with scene.database.pool.acquire() as connection, connection.transaction():
        fresh = await fresh_among(connection, scene.origin, teller.tell(conversation, life), None)
        await found_rows.record(connection, scene.origin, fresh, None)


async def closings_run(scene: Scene, conversation: str) -> list[datetime]:
    await scene.inbox.drain()
    rows_of_runs = await scene.database.pool.fetch(
        "SELECT occurred_at FROM run JOIN event ON event.id = run.event_id WHERE event.conversation_id = $1",
        conversation,
    )
    return [row["occurred_at"] for row in rows_of_runs]


def clusters(life: Life) -> list[list[datetime]]:
    """The closings, those together that a minute's uncertainty may make one."""
    found: list[list[datetime]] = []
    for kind, at in life:
        if kind == CLOSED and found and at - found[-1][-1] <= UNCERTAIN:
            found[-1].append(at)
        elif kind == CLOSED:
            found.append([at])
    return found


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives(), st.lists(tellers, min_size=1, max_size=3), st.data())
async def test_each_closing_is_asked_about_once(
    started: Scene, life: Life, sources: list[Teller], data: st.DataObject
) -> None:
    """Some webhooks come before, some late, some never, some under two ids; the sources tell all, in any order."""
    conversation = f"conv{next(NUMBERS)}"
    deliveries = [
        (kind, at, f"{conversation}/{number}/{again}")
        for number, (kind, at) in enumerate(life)
        for again in range(data.draw(st.sampled_from([0, 1, 1, 2])))
    ]
    steps: list[Teller | tuple[str, datetime, str]] = data.draw(st.permutations([*deliveries, *sources]))
    for step in steps:
        if isinstance(step, Teller):
            await find(started, step, conversation, life)
        else:
            kind, at, event_id = step
            await started.deliver(conversation, at, kind, event_id)
        if data.draw(st.booleans()):
            await started.inbox.drain()
    run = await closings_run(started, conversation)
    for cluster in clusters(life):
        of_cluster = [at for at in run if cluster[0] - UNCERTAIN / 2 <= at <= cluster[-1] + UNCERTAIN / 2]
        assert 1 <= len(of_cluster) <= len(cluster), (life, run)
        run = [at for at in run if at not in of_cluster]
    assert not run


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives(), st.data())
async def test_where_the_source_is_exact_none_is_missed_however_close(
    started: Scene, life: Life, data: st.DataObject
) -> None:
    conversation = f"conv{next(NUMBERS)}"
    for number, (kind, at) in enumerate(life):
        if data.draw(st.booleans()):
            await started.deliver(conversation, at, kind, f"{conversation}/{number}")
    await started.inbox.drain()
    for _ in range(2):
        await find(started, Teller("events", 0, is_cut=False), conversation, life)
        run = await closings_run(started, conversation)
        assert sorted(run) == [at for kind, at in life if kind == CLOSED]
