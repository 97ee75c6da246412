"""``afterword accounts``: the accounts at Gladly, Qualtrics and web services that are connected."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from afterword.commands.asking import TokenFile, asking_again, read_address, read_plain, read_secret
from afterword.commands.common import DataDir, Json, with_installation
from afterword.outcomes import ConfigurationError

if TYPE_CHECKING:
    from afterword.accounts.connected import Delivery
    from afterword.settings import Settings
    from afterword.store.database import Database

app = typer.Typer(
    help="Connect accounts at Gladly and Qualtrics; each is tried before it is saved.", no_args_is_help=True
)
add_app = typer.Typer(help="Connect an account.", no_args_is_help=True)
app.add_typer(add_app, name="add")

Name = Annotated[str, typer.Argument(help="The account's name or id.")]
NewName = Annotated[
    str | None,
    typer.Option(
        "--name", help="What to call it here.", show_default="the organization's or brand's own name"
    ),
]
JsonEventUrl = Annotated[
    str | None,
    typer.Option(
        "--json-event-url",
        help="Address of the JSON event that closed conversations are sent to; @FILE reads it from a file.",
        show_default=False,
    ),
]


Webhook = Annotated[
    Literal["own", "by-hand", "pull", "none"] | None,
    typer.Option(
        "--webhook",
        help="How Gladly's events reach us: own (a webhook that Afterword makes and keeps), by-hand (one that you make "
        "in Gladly's settings; what to enter is shown), pull (no webhook: Afterword asks) or none (the account is for "
        "tasks alone).",
        show_default=False,
    ),
]
WebhookHeader = Annotated[
    str | None,
    typer.Option(
        "--webhook-header",
        help="Have the webhook prove itself by a header of this name in place of a user name and password.",
        show_default=False,
    ),
]


@add_app.command("qualtrics")
def add_qualtrics(  # noqa: PLR0917 - a command's options
    address: Annotated[
        str | None,
        typer.Option("--address", help="Data centre, such as fra1, or address.", show_default=False),
    ] = None,
    name: NewName = None,
    token_file: TokenFile = None,
    json_event_url: JsonEventUrl = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Connect a Qualtrics account by its API token. The token's rights are its user's: take a user of its own."""
    from afterword.commands.connecting import add_qualtrics  # noqa: PLC0415

    where = read_plain("Data centre or address", "--address", address)
    url, token = read_address(json_event_url), read_secret("API token", token_file)
    with_installation(
        data_dir,
        lambda settings, database: add_qualtrics(
            settings,
            database,
            address=where,
            token=token,
            name=name,
            json_event_url=url,
            ask_again=asking_again(token_file),
            as_json=as_json,
        ),
    )


