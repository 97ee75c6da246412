"""``afterword explain``: what happened to a conversation, a customer or a response, and why."""

from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import DataDir, Json, with_database

if TYPE_CHECKING:
    from afterword.store.database import Database
    from afterword.workflows.explaining.models import Explanation, Story

COLOURS = {
    "good": typer.colors.GREEN,
    "bad": typer.colors.RED,
    "warn": typer.colors.YELLOW,
    "busy": typer.colors.BLUE,
}


def explain(
    asked: Annotated[
        str,
        typer.Argument(
            help="A conversation, a customer's id or email address, a response, an invitation, a Message-ID, a run's "
            "number, or an event's (`event 12`).",
            metavar="WHAT",
        ),
    ],
    data_dir: DataDir = None,
    limit: Annotated[
        int, typer.Option(min=1, max=50, help="At most so many conversations, newest first.")
    ] = 10,
    as_json: Json = False,
) -> None:
    """Tell what happened and why: who was asked, what was sent when, what came back, and what comes next."""
    with_database(data_dir, lambda database: _explain(database, asked, limit, as_json=as_json))


async def _explain(database: "Database", asked: str, limit: int, *, as_json: bool) -> None:
    from afterword.commands.common import print_json  # noqa: PLC0415
    from afterword.workflows.explaining.explain import explain as find_out  # noqa: PLC0415

    async with database.read_only().transaction() as connection:
        explanation = await find_out(connection, asked, personal=True, limit=limit)
    if as_json:
        print_json(explanation)
    else:
        _tell(explanation)
    if not explanation.stories:
        raise typer.Exit(1)


def _tell(explanation: "Explanation") -> None:
    for words in explanation.advice:
        typer.echo(words)
    for number, story in enumerate(explanation.stories):
        if number:
            typer.echo()
        _tell_story(story)
    if explanation.more:
        typer.echo("\nThere are older conversations; --limit tells more of them.")


def _tell_story(story: "Story") -> None:
    about = f"Conversation {story.conversation_id}" if story.conversation_id else "No conversation"
    customer = story.customer
    who = ", ".join(
        part for part in (customer.name, customer.email, customer.id and f"Customer {customer.id}") if part
    )
    typer.secho(f"{about}{f' ({who})' if who else ''}", bold=True)
    typer.secho(story.answer, fg=COLOURS.get(story.tone))
    for sentence in story.sentences:
        colour = COLOURS.get(sentence.tone)
        where = f" [run {sentence.run_id}]" if sentence.run_id else ""
        typer.echo(f"  {sentence.at:%Y-%m-%d %H:%M:%S}  {typer.style(sentence.words, fg=colour)}{where}")
        for detail in sentence.details:
            typer.echo(f"  {'':19}    {detail}")
    if story.is_cut:
        typer.echo("  (There is more than is told here; run history has all of it.)")
    typer.echo("What comes next:")
    for words in story.upcoming:
        typer.echo(f"  {words}")
