"""What a reopening does to an invitation: kept, cancelled if it was not sent, or if it was not answered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.fixtures.sandbox import Sandbox
from tests.tasks.test_distribute_survey import call

from afterword.distributions.invitations import get_invitation, invitation_id_for, reopened_at
from afterword.outcomes import Skip
from afterword.tasks.contract import Done, TaskCall, Wait
from afterword.tasks.distribute_survey import DistributeSurvey, DistributeSurveyTask

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def gladly_tells(ready: Any, what: str, minutes: float, *, received: datetime | None = None) -> None:
    """Gladly tells of the conversation, so many minutes after noon by its clock."""
    await ready.services.database.pool.execute(
        "INSERT INTO event (origin, type, body, conversation_id, occurred_at, received_at) "
        "VALUES ('gladly/' || $1, 'CONVERSATION/' || $2, '{}', 'conv1', $3, coalesce($4, clock_timestamp()))",
        ready.gladly,
        what,
        NOON + timedelta(minutes=minutes),
        received,
    )


def asking(ready: Any, policy: str, run_id: int = 1, **changes: Any) -> TaskCall[DistributeSurvey]:
    wanted = call(ready, run_id, when_reopened=policy, **changes)
    return msgspec.structs.replace(
        wanted, fields={"ConversationID": "conv1"}, run_started_at=datetime.now(UTC) + timedelta(seconds=1)
    )


@pytest.mark.parametrize("policy", ["cancel-if-not-sent", "cancel-if-not-answered"])
async def test_reopened_before_it_was_sent_the_survey_is_skipped(
    ready: Any, sandbox: Sandbox, policy: str
) -> None:
    task = DistributeSurveyTask(ready.services)
    wanted = asking(ready, policy, email=f"{policy}@reopened.example", delay_seconds=3600.0)
    await gladly_tells(ready, "CLOSED", 0)
    assert isinstance(await task.run(wanted), Wait)
    await gladly_tells(ready, "REOPENED", 5)
    with pytest.raises(Skip) as skipped:
        await task.run(wanted)
    assert skipped.value.reason.code == "conversation-reopened"
    assert sandbox.mails(f"{policy}@reopened.example") == []


async def test_reopened_before_the_invitation_was_even_made_nothing_is_sent(
    ready: Any, sandbox: Sandbox
) -> None:
    await gladly_tells(ready, "CLOSED", 0)
    await gladly_tells(ready, "REOPENED", 5)
    with pytest.raises(Skip):
        await DistributeSurveyTask(ready.services).run(asking(ready, "cancel-if-not-sent"))


async def test_kept_it_is_sent_though_reopened(ready: Any, sandbox: Sandbox) -> None:
    await gladly_tells(ready, "CLOSED", 0)
    await gladly_tells(ready, "REOPENED", 5)
    wanted = asking(ready, "keep", email="kept@reopened.example")
    assert isinstance(await DistributeSurveyTask(ready.services).run(wanted), Done)


async def test_a_reopening_before_this_closing_cancels_nothing(ready: Any) -> None:
    await gladly_tells(ready, "CLOSED", -60)
    await gladly_tells(ready, "REOPENED", -30)
    await gladly_tells(ready, "CLOSED", 0)
    assert isinstance(
        await DistributeSurveyTask(ready.services).run(asking(ready, "cancel-if-not-sent")), Done
    )


async def test_a_closing_that_came_after_the_run_began_is_not_the_one_that_it_asks_about(ready: Any) -> None:
    await gladly_tells(ready, "CLOSED", 0)
    began = datetime.now(UTC) + timedelta(seconds=1)
    await gladly_tells(ready, "REOPENED", 5, received=began + timedelta(minutes=1))
    await gladly_tells(ready, "CLOSED", 9, received=began + timedelta(minutes=5))
    wanted = msgspec.structs.replace(asking(ready, "cancel-if-not-sent"), run_started_at=began)
    with pytest.raises(Skip):
        await DistributeSurveyTask(ready.services).run(wanted)
    again = msgspec.structs.replace(
        asking(ready, "cancel-if-not-sent", run_id=2), run_started_at=began + timedelta(minutes=6)
    )
    assert isinstance(await DistributeSurveyTask(ready.services).run(again), Done)


@pytest.mark.parametrize(
    ("policy", "cancels"), [("cancel-if-not-sent", False), ("cancel-if-not-answered", True)]
)
async def test_reopened_after_it_was_sent_the_run_stays_done(ready: Any, policy: str, cancels: bool) -> None:
    task, wanted = DistributeSurveyTask(ready.services), asking(ready, policy)
    await gladly_tells(ready, "CLOSED", 0)
    await task.run(wanted)
    await gladly_tells(ready, "REOPENED", 5)
    assert isinstance(await task.run(wanted), Done)
    async with ready.services.database.transaction() as connection:
        invitation = await get_invitation(connection, invitation_id_for(wanted.key))
        assert invitation is not None
        assert await reopened_at(connection, invitation) == NOON + timedelta(minutes=5)


async def test_without_a_closing_of_ours_it_is_counted_from_the_invitation(ready: Any) -> None:
    task, wanted = (
        DistributeSurveyTask(ready.services),
        asking(ready, "cancel-if-not-sent", delay_seconds=60.0),
    )
    await gladly_tells(ready, "REOPENED", -60 * 24 * 400)
    assert isinstance(await task.run(wanted), Wait)
    later = (datetime.now(UTC) + timedelta(minutes=1) - NOON).total_seconds() / 60
    await gladly_tells(ready, "REOPENED", later)
    with pytest.raises(Skip):
        await task.run(wanted)


async def test_the_conversation_may_be_named_by_the_embedded_data(ready: Any) -> None:
    from afterword.tasks.fields import EmbeddedDatum  # noqa: PLC0415

    await gladly_tells(ready, "CLOSED", 0)
    await gladly_tells(ready, "REOPENED", 5)
    wanted = asking(ready, "cancel-if-not-sent", embedded_data=(EmbeddedDatum("ConversationId", "conv1"),))
    with pytest.raises(Skip):
        await DistributeSurveyTask(ready.services).run(msgspec.structs.replace(wanted, fields={}))
