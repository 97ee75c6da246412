"""A token that is refused holds the task, whatever its type, and when it is accepted again the task is done."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Eventually

from afterword.outcomes import Retry
from afterword.tasks.contract import Done, SurveyResponseState, TaskCall
from afterword.tasks.gladly_add_topics import GladlyAddTopics, GladlyAddTopicsTask
from afterword.tasks.gladly_timeline_event import GladlyTimelineEventTask
from afterword.tasks.timeline_card import GladlyTimelineEvent

Make = Callable[[Any], tuple[Any, TaskCall[Any]]]


def call(configuration: Any) -> TaskCall[Any]:
    return TaskCall(
        run_key="1",
        task_id="T-1",
        attempt=1,
        configuration=configuration,
        fields={},
        survey_response=SurveyResponseState(id="R_1"),
    )


def timeline_event(ready: Any) -> tuple[Any, TaskCall[Any]]:
    configuration = GladlyTimelineEvent(account=ready.faulty_gladly, customer_id="c1", title="CSAT Score: 5")
    return GladlyTimelineEventTask(ready.services), call(configuration)


def add_topics(ready: Any) -> tuple[Any, TaskCall[Any]]:
    configuration = GladlyAddTopics(account=ready.faulty_gladly, conversation_id="c1", topics=("Refund",))
    return GladlyAddTopicsTask(ready.services), call(configuration)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("make", "answers"),
    [
        (timeline_event, [(201, '{"id": "i1"}')]),
        (add_topics, [(200, '[{"id": "t1", "name": "Refund"}]'), (204, "")]),
    ],
)
async def test_a_refused_token_holds_the_task_until_it_is_accepted(
    ready: Any,
    stand_in: Any,
    eventually: Eventually,
    *,
    make: Make,
    answers: list[tuple[int, str]],
    status: int,
) -> None:
    stand_in.answer(status)
    for answer in answers:
        stand_in.answer(*answer)
    task, wanted = make(ready)

    with pytest.raises(Retry) as held:
        await task.run(wanted)
    assert held.value.reason.code == "account-refused"
    assert held.value.waiting_for is not None
    assert held.value.waiting_for.startswith(f"account/{ready.faulty_gladly}")
    assert not held.value.tried

    async def done() -> bool:
        try:
            return isinstance(await task.run(wanted), Done)
        except Retry:
            return False

    assert not await done()
    assert len(stand_in.requests) == 1
    await ready.services.database.pool.execute("UPDATE account_availability SET next_probe_at = now()")
    assert await eventually(done)
    assert len(stand_in.requests) == 1 + len(answers)
