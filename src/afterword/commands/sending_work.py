"""What ``afterword sending`` does and prints."""

import typer

from afterword.commands.common import print_json
from afterword.outcomes import ConfigurationError
from afterword.sending import pausing
from afterword.sending.pausing import current_pause
from afterword.store.database import Database
from afterword.workflows.running.held_back import (
    HeldBack,
    NothingHeld,
    SendingState,
    cancel,
    let_go,
    list_held_back,
    sending_state,
)
from afterword.workflows.saving.listing import find_workflow

BY = "the command line"


async def show_state(database: Database, *, as_json: bool) -> None:
    """Print how sending stands."""
    async with database.transaction() as connection:
        state = await sending_state(connection)
    if as_json:
        print_json(state)
        return
    _tell_pause(state)
    for held in state.held_back:
        typer.echo(f"Held: {_runs(held.runs)} of “{held.workflow}” ({held.workflow_id}), {_limit(held)}.")
        typer.echo(f"    afterword sending release {held.workflow_id}")
        typer.echo(f"    afterword sending cancel {held.workflow_id}")
    for test in state.in_test:
        allowed = ", ".join(test.allowed) or "nobody"
        typer.echo(f"In test: “{test.workflow}” ({test.workflow_id}) writes to {allowed} alone.")


async def pause_sending(database: Database, why: str, *, as_json: bool) -> None:
    """Pause all sending.

    Raises:
        ConfigurationError: the reason is too long.
    """
    async with database.transaction() as connection:
        paused = await pausing.pause(connection, by=BY, why=why)
        now = await current_pause(connection)
    if as_json:
        print_json({"paused": True, "changed": paused, "pause": now})
    elif paused:
        typer.echo(
            "All sending is paused. What is on its way is finished; `afterword sending resume` goes on."
        )
    elif now is not None:
        typer.echo(f"It was paused already, since {now.since:%Y-%m-%d %H:%M} UTC, by {now.by}.")


async def resume_sending(database: Database, *, as_json: bool) -> None:
    """Resume sending."""
    async with database.transaction() as connection:
        held = (await sending_state(connection)).paused_runs
        resumed = await pausing.resume(connection, by=BY)
    if as_json:
        print_json({"paused": False, "changed": resumed, "runs": held})
    elif resumed:
        typer.echo(f"Sending goes on.{f' What waited for it follows: {_runs(held)}.' if held else ''}")
    else:
        typer.echo("It was not paused.")


async def let_held_go(database: Database, wanted: str, *, as_json: bool) -> None:
    """Let a workflow's held invitations go.

    Raises:
        NothingHeld, NoSuchWorkflow: there is nothing to let go.
    """
    async with database.transaction() as connection:
        workflow = await find_workflow(connection, wanted)
        runs = await let_go(connection, workflow.id, by=BY)
    if as_json:
        print_json({"id": workflow.id, "released": runs})
    else:
        typer.echo(f"{workflow.name}: {_runs(runs)} let go. No others are held in this hour.")


async def cancel_held(database: Database, wanted: str, *, yes: bool, as_json: bool) -> None:
    """Cancel a workflow's held invitations, after asking.

    Raises:
        NothingHeld, NoSuchWorkflow: there is nothing to cancel.
        ConfigurationError: JSON is wanted, and nobody may be asked.
    """
    if as_json and not yes:
        raise ConfigurationError("--json goes with --yes: a program is not asked.")
    async with database.transaction() as connection:
        workflow = await find_workflow(connection, wanted)
        found = [held for held in await list_held_back(connection) if held.workflow_id == workflow.id]
    if not found:
        raise NothingHeld(workflow.id)
    if not yes:
        typer.confirm(
            f"Cancel {_runs(found[0].runs)} of “{workflow.name}”? These customers are not asked.", abort=True
        )
    async with database.transaction() as connection:
        runs = await cancel(connection, workflow.id, by=BY)
    if as_json:
        print_json({"id": workflow.id, "cancelled": runs})
    else:
        typer.echo(f"{workflow.name}: {_runs(runs)} cancelled.")


def _tell_pause(state: SendingState) -> None:
    if state.pause is None:
        typer.echo("Sending is on.")
        return
    why = f": {state.pause.why}" if state.pause.why else ""
    since = f"{state.pause.since:%Y-%m-%d %H:%M} UTC"
    paused = typer.style("Sending is paused", fg=typer.colors.YELLOW)
    typer.echo(
        f"{paused} since {since}, by {state.pause.by}{why}. {_runs(state.paused_runs)} waiting for it."
    )


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number:,} runs"


def _limit(held: HeldBack) -> str:
    usual = "" if held.usual is None else f", usual are {held.usual:g}"
    return f"since {held.since:%Y-%m-%d %H:%M} UTC, more than {held.most:,} in an hour{usual}"
