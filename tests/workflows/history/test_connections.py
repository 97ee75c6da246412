"""How each connection is, with the last proof of it."""

from datetime import UTC, datetime, timedelta

import asyncpg

from afterword.accounts.connected import note_tried
from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.qualtrics_accounts import add_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.store.database import Database
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.history.connections import PROOFS, connections
from afterword.workflows.saving.workflows import add_workflow

NOW = datetime.now(UTC)
LATER = timedelta(hours=1)


async def proofs(database: Database) -> dict[str, str | None]:
    """What was last seen to work of each account, by kind."""
    async with database.transaction() as connection:
        found = await connections(connection)
    return {one.account.kind: None if one.proof is None else one.proof.kind for one in found}


async def test_the_last_proof_of_each_account_is_whatever_went_well_last(database: Database) -> None:
    pool: asyncpg.Pool = database.pool
    box = SecretBox(["a key for the tests, long enough to be one"])
    async with database.transaction() as connection:
        gladly = await add_gladly(
            connection, box, name="G", base_url="https://g.gladly.com", username="u", api_token="t"
        )
        qualtrics = await add_qualtrics(
            connection, box, name="Q", base_url="https://fra1.qualtrics.com", api_token="t"
        )
        configuration = {"gladly_account": gladly.id, "qualtrics_account": qualtrics.id}
        definition = Definition(
            ConversationClosed(gladly.id), (Task("T-1", "send-json-event", "Tell", configuration),)
        )
        workflow_id = await add_workflow(connection, name="Tell", definition=definition)
    assert await proofs(database) == {"gladly": None, "qualtrics": None}

    async with database.transaction() as connection:
        for account in (gladly, qualtrics):
            await note_tried(connection, account.id)
    assert await proofs(database) == {"gladly": "tried", "qualtrics": "tried"}

    event_id = await pool.fetchval(
        "INSERT INTO event (origin, type, body, received_at) VALUES ($1, 'CONVERSATION/CLOSED', '{}', $2) RETURNING id",
        f"gladly/{gladly.id}",
        NOW + LATER,
    )
    assert await proofs(database) == {"gladly": "delivered", "qualtrics": "tried"}
    await pool.execute("UPDATE event SET found_in = 'report'")
    assert await proofs(database) == {"gladly": "tried", "qualtrics": "tried"}

    await pool.execute(
        "INSERT INTO run (workflow_id, revision, event_id, status, outputs, finished_at) "
        "VALUES ($1, 1, $2, 'failed', '{}', $3)",
        workflow_id,
        event_id,
        NOW + 2 * LATER,
    )
    assert await proofs(database) == {"gladly": "tried", "qualtrics": "tried"}, "what failed proves nothing"
    await pool.execute("""UPDATE run SET status = 'succeeded', outputs = '{"T-1": {}}'""")
    assert await proofs(database) == {"gladly": "called", "qualtrics": "event-taken"}
    await pool.execute(
        "INSERT INTO event (origin, type, body, received_at) VALUES ($1, 'Survey Response', '{}', $2)",
        f"qualtrics/{qualtrics.id}/SV_1",
        NOW + 3 * LATER,
    )
    assert await proofs(database) == {"gladly": "called", "qualtrics": "responded"}
    assert all(PROOFS.values())
