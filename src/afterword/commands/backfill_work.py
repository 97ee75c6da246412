"""What ``afterword backfill`` does about closings, and prints."""

import asyncio
import contextlib
import getpass
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import typer

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.connected import AccountSummary, list_accounts
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.backfill import rows
from afterword.backfill.backfilling import Backfiller
from afterword.backfill.outlook import Outlook, outlook
from afterword.backfill.reading import reader
from afterword.backfill.rows import Backfill, Missing
from afterword.backfill.settling import stop
from afterword.backfill.slices import Span
from afterword.commands.common import print_json
from afterword.commands.connecting import find
from afterword.commands.workflow_event_work import count, refuse_questions_in_json
from afterword.gladly.calling import LIMIT_UNTIL_TOLD
from afterword.log import configure_logging
from afterword.outcomes import ConfigurationError, Reason
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database

LOOK_EVERY_SECONDS = 0.5
ANSWER_WITHIN_SECONDS = 900.0
ANOTHER_MAY_TAKE_SECONDS = 30.0

NOT_WANTED = Reason("backfill-not-wanted", "whoever asked for it said no, and nothing was recorded")


class Wanted(msgspec.Struct, frozen=True):
    """What is to be looked through; ``until`` is now unless it is said, ``account`` the only one."""

    since: datetime
    until: datetime | None
    account: str | None


