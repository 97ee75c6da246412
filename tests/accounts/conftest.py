"""What the tests of accounts share: a connection in a transaction, and a box."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.people import Person, add_person
from afterword.accounts.secrets import SecretBox
from afterword.store.database import Database


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.connect(database_url, name="tests")
    yield database
    await database.close()


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.transaction() as connection:
        yield connection


@pytest.fixture
def box() -> SecretBox:
    return SecretBox(["a key for the tests, long enough to be one"])


@pytest_asyncio.fixture
async def manager(connection: AsyncConnection) -> Person:
    return await add_person(connection, email="mona@example.com", name="Mona Manager", role="manager")
