"""What was there before: surveys without owners, responses without channels, accounts without a way of their events."""

from pathlib import Path

import asyncpg

from afterword.store import migrations
from afterword.store.database import Database
from afterword.store.migrations import migrate

BEFORE = """
INSERT INTO person (id, email, name, role, created_at) VALUES
    ('UR_a', 'ann@example.org', 'Ann', 'analyst', '2020-01-01'), ('UR_o', 'olive@example.org', 'Olive', 'owner', now()),
    ('UR_s', 'app@service.invalid', 'App', 'api_user', now());
INSERT INTO api_token (id, person_id, name, token_sha256) VALUES ('AT_1', 'UR_s', 'app', '');
INSERT INTO survey (id, name, definition, created_at) VALUES ('SV_1', 'CSAT', '{"questions": []}', '2021-02-03Z');
INSERT INTO connected_account (id, kind, name, secrets) VALUES
    ('GA_1', 'gladly', 'Acme', ''), ('QA_1', 'qualtrics', 'Acme', '');
INSERT INTO response (id, survey_id, invitation_id) VALUES ('R_1', 'SV_1', 'EMD_1'), ('R_2', 'SV_1', NULL);
"""


async def migrate_to(url: str, revision: str) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import Connection  # noqa: PLC0415

    def upgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    database = await Database.connect(url, name="test", pool_size=1)
    async with database.transaction() as connection:
        await connection.run_sync(upgrade)
    await database.close()


async def test_they_get_the_owner_and_what_is_known_of_them_and_nothing_made_up(
    empty_database_url: str,
) -> None:
    await migrate_to(empty_database_url, "0004")
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(BEFORE)
    await migrate(empty_database_url)
    survey = await connection.fetchrow("SELECT * FROM survey")
    assert survey is not None
    assert survey["owner_id"] == "UR_o"
    assert survey["modified_at"] == survey["created_at"]
    responses = await connection.fetch(
        "SELECT id, kind, channel, language, started_at FROM response ORDER BY id"
    )
    assert [tuple(response) for response in responses] == [
        ("R_1", "created", "email", None, None),
        ("R_2", "created", None, None, None),
    ]
    ways = await connection.fetch("SELECT kind, delivery FROM connected_account ORDER BY kind")
    assert [tuple(way) for way in ways] == [("gladly", "by-hand"), ("qualtrics", None)]
    services = await connection.fetch("SELECT id FROM person WHERE is_service")
    assert [service["id"] for service in services] == ["UR_s"]
    assert await connection.fetchval("SELECT scopes FROM api_token") is None  # all that its person may
    await connection.close()
