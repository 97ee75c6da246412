"""Recording events: on disk before it is said, once however often it comes, no neighbour harmed."""

import asyncio
from typing import Any

import pytest

from afterword.events import recording
from afterword.events.models import NewEvent
from afterword.events.recording import INBOX_CHANNEL, DatabaseUnavailable, EventNotStored, EventRecorder
from afterword.store.database import Database


def event(key: str | None, body: str = "{}", *, window: int | None = None) -> NewEvent:
    return NewEvent(
        origin="json-event/OC_1",
        type="JSON Event",
        body=body,
        deduplication_key=None if key is None else key.encode(),
        repeat_window=window,
    )


async def stored(database: Database) -> list[tuple[str, str]]:
    rows = await database.pool.fetch("SELECT status, body FROM event ORDER BY id")
    return [(row["status"], row["body"]) for row in rows]


async def test_an_event_is_in_the_inbox_when_recording_returns(database: Database) -> None:
    async with EventRecorder(database) as recorder:
        await recorder.record(event("a", '{"n": 1}'))
        assert await stored(database) == [("received", '{"n": 1}')]


async def test_the_body_is_kept_as_received(database: Database) -> None:
    body = '{ "b" :1,\n"a": "\\u00e9 é 山" , "b": 2.50}'
    async with EventRecorder(database) as recorder:
        await recorder.record(event("a", body))
    assert await stored(database) == [("received", body)]


async def test_an_event_delivered_again_is_recorded_as_redelivered_and_names_the_first(
    database: Database,
) -> None:
    async with EventRecorder(database) as recorder:
        await recorder.record(event("a"))
        await recorder.record(event("a"))
    rows = await database.pool.fetch("SELECT id, status, reason_code, redelivery_of FROM event ORDER BY id")
    first, second = rows
    assert (first["status"], first["redelivery_of"]) == ("received", None)
    assert (second["status"], second["reason_code"], second["redelivery_of"]) == (
        "redelivered",
        "delivered-again",
        first["id"],
    )


async def test_the_same_event_many_times_at_once_is_one_event(database: Database) -> None:
    async with EventRecorder(database) as recorder:
        await asyncio.gather(*(recorder.record(event("same")) for _ in range(300)))
    statuses = [status for status, _ in await stored(database)]
    assert statuses.count("received") == 1
    assert statuses.count("redelivered") == 299


async def test_two_processes_recording_the_same_events_record_each_once(database: Database) -> None:
    async with EventRecorder(database) as one, EventRecorder(database) as other:
        await asyncio.gather(
            *(one.record(event(str(number))) for number in range(200)),
            *(other.record(event(str(number))) for number in reversed(range(200))),
        )
    statuses = [status for status, _ in await stored(database)]
    assert (statuses.count("received"), statuses.count("redelivered")) == (200, 200)


async def test_the_same_key_from_another_origin_is_another_event(database: Database) -> None:
    async with EventRecorder(database) as recorder:
        await recorder.record(event("a"))
        await recorder.record(NewEvent(origin="gladly/GA_1", type="PING", body="{}", deduplication_key=b"a"))
    assert [status for status, _ in await stored(database)] == ["received", "received"]


async def test_without_a_key_every_delivery_is_an_event(database: Database) -> None:
    async with EventRecorder(database) as recorder:
        await asyncio.gather(*(recorder.record(event(None)) for _ in range(5)))
    assert [status for status, _ in await stored(database)] == ["received"] * 5


async def test_within_its_window_a_body_is_a_redelivery_and_after_it_a_new_event(database: Database) -> None:
    async with EventRecorder(database) as recorder:
        await recorder.record(event("hash", window=600))
        await recorder.record(event("hash", window=600))
        await database.pool.execute("UPDATE event SET received_at = received_at - interval '601 seconds'")
        await recorder.record(event("hash", window=600))
        await recorder.record(event("hash", window=600))
    statuses = [status for status, _ in await stored(database)]
    assert statuses == ["received", "redelivered", "received", "redelivered"]


async def test_an_event_that_the_database_refuses_does_not_fail_its_neighbours(database: Database) -> None:
    async with EventRecorder(database) as recorder:
        outcomes = await asyncio.gather(
            *(
                recorder.record(event(str(number), "half a pair: \ud800" if number == 7 else "{}"))
                for number in range(20)
            ),
            return_exceptions=True,
        )
    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, EventNotStored)] == [7]
    assert [outcome for number, outcome in enumerate(outcomes) if number != 7] == [None] * 19
    assert len(await stored(database)) == 19


FULL_DISK = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON event EXECUTE FUNCTION refuse()
"""


async def test_a_database_in_trouble_is_not_the_events_fault(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sent it sends it again, which they would not do with one that can never be stored."""
    monkeypatch.setattr(recording, "RECONNECT_FOR_SECONDS", 0.1)
    await database.pool.execute(FULL_DISK)
    async with EventRecorder(database) as recorder:
        with pytest.raises(DatabaseUnavailable):
            await recorder.record(event("a"))
        await database.pool.execute("DROP TRIGGER refuse ON event")
        await recorder.record(event("a"))
    assert await stored(database) == [("received", "{}")]


async def test_the_inbox_is_told_that_something_came(database: Database, eventually: Any) -> None:
    heard: list[object] = []
    async with database.pool.acquire() as listener:
        await listener.add_listener(INBOX_CHANNEL, lambda *_: heard.append(1))
        async with EventRecorder(database) as recorder:
            await recorder.record(event("a"))
            await eventually(lambda: heard)
        await listener.remove_listener(INBOX_CHANNEL, lambda *_: None)
        await listener.reset()


async def test_recording_goes_on_when_its_connections_were_cut(database: Database) -> None:
    async with EventRecorder(database) as recorder:
        await recorder.record(event("a"))
        await database.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await asyncio.gather(*(recorder.record(event(str(number))) for number in range(10)))
    assert len(await stored(database)) == 11


async def test_events_that_arrive_together_are_committed_together(database: Database) -> None:
    async with EventRecorder(database) as recorder:
        await asyncio.gather(*(recorder.record(event(str(number))) for number in range(10)))
    assert await database.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM event") == 1


async def test_at_the_end_every_connection_is_given_back(database: Database) -> None:
    async with EventRecorder(database) as recorder:
        await recorder.record(event("a"))
        assert database.pool.get_idle_size() < database.pool.get_size()
    assert database.pool.get_idle_size() == database.pool.get_size()