@add_app.command("gladly")
def add_gladly(  # noqa: PLR0917 - a command's options
    address: Annotated[
        str | None, typer.Option("--address", help="Such as https://acme.gladly.com.", show_default=False)
    ] = None,
    username: Annotated[
        str | None, typer.Option("--username", help="The API user's email address.", show_default=False)
    ] = None,
    name: NewName = None,
    webhook: Webhook = None,
    webhook_header: WebhookHeader = None,
    token_file: TokenFile = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Connect a Gladly account by its API user and token, and have it tell us of closed conversations."""
    from afterword.commands.gladly_accounts import add_gladly  # noqa: PLC0415

    where, user = read_plain("Address", "--address", address), read_plain("User name", "--username", username)
    token = read_secret("API token", token_file)
    with_installation(
        data_dir,
        lambda settings, database: add_gladly(
            settings,
            database,
            address=where,
            username=user,
            token=token,
            name=name,
            delivery=webhook or "own",
            header=webhook_header,
            ask_again=asking_again(token_file),
            as_json=as_json,
        ),
    )


@add_app.command("web-service")
def add_web_service(  # noqa: PLR0917 - a command's options
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            help="What stands there and below gets the secret, such as https://api.acme.com/v1.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it here.", show_default=False)
    ] = None,
    authentication: Annotated[
        str, typer.Option("--authentication", help="How it knows us: none, basic, bearer or header.")
    ] = "bearer",
    username: Annotated[str, typer.Option("--username", help="With basic: the user name.")] = "",
    header: Annotated[str, typer.Option("--header", help="With header: its name, such as X-API-Key.")] = "",
    token_file: TokenFile = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Connect a web service for tasks to call, with the secret that it knows us by. It is not tried."""
    from afterword.commands.web_services import add_web_service  # noqa: PLC0415

    where, called = read_plain("Address", "--address", address), read_plain("Name", "--name", name)
    secret = "" if authentication == "none" else read_secret("Secret", token_file)
    with_installation(
        data_dir,
        lambda settings, database: add_web_service(
            settings,
            database,
            address=where,
            name=called,
            authentication=authentication,
            username=username,
            header=header,
            secret=secret,
            as_json=as_json,
        ),
    )


@app.command("list")
def list_(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the connected accounts."""
    from afterword.commands.account_states import list_connected  # noqa: PLC0415

    with_installation(data_dir, lambda _, database: list_connected(database, as_json=as_json))


@app.command("verify")
def verify(
    account: Annotated[
        str | None, typer.Argument(help="The account's name or id.", show_default="all of them")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Try accounts as they are; ends with status 1 when one does not work."""
    from afterword.commands.account_states import verify  # noqa: PLC0415

    with_installation(
        data_dir, lambda settings, database: verify(settings, database, account, as_json=as_json)
    )


@app.command("rotate")
def rotate(
    account: Name,
    token_file: TokenFile = None,
    notification_secret: Annotated[
        bool,
        typer.Option(
            "--notification-secret", help="Not the token: make a new secret for what Qualtrics tells us."
        ),
    ] = False,
    webhook_credentials: Annotated[
        bool,
        typer.Option(
            "--webhook-credentials", help="Not the token: make new credentials for the webhook at Gladly."
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Give an account another API token of the same organization or brand. What waits for the account goes on."""
    from afterword.commands import connecting  # noqa: PLC0415

    if notification_secret:
        with_installation(
            data_dir, lambda settings, database: connecting.renew_secret(settings, database, account)
        )
        return
    if webhook_credentials:
        with_installation(data_dir, lambda settings, database: _rotate_webhook(settings, database, account))
        return
    token = read_secret("New API token", token_file)
    with_installation(
        data_dir, lambda settings, database: connecting.rotate(settings, database, account, token)
    )


@app.command("change")
def change(  # noqa: PLR0917 - a command's options
    account: Name,
    address: Annotated[
        str | None, typer.Option("--address", help="Where Gladly or Qualtrics is reached from now on.")
    ] = None,
    json_event_url: JsonEventUrl = None,
    webhook: Webhook = None,
    webhook_header: WebhookHeader = None,
    data_dir: DataDir = None,
) -> None:
    """Change an account's addresses, or how Gladly's events reach us."""
    from afterword.commands import connecting  # noqa: PLC0415

    url = read_address(json_event_url)
    if address is None and url is None and webhook is None:
        raise ConfigurationError("Say what to change: --address, --json-event-url or --webhook.")

    async def work(settings: "Settings", database: "Database") -> None:
        if webhook is not None:
            await _change_delivery(settings, database, account, webhook, webhook_header)
        if address is not None or url is not None:
            await connecting.change(settings, database, account, address, url)

    with_installation(data_dir, work)


@app.command("remove")
def remove(
    account: Name,
    force: Annotated[bool, typer.Option("--force", help="Even if workflows use it.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Forget an account and its secrets, take its webhook away, and say what is left at the vendor."""
    from afterword.commands import connecting  # noqa: PLC0415

    with_installation(
        data_dir, lambda settings, database: connecting.remove(settings, database, account, force=force)
    )


async def _rotate_webhook(settings: "Settings", database: "Database", wanted: str) -> None:
    from afterword.commands.connecting import find  # noqa: PLC0415
    from afterword.commands.gladly_accounts import rotate_webhook  # noqa: PLC0415

    await rotate_webhook(settings, database, await find(database, wanted, "gladly"))


async def _change_delivery(
    settings: "Settings", database: "Database", wanted: str, delivery: "Delivery", header: str | None
) -> None:
    from afterword.commands.connecting import find  # noqa: PLC0415
    from afterword.commands.gladly_accounts import change_delivery  # noqa: PLC0415

    await change_delivery(settings, database, await find(database, wanted, "gladly"), delivery, header)
