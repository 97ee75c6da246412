"""``afterword people``: who may come in, and what they may do."""

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from afterword.commands.common import DataDir, Json, with_database, with_installation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.ext.asyncio import AsyncConnection

    from afterword.accounts.managing import Listed
    from afterword.accounts.people import Person
    from afterword.settings import Settings
    from afterword.store.database import Database

app = typer.Typer(
    help="People who may sign in or call the API: invite them, give them roles, remove them.",
    no_args_is_help=True,
)

Email = Annotated[
    str, typer.Argument(help="The person's email address, or the service account's name.", metavar="WHO")
]
Role = Annotated[str, typer.Option("--role", help="owner, administrator, manager, analyst or api_user.")]


@app.command("list")
def list_(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List everybody, with their roles."""
    with_database(data_dir, lambda database: _list(database, as_json=as_json))


@app.command("add")
def add(
    email: Email,
    name: Annotated[str, typer.Option("--name", help="What they are called.")],
    role: Role = "manager",
    data_dir: DataDir = None,
) -> None:
    """Add somebody, and print the link by which they choose a password."""
    with_installation(data_dir, lambda settings, database: _add(settings, database, email, name, role))


@app.command("add-service")
def add_service(
    name: Annotated[str, typer.Argument(help="What the program is called.")],
    role: Role = "api_user",
    data_dir: DataDir = None,
) -> None:
    """Add a service account: nobody signs in as it, and it holds API tokens, so that none hangs on a person."""
    with_database(data_dir, lambda database: _add_service(database, name, role))


@app.command("link")
def link(
    email: Annotated[
        str | None, typer.Argument(help="The person's email address; without it, the first owner.")
    ] = None,
    first_owner: Annotated[
        bool,
        typer.Option("--first-owner", help="Print a link if nobody owns the installation, else nothing."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Print a new link by which somebody chooses a password: the first owner, or who forgot theirs."""
    with_installation(
        data_dir, lambda settings, database: _link(settings, database, email, only_first_owner=first_owner)
    )


@app.command("role")
def role(
    email: Email, role: Annotated[str, typer.Argument(help="The new role.")], data_dir: DataDir = None
) -> None:
    """Give somebody another role."""
    with_database(data_dir, lambda database: _role(database, email, role))


@app.command("remove")
def remove(
    email: Email,
    tokens_to: Annotated[
        str,
        typer.Option("--tokens-to", help="The service account that takes their tokens and JSON events over."),
    ] = "",
    data_dir: DataDir = None,
) -> None:
    """Remove somebody. Their API tokens end, unless they are handed over. What they did stays."""
    with_database(data_dir, lambda database: _remove(database, email, tokens_to))


@app.command("sign-out")
def sign_out(email: Email, data_dir: DataDir = None) -> None:
    """End all sessions of somebody."""
    with_database(data_dir, lambda database: _sign_out(database, email))


@app.command("reset-codes")
def reset_codes(email: Email, data_dir: DataDir = None) -> None:
    """Ask somebody for no one-time codes any more, who lost phone and recovery codes."""
    with_database(data_dir, lambda database: _reset_codes(database, email))


async def _list(database: "Database", *, as_json: bool) -> None:
    from afterword.accounts.managing import list_people  # noqa: PLC0415
    from afterword.commands.common import print_json  # noqa: PLC0415

    async with database.transaction() as connection:
        people = await list_people(connection)
    if as_json:
        print_json(people)
        return
    if not people:
        typer.echo("Nobody is here yet; `afterword people link` prints a link for the first owner.")
    for one in people:
        typer.echo(f"{one.role:<13}  {_listed(one)}")


def _listed(one: "Listed") -> str:
    if one.is_service:
        return f"{one.name}  (service account)"
    notes = [] if one.has_password else ["has no password"]
    notes += ["one-time codes"] if one.has_codes else []
    told = f"{one.name} <{one.email}>"
    return f"{told}  ({', '.join(notes)})" if notes else told


async def _add(settings: "Settings", database: "Database", email: str, name: str, role: str) -> None:
    from afterword.accounts.people import add_person  # noqa: PLC0415
    from afterword.accounts.welcome import new_link  # noqa: PLC0415

    with told_in_one_line():
        async with database.transaction() as connection:
            person = await add_person(connection, email=email, name=name, role=role)  # type: ignore[arg-type]
            address = await new_link(connection, person.id, settings.public_url)
    typer.echo(
        f"{person.name} is {_a(person.role)} now. This link lets them choose a password, once, for a day:"
    )
    typer.echo(f"  {address}")


async def _add_service(database: "Database", name: str, role: str) -> None:
    from afterword.accounts.people import add_service_account  # noqa: PLC0415

    with told_in_one_line():
        async with database.transaction() as connection:
            added = await add_service_account(connection, name=name, role=role)  # type: ignore[arg-type]
    typer.echo(f"{added.name} is {_a(added.role)} now. `afterword tokens make … --for` makes tokens for it.")


async def _link(
    settings: "Settings", database: "Database", email: str | None, *, only_first_owner: bool
) -> None:
    from afterword.accounts.welcome import has_owner, new_link  # noqa: PLC0415
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415

    async with database.transaction() as connection:
        if email is None:
            if await has_owner(connection):
                if only_first_owner:
                    return
                raise ConfigurationError(
                    "This installation has an owner; say whose link: `afterword people link EMAIL`."
                )
            typer.echo(await new_link(connection, None, settings.public_url))
            return
        person = await find_by_words(connection, email)
        with told_in_one_line():
            typer.echo(await new_link(connection, person.id, settings.public_url))


async def _role(database: "Database", email: str, role: str) -> None:
    from afterword.accounts.managing import change_role  # noqa: PLC0415

    with told_in_one_line():
        async with database.transaction() as connection:
            person = await find_by_words(connection, email)
            changed = await change_role(connection, person.id, role)  # type: ignore[arg-type]
    typer.echo(f"{changed.name} is {_a(changed.role)} now.")


async def _remove(database: "Database", email: str, tokens_to: str) -> None:
    from afterword.accounts.managing import remove_person  # noqa: PLC0415
    from afterword.workflows.starting.handing_over import hand_over  # noqa: PLC0415

    with told_in_one_line():
        async with database.transaction() as connection:
            person = await find_by_words(connection, email)
            if tokens_to:
                heir = await find_by_words(connection, tokens_to)
                await hand_over(connection, person, heir.id)
            await remove_person(connection, person.id)
    typer.echo(f"{person.name} may not come in any more.")
    if tokens_to:
        typer.echo(f"Their API tokens and JSON events go on as those of {heir.name}.")


async def _sign_out(database: "Database", email: str) -> None:
    from afterword.accounts.sessions import end_sessions  # noqa: PLC0415

    async with database.transaction() as connection:
        person = await find_by_words(connection, email)
        ended = await end_sessions(connection, person.id)
    typer.echo(f"{ended} session{'' if ended == 1 else 's'} of {person.name} ended.")


async def _reset_codes(database: "Database", email: str) -> None:
    from afterword.accounts.one_time_codes import take_codes_away  # noqa: PLC0415

    async with database.transaction() as connection:
        person = await find_by_words(connection, email)
        had_any = await take_codes_away(connection, person.id)
    if had_any:
        typer.echo(f"{person.name} signs in by password alone, until they set one-time codes up again.")
    else:
        typer.echo(f"{person.name} has no one-time codes.")


async def find_by_words(connection: "AsyncConnection", words: str) -> "Person":
    """The person with this email address, or the service account of this name.

    Raises:
        ConfigurationError: there is none.
    """
    from afterword.accounts.people import find_person_by_email, find_service_account  # noqa: PLC0415
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415

    person = await find_person_by_email(connection, words) or await find_service_account(connection, words)
    if person is None:
        raise ConfigurationError(
            f"There is nobody with the address {words}, and no service account of this name; "
            "`afterword people list` shows who is."
        )
    return person


def _a(role: str) -> str:
    words = role.replace("_", " ").replace("api", "API")
    return f"{'an' if words[0] in 'aoA' else 'a'} {words}"


@contextlib.contextmanager
def told_in_one_line() -> "Iterator[None]":
    """Tell what is wrong with a person in one line."""
    from afterword.accounts.people import InvalidPerson  # noqa: PLC0415
    from afterword.outcomes import ConfigurationError  # noqa: PLC0415

    try:
        yield
    except InvalidPerson as error:
        raise ConfigurationError(str(error)) from None
