"""How a process talks to PostgreSQL: what may be otherwise at the next try, and what comes again."""

import pytest

from afterword.store.database import DATABASE_AWAY, Database

WHOLE = "SELECT $1::bigint + 1"
TEXT = "SELECT $1::text"


async def test_a_value_that_postgresql_does_not_take_is_no_database_that_is_away(database: Database) -> None:
    for statement, value in [(WHOLE, 2**70), (TEXT, "half a pair: \ud800"), (TEXT, "\x00")]:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever it is
            await database.pool.fetchval(statement, value)
        assert not isinstance(raised.value, DATABASE_AWAY)
    assert await database.pool.fetchval(WHOLE, 41) == 42


async def test_a_connection_that_was_cut_is(database: Database) -> None:
    async with database.pool.acquire() as connection:
        await database.pool.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        for _ in range(2):
            with pytest.raises(DATABASE_AWAY):
                await connection.fetchval(WHOLE, 41)
