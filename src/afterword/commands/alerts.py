"""``afterword alerts``: what an operator is told of without having to look."""

from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import DataDir, Json, print_json, with_database, with_installation
from afterword.outcomes import ConfigurationError

if TYPE_CHECKING:
    from afterword.settings import Settings
    from afterword.store.database import Database

app = typer.Typer(
    help="See what was told to the operators, and try whether it reaches them.", no_args_is_help=True
)


@app.command("list")
def list_alerts(
    data_dir: DataDir = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List alerts, newest first, with how each channel took them."""

    async def work(database: "Database") -> None:
        from afterword.alerts.recording import list_alerts  # noqa: PLC0415

        async with database.pool.acquire() as connection:
            alerts = await list_alerts(connection, limit=limit)
        if as_json:
            print_json(alerts)
            return
        if not alerts:
            typer.echo("No alert yet.")
        for alert in alerts:
            times = f" ({alert.count} times)" if alert.count > 1 else ""
            typer.echo(
                f"{alert.id:>6}  {alert.last_at:%Y-%m-%d %H:%M:%S}  {alert.status:<9}  {alert.words}{times}"
            )
            for channel, state in alert.channels.items():
                typer.echo(f"        {channel}: {state}")

    with_database(data_dir, work)


@app.command("test")
def send_test(data_dir: DataDir = None) -> None:
    """Send an alert now, by every channel that is set, and say how each took it."""
    with_installation(data_dir, _send_test)


async def _send_test(settings: "Settings", database: "Database") -> None:
    from afterword.alerts.delivering import AlertKeeper  # noqa: PLC0415
    from afterword.alerts.recording import Alert, list_alerts  # noqa: PLC0415
    from afterword.distributions.sending import Mailer  # noqa: PLC0415

    keeper = AlertKeeper(database, settings, Mailer(settings))
    if not keeper.channels:
        raise ConfigurationError(
            "Alerts have no way out: set AFTERWORD_ALERT_EMAIL, AFTERWORD_ALERT_URL or both. What there is to tell "
            "stands in `afterword alerts list`."
        )
    try:
        alert_id = await keeper.send_now(Alert("test", "alerts", "A test: alerts come this way"))
    finally:
        await keeper.close()
    async with database.pool.acquire() as connection:
        (told,) = await list_alerts(connection, before=alert_id + 1, limit=1)
    for channel, state in told.channels.items():
        typer.echo(f"{channel}: {state}")
    if set(told.channels.values()) != {"sent"}:
        raise typer.Exit(1)
