"""``afterword subscribers``: what a subscriber could not be told is seen, and told again."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.qualtrics_api import KEY
from typer.testing import CliRunner

from afterword.cli import app
from afterword.outcomes import ConfigurationError

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def run(api: Any, folder: Path, *arguments: str) -> Any:
    environment = {
        "AFTERWORD_DATABASE_URL": api.afterword.database.url,
        "AFTERWORD_DATA_DIR": str(folder),
        "AFTERWORD_SECRET_KEY": KEY,
    }
    return await asyncio.to_thread(CliRunner().invoke, app, ["subscribers", *arguments], env=environment)


async def test_what_was_given_up_is_listed_and_told_again_on_demand(
    api: Any, subscriber: Any, tmp_path: Path
) -> None:
    assert (await run(api, tmp_path, "list")).output == "Nobody subscribed.\n"
    subscription_id = await api.subscribe(f"{subscriber.url}?secret=Secret", "*")
    subscriber.status = 503
    await api.respond()
    await api.afterword.database.pool.execute("UPDATE event_delivery SET attempt = 9")
    await api.deliver()
    listed = await run(api, tmp_path, "list")
    assert subscription_id in listed.output
    assert "told 0, waiting 0, given up 1; last failure 20" in listed.output
    assert "answered with 503" in listed.output
    assert f"{subscriber.url}?…" in listed.output
    (as_json,) = msgspec.json.decode((await run(api, tmp_path, "list", "--json")).output)
    assert (as_json["id"], as_json["given_up"]) == (subscription_id, 1)
    assert "Secret" not in listed.output + str(as_json)
    subscriber.status = 200
    assert (await run(api, tmp_path, "retry", subscription_id)).output == "1 will be told again.\n"
    await api.deliver()
    assert await api.untold() == []
    again = await run(api, tmp_path, "retry", subscription_id)
    assert isinstance(again.exception, ConfigurationError)
    assert "Nothing was given up" in str(again.exception)
