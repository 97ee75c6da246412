"""What ``afterword backfill`` does about closings, and prints."""

import asyncio
import contextlib
import getpass
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
import typer

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.connected import AccountSummary
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.backfill import rows
from afterword.backfill.backfilling import Backfiller
from afterword.backfill.looks import list_looks
from afterword.backfill.outlook import Outlook, outlook
from afterword.backfill.reading import reader
from afterword.backfill.rows import Backfill
from afterword.backfill.settling import stop
from afterword.backfill.slices import Span
from afterword.commands.backfill_words import (
    Progress,
    backfill_line,
    look_line,
    missing_words,
    tell,
    tell_end,
)
from afterword.commands.common import print_json
from afterword.commands.connecting import find
from afterword.commands.workflow_event_work import refuse_questions_in_json
from afterword.gladly.calling import LIMIT_UNTIL_TOLD
from afterword.outcomes import ConfigurationError, Reason
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database
from afterword.translating import N_

LOOK_EVERY_SECONDS = 0.5
ANSWER_WITHIN_SECONDS = 900.0
ANOTHER_MAY_TAKE_SECONDS = 30.0

NOT_WANTED = Reason("backfill-not-wanted", N_("whoever asked for it said no, and nothing was recorded"))


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
                tell(account.name, expected)
            backfill = await _decide(database, expected, yes=yes, dry_run=dry_run)
        except (asyncio.CancelledError, typer.Abort):
            await _finish(database, backfill.id)
            raise
        backfill = await _follow(database, backfiller, backfill, quiet=as_json)
    if as_json:
        print_json(msgspec.structs.replace(expected, backfill=backfill))
    elif not dry_run:
        tell_end(backfill)


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
        tell_end(backfill)


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
    """Print how far each account was looked through, and the newest backfills."""
    async with database.pool.acquire() as connection:
        looks = await list_looks(connection)
        backfills = await rows.list_backfills(connection)
    if as_json:
        print_json({"accounts": looks, "backfills": backfills})
        return
    names = {look.account_id: look.account for look in looks}
    for look in looks:
        typer.echo(look_line(look))
    if not backfills:
        typer.echo("No closing was missed so far, and nobody asked for a backfill.")
    for backfill in backfills:
        typer.echo(backfill_line(backfill, names.get(backfill.account_id, backfill.account_id)))
        for missing in backfill.missing:
            typer.echo(f"        {missing_words(missing)}")


@contextlib.asynccontextmanager
async def _backfiller(settings: Settings, database: Database) -> AsyncIterator[Backfiller]:
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
    progress = Progress(quiet=quiet)
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
