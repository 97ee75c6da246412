"""``afterword workflows``: what there is, what each says, and whether it is on."""

from typing import Annotated

import typer

from afterword.commands import workflow_events
from afterword.commands.common import DataDir, Json, with_database, with_installation

app = typer.Typer(
    help="See workflows, turn them on and off, compare and restore what they said, run events that were kept.",
    no_args_is_help=True,
)
workflow_events.add_to(app)

Workflow = Annotated[str, typer.Argument(help="The workflow's id (OC_…), or its name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("list")
def list_(
    data_dir: DataDir = None,
    survey: Annotated[str | None, typer.Option(help="Only those that belong to this survey (SV_…).")] = None,
    name: Annotated[str | None, typer.Option(help="Only those with this in their name.")] = None,
    is_on: Annotated[bool | None, typer.Option("--on/--off", help="Only those that are on, or off.")] = None,
    as_json: Json = False,
) -> None:
    """List the workflows, by name."""
    from afterword.commands.workflow_work import list_workflows  # noqa: PLC0415

    with_database(
        data_dir,
        lambda database: list_workflows(database, survey=survey, name=name, is_on=is_on, as_json=as_json),
    )


@app.command("show")
def show(workflow: Workflow, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show what a workflow says: its event, conditions and tasks."""
    from afterword.commands.workflow_work import show_workflow  # noqa: PLC0415

    with_database(data_dir, lambda database: show_workflow(database, workflow, as_json=as_json))


@app.command("make")
def make(
    template: Annotated[str, typer.Argument(help="What to make: guide, the three workflows of the guide.")],
    *,
    gladly: Annotated[
        str | None,
        typer.Option(help="The connected Gladly account. Default: the only one.", show_default=False),
    ] = None,
    qualtrics: Annotated[
        str | None,
        typer.Option(help="A connected Qualtrics account; without it, Afterword's own survey service asks."),
    ] = None,
    survey: Annotated[
        str | None, typer.Option(help="With --qualtrics: the survey (SV_…) whose responses go to Gladly.")
    ] = None,
    is_on: Annotated[bool, typer.Option("--on", help="Turn them on at once; else they are off.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make the workflows of a template, those that are not there yet."""
    from afterword.commands.workflow_templates import Wanted, make_template  # noqa: PLC0415

    wanted = Wanted(template, gladly, qualtrics, survey, is_on)
    with_installation(
        data_dir, lambda settings, database: make_template(settings, database, wanted, as_json=as_json)
    )


@app.command("on")
def on(workflow: Workflow, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Turn a workflow on: events start it from now on, and its runs that were held go on."""
    from afterword.commands.workflow_work import turn_on  # noqa: PLC0415

    with_installation(
        data_dir, lambda settings, database: turn_on(settings, database, workflow, as_json=as_json)
    )


@app.command("off")
def off(workflow: Workflow, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Turn a workflow off: nothing starts it, and its runs are held until it is on again. Events are kept."""
    from afterword.commands.workflow_work import turn_off  # noqa: PLC0415

    with_database(data_dir, lambda database: turn_off(database, workflow, as_json=as_json))


@app.command("test")
def put_in_test(
    workflow: Workflow,
    only: Annotated[
        list[str] | None,
        typer.Option(help="An address, or @domain, that is written to; may be given several times."),
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="End the test: everybody is written to again.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Put a workflow in test: only its allow-list is written to, everybody else is skipped. Without --only the list
    stays as it is.
    """
    from afterword.commands import workflow_brakes  # noqa: PLC0415

    with_installation(
        data_dir,
        lambda settings, database: workflow_brakes.put_in_test(
            settings, database, workflow, only=only, end=end, as_json=as_json
        ),
    )


@app.command("limit")
def limit(
    workflow: Workflow,
    invitations_per_hour: Annotated[
        int | None,
        typer.Argument(
            help="Invitations that it may send in an hour.", show_default="the installation's setting", min=1
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Have more invitations an hour than so many held until somebody lets them go."""
    from afterword.commands.workflow_brakes import set_limit  # noqa: PLC0415

    with_installation(
        data_dir,
        lambda settings, database: set_limit(
            settings, database, workflow, invitations_per_hour, as_json=as_json
        ),
    )


@app.command("delete")
def delete(workflow: Workflow, data_dir: DataDir = None, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a workflow. Its runs that wait are cancelled; run history keeps what it did."""
    from afterword.commands.workflow_work import delete_workflow  # noqa: PLC0415

    with_database(data_dir, lambda database: delete_workflow(database, workflow, yes=yes, as_json=as_json))


@app.command("revisions")
def revisions(workflow: Workflow, data_dir: DataDir = None, as_json: Json = False) -> None:
    """List what was saved of a workflow: when, by whom, and from what it was restored."""
    from afterword.commands.workflow_work import list_revisions  # noqa: PLC0415

    with_database(data_dir, lambda database: list_revisions(database, workflow, as_json=as_json))


@app.command("compare")
def compare(
    workflow: Workflow,
    before: Annotated[int, typer.Argument(help="A revision's number.")],
    after: Annotated[
        int | None, typer.Argument(help="Another's.", show_default="the current revision")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Tell what a revision says differently from an earlier one, field by field."""
    from afterword.commands.workflow_work import compare_revisions  # noqa: PLC0415

    with_database(
        data_dir, lambda database: compare_revisions(database, workflow, before, after, as_json=as_json)
    )


@app.command("restore")
def restore(
    workflow: Workflow,
    revision: Annotated[int, typer.Argument(help="The number of the revision to say again.")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Have a workflow say what an earlier revision said, as a new revision. Runs keep the one they began with."""
    from afterword.commands.workflow_work import restore_revision  # noqa: PLC0415

    with_installation(
        data_dir,
        lambda settings, database: restore_revision(settings, database, workflow, revision, as_json=as_json),
    )
