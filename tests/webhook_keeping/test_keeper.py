"""What a worker does for the webhooks, again and again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.standing_store import credentials_of
from afterword.store.budgets import RateBudget
from afterword.webhook_keeping.keeper import WebhookKeeper

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
