"""How a process talks to PostgreSQL: what is worth another try, and who gets a transaction when."""

import asyncio

import pytest
from sqlalchemy import text

from afterword.store.database import DATABASE_AWAY, TRANSACTIONS_AT_ONCE, Database

WHOLE = "SELECT $1::bigint + 1"
TEXT = "SELECT $1::text"
MANY = 60
TIMES = 10


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


async def _connect(database: Database) -> None:
    async with database.transaction():
        pass


async def test_nobody_waits_for_a_transaction_while_others_have_theirs_again_and_again(
    database: Database,
) -> None:
    turns = 0
    longest_wait = 0

    async def use_it_again_and_again() -> None:
        nonlocal turns, longest_wait
        for _ in range(TIMES):
            asked = turns
            async with database.transaction() as connection:
                longest_wait = max(longest_wait, turns - asked)
                turns += 1
                await connection.execute(text("SELECT 1"))

    await asyncio.gather(*(_connect(database) for _ in range(TRANSACTIONS_AT_ONCE)))
    async with asyncio.TaskGroup() as group:
        for _ in range(MANY):
            group.create_task(use_it_again_and_again())
    assert turns == MANY * TIMES
    assert longest_wait < 2 * MANY


async def test_a_transaction_inside_another_is_refused_before_it_can_wait_for_itself(
    database: Database,
) -> None:
    async with database.transaction():
        with pytest.raises(RuntimeError, match="inside another"):
            async with database.transaction():
                pass
