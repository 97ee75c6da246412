"""Who calls our own API: a person's token, as ``X-API-TOKEN`` or as a bearer."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from afterword.accounts.api_tokens import Bearer, TokenUses, find_bearer, hash_token
from afterword.accounts.audit import Actor, act_as
from afterword.accounts.people import Person
from afterword.accounts.scopes import scope_needed
from afterword.store.database import Database

AnyConnection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]


def token_guard(database: Database, uses: TokenUses | None = None) -> Guard:
    """A guard that lets nobody by without an API token, and asks before anything else is looked at.

    A token that is for other things is let nowhere; each route names its scope. ``uses`` is told of those let by.
    """

    async def wants_token(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        token = _token(connection)
        bearer = await _bearer(database, token)
        needed = scope_needed(handler.opt)
        if not bearer.may(needed):
            raise PermissionDeniedException(
                f"This API token may not do that: it is without the scope {needed}."
            )
        if uses is not None:
            uses.note(hash_token(token))
        person = connection.state.caller = bearer.person
        act_as(Actor(person.id, person.name or person.email, "API"))

    return wants_token


def caller(request: AnyConnection) -> Person:
    """Whose token came with a request that the guard let by."""
    person = request.state.caller
    assert isinstance(person, Person)  # noqa: S101 - the guard put it there
    return person


def _token(request: AnyConnection) -> str:
    token = request.headers.get("x-api-token")
    if token is None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthorizedException("Send an API token as X-API-TOKEN or Authorization: Bearer.")
    return token.strip()


async def _bearer(database: Database, token: str) -> Bearer:
    async with database.transaction() as connection:
        bearer = await find_bearer(connection, token)
    if bearer is None:
        raise NotAuthorizedException("The API token is not known here.")
    return bearer
