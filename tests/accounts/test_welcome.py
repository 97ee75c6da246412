"""Links by which people come in without a password."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.people import InvalidPerson, Person, authenticate
from afterword.accounts.welcome import LinkNotValid, come_in, find_welcome, has_owner, new_link

URL = "https://afterword.example/"
PASSWORD = "four words that rhyme"
OWNER = {"email": "olive@example.org", "name": "Olive"}


async def code_of(connection: AsyncConnection, person_id: str | None) -> str:
    link = await new_link(connection, person_id, URL)
    assert link.startswith("https://afterword.example/welcome?code=")
    return link.partition("code=")[2]


async def test_the_first_owner_comes_in_once(connection: AsyncConnection) -> None:
    assert not await has_owner(connection)
    code = await code_of(connection, None)
    assert (await find_welcome(connection, code)).person is None
    owner = await come_in(connection, code, password=PASSWORD, **OWNER)
    assert (owner.role, owner.email) == ("owner", "olive@example.org")
    assert await has_owner(connection)
    assert await authenticate(connection, "olive@example.org", PASSWORD) == owner
    with pytest.raises(LinkNotValid):
        await come_in(connection, code, password=PASSWORD, email="other@example.org", name="Other")


async def test_a_first_owners_link_is_worth_nothing_once_there_is_an_owner(
    connection: AsyncConnection,
) -> None:
    first = await code_of(connection, None)
    await come_in(connection, first, password=PASSWORD, **OWNER)
    later = await code_of(connection, None)
    with pytest.raises(LinkNotValid):
        await find_welcome(connection, later)


async def test_what_is_wrong_with_the_owner_uses_up_nothing(connection: AsyncConnection) -> None:
    code = await code_of(connection, None)
    with pytest.raises(InvalidPerson):
        await come_in(connection, code, password="short", **OWNER)
    assert (await come_in(connection, code, password=PASSWORD, **OWNER)).role == "owner"


async def test_somebody_chooses_a_password_by_the_newest_link_alone(
    connection: AsyncConnection, manager: Person
) -> None:
    older, newer = [await code_of(connection, manager.id) for _ in range(2)]
    with pytest.raises(LinkNotValid):
        await find_welcome(connection, older)
    came = await come_in(connection, newer, password=PASSWORD, email="somebody@else.example", name="X")
    assert (came.id, came.email, came.name) == (manager.id, manager.email, manager.name)
    assert came.password_set_at is not None
    assert await authenticate(connection, manager.email, PASSWORD) == came


async def test_a_link_ends_after_a_day(connection: AsyncConnection, manager: Person) -> None:
    code = await code_of(connection, manager.id)
    await connection.execute(text("UPDATE welcome_link SET expires_at = expires_at - interval '24 hours'"))
    with pytest.raises(LinkNotValid):
        await find_welcome(connection, code)


@pytest.mark.parametrize("code", ["", "x", "\x00", "x" * 100_000, "\ud800"])
async def test_what_never_was_a_link_lets_nobody_in(connection: AsyncConnection, code: str) -> None:
    with pytest.raises(LinkNotValid):
        await find_welcome(connection, code)
