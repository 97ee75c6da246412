"""Connected accounts at web services: secrets kept, checked, changed, told to nobody."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from afterword.accounts.connected import InvalidAccount
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.accounts.web_service_accounts import add_web_service, change_secret, get_web_service
from afterword.cli import app
from afterword.settings import Settings
from afterword.store.database import Database

TOLD: dict[str, Any] = {
    "name": "Orders",
    "base_url": "https://api.example/v1/",
    "authentication": "bearer",
    "secret": "s3cret-of-orders",
}


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    return SecretBox.open(Settings.load({}, data_dir=tmp_path))


async def test_an_account_is_kept_with_its_secret_encrypted_and_shown_to_nobody(
    database: Database, box: SecretBox
) -> None:
    async with database.transaction() as connection:
        added = await add_web_service(connection, box, **TOLD)
        assert await get_web_service(connection, box, added.id) == added
        assert await get_web_service(connection, box, "WS_none") is None
    assert added.credentials.headers == {"Authorization": "Bearer s3cret-of-orders"}
    assert added.credentials.base_url == "https://api.example/v1"
    stored = await database.pool.fetchval("SELECT connected_account::text FROM connected_account")
    assert "s3cret" not in f"{stored}{added!r}{added.credentials!r}"


async def test_another_secret_takes_its_place_and_the_rest_stays(database: Database, box: SecretBox) -> None:
    async with database.transaction() as connection:
        added = await add_web_service(
            connection, box, **{**TOLD, "authentication": "header", "header_name": "X-API-Key"}
        )
        changed = await change_secret(connection, box, added.id, "another")
        assert await get_web_service(connection, box, added.id) == changed
        assert changed.credentials.headers == {"X-API-Key": "another"}
        with pytest.raises(InvalidAccount):
            await change_secret(connection, box, "WS_none", "another")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"base_url": "http://api.example/"}, "base_url"),
        ({"base_url": "https://api.example/?key=1"}, "base_url"),
        ({"base_url": "https://api.example/a/../b"}, "base_url"),
        ({"base_url": "https://169.254.169.254/"}, "base_url"),
        ({"secret": " "}, "secret"),
        ({"secret": "two\r\nlines: x"}, "secret"),
        ({"authentication": "basic"}, "username"),
        ({"authentication": "basic", "username": "a:b"}, "username"),
        ({"authentication": "header"}, "header_name"),
        ({"authentication": "header", "header_name": "a b"}, "header_name"),
        ({"authentication": "header", "header_name": "Host"}, "header_name"),
        ({"authentication": "none"}, "secret"),
        ({"username": "me"}, "username"),
        ({"name": ""}, "name"),
    ],
)
async def test_what_cannot_be_is_told_at_its_field_and_nothing_is_kept(
    database: Database, box: SecretBox, changes: dict[str, str], field: str
) -> None:
    async with database.transaction() as connection:
        with pytest.raises(InvalidAccount) as refused:
            await add_web_service(connection, box, **{**TOLD, **changes})
        assert refused.value.field == field
        assert "s3cret" not in str(refused.value)
        await add_web_service(connection, box, **TOLD)
    assert await database.pool.fetchval("SELECT count(*) FROM connected_account") == 1


async def test_it_is_connected_listed_rotated_and_removed_by_commands(
    database: Database, database_url: str, box: SecretBox, tmp_path: Path
) -> None:
    environment = {"AFTERWORD_DATABASE_URL": database_url, "AFTERWORD_DATA_DIR": str(tmp_path)}
    async with database.transaction() as connection:
        await check_secret_key(connection, box)

    async def run(*arguments: str, typed: str = "") -> tuple[int, str]:
        words = ["accounts", *arguments]
        ended = await asyncio.to_thread(CliRunner().invoke, app, words, input=typed, env=environment)
        return ended.exit_code, f"{ended.output}{ended.exception or ''}"

    where = (
        "add",
        "web-service",
        "--address",
        "https://api.example/v1",
        "--name",
        "Orders",
        "--token-file",
        "-",
    )
    status, said = await run(*where, "--authentication", "basic", typed="first\n")
    assert (status, "--username" in said) == (1, True)
    status, said = await run(*where, "--authentication", "magic", typed="first\n")
    assert (status, "none, basic, bearer, header" in said) == (1, True)
    status, said = await run(*where, typed="first\n")
    assert status == 0, said
    assert "first" not in said
    assert "web-service" in (await run("list"))[1]
    assert (await run("verify"))[0] == 0
    status, said = await run("rotate", "Orders", "--token-file", "-", typed="second\n")
    assert status == 0, said
    async with database.transaction() as connection:
        account_id = await database.pool.fetchval("SELECT id FROM connected_account")
        account = await get_web_service(connection, box, account_id)
    assert account is not None
    assert account.credentials.secret == "second"
    assert (await run("remove", "Orders"))[0] == 0
    assert await database.pool.fetchval("SELECT count(*) FROM connected_account") == 0
