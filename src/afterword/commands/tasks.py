"""``afterword tasks``: the task types that are installed."""

from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import Json, print_json

if TYPE_CHECKING:
    from afterword.tasks.describing import TaskTypeDescription

app = typer.Typer(
    help="See which task types are installed, and what each is configured with.", no_args_is_help=True
)


@app.command("list")
def list_task_types(as_json: Json = False) -> None:
    """List the task types that are installed, and those that cannot be used, with the reason."""
    from afterword.tasks.describing import describe_installed  # noqa: PLC0415

    described, installed = describe_installed()
    if as_json:
        print_json({"taskTypes": described, "unusable": installed.unusable})
        return
    width = max((len(task_type.name) for task_type in described), default=0)
    for task_type in described:
        typer.echo(f"{task_type.name:<{width}}  {task_type.label} ({task_type.package})")
    for broken in installed.unusable:
        cannot = typer.style("cannot be used", fg=typer.colors.RED)
        typer.echo(f"{broken.name:<{width}}  {cannot} ({broken.package}): {broken.words}")


@app.command("show")
def show_task_type(
    name: Annotated[str, typer.Argument(help="The task type's name, as `afterword tasks list` shows it.")],
    as_json: Json = False,
) -> None:
    """Show one task type: its fields with help and examples, its outputs, and what doing it twice means.

    With --json, `configuration` is the JSON Schema of its configuration.
    """
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415
    from afterword.tasks.describing import describe_installed  # noqa: PLC0415

    described, installed = describe_installed()
    found = next((task_type for task_type in described if task_type.name == name), None)
    if found is None:
        broken = next((broken for broken in installed.unusable if broken.name == name), None)
        why = (
            "none is installed" if broken is None else f"it cannot be used ({broken.package}): {broken.words}"
        )
        raise ConfigurationError(f"There is no task type {name!r}: {why}. `afterword tasks list` shows all.")
    if as_json:
        print_json(found)
    else:
        _tell(found)


def _tell(task_type: "TaskTypeDescription") -> None:
    import msgspec  # noqa: PLC0415

    from afterword.tasks.describing import fields_of  # noqa: PLC0415

    typer.echo(f"{task_type.label} ({task_type.name}, of {task_type.package})")
    typer.echo(f"  {task_type.summary}")
    typer.echo(f"  Done twice: {task_type.repetition}.")
    outputs = "only its answer tells" if task_type.outputs is None else ", ".join(task_type.outputs)
    typer.echo(f"  Outputs: {outputs}")
    typer.echo("  Configuration:")
    for field in fields_of(task_type.configuration):
        need = "required" if field.is_required else "optional"
        piped = ", piped text" if field.is_piped else ""
        typer.echo(f"    {field.path} ({need}{piped}): {field.title}. {field.description}")
        if field.example is not None:
            typer.echo(f"      for example {msgspec.json.encode(field.example).decode()}")
