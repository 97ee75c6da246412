"""The schema's history: made once, whoever comes first, and the same as the tables say."""

import asyncio
import sys

import asyncpg
import pytest

from afterword.outcomes import ConfigurationError
from afterword.process import installation_database
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.migrations import current_revision, migrate, newest_revision
from afterword.store.tables import metadata


async def test_a_new_database_is_brought_to_the_newest_revision(empty_database_url: str) -> None:
    assert await current_revision(empty_database_url) is None
    await migrate(empty_database_url)
    assert await current_revision(empty_database_url) == newest_revision()


async def test_processes_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    program = "import asyncio, sys; from afterword.store.migrations import migrate; asyncio.run(migrate(sys.argv[1]))"
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty_database_url)
        for _ in range(3)
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert await current_revision(empty_database_url) == newest_revision()


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    await migrate(database_url)
    assert await current_revision(database_url) == newest_revision()


async def test_a_database_of_a_newer_version_is_left_alone_with_a_clear_error(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    with pytest.raises(ConfigurationError, match="newer version"):
        await migrate(database_url)
    assert await current_revision(database_url) == "9999"


async def test_migrations_and_tables_do_not_differ(database: Database) -> None:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    def is_ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "table" or not str(name).startswith(("pgqueuer", "alembic"))

    async with database.transaction() as connection:
        differences = await connection.run_sync(
            lambda bound: compare_metadata(
                MigrationContext.configure(
                    bound,
                    opts={"include_name": is_ours, "compare_type": True, "compare_server_default": True},
                ),
                metadata,
            )
        )
    assert differences == []


async def test_the_queue_and_the_budgets_are_not_written_ahead_and_everything_else_is(
    database: Database,
) -> None:
    rows = await database.pool.fetch(
        "SELECT relname, relpersistence::text AS kind FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    not_logged = {row["relname"] for row in rows if row["kind"] == "u"}
    queue = {"pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics"}
    assert not_logged == {*queue, "rate_budget", "call_lease"}


@pytest.mark.parametrize(
    "address",
    ["mysql://a@b/c", "postgresql://a:se@cr:et@host/x", "postgresql://a@host:port/x", "postgresql://["],
)
async def test_what_is_no_address_of_a_database_is_told_without_what_is_secret_in_it(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^AFTERWORD_DATABASE_URL: ") as told:
        await migrate(address)
    assert "et@host" not in str(told.value)


@pytest.mark.parametrize(("part", "wrong"), [("@/", "@/nowhere_"), ("//afterword@", "//nobody@")])
async def test_a_database_that_lets_us_not_in_is_told_in_one_line(
    database_url: str, part: str, wrong: str
) -> None:
    settings = Settings.load({}, database_url=database_url.replace(part, wrong))
    with pytest.raises(ConfigurationError, match=r"^The database refuses us: "):
        async with installation_database(settings):
            pass
