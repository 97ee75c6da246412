"""Scopes of API tokens: every route of every API names one, and is shut to tokens without it."""

import asyncio
import re
from typing import Any

import msgspec
import pytest
from litestar.routes import HTTPRoute

from afterword import web
from afterword.accounts.api_tokens import add_api_token
from afterword.accounts.scopes import ROUTE, SCOPES
from afterword.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = "one key of the tests that is long enough"
VALUES = {"run_id": "1", "survey_id": "SV_aaaaaaaaaaaaaaa"}


async def scopes_of_routes(database_url: str) -> dict[tuple[str, str], str | None]:
    """Each address of an API with its method, and the scope that it needs; ``missing`` where it says nothing."""
    settings = Settings.load({}, secret_key=KEY)
    async with web.open_app(settings, database_url, asyncio.Event()) as app:
        return {
            (route.path, method): handler[0].opt.get(ROUTE, "missing")
            for route in app.routes
            if isinstance(route, HTTPRoute) and route.path.startswith(("/api/", "/API/", "/metrics"))
            for method, handler in route.route_handler_map.items()
            if method not in {"OPTIONS", "HEAD"}
        }


async def token_for(afterword: Any, scopes: set[str]) -> str:
    async with afterword.database.transaction() as connection:
        return await add_api_token(connection, afterword.owner_id, "part", scopes=scopes)


def words_of(answer: Any) -> str:
    told = msgspec.json.decode(answer._body)
    return str(told["meta"]["error"]["errorMessage"] if "meta" in told else told["detail"])


async def test_every_route_is_shut_to_tokens_without_its_scope(afterword: Any) -> None:
    routes = await scopes_of_routes(afterword.database.url)
    assert "missing" not in routes.values()
    assert {scope for scope in routes.values() if scope} == set(SCOPES) - {"write:json_events"}
    every: set[str] = set(SCOPES)
    just = {scope: await token_for(afterword, {scope}) for scope in every}
    others = {scope: await token_for(afterword, every - {scope}) for scope in every}
    for (path, method), scope in routes.items():
        address = re.sub(r"{(\w+):\w+}", lambda match: VALUES.get(match[1], "none"), path)
        if scope is None:
            answer = await afterword.send(method, address, headers={"X-API-TOKEN": just["read:metrics"]})
            assert answer.status == 200, path
            continue
        answer = await afterword.send(method, address, headers={"X-API-TOKEN": others[scope]})
        assert answer.status == 403, (path, method)
        assert words_of(answer) == f"This API token may not do that: it is without the scope {scope}."
        answer = await afterword.send(method, address, headers={"X-API-TOKEN": just[scope]})
        assert answer.status not in {401, 403, 500}, (path, method)


async def test_json_events_are_taken_with_a_token_for_them_alone(afterword: Any) -> None:
    every: set[str] = set(SCOPES)
    other = await token_for(afterword, every - {"write:json_events"})
    answer = await afterword.post_event({"a": 1}, headers={"X-API-TOKEN": other})
    assert answer.status == 403
    assert "without the scope write:json_events" in words_of(answer)
    assert await afterword.events() == []
    right = await token_for(afterword, {"write:json_events"})
    assert (await afterword.post_event({"a": 1}, headers={"X-API-TOKEN": right})).status == 200
    assert len(await afterword.events()) == 1
