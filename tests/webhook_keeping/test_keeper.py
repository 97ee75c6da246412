"""What a worker does for the webhooks, again and again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.standing_store import credentials_of
from afterword.backfill import keeping
from afterword.backfill.backfilling import Backfiller
from afterword.backfill.keeping import BackfillKeeper
from afterword.backfill.reading import reader
from afterword.store.budgets import RateBudget
from afterword.store.queue import RunQueue
from afterword.webhook_keeping.keeper import WebhookKeeper
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.matching import Inbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def keepers(scene: Any) -> AsyncIterator[list[WebhookKeeper]]:
    """Those of two workers; what else is connected here is none of their business."""
    await scene.database.pool.execute("UPDATE connected_account SET delivery = 'none' WHERE name = 'Acme'")
    both = [
        ConnectedAccounts(scene.database, scene.box, RateBudget(scene.database.pool), scene.settings)
        for _ in range(2)
    ]
    yield [WebhookKeeper(scene.database, scene.box, accounts, scene.settings) for accounts in both]
    for accounts in both:
        await accounts.close()


async def test_workers_make_the_webhook_together_once_and_look_again_when_a_minute_is_over(
    scene: Any, keepers: list[WebhookKeeper]
) -> None:
    await asyncio.gather(*(keeper.tick() for keeper in keepers * 3))
    first = await scene.known()
    assert first.state == "works"
    assert len(await scene.webhooks()) == 1
    assert await scene.told() == ["PING"]
    await scene.meddle(enabled=False)
    await keepers[0].tick()
    assert not (await scene.webhook()).enabled
    await scene.database.pool.execute(
        "UPDATE gladly_webhook SET next_look_at = next_look_at - interval '1 minute'"
    )
    await keepers[1].tick()
    assert (await scene.webhook()).enabled


async def test_what_was_closed_while_gladly_had_it_switched_off_is_backfilled_and_asked_about_once(
    scene: Any, keepers: list[WebhookKeeper], eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task("T-1", "send-json-event", "Ask", {})
    async with scene.database.transaction() as connection:
        definition = Definition(ConversationClosed(scene.account_id), (task,))
        await add_workflow(connection, name="Ask", definition=definition)
    await scene.database.pool.execute("UPDATE workflow SET created_at = now() - interval '1 day'")
    await keepers[0].tick()
    told = await scene.close_a_conversation()
    await eventually(lambda: _has(scene, told))
    with scene.sandbox.switched(resendDelays=[0, 0, 0, 0]), scene.sandbox.fault("fail"):
        failed = await scene.close_a_conversation()

        async def is_off() -> bool:
            return (await scene.webhook()).disabled_at_due_to_retry_limit is not None

        await eventually(is_off)
    dropped = await scene.close_a_conversation()
    await scene.database.pool.execute("UPDATE gladly_webhook SET next_look_at = now()")
    await keepers[1].tick()
    assert (await scene.known()).state == "works"
    monkeypatch.setattr(keeping, "GAP_SETTLES", timedelta(minutes=-5))
    backfiller = Backfiller(scene.database, reader(keepers[0]._accounts, scene.settings), time_scale=0.001)
    looks = BackfillKeeper(scene.database, backfiller, every=timedelta(hours=1), look_back=timedelta(0))
    await looks.tick()
    assert [gap["state"] for gap in await scene.gaps()] == ["closed"]
    await Inbox(scene.database, RunQueue(scene.database)).drain()
    rows = await scene.database.pool.fetch(
        "SELECT event.conversation_id FROM run JOIN event ON event.id = event_id WHERE origin = $1",
        f"gladly/{scene.account_id}",
    )
    asked = [row["conversation_id"] for row in rows]  # others closed some in these two hours, too
    assert [asked.count(conversation) for conversation in (told, failed, dropped)] == [1, 1, 1]


async def test_an_account_that_is_held_is_left_alone(scene: Any, keepers: list[WebhookKeeper]) -> None:
    async with scene.database.transaction() as connection:
        credentials = await credentials_of(connection, scene.account_id)
    await scene.database.pool.execute(
        "INSERT INTO account_availability (account_id, state, credentials, since, next_probe_at) "
        "VALUES ($1, 'open', $2, now(), now() + interval '1 hour')",
        scene.account_id,
        credentials,
    )
    with scene.sandbox.fault("answer", status=500, path="/api/v1/webhooks") as struck:
        await keepers[0].tick()
        assert struck() == 0
    held = await scene.known()
    assert (held.state, held.reason.code) == ("not-yet", "account-down")


async def test_of_an_account_that_was_removed_meanwhile_nothing_is_kept(
    scene: Any, keepers: list[WebhookKeeper]
) -> None:
    await keepers[0].tick()
    assert await scene.remove() is None
    await keepers[0].tick()
    assert scene.sandbox.api("GET", "/api/v1/webhooks") == []


async def test_health_has_a_notice_while_a_webhook_does_not_work(scene: Any) -> None:
    async def notices() -> list[str]:
        async with scene.afterword.http.get(f"{scene.afterword.url}/health") as answer:
            assert answer.status == 200
            told: list[str] = (await answer.json())["notices"]
            return told

    assert await notices() == []
    with scene.sandbox.fault("answer", status=503, path="/api/v1/webhooks"):
        await scene.keep()
    (notice,) = await notices()
    assert "A webhook at Gladly does not work" in notice
    assert "Sandbox" not in notice
    await scene.works()
    assert await notices() == []


async def _has(scene: Any, conversation: str) -> bool:
    return conversation in await scene.closings()
