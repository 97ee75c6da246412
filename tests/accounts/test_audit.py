"""The audit log: written with the change, by whoever acts, without secrets."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.api_tokens import add_api_token, end_api_token, list_api_tokens
from afterword.accounts.audit import COMMAND_LINE, Actor, Entry, act_as, audit, list_entries
from afterword.accounts.connected import remove_account
from afterword.accounts.gladly_accounts import add_gladly, change_gladly
from afterword.accounts.managing import change_role, remove_person
from afterword.accounts.people import Person, add_person
from afterword.accounts.qualtrics_accounts import add_qualtrics, change_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.store.database import Database
from afterword.subscriptions.subscriptions import (
    NewSubscription,
    add_subscription,
    delete_subscription,
)
from afterword.workflows.running.cancelling import cancel_run

SECRET = "a-secret-that-is-nowhere"


def told(entries: list[Entry]) -> list[tuple[str, str, dict[str, object], dict[str, object]]]:
    """The entries, oldest first."""
    return [(one.kind, one.what, dict(one.before), dict(one.after)) for one in reversed(entries)]


async def test_an_account_s_life_is_told_without_its_secrets(
    connection: AsyncConnection, box: SecretBox
) -> None:
    gladly = await add_gladly(
        connection, box, name="Acme", base_url="http://127.0.0.1:1", username="u", api_token=SECRET
    )
    await change_gladly(connection, box, gladly.id, base_url="http://127.0.0.1:2", delivery="pull")
    await change_gladly(connection, box, gladly.id, base_url="http://127.0.0.1:2")
    await change_gladly(connection, box, gladly.id, api_token=f"{SECRET}-2")
    await remove_account(connection, gladly.id)
    await remove_account(connection, gladly.id)
    address = {"address": "http://127.0.0.1:2"}
    entries = await list_entries(connection, subject_id=gladly.id)
    assert told(entries) == [
        ("account", "added", {}, {"kind": "gladly", "address": "http://127.0.0.1:1", "user name": "u"}),
        (
            "account",
            "changed",
            {"address": "http://127.0.0.1:1", "events": "own"},
            {**address, "events": "pull"},
        ),
        ("account", "changed", {}, {"API token": "replaced"}),
        ("account", "removed", {"kind": "gladly", **address}, {}),
    ]
    qualtrics = await add_qualtrics(
        connection, box, name="Q", api_token=SECRET, base_url="https://fra1.qualtrics.com"
    )
    await change_qualtrics(
        connection,
        box,
        qualtrics.id,
        json_event_url=f"https://fra1.qualtrics.com/inbound-event/v1/events/json/triggers?urlTokenId={SECRET}",
    )
    entries = await list_entries(connection)
    assert entries[0].after == {"JSON event endpoint": "replaced"}
    assert SECRET not in repr(entries)


async def test_people_and_their_tokens_are_told(connection: AsyncConnection, manager: Person) -> None:
    await change_role(connection, manager.id, "analyst")
    await change_role(connection, manager.id, "analyst")
    token = await add_api_token(connection, manager.id, "CRM")
    (listed,) = await list_api_tokens(connection, manager.id)
    await end_api_token(connection, listed.id)
    await end_api_token(connection, listed.id)
    await remove_person(connection, manager.id)
    email = {"email": "mona@example.com"}
    entries = await list_entries(connection)
    assert told(entries) == [
        ("person", "added", {}, {**email, "role": "manager"}),
        ("person", "changed", {"role": "manager"}, {"role": "analyst"}),
        ("token", "added", {}, {"of": "Mona Manager", "scopes": "everything"}),
        ("token", "ended", {"of": "Mona Manager"}, {}),
        ("person", "removed", {**email, "role": "analyst"}, {}),
    ]
    assert token not in repr(entries)


async def test_who_acts_is_told_and_no_task_acts_as_another(database: Database) -> None:
    async def change(actor: Actor | None, name: str) -> None:
        if actor is not None:
            act_as(actor)
        async with database.transaction() as connection:
            await add_person(connection, email=f"{name}@example.com", name=name, role="analyst")

    await asyncio.gather(
        *(
            asyncio.create_task(change(actor, name))
            for actor, name in ((Actor("UR_1", "Ada", "page"), "a"), (COMMAND_LINE, "b"), (None, "c"))
        )
    )
    async with database.transaction() as connection:
        entries = await list_entries(connection, kind="person")
        of_ada = await list_entries(connection, actor_id="UR_1")
    assert {one.subject: (one.actor, one.door) for one in entries} == {
        "a": ("Ada", "page"),
        "b": ("Command line", "command"),
        "c": ("Afterword", ""),
    }
    assert [one.subject for one in of_ada] == ["a"]


async def test_a_change_that_is_taken_back_leaves_no_entry(database: Database) -> None:
    async def change_and_fail() -> None:
        async with database.transaction() as connection:
            await add_person(connection, email="a@example.com", name="A", role="analyst")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await change_and_fail()
    async with database.transaction() as connection:
        assert await list_entries(connection) == []


async def test_what_does_not_differ_is_not_kept(connection: AsyncConnection) -> None:
    await audit(
        connection, "workflow", "changed", ("OC_1", "Ask"), before={"a": 1, "b": 2}, after={"a": 1, "b": 3}
    )
    await audit(connection, "workflow", "changed", ("OC_1", "Ask"), before={"a": 1}, after={"a": 1})
    (entry,) = await list_entries(connection)
    assert entry.changes == [("b", 2, 3)]


async def test_a_run_that_is_cancelled_and_what_programs_subscribe_to_is_told(database: Database) -> None:
    box = SecretBox(["a key for the tests, long enough to be one"])
    new = NewSubscription(
        topics="surveyengine.completedResponse.SV_aaaaaaaaaaaaaaa",
        publication_url="https://crm.example.com/hook?key=Secret",
        shared_key=None,
    )
    async with database.transaction() as connection:
        owner = await add_person(connection, email="o@example.com", name="O", role="owner")
        run_id = await connection.scalar(
            text("INSERT INTO run (workflow_id, revision, event_id) VALUES ('OC_1', 1, 1) RETURNING id")
        )
        assert await cancel_run(connection, run_id)
        assert not await cancel_run(connection, run_id)
        subscription_id = await add_subscription(connection, box, new, person_id=owner.id)
        assert await delete_subscription(connection, subscription_id)
        assert not await delete_subscription(connection, subscription_id)
        entries = [one for one in await list_entries(connection) if one.kind != "person"]
    assert told(entries) == [
        ("run", "cancelled", {}, {}),
        ("subscription", "added", {}, {"topics": new.topics, "address": "https://crm.example.com/hook"}),
        ("subscription", "ended", {"topics": new.topics}, {}),
    ]
