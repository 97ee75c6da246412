"""``afterword alerts``: what was told, and whether it gets out."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import StandIn
from tests.fixtures.sandbox import Sandbox
from typer.testing import CliRunner, Result

from afterword.alerts.recording import Alert, record_alert
from afterword.cli import app
from afterword.store.database import Database


@pytest.fixture
def command(database_url: str, tmp_path: Path) -> Any:
    async def run(*words: str, **options: str) -> Result:
        environment = {"AFTERWORD_DATABASE_URL": database_url, "AFTERWORD_DATA_DIR": str(tmp_path)} | options
        return await asyncio.to_thread(CliRunner().invoke, app, ["alerts", *words], env=environment)

    return run


async def test_alerts_are_listed_for_people_and_for_programs(command: Any, database: Database) -> None:
    assert "No alert yet" in (await command("list")).output
    async with database.pool.acquire() as connection:
        for _ in range(2):
            await record_alert(connection, Alert("token-refused", "account/GA_1", "The token is refused"))
    assert "waiting    The token is refused (2 times)" in (await command("list")).output
    (told,) = json.loads((await command("list", "--json")).output)
    assert (told["kind"], told["subject"], told["count"]) == ("token-refused", "account/GA_1", 2)


async def test_a_test_is_sent_at_once_by_each_way_that_is_set(
    command: Any, sandbox: Sandbox, stand_in: StandIn
) -> None:
    stand_in.answer(204)
    result = await command(
        "test",
        AFTERWORD_ALERT_EMAIL="tested@one.example",
        AFTERWORD_ALERT_URL=stand_in.url,
        AFTERWORD_SMTP_PORT=str(sandbox.smtp_port),
        AFTERWORD_SMTP_SECURITY="none",
        AFTERWORD_MAIL_FROM="survey@afterword.example",
    )
    assert (result.exit_code, sorted(result.output.split("\n"))) == (
        0,
        ["", "mail: sent", "web-service: sent"],
    )
    assert len(stand_in.requests) == 1
    assert len(sandbox.mails("tested@one.example")) == 1


async def test_a_test_that_does_not_get_out_says_why_and_fails(
    command: Any, stand_in: StandIn, database: Database
) -> None:
    stand_in.answer(403)
    result = await command("test", AFTERWORD_ALERT_URL=stand_in.url)
    assert (result.exit_code, result.output) == (1, "web-service: the web service answered with status 403\n")
    assert await database.pool.fetchval("SELECT status FROM alert_delivery") == "failed"


async def test_without_any_way_out_a_test_says_which_options_there_are(command: Any) -> None:
    result = await command("test")
    assert result.exit_code == 1
    assert "AFTERWORD_ALERT_EMAIL" in str(result.exception)
