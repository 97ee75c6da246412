"""A Response that changes: versions, what is kept of those before, and the events that tell of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.store.database import Database
from afterword.surveys.changing import TooLate, change_response, finish_response, merge
from afterword.surveys.definitions import Survey, add_survey, csat_survey, get_survey
from afterword.surveys.models import Response, Sitting
from afterword.surveys.responses import record_response, response_to

ANSWERS = st.dictionaries(st.sampled_from(["QID1", "QID2_TEXT", "QID3"]), st.integers(1, 3))


class Answered:
    """A survey, answered to one invitation."""

    def __init__(self, database: Database, survey: Survey) -> None:
        self.database = database
        self.survey = survey

    async def change(self, seen: int, **answers: int | str) -> Response:
        async with self.database.transaction() as connection:
            await change_response(
                connection, self.survey, "I", seen_version=seen, answers=answers, sitting=Sitting()
            )
        return await self.now()

    async def finish(self) -> Response:
        async with self.database.transaction() as connection:
            await finish_response(connection, self.survey, "I", sitting=Sitting())
        return await self.now()

    async def now(self) -> Response:
        async with self.database.transaction() as connection:
            response = await response_to(connection, "I")
        assert response is not None
        return response

    async def events(self) -> list[tuple[str, str]]:
        """(type, what follows the response's id in its key) of each event."""
        rows = await self.database.pool.fetch("SELECT type, deduplication_key FROM event ORDER BY id")
        return [(row["type"], row["deduplication_key"].decode().partition("/")[2]) for row in rows]

    async def time_passes(self, hours: float) -> None:
        await self.database.pool.execute(
            "UPDATE response SET recorded_at = recorded_at - make_interval(secs => $1)", hours * 3600
        )


@pytest.fixture
async def answered(database: Database) -> Answered:
    async with database.transaction() as connection:
        survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
        survey = await get_survey(connection, survey_id)
        assert survey is not None
        await record_response(connection, survey, invitation_id="I", answers={"QID1": 4}, embedded_data={})
    return Answered(database, survey)


async def test_each_change_is_a_version_and_an_event_and_what_was_before_is_kept(answered: Answered) -> None:
    first = await answered.now()
    assert (first.version, first.modified_at, first.finished) == (1, None, False)
    second = await answered.change(1, QID1=4, QID2_TEXT="Quick")
    assert (second.version, second.answers, second.finished) == (2, {"QID1": 4, "QID2_TEXT": "Quick"}, True)
    assert second.modified_at is not None
    third = await answered.change(2, QID1=5)
    assert (third.version, third.answers, third.finished) == (3, {"QID1": 5}, True)
    assert third.recorded_at == first.recorded_at
    assert await answered.events() == [
        ("Survey Response", ""),
        ("Survey Response: updated", "updated/2"),
        ("Survey Response: updated", "updated/3"),
    ]
    rows = await answered.database.pool.fetch(
        "SELECT version, answers::text FROM response_version ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [(1, '{"QID1": 4}'), (2, '{"QID1": 4, "QID2_TEXT": "Quick"}')]


async def test_the_same_sent_again_changes_nothing(answered: Answered) -> None:
    for seen in (1, 1, 0):
        assert (await answered.change(seen, QID1=4)).version == 1
    await answered.change(1, QID1=5)
    assert (await answered.change(1, QID1=5)).version == 2
    assert len(await answered.events()) == 2


async def test_two_forms_that_were_open_at_once_change_what_was_changed_in_each(answered: Answered) -> None:
    await answered.change(1, QID1=4, QID2_TEXT="Quick")
    both = await answered.change(1, QID1=2)
    assert both.answers == {"QID1": 2, "QID2_TEXT": "Quick"}
    later = await answered.change(1, QID1=4, QID2_TEXT="Slow")
    assert later.answers == {"QID1": 2, "QID2_TEXT": "Slow"}


async def test_that_is_all_finishes_it_and_is_told_of_once(answered: Answered) -> None:
    for _ in range(2):
        response = await answered.finish()
        assert (response.finished, response.version, response.answers) == (True, 1, {"QID1": 4})
    assert (await answered.events())[1:] == [("Survey Response: updated", "updated/finished")]
    assert (await answered.change(1, QID1=5)).version == 2


async def test_when_the_time_is_over_it_stays_as_it_is(answered: Answered) -> None:
    await answered.time_passes(23.9)
    await answered.change(1, QID1=5)
    await answered.time_passes(0.2)
    with pytest.raises(TooLate):
        await answered.change(2, QID1=1)
    with pytest.raises(TooLate):
        await answered.finish()
    assert (await answered.now()).answers == {"QID1": 5}


@given(seen=ANSWERS, now=ANSWERS, sent=ANSWERS)
def test_a_merge_keeps_what_was_not_changed_and_takes_what_was(
    seen: dict[str, Any], now: dict[str, Any], sent: dict[str, Any]
) -> None:
    merged = merge(seen, now, sent)
    for name in ("QID1", "QID2_TEXT", "QID3"):
        expected = now if seen.get(name) == sent.get(name) else sent
        assert merged.get(name) == expected.get(name)
