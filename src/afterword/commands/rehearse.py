"""``afterword rehearse``: what a workflow would do with an event, without doing it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import DataDir, Json, with_installation

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from afterword.settings import Settings
    from afterword.store.database import Database
    from afterword.workflows.conditions import Evaluation
    from afterword.workflows.definitions import Definition, Event
    from afterword.workflows.rehearsing.rehearsal import PastEvent, Rehearsal, TaskRehearsal
    from afterword.workflows.saving.listing import Workflow

LONGEST_SHOWN = 200


def rehearse(  # noqa: PLR0917 - a command's options
    workflow: Annotated[str, typer.Argument(help="The workflow's id (OC_…), or its name.")],
    data_dir: DataDir = None,
    event: Annotated[int | None, typer.Option(help="The number of an event that came.")] = None,
    body: Annotated[
        Path | None, typer.Option(help="A file with the body of an event, as JSON; - is standard input.")
    ] = None,
    revision: Annotated[int | None, typer.Option(help="Rehearse this revision, not the current one.")] = None,
    as_json: Json = False,
) -> None:
    """Show what each task would send, beside what the last real run sent. Nothing is sent, written or changed."""
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415

    if (event is None) == (body is None):
        raise ConfigurationError(
            "Name an event by --event NUMBER, or give one by --body FILE; either, and not both."
        )
    text = None if body is None else _read(body)
    with_installation(
        data_dir,
        lambda settings, database: _rehearse(
            settings, database, workflow, event_id=event, text=text, number=revision, as_json=as_json
        ),
    )


def _read(body: Path) -> str:
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415

    try:
        return (sys.stdin.buffer.read() if str(body) == "-" else body.read_bytes()).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--body {body}: it cannot be read: {error}") from None


async def _rehearse(
    settings: "Settings",
    database: "Database",
    wanted: str,
    *,
    event_id: int | None,
    text: str | None,
    number: int | None,
    as_json: bool,
) -> None:
    from afterword.accounts.secrets import SecretBox, check_secret_key  # noqa: PLC0415
    from afterword.commands.common import print_json  # noqa: PLC0415
    from afterword.log import configure_logging  # noqa: PLC0415
    from afterword.tasks.planning import PlanningTasks  # noqa: PLC0415
    from afterword.workflows.rehearsing.rehearsal import rehearse as go_through  # noqa: PLC0415
    from afterword.workflows.values.qualtrics_responses import QualtricsResponses  # noqa: PLC0415

    configure_logging(settings.log_level)
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        found = await _workflow(connection, wanted)
        definition = await _definition(connection, found, number)
        past = await _event(connection, definition.event, event_id, text)
    planning = PlanningTasks(settings, database, box)
    try:
        rehearsal = await go_through(
            database,
            planning.types,
            definition,
            past,
            workflow_id=found.id,
            responses=QualtricsResponses(database, planning.accounts, keeps=False),
        )
    finally:
        await planning.close()
    if as_json:
        print_json(rehearsal)
    else:
        _tell(found.name, rehearsal)


async def _workflow(connection: "AsyncConnection", wanted: str) -> "Workflow":
    """The workflow of this id, or the only one of this name."""
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415
    from afterword.workflows.saving.listing import WorkflowFilters, get_workflow, list_workflows  # noqa: PLC0415

    if wanted.startswith("OC_"):
        return await get_workflow(connection, wanted)
    named = [
        one
        for one in await list_workflows(connection, WorkflowFilters(name=wanted))
        if one.name.casefold() == wanted.casefold()
    ]
    if len(named) == 1:
        return named[0]
    if not named:
        raise ConfigurationError(f"There is no workflow {wanted!r}; give its id (OC_…) or its whole name.")
    ids = ", ".join(one.id for one in named)
    raise ConfigurationError(f"{len(named)} workflows are called {wanted!r}; give one of their ids: {ids}.")


async def _definition(connection: "AsyncConnection", found: "Workflow", number: int | None) -> "Definition":
    from afterword.workflows.saving.listing import get_revisions  # noqa: PLC0415

    if number is None:
        return found.definition
    return (await get_revisions(connection, found.id, [number]))[number].definition


async def _event(
    connection: "AsyncConnection", wanted: "Event", event_id: int | None, text: str | None
) -> "PastEvent":
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415
    from afterword.workflows.rehearsing.rehearsed_events import InvalidBody, find_past_event, pasted  # noqa: PLC0415

    if text is not None:
        try:
            return pasted(wanted, text)
        except InvalidBody as error:
            raise ConfigurationError(f"The event cannot be used: {error}.") from None
    found = None if event_id is None else await find_past_event(connection, event_id)
    if found is None:
        raise ConfigurationError(
            f"There is no event {event_id}; `afterword runs show` tells each run's event."
        )
    return found


def _tell(name: str, rehearsal: "Rehearsal") -> None:
    typer.secho(f"{name}: {'would start' if rehearsal.starts else 'would do nothing'}", bold=True)
    if rehearsal.reason:
        typer.echo(f"  {rehearsal.reason}")
    for note in rehearsal.notes:
        typer.echo(f"  {note}")
    if rehearsal.evaluation is not None:
        _tell_evaluation(rehearsal.evaluation)
    before = rehearsal.last_run
    if before is not None:
        which = "the same event" if before.same_event else "another event"
        typer.echo(f"  beside run {before.run_id} of {before.started_at:%Y-%m-%d %H:%M:%S}, with {which}")
    else:
        typer.echo("  this workflow has no run yet to be held against")
    for number, task in enumerate(rehearsal.tasks, start=1):
        _tell_task(number, task)


def _tell_evaluation(evaluation: "Evaluation") -> None:
    from afterword.workflows.explaining.wording import comparison  # noqa: PLC0415

    for compared in evaluation.compared:
        typer.echo(f"  {'holds' if compared.holds else 'does not hold'}: {comparison(compared)}")


def _tell_task(number: int, task: "TaskRehearsal") -> None:
    reason = f": {task.reason}" if task.reason else ""
    typer.echo(f"  task {number}, {task.label}: {typer.style(task.verdict, bold=True)}{reason}")
    for name, value in task.reason_values.items():
        typer.echo(f"      {name}: {value}")
    if task.evaluation is not None:
        _tell_evaluation(task.evaluation)
    for line in task.lines:
        if line.name not in task.differs:
            typer.echo(f"      {line.name}: {_cut(line.now if line.now is not None else line.before)}")
            continue
        typer.secho(f"    - {line.name}: {_cut(line.before)}", fg=typer.colors.RED)
        typer.secho(f"    + {line.name}: {_cut(line.now)}", fg=typer.colors.GREEN)


def _cut(value: str | None) -> str:
    if value is None:
        return "(nothing)"
    one_line = " ".join(value.split())
    return one_line if len(one_line) <= LONGEST_SHOWN else f"{one_line[: LONGEST_SHOWN - 1]}…"
