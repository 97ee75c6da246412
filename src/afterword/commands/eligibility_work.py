"""What ``afterword eligibility`` does, and prints."""

import asyncio
import getpass
import sys
from datetime import datetime

import msgspec
import typer

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.backfill.reading import reader
from afterword.backfill.slices import Span
from afterword.commands.backfill_words import missing_words
from afterword.commands.common import print_json
from afterword.commands.connecting import find
from afterword.commands.workflow_event_work import count
from afterword.outcomes import ConfigurationError
from afterword.previewing import rows
from afterword.previewing.previewer import Previewer
from afterword.previewing.rows import A_WEEK, NotOurs, Preview
from afterword.previewing.words import why_not
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database
from afterword.workflows.definitions import ConversationClosed
from afterword.workflows.saving.listing import Workflow, list_workflows
from afterword.workflows.saving.whom_to_ask import WhomToAsk, whom_to_ask

LOOK_EVERY_SECONDS = 0.5


class Wanted(msgspec.Struct, frozen=True):
    """Since when, by which workflow's rules, and of which account; without them as the command's help tells."""

    since: datetime | None
    workflow: str | None
    account: str | None


async def preview_rules(settings: Settings, database: Database, wanted: Wanted, *, as_json: bool) -> None:
    """Count, and tell what came of it.

    Raises:
        ConfigurationError: there is no such account or workflow, the time makes no sense, or it cannot be counted.
    """
    account = await find(database, wanted.account, "gladly")
    workflow = await _workflow(database, wanted.workflow, account.id)
    rules = (workflow and whom_to_ask(workflow.definition)) or WhomToAsk()
    now: datetime = await database.pool.fetchval("SELECT now()")
    since = wanted.since or now - A_WEEK
    if since >= now:
        raise ConfigurationError(f"--since: {since:%Y-%m-%d %H:%M} UTC is not in the past.")
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
    async with database.pool.acquire() as plain, plain.transaction():
        begun = await rows.begin(
            plain,
            account.id,
            Span(since, now),
            wanted=rules.eligibility,
            credit=rules.credit,
            workflow_id=workflow.id if workflow else "",
            asked_by=getpass.getuser(),
            is_ours=True,
        )
    done = await _work(settings, database, box, begun, quiet=as_json)
    if as_json:
        print_json(done)
    elif done.result is not None:
        _tell(account.name, workflow, done)
    if done.result is None:
        raise ConfigurationError(f"It could not be counted: {done.reason_words}.")


async def _workflow(database: Database, wanted: str | None, account_id: str) -> Workflow | None:
    """The workflow of this name or id; without one the first that tells of the account's closings."""
    async with database.transaction() as connection:
        listed = await list_workflows(connection)
    if wanted is not None:
        found = [one for one in listed if wanted in (one.id, one.name)]
        if len(found) != 1:
            raise ConfigurationError(f"There is no workflow {wanted!r}, or more than one of this name.")
        return found[0]
    telling = (
        one
        for one in listed
        if isinstance(one.definition.event, ConversationClosed)
        and one.definition.event.account == account_id
        and whom_to_ask(one.definition) is not None
    )
    return next(telling, None)


async def _work(
    settings: Settings, database: Database, box: SecretBox, preview: Preview, *, quiet: bool
) -> Preview:
    """Do it here, or wait for whoever took it up after it was put off."""
    accounts = ConnectedAccounts(database, box, RateBudget(database.pool), settings)
    previewer = Previewer(
        database, accounts, reader(accounts, settings), time_scale=settings.retry_time_scale
    )
    try:
        while preview.is_under_way:
            if preview.due_at <= await database.pool.fetchval("SELECT now()"):
                preview = await previewer.work(preview, told=lambda now: _show(now, quiet=quiet))
            else:
                _show(preview, quiet=quiet)
                await asyncio.sleep(LOOK_EVERY_SECONDS)
    except NotOurs:
        raise ConfigurationError("Somebody else asked for a count of this account meanwhile.") from None
    finally:
        await accounts.close()
    return preview


def _show(preview: Preview, *, quiet: bool) -> None:
    if quiet:
        return
    if preview.reason_words:
        told = f"Waiting: {preview.reason_words}. Going on at {preview.due_at:%H:%M:%S} UTC"
    elif preview.state == "reading":
        told = f"Reading Gladly's records: until {preview.read_until:%Y-%m-%d %H:%M} UTC"
    else:
        told = f"Looking at {preview.looked_at:,} of {count(preview.to_look_at, 'conversation')}"
    typer.echo(f"\r\x1b[K{told}" if sys.stderr.isatty() else told, err=True, nl=not sys.stderr.isatty())


def _tell(account: str, workflow: Workflow | None, preview: Preview) -> None:
    result = preview.result
    assert result is not None  # noqa: S101 - asked before
    if sys.stderr.isatty():
        typer.echo("", err=True)
    by = f"by the rules of {workflow.name!r}" if workflow else "without any rule"
    span = f"{preview.since:%Y-%m-%d %H:%M} to {preview.until:%Y-%m-%d %H:%M} UTC"
    asked = f"{result.asked:,}"
    if not result.is_exact:
        asked = f"about {asked} ({result.low:,} to {result.high:,} with 95 % certainty)"
    typer.echo(
        f"{account}, {span}: of {count(result.conversations, 'closed conversation')}, the customer would have been "
        f"asked of {asked}, {by}."
    )
    if result.waited:
        typer.echo(f"  {result.waited:,} of these after the quiet hours.")
    for one in result.reasons:
        number = f"{one.number:,}" if one.is_exact else f"~{one.number:,}"
        typer.echo(f"  {number:>8}  {why_not(one, preview.wanted)}")
    for missing in preview.missing:
        typer.echo(f"  Not read: {missing_words(missing)}")
    if not result.is_exact:
        typer.echo(f"Estimated from {count(result.looked_at, 'conversation')} of customers drawn by chance.")
