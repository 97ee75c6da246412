"""Whose token it is, and what they may do."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from afterword.accounts.api_tokens import TokenUses, find_bearer, hash_token
from afterword.accounts.audit import Actor, act_as
from afterword.accounts.people import Person, Role
from afterword.accounts.scopes import scope_needed
from afterword.qualtrics import envelope
from afterword.qualtrics_api.answers import Refused
from afterword.qualtrics_api.limits import Limits
from afterword.store.database import Database

ApiRequest = Request[Person, None, State]
Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]

MAY_CHANGE_SURVEYS: frozenset[Role] = frozenset({"owner", "administrator", "manager"})
MAY_SUBSCRIBE: frozenset[Role] = frozenset({"owner", "administrator"})
"""Qualtrics asks for a brand administrator."""

NO_ADMINISTRATOR = envelope.Refusal(
    403,
    "AFTERWORD_403",
    "Event subscriptions are for a brand administrator's token: an owner's or administrator's.",
)


def token_guard(database: Database, uses: TokenUses, limits: Limits) -> Guard:
    """Lets nobody by without a token of the route's scope, or too often; asked before all else of the request.

    Calls with a token that is none are not counted, so that nobody without one can use up what others may.
    """

    async def wants_token(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        if connection.scope.get("method") == "OPTIONS":  # asks which methods there are, nothing else
            return
        token = connection.headers.get("x-api-token")
        if token is None:
            raise Refused(envelope.NO_CREDENTIALS)
        path = str(connection.scope.get("path_template", ""))
        limits.check(path)
        async with database.transaction() as transaction:
            bearer = await find_bearer(transaction, token)
        if bearer is None:
            raise Refused(envelope.UNKNOWN_TOKEN)
        limits.count(path)
        needed = scope_needed(handler.opt)
        if not bearer.may(needed):
            words = f"This API token may not do that: it is without the scope {needed}."
            raise Refused(envelope.FORBIDDEN, words)
        uses.note(hash_token(token))
        person = connection.scope["user"] = bearer.person
        act_as(Actor(person.id, person.name or person.email, "API"))

    return wants_token


def require(request: ApiRequest, roles: frozenset[Role], refusal: envelope.Refusal) -> None:
    """Refuse everybody whose role is none of these.

    Raises:
        Refused: with ``refusal``.
    """
    if request.user.role not in roles:
        raise Refused(refusal)
