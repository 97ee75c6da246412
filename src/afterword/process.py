"""What every long-running process of ours does alike: settings, logs, its database, and stopping in order."""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from afterword.lifeline import exit_with_stdin
from afterword.log import configure_logging
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store.database import CONNECTION_LOST, LETS_NOBODY_IN, Database

log = structlog.get_logger()

Serve = Callable[[Settings, str, asyncio.Event], Awaitable[None]]

EXIT_WITH_STDIN = "--exit-with-stdin"
"""Given by a supervisor: standard input ends when the supervisor does, however that happened."""

DATABASE_PATIENCE_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.2

OBJECTS_BEFORE_COLLECTION = 50_000
"""Requests in hand hold some hundred objects each; Python's own 700 would search them again and again, in vain."""


def run(serve: Serve, settings: Settings, *, with_stdin: bool = False) -> int:
    """Run one half until it is told to stop; answers the exit status."""
    import uvloop  # noqa: PLC0415

    configure_logging(settings.log_level)
    gc.freeze()  # what was imported stays: no garbage collection need search it
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    try:
        uvloop.run(_run(serve, settings, with_stdin=with_stdin))
    except ConfigurationError as error:
        sys.stderr.write(f"afterword: {error}\n")
        return 1
    return 0


async def _run(serve: Serve, settings: Settings, *, with_stdin: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if with_stdin:
        exit_with_stdin()
    if settings.database_url is not None:
        await _serve_when_database_answers(serve, settings, settings.database_url, stop)
        return
    from afterword.store.embedded import running  # noqa: PLC0415

    async with running(settings.data_dir) as url:
        await _serve_when_database_answers(serve, settings, url, stop)


@contextlib.asynccontextmanager
async def installation_database(settings: Settings) -> AsyncIterator[Database]:
    """The database of an installation, for a command: one that runs, or its own embedded one for so long.

    Raises:
        ConfigurationError: it does not answer.
    """
    from afterword.store.embedded import running  # noqa: PLC0415
    from afterword.store.migrations import migrate  # noqa: PLC0415

    async with contextlib.AsyncExitStack() as stack:
        url = settings.database_url
        if url is None:
            url = await stack.enter_async_context(running(settings.data_dir))
        try:
            await migrate(url)
            database = await Database.connect(url, name="afterword command", pool_size=2)
        except CONNECTION_LOST as error:
            raise no_database(error) from None
        stack.push_async_callback(database.close)
        yield database


def no_database(error: Exception) -> ConfigurationError:
    """That there is no database, as it is told to whoever set it."""
    what = "refuses us" if isinstance(error, LETS_NOBODY_IN) else "does not answer"
    return ConfigurationError(f"The database {what}: {error}")


async def _serve_when_database_answers(
    serve: Serve, settings: Settings, url: str, stop: asyncio.Event
) -> None:
    """Serve; a database that is not there yet is waited for, for a while."""
    deadline = asyncio.get_running_loop().time() + DATABASE_PATIENCE_SECONDS
    while not stop.is_set():
        try:
            await serve(settings, url, stop)
        except CONNECTION_LOST as error:
            if asyncio.get_running_loop().time() > deadline:
                raise no_database(error) from None
            log.warning("database_does_not_answer", cause=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_AGAIN_SECONDS)
        else:
            return


def main(serve: Serve) -> int:
    """The entry of a supervised child: settings come from the environment alone."""
    try:
        settings = Settings.load()
    except ConfigurationError as error:
        sys.stderr.write(f"afterword: {error}\n")
        return 1
    return run(serve, settings, with_stdin=EXIT_WITH_STDIN in sys.argv[1:])
