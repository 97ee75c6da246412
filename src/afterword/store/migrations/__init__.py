"""The schema's history, and bringing a database up to it.

``versions/NNNN_what.py`` in order; ``NNNN`` is the revision. A database that is up to date costs one query: Alembic
is imported only when there is something to do.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import structlog

from afterword.outcomes import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = structlog.get_logger()

LOCK = 0x61667465727764
NO_ADDRESS = (
    "AFTERWORD_DATABASE_URL: this is no address of a database: postgresql://USER:PASSWORD@HOST:PORT/NAME. Signs such "
    "as @, : and / within a part are written as %40, %3A and %2F."
)
VERSIONS = Path(__file__).parent / "versions"


def newest_revision() -> str:
    """The revision that this code needs."""
    return max(file.name[:4] for file in VERSIONS.glob("[0-9]*.py"))


async def current_revision(url: str) -> str | None:
    """The revision that the database has; ``None`` when it has none of our tables yet.

    Raises:
        ConfigurationError: the address is none.
    """
    try:
        connection = await asyncpg.connect(url, statement_cache_size=0)
    except asyncpg.ClientConfigurationError as error:
        raise ConfigurationError(f"AFTERWORD_DATABASE_URL: {error}") from None
    except ValueError:
        raise ConfigurationError(NO_ADDRESS) from None
    try:
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return revision


async def migrate(url: str) -> None:
    """Bring the database to this code's schema, under a lock: any number of processes may do so at once.

    Raises:
        ConfigurationError: the database was made by a newer Afterword, or its address is none.
    """
    newest = newest_revision()
    revision = await current_revision(url)
    if revision == newest:
        return
    if revision is not None and revision > newest:
        raise ConfigurationError(
            f"The database has schema {revision}, this Afterword knows {newest}: it was used by a newer version. "
            "Install that version again."
        )
    await _upgrade(url)
    log.info("database_migrated", before=revision, after=newest)


async def _upgrade(url: str) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(url, statement_cache_size=0),
        poolclass=NullPool,
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade_locked)
    finally:
        await engine.dispose()


def _upgrade_locked(connection: "Connection") -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import text  # noqa: PLC0415

    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
