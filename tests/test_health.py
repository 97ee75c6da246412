"""``/health`` says what somebody should look at."""

from collections.abc import Awaitable, Callable

import aiohttp
from litestar import Litestar

from afterword.health import health_route
from afterword.store.database import Database


async def test_sending_that_is_paused_or_held_is_noticed(
    database: Database, serve: Callable[[Litestar], Awaitable[str]]
) -> None:
    url = await serve(Litestar([health_route(database)], openapi_config=None, logging_config=None))

    async def notices() -> list[str]:
        async with aiohttp.ClientSession() as http, http.get(f"{url}/health") as answer:
            assert answer.status == 200
            return list((await answer.json())["notices"])

    assert await notices() == []
    await database.pool.execute("INSERT INTO sending_pause (id, by_whom) VALUES (1, 'Olive')")
    await database.pool.execute("INSERT INTO sending_hold (workflow_id, most) VALUES ('OC_1', 5)")
    paused, held = await notices()
    assert paused.startswith("All sending is paused")
    assert "Olive" not in paused
    assert held.startswith("More invitations than usual are held")
