"""What every command shares: its options, and the installation that it works on."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from afterword.settings import Settings
    from afterword.store.database import Database

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="AFTERWORD_DATA_DIR",
        help="The installation's folder. Default: the user's data directory.",
        show_default=False,
    ),
]
LARGEST_NUMBER = 2**63 - 1
"""Of runs, events, backfills and entries, as the database counts them."""
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def load_settings(data_dir: Path | None) -> "Settings":
    """The installation's settings.

    Raises:
        ConfigurationError: an option is unknown or unreadable.
    """
    from afterword.settings import Settings  # noqa: PLC0415

    return Settings.load(data_dir=data_dir)


def with_database(data_dir: Path | None, work: "Callable[[Database], Awaitable[None]]") -> None:
    """Do some work on the installation's database, which is started for it when nothing runs."""
    settings = load_settings(data_dir)
    asyncio.run(_open_database(settings, lambda _, database: work(database)))


def with_installation(data_dir: Path | None, work: "Callable[[Settings, Database], Awaitable[None]]") -> None:
    """The same for work that needs the settings too: to decrypt secrets, or to call out."""
    asyncio.run(_open_database(load_settings(data_dir), work))


async def _open_database(
    settings: "Settings", work: "Callable[[Settings, Database], Awaitable[None]]"
) -> None:
    from afterword.accounts.audit import COMMAND_LINE, act_as  # noqa: PLC0415
    from afterword.process import installation_database  # noqa: PLC0415

    act_as(COMMAND_LINE)
    with _logging_to_standard_error():
        async with installation_database(settings) as database:
            await work(settings, database)


@contextmanager
def _logging_to_standard_error() -> Iterator[None]:
    """Warnings go to standard error for so long: what a command prints is for whoever called it, and nothing else."""
    import logging  # noqa: PLC0415

    import structlog  # noqa: PLC0415

    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def print_json(value: object) -> None:
    """Print one JSON value, and nothing else."""
    import msgspec  # noqa: PLC0415

    typer.echo(msgspec.json.encode(value).decode())
