"""What ``afterword backfill`` says about closings."""

import sys
from datetime import UTC, datetime

import typer

from afterword.backfill.looks import AccountLook
from afterword.backfill.outlook import Outlook
from afterword.backfill.rows import Backfill, Missing
from afterword.commands.workflow_event_work import count
from afterword.sending.hourly import LEAST_UNUSUAL


class Progress:
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


def tell(account: str, expected: Outlook) -> None:
    """Say what was found and what would come of it."""
    backfill = expected.backfill
    typer.echo(
        f"{account}, {_span_words(backfill)}: {count(backfill.closings, 'closing')} in Gladly's records, "
        f"of which {backfill.known:,} are known and {backfill.fresh:,} new."
    )
    for missing in backfill.missing:
        typer.echo(f"  Not read: {missing_words(missing)}")
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
    if expected.customers > LEAST_UNUSUAL:
        typer.echo(
            "What is more than usual for an hour is held until somebody lets it go: afterword sending status"
        )


def tell_end(backfill: Backfill) -> None:
    """Say what came of it."""
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


def missing_words(missing: Missing) -> str:
    """A part that could not be read, and why."""
    where = [
        f"inbox {missing.inbox}" if missing.inbox else "",
        f"channel {missing.channel}" if missing.channel else "",
    ]
    named = "".join(f", {one}" for one in where if one)
    return f"{missing.since:%Y-%m-%d %H:%M} to {missing.until:%Y-%m-%d %H:%M} UTC{named}: {missing.words}"


def look_line(look: AccountLook) -> str:
    """How far an account was looked through, in a line."""
    pulled = ""
    if look.delivery == "pull":
        read = (
            "not read yet" if look.pulled_at is None else f"last read {look.pulled_at:%Y-%m-%d %H:%M:%S} UTC"
        )
        failures = f", {count(look.pull_failures, 'failure')} since" if look.pull_failures else ""
        pulled = f"; Gladly's list of events {read}{failures}"
    return (
        f"{look.account}: looked through until {look.checked_until:%Y-%m-%d %H:%M} UTC, "
        f"the next look at {look.check_due_at:%H:%M} UTC{pulled}"
    )


CAUSES = {"regular": "a worker's own look", "gap": "after a gap"}


def backfill_line(backfill: Backfill, account: str) -> str:
    """A backfill in a line."""
    cause = CAUSES.get(backfill.cause, f"asked for by {backfill.asked_by}")
    counts = f"{count(backfill.closings, 'closing')}, {backfill.fresh:,} new, {backfill.recorded:,} recorded"
    return (
        f"{backfill.id:>6}  {backfill.created_at:%Y-%m-%d %H:%M}  {backfill.state:<9}  "
        f"{account}, {_span_words(backfill)}, {cause}: {counts}"
    )
