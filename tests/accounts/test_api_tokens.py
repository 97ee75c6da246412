from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.api_tokens import (
    Bearer,
    TokenUses,
    add_api_token,
    find_bearer,
    hash_token,
    new_token,
)
from afterword.accounts.people import InvalidPerson, Person
from afterword.accounts.scopes import SCOPES
from afterword.store.database import Database
from afterword.store.tables import api_token


async def last_used(connection: AsyncConnection) -> datetime | None:
    moment: datetime | None = await connection.scalar(select(api_token.c.last_used_at))
    return moment


async def test_a_token_leads_to_its_owner(connection: AsyncConnection, manager: Person) -> None:
    first = await add_api_token(connection, manager.id, "the till")
    second = await add_api_token(connection, manager.id, "the report")
    assert await find_bearer(connection, first) == Bearer(manager)
    assert await find_bearer(connection, second) == Bearer(manager)


@pytest.mark.parametrize("wrong", ["", "x" * 40, "\x00", "\ud800", "Zoë", "x" * 100_000])
async def test_what_is_no_token_leads_to_nobody(
    connection: AsyncConnection, manager: Person, wrong: str
) -> None:
    await add_api_token(connection, manager.id, "the till")
    assert await find_bearer(connection, wrong) is None


async def test_a_token_has_forty_letters_and_digits_and_only_its_hash_is_stored(
    connection: AsyncConnection, manager: Person
) -> None:
    token = await add_api_token(connection, manager.id, "the till")
    assert len(token) == 40
    assert token.isascii()
    assert token.isalnum()
    assert token not in str((await connection.execute(select(api_token))).all())


async def test_a_token_can_be_given_and_is_held_to_the_form(
    connection: AsyncConnection, manager: Person
) -> None:
    with pytest.raises(ValueError, match="40 letters and digits"):
        await add_api_token(connection, manager.id, "the till", token="short")
    token = new_token()
    assert await add_api_token(connection, manager.id, "the till", token=token) == token
    assert await find_bearer(connection, token) == Bearer(manager)


async def test_a_token_may_what_its_scopes_name_and_without_them_everything(
    connection: AsyncConnection, manager: Person
) -> None:
    whole = await find_bearer(connection, await add_api_token(connection, manager.id, "all"))
    part = await find_bearer(
        connection,
        await add_api_token(connection, manager.id, "part", scopes=["write:json_events", "read:runs"]),
    )
    assert whole is not None
    assert part is not None
    assert all(whole.may(scope) for scope in (*SCOPES, None, "what comes later"))
    assert {scope for scope in SCOPES if part.may(scope)} == {"read:runs", "write:json_events"}
    assert part.may(None)
    for wrong in (["read:everything"], []):
        with pytest.raises(InvalidPerson):
            await add_api_token(connection, manager.id, "part", scopes=wrong)


async def test_a_use_is_stored_when_it_is_asked_for(connection: AsyncConnection, manager: Person) -> None:
    token = await add_api_token(connection, manager.id, "the till")
    uses = TokenUses()
    await uses.store(connection)
    assert await last_used(connection) is None
    uses.note(hash_token(token))
    assert await last_used(connection) is None
    await uses.store(connection)
    assert await last_used(connection) == await connection.scalar(func.now())


async def test_a_use_is_stored_at_most_once_a_minute(connection: AsyncConnection, manager: Person) -> None:
    token = await add_api_token(connection, manager.id, "the till")
    uses = TokenUses()
    for seconds_ago, stored_again in ((59, False), (61, True)):
        before = func.now() - timedelta(seconds=seconds_ago)
        await connection.execute(update(api_token).values(last_used_at=before))
        uses.note(hash_token(token))
        await uses.store(connection)
        assert (await last_used(connection) == await connection.scalar(func.now())) is stored_again


async def test_uses_that_could_not_be_stored_are_stored_next_time(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(
            text("INSERT INTO person (id, email, name, role) VALUES ('UR_a', 'a@b', 'A', 'owner')")
        )
        token = await add_api_token(connection, "UR_a", "the till")
    uses = TokenUses()
    uses.note(hash_token(token))
    closed = database.engine.connect()
    await closed.start()
    await closed.close()
    with pytest.raises(Exception, match="closed"):
        await uses.store(closed)
    async with database.transaction() as connection:
        await uses.store(connection)
        assert await last_used(connection) is not None
