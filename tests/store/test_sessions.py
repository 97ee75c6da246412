import asyncio
from datetime import timedelta

from afterword.store.database import Database
from afterword.store.sessions import DatabaseStore


async def let_time_pass(database: Database) -> None:
    await database.pool.execute("UPDATE login_session SET expires_at = now() - interval '1 second'")


async def test_a_value_is_kept_replaced_and_forgotten(database: Database) -> None:
    store = DatabaseStore(database)
    await store.set("key", "first", expires_in=60)
    assert await store.get("key") == b"first"
    await store.set("key", b"second", expires_in=timedelta(minutes=2))
    assert await store.get("key") == b"second"
    assert await store.exists("key")
    await store.delete("key")
    assert await store.get("key") is None
    assert not await store.exists("key")
    await store.delete("key")


async def test_a_value_expires(database: Database) -> None:
    store = DatabaseStore(database)
    await store.set("key", "value", expires_in=60)
    left = await store.expires_in("key")
    assert left is not None
    assert 0 < left <= 60
    await let_time_pass(database)
    assert await store.get("key", renew_for=60) is None
    assert await store.expires_in("key") is None


async def test_a_value_is_renewed_when_it_is_read(database: Database) -> None:
    store = DatabaseStore(database)
    await store.set("key", "value", expires_in=60)
    assert await store.get("key", renew_for=3600) == b"value"
    left = await store.expires_in("key")
    assert left is not None
    assert left > 60


async def test_a_value_without_an_end_is_kept(database: Database) -> None:
    store = DatabaseStore(database)
    await store.set("key", "value")
    assert await store.get("key", renew_for=60) == b"value"
    assert await store.expires_in("key") is None


async def test_what_has_expired_is_cleared_away_by_the_next_write(database: Database) -> None:
    store = DatabaseStore(database)
    await store.set("old", "value", expires_in=60)
    await let_time_pass(database)
    await store.set("new", "value", expires_in=60)
    assert await database.pool.fetchval("SELECT count(*) FROM login_session") == 1
    await store.count("tries by somebody", within=60)
    await let_time_pass(database)
    await store.count("tries by somebody else", within=60)
    assert await database.pool.fetchval("SELECT count(*) FROM login_session") == 1


async def test_everything_can_be_forgotten(database: Database) -> None:
    store = DatabaseStore(database)
    await store.set("one", "value", expires_in=60)
    await store.set("two", "value", expires_in=60)
    await store.delete_all()
    assert await store.get("one") is None
    assert await store.get("two") is None


async def test_whoever_counts_at_once_gets_a_number_of_their_own(database: Database) -> None:
    stores = [DatabaseStore(database), DatabaseStore(database)]
    counts = await asyncio.gather(*(stores[n % 2].count("tries", within=60) for n in range(20)))
    assert sorted(counts) == list(range(1, 21))


async def test_a_count_begins_anew_after_its_time(database: Database) -> None:
    store = DatabaseStore(database)
    assert [await store.count("tries", within=60) for _ in range(3)] == [1, 2, 3]
    await let_time_pass(database)
    assert [await store.count("tries", within=60) for _ in range(2)] == [1, 2]
    assert await store.count("others", within=60) == 1


async def test_keys_are_not_stored_as_they_are(database: Database) -> None:
    store = DatabaseStore(database)
    await store.set("a-session-id", "value", expires_in=60)
    await store.count("ada@example.org \udc80", within=60)
    ids = [row["id"] for row in await database.pool.fetch("SELECT id FROM login_session")]
    assert len(ids) == 2
    assert not any("session" in row_id or "ada" in row_id for row_id in ids)
