"""``afterword sending``: the brakes: all sending paused or resumed, and invitations that are held."""

from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import DataDir, Json, with_database

if TYPE_CHECKING:
    from afterword.store.database import Database

app = typer.Typer(
    help="Pause all sending, see what is held, let it go or cancel it.",
    no_args_is_help=True,
)

Workflow = Annotated[str, typer.Argument(help="The workflow's id (OC_…), or its name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("status")
def status(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Tell whether sending is paused, what is held, and which workflows are in test."""
    from afterword.commands.sending_work import show_state  # noqa: PLC0415

    with_database(data_dir, lambda database: show_state(database, as_json=as_json))


@app.command("pause")
def pause(
    why: Annotated[str, typer.Option(help="Why; shown to everybody until it is resumed.")] = "",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Pause all sending: no survey, no JSON event and no mail to a customer goes out until it is resumed."""
    from afterword.commands.sending_work import pause_sending  # noqa: PLC0415

    with_database(data_dir, lambda database: pause_sending(database, why, as_json=as_json))


@app.command("resume")
def resume(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Resume sending: what was held goes out within seconds."""
    from afterword.commands.sending_work import resume_sending  # noqa: PLC0415

    with_database(data_dir, lambda database: resume_sending(database, as_json=as_json))


@app.command("release")
def release(workflow: Workflow, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Let a workflow's held invitations go, and hold no others of it in this hour."""
    from afterword.commands.sending_work import let_held_go  # noqa: PLC0415

    with_database(data_dir, lambda database: let_held_go(database, workflow, as_json=as_json))


@app.command("cancel")
def cancel(workflow: Workflow, data_dir: DataDir = None, yes: Yes = False, as_json: Json = False) -> None:
    """Cancel a workflow's held invitations for good, after asking."""
    from afterword.commands.sending_work import cancel_held  # noqa: PLC0415

    async def work(database: "Database") -> None:
        await cancel_held(database, workflow, yes=yes, as_json=as_json)

    with_database(data_dir, work)
