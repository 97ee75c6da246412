"""Which of our processes run, as the database sees them: by what they call their connections."""

from afterword.store.database import PlainConnection

IS_RUNNING = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE starts_with(application_name, $1) AND datname = current_database())
"""


async def is_running(connection: PlainConnection, name: str) -> bool:
    """Whether a process of this name runs anywhere (``database.WEB_NAME``, ``database.WORKER_NAME``)."""
    return bool(await connection.fetchval(IS_RUNNING, name))