async def backfill_closings(
    settings: Settings, database: Database, wanted: Wanted, *, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Find closings, tell what would come of them, ask, and record them.

    Raises:
        ConfigurationError: the account is not there, another backfill is under way, the times make no sense, or JSON is
            wanted and nobody may be asked.
    """
    refuse_questions_in_json(yes or dry_run, as_json)
    account = await find(database, wanted.account, "gladly")
    async with _backfiller(settings, database) as backfiller:
        span = await _span(database, wanted)
        backfill = await _begin(database, account, span)
        try:
            backfill = await _follow(database, backfiller, backfill, quiet=as_json)
            expected = await _outlook(settings, database, backfill)
            if not as_json:
                _tell(account, expected)
            backfill = await _decide(database, expected, yes=yes, dry_run=dry_run)
        except (asyncio.CancelledError, typer.Abort):
            await _finish(database, backfill.id)
            raise
        backfill = await _follow(database, backfiller, backfill, quiet=as_json)
    if as_json:
        print_json(msgspec.structs.replace(expected, backfill=backfill))
    elif not dry_run:
        _tell_end(backfill)


async def resume_backfill(settings: Settings, database: Database, number: int, *, as_json: bool) -> None:
    """Go on with a backfill, and show its progress.

    Raises:
        ConfigurationError: there is none, or it is at its end.
    """
    backfill = await _get(database, number)
    async with _backfiller(settings, database) as backfiller:
        async with database.pool.acquire() as connection:
            gone_on = await rows.go_on(connection, number)
        if gone_on is None:
            raise ConfigurationError(f"Backfill {number} is at its end: {backfill.state}.")
        backfill = await _follow(database, backfiller, gone_on, quiet=as_json)
    if as_json:
        print_json(backfill)
    else:
        _tell_end(backfill)


async def stop_backfill(database: Database, number: int) -> None:
    """Stop a backfill.

    Raises:
        ConfigurationError: there is none.
    """
    await _get(database, number)
    stopped = await _finish(database, number)
    typer.echo(
        f"Backfill {number} was at its end already." if stopped is None else f"Backfill {number} is stopped."
    )


async def list_backfills(database: Database, *, as_json: bool) -> None:
    """Print the newest backfills."""
    async with database.pool.acquire() as connection:
        backfills = await rows.list_backfills(connection)
    if as_json:
        print_json(backfills)
        return
    async with database.transaction() as connection:
        names = {account.id: account.name for account in await list_accounts(connection)}
    if not backfills:
        typer.echo("No closing was missed so far, and nobody asked for a backfill.")
    for backfill in backfills:
        typer.echo(_line(backfill, names.get(backfill.account_id, backfill.account_id)))
        for missing in backfill.missing:
            typer.echo(f"        {_missing(missing)}")


@contextlib.asynccontextmanager
async def _backfiller(settings: Settings, database: Database) -> AsyncIterator[Backfiller]:
    configure_logging(settings.log_level)
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
    accounts = ConnectedAccounts(database, box, RateBudget(database.pool), settings)
    try:
        yield Backfiller(database, reader(accounts, settings), time_scale=settings.retry_time_scale)
    finally:
        await accounts.close()


async def _span(database: Database, wanted: Wanted) -> Span:
    now: datetime = await database.pool.fetchval("SELECT now()")
    until = now if wanted.until is None else min(wanted.until, now)
    if wanted.since >= until:
        raise ConfigurationError(
            f"--since: {wanted.since:%Y-%m-%d %H:%M} UTC is not before {until:%Y-%m-%d %H:%M}."
        )
    return Span(wanted.since, until)


async def _begin(database: Database, account: AccountSummary, span: Span) -> Backfill:
    """Begin; a worker's own look is soon over and waited for."""
    deadline = asyncio.get_running_loop().time() + ANOTHER_MAY_TAKE_SECONDS
    while True:
        async with database.pool.acquire() as connection:
            begun = await rows.begin(
                connection, account.id, span, cause="asked", is_confirmed=False, asked_by=_user()
            )
            if begun is not None:
                return begun
            open_one = await rows.open_backfill(connection, account.id)
        if open_one is not None and asyncio.get_running_loop().time() > deadline:
            raise ConfigurationError(
                f"Backfill {open_one.id} of this account is under way; wait for it, go on with it "
                f"(afterword backfill resume {open_one.id}), or stop it (afterword backfill stop {open_one.id})."
            )
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def _user() -> str:
    """Who gives the command, as the machine knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


async def _follow(database: Database, backfiller: Backfiller, backfill: Backfill, *, quiet: bool) -> Backfill:
    """Work on it, or watch another do so, until it is at its end or to be confirmed."""
    progress = _Progress(quiet=quiet)
    mine: Backfill | None = backfill
    while True:
        if mine is not None:
            with contextlib.suppress(rows.NotOurs):
                await backfiller.work(mine, told=progress.show)
        backfill = await _get(database, backfill.id)
        progress.show(backfill)
        if backfill.state not in {"reading", "recording"}:
            progress.end()
            return backfill
        progress.explain(backfill)
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        async with database.pool.acquire() as connection:
            mine = await rows.take(connection, backfill.id)


class _Progress:
    """One line on standard error for each state, as far as there is something to see."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._told = ""
        self._shown = ""

    def show(self, backfill: Backfill) -> None:
        """Show how far it is."""
        if backfill.state == "reading":
            told = (
                f"Reading Gladly's records: until {backfill.read_until:%Y-%m-%d %H:%M} UTC, "
                f"{count(backfill.closings, 'closing')}"
            )
        elif backfill.state == "recording":
            told = f"Recording: {backfill.recorded:,} of {count(backfill.fresh, 'closing')}"
        else:
            return
        self._write(told)

    def explain(self, backfill: Backfill) -> None:
        """Say why it does not go on now."""
        if backfill.reason_words is not None and backfill.due_at > datetime.now(UTC):
            self._write(f"Waiting: {backfill.reason_words}. Going on at {backfill.due_at:%H:%M:%S} UTC")

    def end(self) -> None:
        """Leave the line."""
        if self._shown and sys.stderr.isatty():
            typer.echo("", err=True)

    def _write(self, told: str) -> None:
        if self._quiet or told == self._shown:
            return
        self._shown = told
        if sys.stderr.isatty():
            typer.echo(f"\r\x1b[K{told}", err=True, nl=False)
        else:
            typer.echo(told, err=True)


async def _outlook(settings: Settings, database: Database, backfill: Backfill) -> Outlook:
    async with database.transaction() as connection:
        return await outlook(
            connection, backfill, calls_per_second=settings.gladly_requests_per_second or LIMIT_UNTIL_TOLD
        )


async def _decide(database: Database, expected: Outlook, *, yes: bool, dry_run: bool) -> Backfill:
    """Have it go on, or not, as whoever asked says.

    Raises:
        typer.Abort: they say no.
    """
    backfill = expected.backfill
    if dry_run:
        return await _finish(database, backfill.id) or backfill
    async with database.pool.acquire() as connection:
        await rows.work_on(connection, backfill.id, ANSWER_WITHIN_SECONDS)
    if expected.found and not yes:
        await asyncio.to_thread(typer.confirm, "Record them?", abort=True)
    async with database.pool.acquire() as connection:
        confirmed = await rows.go_on(connection, backfill.id)
    if confirmed is None:
        raise ConfigurationError("Nobody answered for too long, and it was let go. Give the command again.")
    return confirmed


async def _finish(database: Database, number: int) -> Backfill | None:
    async with database.pool.acquire() as connection, connection.transaction():
        return await stop(connection, number, NOT_WANTED)


async def _get(database: Database, number: int) -> Backfill:
    async with database.pool.acquire() as connection:
        backfill = await rows.get_backfill(connection, number)
    if backfill is None:
        raise ConfigurationError(
            f"There is no backfill {number}; `afterword backfill list` shows those there are."
        )
    return backfill


def _tell(account: AccountSummary, expected: Outlook) -> None:
    backfill = expected.backfill
    typer.echo(
        f"{account.name}, {_span_words(backfill)}: {count(backfill.closings, 'closing')} in Gladly's records, "
        f"of which {backfill.known:,} are known and {backfill.fresh:,} new."
    )
    for missing in backfill.missing:
        typer.echo(f"  Not read: {_missing(missing)}")
    for one in expected.workflows:
        old = ""
        if one.too_old:
            longest = f"{one.longest_age_hours:g} h"
            old = f", {one.too_old:,} of which end at once: nothing is sent for closings older than {longest}"
        typer.echo(f"  {one.workflow}: {count(one.closings, 'run')}{old}")
    if backfill.fresh and not expected.workflows:
        typer.echo("  No workflow that is on starts with this account's closings: they would only be kept.")
    if expected.customers:
        typer.echo(
            f"At most {count(expected.customers, 'customer')} would be asked, behind live ones, "
            f"the last {_in_words(expected.minutes)}."
        )


def _tell_end(backfill: Backfill) -> None:
    if backfill.state == "finished":
        typer.echo(f"Backfill {backfill.id}: {count(backfill.recorded, 'closing')} recorded.")
    else:
        typer.echo(f"Backfill {backfill.id} was stopped: {backfill.recorded:,} recorded.")


def _in_words(minutes: float) -> str:
    if minutes < 1:
        return "within a minute or so"
    return f"in about {minutes:.0f} minutes" if minutes < 120 else f"in about {minutes / 60:.0f} hours"  # noqa: PLR2004


def _span_words(backfill: Backfill) -> str:
    return f"{backfill.since:%Y-%m-%d %H:%M} to {backfill.until:%Y-%m-%d %H:%M} UTC"


def _missing(missing: Missing) -> str:
    where = [
        f"inbox {missing.inbox}" if missing.inbox else "",
        f"channel {missing.channel}" if missing.channel else "",
    ]
    named = "".join(f", {one}" for one in where if one)
    return f"{missing.since:%Y-%m-%d %H:%M} to {missing.until:%Y-%m-%d %H:%M} UTC{named}: {missing.words}"


CAUSES = {"regular": "a worker's own look", "gap": "after a gap"}


def _line(backfill: Backfill, account: str) -> str:
    cause = CAUSES.get(backfill.cause, f"asked for by {backfill.asked_by}")
    counts = f"{count(backfill.closings, 'closing')}, {backfill.fresh:,} new, {backfill.recorded:,} recorded"
    return (
        f"{backfill.id:>6}  {backfill.created_at:%Y-%m-%d %H:%M}  {backfill.state:<9}  "
        f"{account}, {_span_words(backfill)}, {cause}: {counts}"
    )
