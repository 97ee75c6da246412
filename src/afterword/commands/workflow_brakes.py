"""What ``afterword workflows test`` and ``limit`` do: a workflow's own brakes, each change a revision."""

import msgspec
import typer

from afterword.commands.common import print_json
from afterword.commands.workflow_work import checking_definitions
from afterword.outcomes import ConfigurationError
from afterword.sending.brakes import Brakes
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.saving.listing import Workflow, find_workflow
from afterword.workflows.saving.workflows import save_revision


async def put_in_test(
    settings: Settings, database: Database, wanted: str, *, only: list[str] | None, end: bool, as_json: bool
) -> None:
    """Put a workflow in test, or end its test, and print whom it writes to.

    Raises:
        NoSuchWorkflow, InvalidDefinition: it cannot be.
        ConfigurationError: it is to be both.
    """
    if end and only:
        raise ConfigurationError("--only goes with a test, and --end ends it; give one of them.")
    workflow = await _find(database, wanted)
    brakes = workflow.definition.brakes
    allowed = brakes.allowed if only is None else tuple(only)
    brakes = msgspec.structs.replace(brakes, in_test=not end, allowed=allowed)
    revision = await _save(settings, database, workflow, brakes)
    if as_json:
        print_json({"id": workflow.id, "revision": revision, "brakes": brakes})
    elif end:
        typer.echo(f"{workflow.name}: no longer in test; everybody is written to (revision {revision}).")
    else:
        told = ", ".join(brakes.allowed) or "nobody: add addresses with --only"
        typer.echo(f"{workflow.name}: in test, writes to {told} (revision {revision}).")


async def set_limit(
    settings: Settings, database: Database, wanted: str, most: int | None, *, as_json: bool
) -> None:
    """Set how many invitations a workflow may send in an hour; ``None`` for the installation's setting.

    Raises:
        NoSuchWorkflow, InvalidDefinition: it cannot be.
    """
    workflow = await _find(database, wanted)
    brakes = msgspec.structs.replace(workflow.definition.brakes, invitations_per_hour=most)
    revision = await _save(settings, database, workflow, brakes)
    if as_json:
        print_json({"id": workflow.id, "revision": revision, "brakes": brakes})
    else:
        limit = "as the installation has it" if most is None else f"{most:,}"
        typer.echo(f"{workflow.name}: invitations an hour: {limit} (revision {revision}).")


async def _find(database: Database, wanted: str) -> Workflow:
    async with database.transaction() as connection:
        return await find_workflow(connection, wanted)


async def _save(settings: Settings, database: Database, workflow: Workflow, brakes: Brakes) -> int:
    changed = msgspec.structs.replace(workflow.definition, brakes=brakes)
    async with checking_definitions(settings, database) as check, database.transaction() as connection:
        return await save_revision(
            connection,
            workflow.id,
            changed,
            person_id=None,
            expected_revision=workflow.revision,
            check=check,
        )
