"""Run history as lines of text."""

import typer

from afterword.commands.common import print_json
from afterword.outcomes import ConfigurationError
from afterword.store.database import Database
from afterword.workflows.conditions import Evaluation
from afterword.workflows.history.event_history import list_events as read_events
from afterword.workflows.history.filter_texts import (
    Given,
    InvalidFilter,
    read_event_filters,
    read_run_filters,
)
from afterword.workflows.history.models import (
    AttemptHistory,
    EventSummary,
    RunFilters,
    RunHistory,
    RunSummary,
)
from afterword.workflows.history.reading import get_run
from afterword.workflows.history.reading import list_runs as read_runs

COLOURS = {
    "succeeded": typer.colors.GREEN,
    "failed": typer.colors.RED,
    "waiting": typer.colors.YELLOW,
    "running": typer.colors.BLUE,
}


async def list_runs(
    database: Database, given: Given, *, before: int | None, limit: int, personal: bool, as_json: bool
) -> None:
    """Print the newest runs that are so.

    Raises:
        ConfigurationError: a filter cannot be so.
    """
    try:
        filters = read_run_filters(given)
    except InvalidFilter as error:
        raise ConfigurationError(_by_option(error)) from None
    runs: list[RunSummary] = []
    async with database.read_only().transaction() as connection:
        while len(runs) < limit:
            missing = limit - len(runs)
            page = await read_runs(connection, filters, before_id=before, limit=missing, personal=personal)
            runs += page.runs
            before = page.next_before
            if before is None:
                break
    if as_json:
        print_json(runs)
        return
    if not runs:
        typer.echo(_why_none(filters))
    for run in runs:
        typer.echo(_line(run))


async def show_run(database: Database, run_id: int, *, personal: bool, as_json: bool) -> None:
    """Print one run with its tasks and attempts.

    Raises:
        ConfigurationError: there is no such run.
    """
    async with database.read_only().transaction() as connection:
        history = await get_run(connection, run_id, personal=personal)
    if history is None:
        raise ConfigurationError(f"There is no run {run_id}; `afterword runs list` shows those there are.")
    if as_json:
        print_json(history)
    else:
        _tell(history)


async def list_events(
    database: Database, given: Given, *, before: int | None, limit: int, personal: bool, as_json: bool
) -> None:
    """Print the newest events that are so.

    Raises:
        ConfigurationError: a filter cannot be so.
    """
    try:
        filters = read_event_filters(given)
    except InvalidFilter as error:
        raise ConfigurationError(_by_option(error)) from None
    events: list[EventSummary] = []
    async with database.read_only().transaction() as connection:
        while len(events) < limit:
            missing = limit - len(events)
            page = await read_events(connection, filters, before_id=before, limit=missing, personal=personal)
            events += page.events
            before = page.next_before
            if before is None:
                break
    if as_json:
        print_json(events)
        return
    if not events:
        typer.echo("No event is like that." if any(given.values()) else "No event has arrived yet.")
    for event in events:
        typer.echo(_event_line(event))


def _by_option(error: InvalidFilter) -> str:
    """The mistake, told of the option: moments are called *from* in addresses, *since* on the command line."""
    name, _, words = str(error).partition(":")
    option = {"from": "since"}.get(name, name).replace("_", "-")
    return f"--{option}:{words}"


def _why_none(filters: RunFilters) -> str:
    if filters != RunFilters():
        return "No run is like that."
    return "No run yet: a run begins when an event comes that a workflow waits for."


def _tell(history: RunHistory) -> None:
    typer.echo(_line(history.run))
    if history.event is not None:
        found = f", {history.event.how_found}" if history.event.how_found else ""
        typer.echo(f"  event {history.event.id}: {history.event.type}{found}")
        typer.echo(f"    {history.event.body}")
    _tell_evaluation(history.evaluation, "  ")
    for task in history.tasks:
        typer.echo(f"  task {task.position + 1}: {task.label or task.type or 'unknown'}: {task.status}")
        for attempt in task.attempts:
            _tell_attempt(attempt)


def _tell_attempt(attempt: AttemptHistory) -> None:
    reason = f": {attempt.reason}" if attempt.reason else ""
    replay = f" of replay {attempt.replay}" if attempt.replay else ""
    took = f"{attempt.duration_seconds * 1000:.0f} ms"
    typer.echo(f"    attempt {attempt.attempt}{replay}, {took}: {attempt.status}{reason}")
    _tell_evaluation(attempt.evaluation, "      ")
    for title, values in (
        ("because", attempt.reason_values),
        ("input", attempt.input),
        ("output", attempt.output),
        ("sent", attempt.sent),
    ):
        for name, value in values.items():
            typer.echo(f"      {title} {name}: {value}")
    for exchange in attempt.exchanges:
        came = exchange.status if exchange.status is not None else exchange.error
        purpose = f" (for {exchange.purpose})" if exchange.purpose else ""
        typer.echo(f"      {exchange.method} {exchange.address}: {came}, {exchange.milliseconds} ms{purpose}")
        cut = " (cut)" if exchange.cut else ""
        for title, body in (("request", exchange.request), ("answer", exchange.answer)):
            if body:
                typer.echo(f"        {title}{cut}: {body}")


def _tell_evaluation(evaluation: Evaluation | None, indent: str) -> None:
    if evaluation is None:
        return
    typer.echo(f"{indent}conditions: {'hold' if evaluation.holds else 'do not hold'}")
    for one in evaluation.compared:
        wanted = f" {', '.join(one.wanted)}" if one.wanted else ""
        problem = f" ({one.problem})" if one.problem else ""
        answer = "yes" if one.holds else "no"
        typer.echo(f"{indent}  {one.field} = {one.found!r} {one.operator}{wanted}: {answer}{problem}")


def _line(run: RunSummary) -> str:
    status = typer.style(f"{run.status:<9}", fg=COLOURS.get(run.status))
    reason = f": {run.reason}" if run.reason else ""
    return f"{run.id:>8}  {run.started_at:%Y-%m-%d %H:%M:%S}  {status}  {run.workflow or 'Deleted Workflow'}{reason}"


def _event_line(event: EventSummary) -> str:
    reason = f": {event.reason}" if event.reason else ""
    runs = f" (run {', '.join(map(str, event.run_ids))})" if event.run_ids else ""
    found = f", {event.how_found}" if event.how_found else ""
    return (
        f"{event.id:>8}  {event.received_at:%Y-%m-%d %H:%M:%S}  {event.status:<11}  "
        f"{event.type}{found}{runs}{reason}"
    )
