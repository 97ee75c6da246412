"""What ``afterword workflows`` does and prints."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import typer
from sqlalchemy import select

from afterword.accounts.secrets import SecretBox
from afterword.commands.common import print_json
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store import tables
from afterword.store.database import Database
from afterword.tasks.planning import PlanningTasks
from afterword.workflows.conditions import Group
from afterword.workflows.definitions import Definition, JsonEvent, SurveyResponse, Task
from afterword.workflows.saving import listing, workflows
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.listing import Workflow, WorkflowFilters, find_workflow
from afterword.workflows.saving.revisions import Difference, compare
from afterword.workflows.saving.workflows import Check
from afterword.workflows.starting.feeding import count_kept

SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": "↕"}
COLOURS = {"added": typer.colors.GREEN, "removed": typer.colors.RED}
LONGEST_LINE = 200


async def list_workflows(
    database: Database, *, survey: str | None, name: str | None, is_on: bool | None, as_json: bool
) -> None:
    """Print the workflows there are."""
    filters = WorkflowFilters(survey_id=survey, name=name, is_on=is_on)
    async with database.transaction() as connection:
        found = await listing.list_workflows(connection, filters)
    if as_json:
        print_json(found)
        return
    if not found:
        typer.echo("No workflow." if filters == listing.ALL else "No such workflow.")
    for workflow in found:
        typer.echo(f"{workflow.id}  {_switch(workflow)}  {workflow.name}")


async def show_workflow(database: Database, wanted: str, *, as_json: bool) -> None:
    """Print what a workflow says.

    Raises:
        NoSuchWorkflow: there is none.
    """
    async with database.transaction() as connection:
        workflow = await find_workflow(connection, wanted)
        kept = await count_kept(connection, workflow)
        due = await connection.scalar(
            select(tables.schedule.c.next_at).where(tables.schedule.c.workflow_id == workflow.id)
        )
    if as_json:
        print_json({"workflow": workflow, "keptEvents": kept, "nextAt": due})
        return
    typer.secho(f"{workflow.name}", bold=True)
    typer.echo(f"{workflow.id}, revision {workflow.revision} of {workflow.changed_at:%Y-%m-%d %H:%M} UTC")
    owner = f"owned by {workflow.owner}" if workflow.owner else "without an owner"
    survey = f", belongs to {workflow.survey_id}" if workflow.survey_id else ""
    typer.echo(f"{'on' if workflow.is_on else 'off'}, {owner}{survey}")
    for line in _lines(workflow.definition, workflow.event):
        typer.echo(line)
    if due is not None:
        typer.echo(f"Due next at {due:%Y-%m-%d %H:%M} UTC.")
    if kept:
        typer.echo(f"{_count(kept, 'event')} kept: afterword workflows feed {workflow.id}")


async def turn_on(settings: Settings, database: Database, wanted: str, *, as_json: bool) -> None:
    """Turn a workflow on, if it has a task and all that it needs.

    Raises:
        NoSuchWorkflow, NoTask, InvalidDefinition: it cannot be.
    """
    async with checking_definitions(settings, database) as check, database.transaction() as connection:
        workflow = await find_workflow(connection, wanted)
        await workflows.turn_on(connection, workflow.id, check=check)
        kept = await count_kept(connection, workflow)
    if as_json:
        print_json({"id": workflow.id, "isOn": True, "keptEvents": kept})
        return
    typer.echo(f"{workflow.name}: on.")
    if kept:
        typer.echo(f"{_count(kept, 'event')} kept from before; run: afterword workflows feed {workflow.id}")


async def turn_off(database: Database, wanted: str, *, as_json: bool) -> None:
    """Turn a workflow off.

    Raises:
        NoSuchWorkflow: there is none.
    """
    async with database.transaction() as connection:
        workflow = await find_workflow(connection, wanted)
        await workflows.turn_off(connection, workflow.id)
        waiting = await listing.count_unfinished(connection, workflow.id)
    if as_json:
        print_json({"id": workflow.id, "isOn": False, "heldRuns": waiting})
        return
    held = f" Runs that wait until it is on again: {waiting:,}." if waiting else ""
    typer.echo(f"{workflow.name}: off.{held}")


async def delete_workflow(database: Database, wanted: str, *, yes: bool, as_json: bool) -> None:
    """Delete a workflow, after asking.

    Raises:
        NoSuchWorkflow: there is none.
        ConfigurationError: JSON is wanted, and nobody may be asked.
    """
    if as_json and not yes:
        raise ConfigurationError("--json goes with --yes: a program is not asked.")
    async with database.transaction() as connection:
        workflow = await find_workflow(connection, wanted)
        waiting = await listing.count_unfinished(connection, workflow.id)
    cancelled = f" Runs that it cancels: {waiting:,}." if waiting else ""
    if not yes:
        typer.confirm(f"Delete “{workflow.name}”? It cannot be brought back.{cancelled}", abort=True)
    async with database.transaction() as connection:
        await workflows.delete_workflow(connection, workflow.id)
    if as_json:
        print_json({"id": workflow.id, "cancelledRuns": waiting})
    else:
        typer.echo(f"{workflow.name}: deleted.{cancelled}")


async def list_revisions(database: Database, wanted: str, *, as_json: bool) -> None:
    """Print what was saved of a workflow, the newest first.

    Raises:
        NoSuchWorkflow: there is none.
    """
    async with database.transaction() as connection:
        workflow = await find_workflow(connection, wanted)
        found = await listing.list_revisions(connection, workflow.id)
    if as_json:
        print_json(found)
        return
    for revision in found:
        restored = f", restored from {revision.restored_from}" if revision.restored_from else ""
        person = revision.person or "unknown"
        typer.echo(f"{revision.number:>4}  {revision.created_at:%Y-%m-%d %H:%M}  {person}{restored}")


async def compare_revisions(
    database: Database, wanted: str, before: int, after: int | None, *, as_json: bool
) -> None:
    """Print what a revision says differently from an earlier one.

    Raises:
        NoSuchWorkflow: there is none, or no such revision.
    """
    async with database.transaction() as connection:
        workflow = await find_workflow(connection, wanted)
        after = workflow.revision if after is None else after
        found = await listing.get_revisions(connection, workflow.id, [before, after])
    differences = compare(found[before].definition, found[after].definition)
    if as_json:
        print_json(differences)
        return
    if not differences:
        typer.echo(f"Revisions {before} and {after} say the same.")
    for difference in differences:
        _tell(difference)


async def restore_revision(
    settings: Settings, database: Database, wanted: str, number: int, *, as_json: bool
) -> None:
    """Have a workflow say what an earlier revision said.

    Raises:
        NoSuchWorkflow, NoTask, InvalidDefinition: it cannot.
    """
    async with checking_definitions(settings, database) as check, database.transaction() as connection:
        workflow = await find_workflow(connection, wanted)
        restored = await workflows.restore_revision(
            connection,
            workflow.id,
            number,
            person_id=None,
            expected_revision=workflow.revision,
            check=check,
        )
    if as_json:
        print_json({"id": workflow.id, "revision": restored, "restoredFrom": number})
    elif restored == workflow.revision:
        typer.echo(f"{workflow.name} says that already.")
    else:
        typer.echo(f"{workflow.name}: revision {restored} says what revision {number} said.")


@asynccontextmanager
async def checking_definitions(settings: Settings, database: Database) -> AsyncIterator[Check]:
    """The check of definitions against the task types that are installed."""
    planning = PlanningTasks(settings, database, SecretBox.open(settings))
    try:
        yield check_on_saving(planning.types)
    finally:
        await planning.close()


def _switch(workflow: Workflow) -> str:
    switch = typer.style("on ", fg=typer.colors.GREEN) if workflow.is_on else "off"
    return f"{switch}, in test" if workflow.definition.brakes.in_test else switch


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def _lines(definition: Definition, event: str) -> Iterator[str]:
    yield f"Starts with: {event}"
    match definition.event:
        case JsonEvent(fields=fields):
            yield from (f"    {field.name}: {field.path}" for field in fields)
        case SurveyResponse(kinds=kinds):
            yield f"    ticked: {', '.join(kinds) or 'nothing'}"
    if definition.conditions is not None:
        yield "Only if:"
        yield from _condition_lines(definition.conditions, "    ")
    if definition.brakes.in_test:
        yield f"In test: writes to {', '.join(definition.brakes.allowed) or 'nobody'} alone"
    if definition.brakes.invitations_per_hour is not None:
        yield f"Invitations an hour: {definition.brakes.invitations_per_hour:,}"
    for number, task in enumerate(definition.tasks, 1):
        yield from _task_lines(number, task)
    if not definition.tasks:
        yield "No task yet."


def _task_lines(number: int, task: Task) -> Iterator[str]:
    yield f"{number}. {task.label or task.type} ({task.id}, {task.type})"
    if task.on_failure == "stop-dependents":
        yield "    when it fails, those that need its output are not carried out"
    if task.conditions is not None:
        yield "    only if:"
        yield from _condition_lines(task.conditions, "        ")
    for name, value in task.configuration.items():
        shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        yield f"    {name}: {_short(shown)}"


def _condition_lines(group: Group, indent: str) -> Iterator[str]:
    yield f"{indent}{group.join} of:"
    for condition in group.conditions:
        if isinstance(condition, Group):
            yield from _condition_lines(condition, f"{indent}    ")
        else:
            wanted: Sequence[str] = condition.values or ((condition.value,) if condition.value else ())
            of_type = "" if condition.type == "text" else f" ({condition.type})"
            words = f"{condition.field} {condition.operator} {', '.join(wanted)}".rstrip()
            yield f"{indent}    {_short(words)}{of_type}"


def _tell(difference: Difference) -> None:
    sign = f"{SIGNS[difference.change]} {difference.where}"
    typer.secho(sign, fg=COLOURS.get(difference.change))
    if difference.before is not None:
        typer.echo(f"    was: {_short(difference.before)}")
    if difference.after is not None:
        typer.echo(f"    is:  {_short(difference.after)}")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_LINE else f"{text[: LONGEST_LINE - 1]}…"
