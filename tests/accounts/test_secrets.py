import asyncio
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from afterword.accounts.gladly_accounts import add_gladly, get_gladly
from afterword.accounts.people import add_person
from afterword.accounts.secrets import SecretBox, SecretUnreadable, check_secret_key, encrypt_all_anew
from afterword.accounts.sessions import begin_session
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.tables import ENCRYPTED, installation, metadata, person_session

OLD = "the old key of the installation - long enough"
NEW = "the new key of the installation - long enough"
DAY = timedelta(days=1)


def with_key(key: str) -> SecretBox:
    return SecretBox.open(Settings(secret_key=key))


@given(st.text())
def test_what_goes_in_comes_out_and_cannot_be_read_in_between(secret: str) -> None:
    box = SecretBox([OLD])
    encrypted = box.encrypt(secret)
    assert box.decrypt(encrypted) == secret
    assert len(secret) < 4 or secret.encode() not in encrypted


def test_the_same_secret_never_looks_the_same() -> None:
    box = SecretBox([OLD])
    assert box.encrypt("secret") != box.encrypt("secret")


@given(st.binary())
def test_bytes_that_are_no_secret_are_refused(noise: bytes) -> None:
    with pytest.raises(SecretUnreadable):
        SecretBox([OLD]).decrypt(noise)


def test_while_keys_are_rotated_the_first_encrypts_and_all_decrypt() -> None:
    before = with_key(OLD).encrypt("secret")
    both = with_key(f"{NEW}, {OLD}")
    assert both.decrypt(before) == "secret"
    after = both.encrypt("secret")
    assert with_key(NEW).decrypt(after) == "secret"
    with pytest.raises(SecretUnreadable):
        with_key(OLD).decrypt(after)


@pytest.mark.parametrize("key", ["", "short", f"{OLD},", f"{OLD},short"])
def test_a_key_that_is_too_short_is_refused_and_does_not_stand_in_the_message(key: str) -> None:
    with pytest.raises(ConfigurationError, match="at least 32 characters") as refusal:
        with_key(key)
    assert OLD not in str(refusal.value)


def test_without_a_setting_the_key_is_made_once_and_kept_in_the_data_directory(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "not there yet")
    encrypted = SecretBox.open(settings).encrypt("secret")
    assert SecretBox.open(settings).decrypt(encrypted) == "secret"
    [file] = settings.data_dir.iterdir()
    assert file.name == "secret.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as threads:
        boxes = list(threads.map(lambda _: SecretBox.open(settings), range(8)))
    assert {box.decrypt(boxes[0].encrypt("secret")) for box in boxes} == {"secret"}
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_read_is_refused_until_that_is_repaired(tmp_path: Path, mode: int) -> None:
    settings = Settings(data_dir=tmp_path)
    encrypted = SecretBox.open(settings).encrypt("secret")
    file = tmp_path / "secret.key"
    file.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        SecretBox.open(settings)
    file.chmod(0o600)
    assert SecretBox.open(settings).decrypt(encrypted) == "secret"


@pytest.mark.parametrize("content", [b"", b"cut off", b"\xff" * 40])
def test_a_damaged_key_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret.key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"secret\.key"):
        SecretBox.open(Settings(data_dir=tmp_path))
    assert file.read_bytes() == content


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="file/below"):
        SecretBox.open(Settings(data_dir=tmp_path / "file" / "below"))


async def check(database: Database, box: SecretBox) -> None:
    async with database.transaction() as connection:
        await check_secret_key(connection, box)


async def test_a_database_set_up_with_another_key_is_refused_and_says_what_to_do(database: Database) -> None:
    await check(database, with_key(OLD))
    await check(database, with_key(OLD))
    with pytest.raises(ConfigurationError, match=r"another key.*AFTERWORD_SECRET_KEY"):
        await check(database, with_key(NEW))
    await check(database, with_key(f"{NEW},{OLD}"))


async def test_two_processes_that_start_at_once_on_a_new_database_both_come_up(database: Database) -> None:
    await asyncio.gather(*(check(database, with_key(OLD)) for _ in range(4)))
    async with database.transaction() as connection:
        assert await connection.scalar(select(func.count()).select_from(installation)) == 1


async def test_of_two_keys_that_start_at_once_one_wins_and_the_other_is_refused(database: Database) -> None:
    results = await asyncio.gather(
        check(database, with_key(OLD)), check(database, with_key(NEW)), return_exceptions=True
    )
    assert [type(result) for result in results if result is not None] == [ConfigurationError]


async def test_secrets_encrypted_anew_need_only_the_new_key(database: Database) -> None:
    old, new = with_key(OLD), with_key(NEW)
    async with database.transaction() as connection:
        await check_secret_key(connection, old)
        kept = await add_gladly(
            connection, old, name="G", base_url="https://g.gladly.com", username="u", api_token="token"
        )
        person = await add_person(connection, email="a@example.org", name="A", role="owner")
        for token in (None, old.encrypt("of the issuer")):
            await begin_session(
                connection,
                person.id,
                by="open-id",
                browser="",
                network="",
                lasts=DAY,
                idle=DAY,
                id_token=token,
            )
        await encrypt_all_anew(connection, with_key(f"{NEW},{OLD}"))
        await check_secret_key(connection, new)
        tokens = list(await connection.scalars(select(person_session.c.id_token).order_by("id")))
        assert (tokens[0], new.decrypt(tokens[1])) == (None, "of the issuer")
        found = await get_gladly(connection, new, kept.id)
        assert found is not None
        assert found.api_token == "token"
        with pytest.raises(ConfigurationError):
            await check_secret_key(connection, old)


async def test_a_secret_of_a_key_that_is_gone_leaves_all_as_they_were(database: Database) -> None:
    async with database.transaction() as connection:
        await check_secret_key(connection, with_key(OLD))
    with pytest.raises(SecretUnreadable):
        async with database.transaction() as connection:
            await encrypt_all_anew(connection, with_key(NEW))
    async with database.transaction() as connection:
        await check_secret_key(connection, with_key(OLD))


def test_no_column_of_secrets_is_forgotten() -> None:
    not_secret = {"credentials", "data", "deduplication_key", "sha256"}
    binary = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.type.python_type is bytes and not column.name.endswith("sha256")
    }
    marked = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.info == ENCRYPTED
    }
    assert {name for name in binary if name.split(".")[1] not in not_secret} == marked
