"""A whole worker after an outage: what was closed meanwhile is asked about, once, and it is told how it was found."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
from tests.backfill.conftest import Past, Scene
from tests.conftest import Eventually, StandIn
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.workers import at_work

from afterword.accounts.qualtrics_accounts import add_qualtrics
from afterword.worker import Worker
from afterword.workflows.explaining.explain import explain
from afterword.workflows.history.event_history import list_events

HOUR = timedelta(hours=1)
TAKEN = '{"meta": {"httpStatus": "200 - OK", "requestId": "r"}}'


def ago(span: timedelta) -> datetime:
    return datetime.now(UTC) - span


@asynccontextmanager
async def working(scene: Scene, **settings: object) -> AsyncIterator[None]:
    worker = Worker(msgspec.structs.replace(scene.settings, **settings), scene.database, scene.box)
    async with at_work(worker):
        yield


async def asks(scene: Scene, stand_in: StandIn) -> None:
    """A workflow that sends its JSON event to the stand-in."""
    async with scene.database.transaction() as connection:
        qualtrics = await add_qualtrics(
            connection,
            scene.box,
            name="Brand",
            api_token="T" * 40,
            json_event_url=f"{stand_in.url}/inbound-event/v1/events/json/triggers?urlTokenId=t",
        )
    await scene.workflow(gladly_account=scene.account_id, qualtrics_account=qualtrics.id)
    await scene.database.pool.execute("UPDATE workflow SET created_at = now() - interval '90 days'")


def asked_about(stand_in: StandIn) -> list[str]:
    """The conversation of each JSON event."""
    return [json.loads(body)["conversationId"] for _, body in stand_in.requests]


async def test_a_worker_that_was_down_for_more_than_a_day_costs_no_survey(
    scene: Scene, past: Past, stand_in: StandIn, eventually: Eventually
) -> None:
    stand_in.answer(200, TAKEN)
    await asks(scene, stand_in)
    made = [
        conversation
        for _, conversation in past.conversations([([ago(hours * HOUR)], []) for hours in (33, 28, 19, 6, 1)])
    ]
    await scene.database.pool.execute(
        "INSERT INTO gladly_reading (account_id, begins_at, checked_until) "
        "VALUES ($1, now() - interval '90 days', now() - interval '34 hours')",
        scene.account_id,
    )

    def all_are_asked() -> bool:
        return set(made) <= set(asked_about(stand_in))

    async with working(scene):
        await eventually(all_are_asked)
    async with working(scene):  # once more: nothing is found again
        await asyncio.sleep(0)
    assert sorted(one for one in asked_about(stand_in) if one in made) == sorted(made)
    async with scene.database.transaction() as connection:
        (story,) = (await explain(connection, made[0], personal=True)).stories
        page = await list_events(connection)
    words = " ".join(sentence.words for sentence in story.sentences)
    assert (
        "No webhook told of it; backfill 1 found it in Gladly's report of conversations 1 day later" in words
    )
    found = {event.conversation_id: event.how_found for event in page.events}
    assert found[made[-1]] == "found in Gladly's list of events by backfill 1"


async def test_a_worker_reads_the_list_of_events_where_nothing_may_come_in(
    scene: Scene, sandbox: Sandbox, past: Past, stand_in: StandIn, eventually: Eventually
) -> None:
    stand_in.answer(200, TAKEN)
    await asks(scene, stand_in)
    await scene.database.pool.execute("UPDATE connected_account SET delivery = 'pull'")
    async with working(scene, gladly_pull_seconds=0.05):
        await eventually(lambda: scene.database.pool.fetchval("SELECT pulled_at FROM gladly_reading"))
        _, conversation = past.conversation(ago(timedelta(seconds=1)))
        await eventually(lambda: conversation in asked_about(stand_in))
    async with scene.database.transaction() as connection:
        (story,) = (await explain(connection, conversation, personal=True)).stories
    assert asked_about(stand_in).count(conversation) == 1
    assert "was closed in Gladly" in story.sentences[0].words
