"""Roles given and people removed: somebody owns the installation at every moment."""

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.managing import change_role, list_people, remove_person
from afterword.accounts.people import InvalidPerson, Person, add_person
from afterword.store import tables


async def test_everybody_is_listed_by_name(connection: AsyncConnection, manager: Person) -> None:
    await add_person(
        connection, email="z@example.org", name="aaron", role="owner", password="a long password"
    )
    listed = await list_people(connection)
    assert [one.name for one in listed] == sorted([manager.name, "aaron"], key=str.casefold)
    assert {one.name: one.has_password for one in listed}["aaron"]


async def test_the_only_owner_stays_one(connection: AsyncConnection, manager: Person) -> None:
    owner = await add_person(connection, email="o@example.org", name="O", role="owner")
    for change in (change_role(connection, owner.id, "manager"), remove_person(connection, owner.id)):
        with pytest.raises(InvalidPerson, match="only owner"):
            await change
    assert (await change_role(connection, owner.id, "owner")).role == "owner"
    assert (await change_role(connection, manager.id, "owner")).role == "owner"
    assert (await change_role(connection, owner.id, "analyst")).role == "analyst"


async def test_whose_tokens_open_a_json_event_is_not_removed(
    connection: AsyncConnection, manager: Person
) -> None:
    values = {"id": "OC_1", "person_id": manager.id, "url_token_sha256": b"x", "url_token": b"x"}
    await connection.execute(insert(tables.json_event_endpoint).values(values))
    with pytest.raises(InvalidPerson, match="1 JSON event is reached with their API tokens"):
        await remove_person(connection, manager.id)
    await connection.execute(tables.json_event_endpoint.delete())
    assert (await remove_person(connection, manager.id)).id == manager.id
    assert await list_people(connection) == []


async def test_nobody_of_that_id_and_no_role_of_that_name_are_told(
    connection: AsyncConnection, manager: Person
) -> None:
    with pytest.raises(InvalidPerson, match="nobody of this id"):
        await remove_person(connection, "UR_nobody")
    with pytest.raises(InvalidPerson, match="the roles are owner, administrator"):
        await change_role(connection, manager.id, "boss")  # type: ignore[arg-type]
