import asyncio

import aiohttp
import pytest
from sqlalchemy import delete, update
from tests.fixtures.admin_pages import Browser, Past

from afterword.admin.runs import live
from afterword.store import tables
from afterword.store.database import Database
from afterword.workflows.history.watching import newest_state


async def changed(stream: aiohttp.ClientResponse) -> None:
    """Return at the next message of the stream."""
    while True:
        line = await asyncio.wait_for(stream.content.readline(), 20)
        assert line, "the stream ended"
        if line.startswith(b"event: changed"):
            return


async def test_open_pages_hear_of_new_runs_and_of_their_progress(signed_in: Browser, past: Past) -> None:
    event_id = await past.event()
    async with signed_in.http.get("/workflows/runs/stream") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        await changed(stream)
        run_id = await past.run(event_id)
        await changed(stream)
        async with past.database.transaction() as connection:
            await connection.execute(
                update(tables.run).where(tables.run.c.id == run_id).values(version=1, status="succeeded")
            )
        await changed(stream)


async def test_the_page_of_a_run_hears_of_that_run(signed_in: Browser, past: Past) -> None:
    run_id = await past.run()
    async with signed_in.http.get(f"/workflows/runs/stream?run={run_id}") as stream:
        await changed(stream)
        async with past.database.transaction() as connection:
            await connection.execute(update(tables.run).values(version=1))
        await changed(stream)


async def test_a_stream_ends_with_its_session(
    signed_in: Browser, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY_SECONDS", 0.01)
    async with signed_in.http.get("/workflows/runs/stream") as stream:
        await changed(stream)
        async with past.database.transaction() as connection:
            await connection.execute(delete(tables.person_session))
            await connection.execute(update(tables.workflow).values(name="Nobody is to hear of it"))
        assert b"changed" not in await asyncio.wait_for(stream.read(), 20)


async def test_a_stream_ends_after_a_while_and_is_asked_for_anew(
    signed_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LIVES_SECONDS", 0.0)
    async with signed_in.http.get("/workflows/runs/stream") as stream:
        assert (await stream.read()).count(b"event: changed") == 1


async def test_a_server_that_stops_lets_its_listeners_go(database: Database) -> None:
    stopping = asyncio.Event()

    async def lasts() -> bool:
        return True

    stream = live.changes(database, newest_state, stopping, lasts)
    await anext(stream)
    rest = asyncio.ensure_future(anext(stream, None))
    stopping.set()
    assert await asyncio.wait_for(rest, 20) is None


async def test_what_is_no_run_has_no_stream(signed_in: Browser) -> None:
    answer, _ = await signed_in.get("/workflows/runs/stream?run=x")
    assert answer.status == 400
