from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts import passwords
from afterword.accounts.people import (
    InvalidPerson,
    Person,
    add_person,
    authenticate,
    find_person,
    find_person_by_email,
    set_password,
)
from afterword.store.tables import person

PASSWORD = "correct horse battery"


async def stored_hash(connection: AsyncConnection, who: Person) -> str:
    stored = await connection.scalar(select(person.c.password_hash).where(person.c.id == who.id))
    assert isinstance(stored, str)
    return stored


async def test_somebody_who_was_added_is_found_by_id_and_by_email_in_any_case(
    connection: AsyncConnection,
) -> None:
    added = await add_person(connection, email="Zoë@Example.com", name="Zoë", role="owner")
    assert added.id.startswith("UR_")
    assert added.created_at.tzinfo is not None
    assert await find_person(connection, added.id) == added
    assert await find_person_by_email(connection, "ZOË@example.COM") == added
    assert await find_person_by_email(connection, "zoe@example.com") is None
    assert await find_person(connection, "UR_nobody") is None


async def test_an_email_in_use_is_refused_and_the_transaction_goes_on(
    connection: AsyncConnection, manager: Person
) -> None:
    with pytest.raises(InvalidPerson, match="already in use"):
        await add_person(connection, email=manager.email.upper(), name="Other", role="analyst")
    assert await find_person_by_email(connection, manager.email) == manager


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "mona"},
        {"email": "@example.com"},
        {"email": "mona@"},
        {"email": "mona@a@b"},
        {"email": "mona @example.com"},
        {"email": "mona@example.com\nBcc: all@example.com"},
        {"email": "a" * 250 + "@example.com"},
        {"email": "mona\x00@example.com"},
        {"email": "mona\ud800@example.com"},
        {"name": "  "},
        {"name": "x" * 201},
        {"name": "\x00"},
        {"role": "king"},
        {"password": "too short"},
        {"password": "x" * 1025},
    ],
)
async def test_what_cannot_be_a_person_is_refused_and_then_added_as_it_should_be(
    connection: AsyncConnection, wrong: dict[str, str]
) -> None:
    right = {"email": "mona@example.com", "name": "Mona", "role": "analyst", "password": PASSWORD}
    with pytest.raises(InvalidPerson):
        await add_person(connection, **(right | wrong))  # type: ignore[arg-type]
    added = await add_person(connection, **right)  # type: ignore[arg-type]
    assert await find_person(connection, added.id) == added


async def test_signing_in_takes_the_right_password_and_the_email_in_any_case(
    connection: AsyncConnection,
) -> None:
    added = await add_person(connection, email="o@example.com", name="O", role="owner", password=PASSWORD)
    assert await authenticate(connection, "O@example.com", PASSWORD) == added
    assert await authenticate(connection, "o@example.com", PASSWORD + " ") is None
    assert await authenticate(connection, "o@example.com", "") is None


async def test_the_password_itself_is_not_stored(connection: AsyncConnection) -> None:
    added = await add_person(connection, email="o@example.com", name="O", role="owner", password=PASSWORD)
    stored = await stored_hash(connection, added)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in stored


async def test_a_changed_password_replaces_the_old_one(connection: AsyncConnection) -> None:
    added = await add_person(connection, email="o@example.com", name="O", role="owner", password=PASSWORD)
    changed = await set_password(connection, added.id, "another long one")
    assert changed is not None
    assert (changed.id, changed.password_set_at is None) == (added.id, False)
    assert await authenticate(connection, "o@example.com", PASSWORD) is None
    assert await authenticate(connection, "o@example.com", "another long one") == changed


async def test_somebody_without_a_password_cannot_sign_in(
    connection: AsyncConnection, manager: Person
) -> None:
    assert await authenticate(connection, manager.email, "") is None
    assert await authenticate(connection, manager.email, "None") is None


async def test_an_unknown_name_costs_as_much_hashing_as_a_wrong_password(
    connection: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_person(connection, email="o@example.com", name="O", role="owner", password=PASSWORD)
    work: list[str] = []

    def counted(hashing: Callable[..., object]) -> Callable[..., object]:
        def count(*arguments: str) -> object:
            work.append("once")
            return hashing(*arguments)

        return count

    monkeypatch.setattr(passwords, "_hash", counted(passwords._hash))
    monkeypatch.setattr(passwords, "_verify", counted(passwords._verify))
    assert await authenticate(connection, "o@example.com", "wrong password") is None
    assert await authenticate(connection, "nobody@example.com", "wrong password") is None
    assert work == ["once", "once"]


async def test_a_hash_made_with_old_parameters_is_made_anew_at_the_next_sign_in(
    connection: AsyncConnection,
) -> None:
    added = await add_person(connection, email="o@example.com", name="O", role="owner")
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("old")
    await connection.execute(update(person).values(password_hash=weak))
    assert await authenticate(connection, "o@example.com", "wrong") is None
    assert await stored_hash(connection, added) == weak
    assert await authenticate(connection, "o@example.com", "old") == added
    assert "m=19456,t=2" in await stored_hash(connection, added)
    assert await authenticate(connection, "o@example.com", "old") == added


@pytest.mark.parametrize("unstorable", ["o\x00@example.com", "o\ud800@example.com", "x" * 100_000])
async def test_odd_input_signs_nobody_in(connection: AsyncConnection, unstorable: str) -> None:
    await add_person(connection, email="o@example.com", name="O", role="owner", password=PASSWORD)
    assert await authenticate(connection, unstorable, PASSWORD) is None
    assert await authenticate(connection, "o@example.com", unstorable) is None
    assert await authenticate(connection, "o@example.com", PASSWORD) is not None


@given(st.text(max_size=50))
def test_a_damaged_hash_is_no_password(damaged: str) -> None:
    assert passwords._verify(damaged, "anything") is False
