"""Who calls our own API: a person's token, as ``X-API-TOKEN`` or as a bearer."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler

from afterword.accounts.api_tokens import find_person_by_token
from afterword.accounts.audit import Actor, act_as
from afterword.accounts.people import Person
from afterword.store.database import Database

AnyConnection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]


def token_guard(database: Database) -> Guard:
    """A guard that lets nobody by without an API token, and asks before anything else is looked at."""

    async def wants_token(connection: AnyConnection, _: BaseRouteHandler) -> None:
        person = connection.state.caller = await _caller(database, connection)
        act_as(Actor(person.id, person.name or person.email, "API"))

    return wants_token


def caller(request: AnyConnection) -> Person:
    """Whose token came with a request that the guard let by."""
    person = request.state.caller
    assert isinstance(person, Person)  # noqa: S101 - the guard put it there
    return person


async def _caller(database: Database, request: AnyConnection) -> Person:
    token = request.headers.get("x-api-token")
    if token is None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthorizedException("Send an API token as X-API-TOKEN or Authorization: Bearer.")
    async with database.transaction() as connection:
        person = await find_person_by_token(connection, token.strip())
    if person is None:
        raise NotAuthorizedException("The API token is not known here.")
    return person
