"""The command ``afterword``: where everything that a person types begins.

Every command imports what it needs when it is called: the command itself, which stays as the demo's parent process,
is kept small.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afterword import __version__
from afterword.commands import (
    accounts,
    alerts,
    audit_log,
    backfill,
    config_files,
    eligibility,
    explain,
    extensions,
    gladly,
    people,
    problems,
    qualtrics,
    rehearse,
    replays,
    runs,
    secrets,
    sending,
    subscribers,
    tasks,
    tokens,
    workflows,
)
from afterword.commands.common import DataDir, Json, load_settings
from afterword.outcomes import ConfigurationError

if TYPE_CHECKING:
    from afterword.process import Serve

app = typer.Typer(
    name="afterword",
    help="Ask customers how it went after every support conversation, and put the answer where the agents look.",
    epilog="Options can also come from the environment: `afterword settings` lists them all.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(accounts.app, name="accounts")
app.add_typer(qualtrics.app, name="qualtrics")
app.add_typer(gladly.app, name="gladly")
app.add_typer(people.app, name="people")
app.add_typer(secrets.app, name="secrets")
app.add_typer(runs.app, name="runs")
app.add_typer(runs.events_app, name="events")
app.add_typer(alerts.app, name="alerts")
app.add_typer(workflows.app, name="workflows")
app.add_typer(backfill.app, name="backfill")
app.add_typer(eligibility.app, name="eligibility")
config_files.add_to(app)
app.command("problems")(problems.problems)
app.add_typer(replays.app, name="replays")
app.add_typer(sending.app, name="sending")
app.add_typer(subscribers.app, name="subscribers")
app.add_typer(tasks.app, name="tasks")
app.add_typer(tokens.app, name="tokens")
app.add_typer(extensions.app, name="extensions")
app.command("audit-log")(audit_log.audit_log)
app.command("explain")(explain.explain)
app.command("rehearse")(rehearse.rehearse)


def main() -> None:
    """Run the command; what an administrator can mend is told in one line, with exit status 1."""
    try:
        _check_is_text(sys.argv[1:])
        app()
    except ConfigurationError as error:
        sys.stderr.write(f"afterword: {error}\n")
        raise SystemExit(1) from None


def _check_is_text(typed: Sequence[str]) -> None:
    """Refuse bytes that are no text, which nothing that is kept can hold.

    Raises:
        ConfigurationError: names the first word that has some.
    """
    for word in typed:
        if not word.isascii() and word.encode("utf-8", "replace").decode() != word:
            shown = word.encode("ascii", "backslashreplace").decode()
            raise ConfigurationError(f"This is not text in UTF-8: {shown}")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"afterword {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options before the command."""


@app.command()
def demo(  # noqa: PLR0917 - a command's options
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir", help="Where the demo keeps its data.", show_default="in the user's data directory"
        ),
    ] = None,
    port_base: Annotated[
        int | None,
        typer.Option(
            "--port-base",
            help="Ports N (web), N+1 (sandbox), N+2 (mail) and N+25 (SMTP).",
            show_default="8700",
        ),
    ] = None,
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="Use a throw-away data directory, removed at the end.")
    ] = False,
    without_past: Annotated[
        bool,
        typer.Option(
            "--without-past",
            help="No sample Responses, and for a new sandbox no customers of the last two weeks.",
        ),
    ] = False,
    once: Annotated[
        bool,
        typer.Option("--once", help="Go the whole way once, without a browser, tell each step and end."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --once: print the summary as one JSON object.")
    ] = False,
) -> None:
    """Start everything on this machine: Afterword, its database, a Gladly sandbox and a mail catcher.

    Open the address that it prints, close a conversation in the sandbox, answer the mail, and see the score on the
    customer's timeline. Ctrl-C stops it all; the data is there again at the next start.
    """
    if as_json and not once:
        raise ConfigurationError("--json goes with --once.")
    from afterword.demo import run  # noqa: PLC0415

    options = run.Options(
        data_dir=data_dir, port_base=port_base, ephemeral=ephemeral, with_past=not without_past
    )
    raise typer.Exit(run.demo_once(options, as_json=as_json) if once else run.demo(options))


@app.command()
def up(data_dir: DataDir = None) -> None:
    """Start an installation: web, worker and database, on this machine. Ctrl-C stops it.

    The first start prints a link by which you become the owner.
    """
    from afterword import up  # noqa: PLC0415

    raise typer.Exit(up.up(load_settings(data_dir)))


@app.command()
def web(data_dir: DataDir = None) -> None:
    """Run the web half: webhooks, JSON events, survey pages and the pages of Afterword itself."""
    from afterword.web import serve  # noqa: PLC0415

    _serve(serve, data_dir)


@app.command()
def worker(data_dir: DataDir = None) -> None:
    """Run the worker half: it runs workflows. Any number of workers share one database."""
    from afterword.worker import serve  # noqa: PLC0415

    _serve(serve, data_dir)


def _serve(serve: "Serve", data_dir: Path | None) -> None:
    from afterword.process import run  # noqa: PLC0415

    raise typer.Exit(run(serve, load_settings(data_dir)))


@app.command()
def settings(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List every option with its value and what it means; secrets are masked."""
    import msgspec  # noqa: PLC0415

    from afterword.settings import describe  # noqa: PLC0415

    options = describe(load_settings(data_dir))
    if as_json:
        typer.echo(msgspec.json.encode(options).decode())
        return
    for option in options:
        typer.echo(f"{option.variable}={option.value}")
        typer.echo(f"    {option.description}")


if __name__ == "__main__":
    main()
