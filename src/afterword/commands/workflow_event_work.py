"""What the commands about a workflow's event do and print."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

import msgspec
import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.commands.common import print_json
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.tasks.planning import PlanningTasks
from afterword.workflows.definitions import JsonEvent, JsonField
from afterword.workflows.saving.guide import give_another_address
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.listing import Workflow, find_workflow
from afterword.workflows.saving.workflows import save_revision
from afterword.workflows.starting.capture import Sample, captured, pick, switch_capture
from afterword.workflows.starting.endpoints import (
    EndpointSettings,
    get_endpoint,
    require_authentication,
)
from afterword.workflows.starting.feeding import MOST_AT_ONCE, Fed, feed, kept_events, workflow_that_runs

LOOK_EVERY_SECONDS = 0.5
ALL = "all"


async def show_address(
    settings: Settings,
    database: Database,
    wanted: str,
    *,
    regenerate: bool,
    authentication: bool | None,
    as_json: bool,
) -> None:
    """Print, and change if that is asked for, the address of a workflow's JSON event.

    Raises:
        ConfigurationError: it starts with something else, or is not there.
    """
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        _, event = await _json_event(connection, wanted)
        if regenerate:
            await give_another_address(connection, box, event.endpoint, public_url=settings.public_url)
        if authentication is not None:
            await require_authentication(connection, event.endpoint, required=authentication)
        endpoint = await get_endpoint(connection, box, event.endpoint, public_url=settings.public_url)
    if as_json:
        print_json(endpoint)
    else:
        _tell_address(endpoint)


def _tell_address(endpoint: EndpointSettings) -> None:
    typer.echo(endpoint.address)
    if endpoint.authentication_required:
        typer.echo("An API token has to come with each event, as X-API-TOKEN or as a password.", err=True)
    else:
        typer.echo("The address alone is enough to send events.", err=True)


async def capture_fields(
    settings: Settings,
    database: Database,
    wanted: str,
    *,
    add: Sequence[str],
    again: bool,
    wait: float,
    as_json: bool,
) -> None:
    """Wait for a sample, print its fields, and add those that were asked for as a new revision.

    Raises:
        ConfigurationError: it starts with something else, no sample came, or the sample has no such field.
    """
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        workflow, event = await _json_event(connection, wanted)
        endpoint = await get_endpoint(connection, box, event.endpoint, public_url=settings.public_url)
        if again or endpoint.capturing_since is None:
            await switch_capture(connection, endpoint.id, on=True)
    sample = await _await_sample(database, endpoint, wait)
    if as_json:
        print_json(sample)
    else:
        _tell_sample(workflow, sample)
    if add:
        await _add_fields(settings, database, workflow, event, _chosen(sample, add))


async def _await_sample(database: Database, endpoint: EndpointSettings, wait: float) -> Sample:
    deadline, told = time.monotonic() + wait, False
    while True:
        async with database.transaction() as connection:
            sample = await captured(connection, endpoint.id)
        if sample is not None:
            return sample
        if not told:
            typer.echo(f"Send one sample request to\n{endpoint.address}\nWaiting …", err=True)
            told = True
        if time.monotonic() > deadline:
            raise ConfigurationError(
                f"No sample came within {wait:g} s. Capture stays on: send it, then give this command again."
            )
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def _tell_sample(workflow: Workflow, sample: Sample) -> None:
    width = max((len(one.name) for one in sample.fields), default=0)
    for one in sample.fields:
        typer.echo(f"{one.name:<{width}}  {one.path}  {one.value}")
    if sample.is_cut:
        typer.echo(f"The sample has more fields than the {len(sample.fields)} shown.")
    typer.echo(f"To add fields: afterword workflows capture {workflow.id} --add NAME (or all)", err=True)


def _chosen(sample: Sample, names: Sequence[str]) -> list[JsonField]:
    fields = {one.name: JsonField(one.name, one.path) for one in sample.fields}
    if ALL in names:
        return list(fields.values())
    if missing := [name for name in names if name not in fields]:
        raise ConfigurationError(f"The sample has no field {missing[0]!r}; it has {', '.join(fields)}.")
    return [fields[name] for name in names]


async def _add_fields(
    settings: Settings,
    database: Database,
    workflow: Workflow,
    event: JsonEvent,
    picked: Sequence[JsonField],
) -> None:
    definition = workflow.definition
    changed = msgspec.structs.replace(definition, event=JsonEvent(event.endpoint, pick(event.fields, picked)))
    planning = PlanningTasks(settings, database, SecretBox.open(settings))
    try:
        async with database.transaction() as connection:
            number = await save_revision(
                connection,
                workflow.id,
                changed,
                person_id=None,
                expected_revision=workflow.revision,
                check=check_on_saving(planning.types),
            )
            await switch_capture(connection, event.endpoint, on=False)
    finally:
        await planning.close()
    names = ", ".join(field.name for field in picked)
    typer.echo(f"{workflow.name}: revision {number} has the JSON fields {names}.", err=True)


async def _json_event(connection: AsyncConnection, wanted: str) -> tuple[Workflow, JsonEvent]:
    workflow = await find_workflow(connection, wanted)
    if not isinstance(workflow.definition.event, JsonEvent):
        raise ConfigurationError(f"“{workflow.name}” does not start with a JSON event: {workflow.event}.")
    return workflow, workflow.definition.event


async def feed_events(
    database: Database,
    wanted: str,
    event_ids: Sequence[int],
    *,
    since: datetime | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Run events that were kept, or those that were named, after telling how many and asking.

    Raises:
        ConfigurationError: the workflow cannot run anything, or JSON is wanted and nobody may be asked.
    """
    refuse_questions_in_json(yes, as_json)
    async with database.transaction() as connection:
        workflow = await find_workflow(connection, wanted)
        await workflow_that_runs(connection, workflow.id)
        chosen = list(event_ids) or await _all_kept(connection, workflow, since)
    if not as_json:
        typer.echo(f"{workflow.name}: {count(len(chosen), 'event')} to run.")
    if chosen and not yes:
        typer.confirm("Run them?", abort=True)
    total = Fed((), 0, ())
    for begin in range(0, len(chosen), MOST_AT_ONCE):
        async with database.transaction() as connection:
            batch = chosen[begin : begin + MOST_AT_ONCE]
            total = _together(total, await feed(connection, RunQueue(database), workflow.id, batch))
    if as_json:
        print_json(total)
        return
    for one in total.refused:
        typer.echo(f"event {one.event_id}: {one.words}")
    already = f"; {count(total.already, 'event')} had one already" if total.already else ""
    typer.echo(f"{count(len(total.runs), 'run')} started, behind live ones{already}.")


async def _all_kept(connection: AsyncConnection, workflow: Workflow, since: datetime | None) -> list[int]:
    found: list[int] = []
    while page := await kept_events(
        connection, workflow, after=found[-1] if found else 0, since=since, limit=MOST_AT_ONCE
    ):
        found += [event.id for event in page]
    return found


def _together(one: Fed, other: Fed) -> Fed:
    return Fed(one.runs + other.runs, one.already + other.already, one.refused + other.refused)


def refuse_questions_in_json(yes: bool, as_json: bool) -> None:
    """Refuse to print JSON where somebody would have to be asked first.

    Raises:
        ConfigurationError: so it would be.
    """
    if as_json and not yes:
        raise ConfigurationError("--json goes with --yes: a program is not asked.")


def count(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"
