"""``afterword sending``, ``afterword workflows test`` and ``limit``, as people and programs call them."""

from typing import Any

import pytest
from tests.commands.conftest import Call, json_of

from afterword.store.database import Database


async def sending(call: Call, *arguments: str, **how: Any) -> Any:
    return await call(*arguments, group="sending", **how)


async def hold(database: Database, workflow: str, runs: int) -> None:
    await database.pool.execute(
        "INSERT INTO sending_hold (workflow_id, most, usual) VALUES ($1, 9, 1.5)", workflow
    )
    await database.pool.execute(
        "INSERT INTO run (workflow_id, revision, event_id, status, waiting_for, due_at) "
        "SELECT $1, 1, n, 'waiting', 'sending/' || $1, NULL FROM generate_series(1, $2::int) AS n",
        workflow,
        runs,
    )


async def test_sending_is_paused_told_of_and_resumed(call: Call) -> None:
    assert "Sending is on." in (await sending(call, "status")).output
    assert "All sending is paused" in (await sending(call, "pause", "--why", "a storm")).output
    assert "paused already" in (await sending(call, "pause")).output
    assert "by the command line: a storm. 0 runs waiting" in (await sending(call, "status")).output
    assert json_of(await sending(call, "status", "--json"))["pause"]["why"] == "a storm"
    assert json_of(await sending(call, "resume", "--json")) == {"paused": False, "changed": True, "runs": 0}
    assert "It was not paused." in (await sending(call, "resume")).output


async def test_held_invitations_are_let_go(call: Call, workflow_id: str, database: Database) -> None:
    await hold(database, workflow_id, 2)
    told = (await sending(call, "status")).output
    assert f"Held: 2 runs of “Ask” ({workflow_id})" in told
    assert "more than 9 in an hour, usual are 1.5" in told
    assert "2 runs let go" in (await sending(call, "release", "Ask")).output
    again = await sending(call, "release", "Ask")
    assert again.exit_code == 1
    assert "No invitation of the workflow" in str(again.exception)


async def test_or_cancelled_after_asking(call: Call, workflow_id: str, database: Database) -> None:
    await hold(database, workflow_id, 2)
    assert (await sending(call, "cancel", "Ask", typed="n\n")).exit_code == 1
    assert json_of(await sending(call, "cancel", "Ask", "--yes", "--json")) == {
        "id": workflow_id,
        "cancelled": 2,
    }
    assert await database.pool.fetchval("SELECT count(*) FROM run WHERE status = 'cancelled'") == 2


@pytest.fixture
async def known(database: Database, workflow_id: str) -> None:
    """What the workflow names is there."""
    await database.pool.execute("INSERT INTO survey (id, name, definition) VALUES ('SV_1', 'S', '{}')")
    await database.pool.execute("INSERT INTO mailing_list (id, name) VALUES ('CG_1', 'L')")
    await database.pool.execute(
        "UPDATE workflow_revision SET definition = jsonb_set(jsonb_set(definition, "
        "'{tasks,0,configuration,first_name}', '\"A\"'), '{tasks,0,configuration,last_name}', '\"B\"')"
    )


@pytest.mark.usefixtures("known")
async def test_a_workflow_is_put_in_test_and_out_of_it_and_keeps_its_list(
    call: Call, workflow_id: str
) -> None:
    told = json_of(
        await call("test", "Ask", "--only", "@team.example", "--only", "ada@acme.example", "--json")
    )
    assert told == {
        "id": workflow_id,
        "revision": 2,
        "brakes": {"in_test": True, "allowed": ["@team.example", "ada@acme.example"]},
    }
    assert "In test: writes to @team.example, ada@acme.example alone" in (await call("show", "Ask")).output
    assert "in test" in (await call("list")).output
    assert "everybody is written to (revision 3)" in (await call("test", "Ask", "--end")).output
    assert "writes to @team.example, ada@acme.example (revision 4)" in (await call("test", "Ask")).output


@pytest.mark.usefixtures("known")
async def test_an_entry_that_is_no_address_is_refused_with_its_place(call: Call, workflow_id: str) -> None:
    refused = await call("test", "Ask", "--only", "team.example")
    assert refused.exit_code == 1
    assert "brakes.allowed[0]: “team.example” is no address and no domain" in str(refused.exception)


@pytest.mark.usefixtures("known")
async def test_a_workflows_own_limit(call: Call, workflow_id: str) -> None:
    assert "invitations an hour: 500 (revision 2)" in (await call("limit", "Ask", "500")).output
    assert "Invitations an hour: 500" in (await call("show", "Ask")).output
    assert "as the installation has it (revision 3)" in (await call("limit", "Ask")).output
