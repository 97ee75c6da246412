"""Whatever happens in whatever order, a Response ends as one card that says what was answered last.

Hypothesis makes up stories of a customer who answers and changes the answer, two workers, a Gladly whose calls fail,
hang and go through late, and replays; each story is lived on a real database, with the real engine.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from afterword.gladly.models import CreatedItem, CustomerActivity
from afterword.outcomes import Reason, Retry
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.surveys.changing import change_response, finish_response
from afterword.surveys.definitions import Survey, add_survey, csat_survey, get_survey
from afterword.surveys.models import Sitting
from afterword.surveys.responses import get_response, record_response
from afterword.tasks.gladly_timeline_event import GladlyTimelineEventTask
from afterword.tasks.services import Services
from afterword.workflows.definitions import Definition, SurveyResponse, Task
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.running.replays import FROM_START, ReplaysKeeper, runs_by_id, start_replay
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.matching import Inbox

T = TypeVar("T")
WHY = Reason("because", "it is so")
MOMENT = 0.01
TABLES = (
    *("task_attempt", "replay_run", "replay", "run", "problem", "event", "workflow", "timeline_item"),
    *("response", "survey", "pgqueuer"),
)
"""Emptied for each story, in this order; few rows are deleted faster than tables are truncated."""
WORDS = ("", "fine", "slow", "kind")


class Killed(BaseException):
    """The worker was killed: nothing after this moment happens."""


class Gladly:
    """Keeps cards by their ids, which it takes once; what comes of its next calls is told beforehand."""

    def __init__(self) -> None:
        self.cards: dict[str, CustomerActivity] = {}
        self.next: list[str] = []
        self.hanging: list[asyncio.Event] = []

    async def create_activity(self, customer: str, card: CustomerActivity, *, item_id: str) -> CreatedItem:
        def create() -> CreatedItem:
            is_there = item_id in self.cards
            self.cards.setdefault(item_id, card)
            return CreatedItem(item_id, customer, is_there)

        created = await self._call(create)
        assert isinstance(created, CreatedItem)
        return created

    async def delete_item(self, item_id: str) -> bool:
        return bool(await self._call(lambda: self.cards.pop(item_id, None) is not None))

    async def _call(self, work: Any) -> Any:
        what = self.next.pop(0) if self.next else "done"
        if what == "killed before":
            raise Killed
        if what == "limited":
            raise Retry(WHY, after=1.0)
        if what.startswith("hangs"):
            through = asyncio.Event()
            self.hanging.append(through)
            await through.wait()
        done = work()
        if what.endswith("killed after"):
            raise Killed
        if what.endswith("unknown"):
            raise Retry(WHY, outcome_unknown=True)
        return done


WHAT_HAPPENS = st.sampled_from(
    [
        "done",
        "done",
        "limited",
        "unknown",
        "killed before",
        "killed after",
        "hangs",
        "hangs, killed after",
        "hangs, unknown",
    ]
)


class Stories(RuleBasedStateMachine):
    """One survey, one customer, one workflow that puts the answer onto the timeline."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.gladly = Gladly()
        self.under_way: set[asyncio.Task[None]] = set()

    def live(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(
        mode=st.sampled_from(["wait", "replace"]), score=st.integers(1, 5), words=st.sampled_from(WORDS)
    )
    def the_customer_answers(self, mode: str, score: int, words: str) -> None:
        self.live(self._begin(mode, answers(score, words)))

    async def _begin(self, mode: str, answered: dict[str, int | str]) -> None:
        self.database = await Database.connect(self.url, name="test", pool_size=6)
        for table in TABLES:
            await self.database.pool.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of ours

        async def gladly(_: str) -> Gladly:
            return self.gladly

        services = SimpleNamespace(accounts=SimpleNamespace(gladly=gladly), database=self.database)
        types = {"card": GladlyTimelineEventTask(cast("Services", services))}
        self.queue = RunQueue(self.database)
        self.inbox = Inbox(self.database, self.queue)
        self.keeper = ReplaysKeeper(self.database, self.queue)
        self.workers = [RunEngine(self.database, types) for _ in range(2)]
        configuration = {"account": "GA_1", "when_it_changes": mode}
        async with self.database.transaction() as connection:
            survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
            survey = await get_survey(connection, survey_id)
            assert survey is not None
            self.survey: Survey = survey
            event = SurveyResponse(survey_id, kinds=("created", "updated"))
            task = Task("T-1", "card", "Card", configuration)
            await add_workflow(connection, name="Test", definition=Definition(event, (task,)))
            response_id = await record_response(
                connection, survey, invitation_id="I", answers=answered, embedded_data={"CustomerId": "C"}
            )
        assert response_id is not None
        self.response_id = response_id
        await self.inbox.drain()

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.settle()
            self.live(self.database.close())
        self.runner.close()

    @rule(score=st.integers(1, 5), words=st.sampled_from(WORDS))
    def the_customer_changes_the_answer(self, score: int, words: str) -> None:
        self.live(self._change(answers(score, words)))

    async def _change(self, answered: dict[str, int | str]) -> None:
        async with self.database.transaction() as connection:
            now = await get_response(connection, self.response_id)
            assert now is not None
            await change_response(
                connection, self.survey, "I", seen_version=now.version, answers=answered, sitting=Sitting()
            )
        await self.inbox.drain()

    @rule()
    def the_customer_says_that_that_is_all(self) -> None:
        self.live(self._finish())

    async def _finish(self) -> None:
        async with self.database.transaction() as connection:
            await finish_response(connection, self.survey, "I", sitting=Sitting())
        await self.inbox.drain()

    @rule(data=st.data(), what=st.lists(WHAT_HAPPENS, max_size=3), worker=st.integers(0, 1))
    def a_worker_takes_a_run_on(self, data: st.DataObject, what: list[str], worker: int) -> None:
        run_id = self._some_run(data)
        self.gladly.next = list(what)
        self.live(self._advance(worker, run_id))
        self.gladly.next = []

    async def _advance(self, worker: int, run_id: int) -> None:
        """Until it ends, or its call hangs."""

        async def advance() -> None:
            with contextlib.suppress(Killed):
                await self.workers[worker].advance(run_id)

        hanging = len(self.gladly.hanging)
        task = asyncio.create_task(advance())
        self.under_way.add(task)
        while not task.done() and len(self.gladly.hanging) == hanging:
            await asyncio.wait({task}, timeout=MOMENT)
        self.under_way = {one for one in self.under_way if not one.done()}

    @precondition(lambda self: self.gladly.hanging)
    @rule(data=st.data(), what=st.lists(WHAT_HAPPENS, max_size=2))
    def a_call_that_hung_goes_through(self, data: st.DataObject, what: list[str]) -> None:
        self.gladly.next = list(what)
        through = data.draw(st.sampled_from(range(len(self.gladly.hanging))))
        self.live(self._go_through(self.gladly.hanging.pop(through)))
        self.gladly.next = []

    async def _go_through(self, through: asyncio.Event) -> None:
        through.set()
        await asyncio.wait(self.under_way, timeout=MOMENT)

    @rule(
        data=st.data(),
        score=st.integers(1, 5),
        words=st.sampled_from(WORDS),
        before=st.sampled_from(["hangs", "hangs, killed after", "hangs, unknown"]),
        after=st.lists(WHAT_HAPPENS, max_size=3),
    )
    def a_newer_answer_overtakes_a_call_that_hangs(
        self, data: st.DataObject, score: int, words: str, before: str, after: list[str]
    ) -> None:
        """What the other rules come to by chance alone."""
        self.a_worker_takes_a_run_on(data, [before], 0)
        self.the_customer_changes_the_answer(score, words)
        newest = max(row["id"] for row in self.live(self._sql("SELECT id FROM run")))
        self.gladly.next = list(after)
        self.live(self._advance(1, newest))
        self.gladly.next = []

    @rule()
    def time_passes(self) -> None:
        self.live(self._pass())

    async def _pass(self) -> None:
        await self._sql("UPDATE run SET due_at = now() WHERE status = 'waiting'")
        await self._sql("UPDATE response SET recorded_at = recorded_at - interval '11 minutes'")

    @rule()
    def so_much_time_passes_that_every_call_has_ended(self) -> None:
        self.live(self._pass_long())

    async def _pass_long(self) -> None:
        while self.gladly.hanging:
            await self._go_through(self.gladly.hanging.pop())
        if self.under_way:
            await asyncio.wait(self.under_way)
        await self._pass()
        await self._sql("UPDATE timeline_item SET wanted_at = wanted_at - interval '1 hour'")

    @rule(data=st.data())
    def a_run_is_replayed(self, data: st.DataObject) -> None:
        self.live(self._replay(self._some_run(data)))

    async def _replay(self, run_id: int) -> None:
        async with self.database.transaction() as connection:
            await start_replay(connection, runs_by_id([run_id]), what="one", from_task=FROM_START)
        await self.keeper.tick()

    async def _sql(self, sql: str) -> list[Any]:
        return [dict(row) for row in await self.database.pool.fetch(sql)]

    def _some_run(self, data: st.DataObject) -> int:
        run_ids = [row["id"] for row in self.live(self._sql("SELECT id FROM run ORDER BY id"))]
        return int(data.draw(st.sampled_from(run_ids)))

    def settle(self) -> None:
        """Gladly does all that it is asked; then one card is there, and it says what was answered last."""
        self.live(self._settle())

    async def _settle(self) -> None:
        open_ = [{"id": 0}]
        for _ in range(6):
            await self._pass_long()
            open_ = await self._sql("SELECT id FROM run WHERE finished_at IS NULL ORDER BY id")
            for row in open_:
                await self._advance(0, row["id"])
        assert await self._sql("SELECT id, status, reason_code FROM run WHERE finished_at IS NULL") == []
        async with self.database.transaction() as connection:
            response = await get_response(connection, self.response_id)
        assert response is not None
        (card,) = self.gladly.cards.values()
        assert card.title == f"CSAT Score: {response.answers['QID1']}"
        assert card.body == f"Customer Feedback: {response.answers.get('QID2_TEXT', '')}"
        (item,) = await self._sql("SELECT version, item_id FROM timeline_item")
        assert (item["version"], [item["item_id"]]) == (response.version, list(self.gladly.cards))


def answers(score: int, words: str) -> dict[str, int | str]:
    return {"QID1": score, "QID2_TEXT": words} if words else {"QID1": score}


async def test_an_answer_is_one_card_with_its_newest_words_in_any_order(database_url: str) -> None:
    machine = type("StoriesHere", (Stories,), {"url": database_url})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
