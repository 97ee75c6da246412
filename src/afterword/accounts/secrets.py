"""The box that secrets are kept in, and the key that opens it.

Every secret that has to be read again (a vendor's API token, a webhook's password) is stored encrypted and
authenticated (Fernet). Its key is ``AFTERWORD_SECRET_KEY``: any text of at least 32 characters, best made
by ``openssl rand -base64 32``; the encryption key is derived from it. Several, separated by commas, all
open; the first encrypts. Without the setting, the key is the file ``secret.key`` in the data directory,
made when missing.
"""

import base64
import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Column, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store.tables import ENCRYPTED, installation, metadata

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

SHORTEST_KEY = 32
KEY_FILE = "secret.key"
OTHERS_MAY = 0o077
PURPOSE = b"afterword: secrets at rest"
PROBE = "Afterword can read the secrets of this database."


class SecretUnreadable(ConfigurationError):
    """A secret was encrypted with a key that this process does not have, or was tampered with."""


class SecretBox:
    """Encrypts and decrypts secrets; the first of its keys encrypts, all of them decrypt."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([_derive(key) for key in keys])
        self._first = keys[0]

    @classmethod
    def open(cls, settings: Settings) -> "SecretBox":
        """The box of this installation.

        Raises:
            ConfigurationError: the key is too short, or its file cannot be read or is readable by others.
        """
        if settings.secret_key is None:
            return cls([_key_from_file(settings.data_dir / KEY_FILE)])
        keys = [key.strip() for key in settings.secret_key.split(",")]
        if any(len(key) < SHORTEST_KEY for key in keys):
            raise ConfigurationError(
                f"AFTERWORD_SECRET_KEY: each key has to have at least {SHORTEST_KEY} characters. "
                "`openssl rand -base64 32` makes one."
            )
        return cls(keys)

    def derived(self, purpose: str) -> str:
        """A secret for another purpose, the same in every process of the installation."""
        made = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"afterword: {purpose}".encode())
        return base64.urlsafe_b64encode(made.derive(self._first.encode())).decode()

    def encrypt(self, secret: str) -> bytes:
        """Encrypt; the same secret gives other bytes each time."""
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, encrypted: bytes) -> str:
        """Decrypt what ``encrypt`` made.

        Raises:
            SecretUnreadable: it was encrypted with another key, or changed since.
        """
        try:
            return self._fernet.decrypt(encrypted).decode()
        except InvalidToken:
            raise SecretUnreadable(
                "A stored secret cannot be decrypted with this installation's key."
            ) from None

    def encrypt_anew(self, encrypted: bytes) -> bytes:
        """The same secret encrypted with the first key, whichever key it was encrypted with.

        Raises:
            SecretUnreadable: it was encrypted with another key, or changed since.
        """
        return self.encrypt(self.decrypt(encrypted))


async def encrypt_all_anew(connection: "AsyncConnection", box: SecretBox) -> int:
    """Encrypt every secret of the database with the first key, so that the others are needed no more; answers how many.

    Raises:
        SecretUnreadable: one was encrypted with a key that is not among them.
    """
    return sum([await _encrypt_column_anew(connection, box, column) for column in _encrypted_columns()])


async def check_secret_key(connection: "AsyncConnection", box: SecretBox) -> None:
    """Prove at start that the box opens what this database holds; the first start leaves the proof behind.

    Raises:
        ConfigurationError: the database's secrets were encrypted with another key.
    """
    stored = select(installation.c.key_check)
    proof = await connection.scalar(stored)
    if proof is None:
        first = insert(installation).values(id=1, key_check=box.encrypt(PROBE))
        await connection.execute(first.on_conflict_do_nothing())
        proof = await connection.scalar(stored)
    try:
        box.decrypt(proof or b"")
    except SecretUnreadable:
        raise ConfigurationError(
            "The secrets in this database were encrypted with another key. Set AFTERWORD_SECRET_KEY to the "
            f"key that it was set up with, or put its own {KEY_FILE} back into the data directory."
        ) from None


def _encrypted_columns() -> list[Column[bytes]]:
    return [
        column for table in metadata.sorted_tables for column in table.columns if column.info == ENCRYPTED
    ]


async def _encrypt_column_anew(connection: "AsyncConnection", box: SecretBox, column: Column[bytes]) -> int:
    (key,) = column.table.primary_key.columns
    rows = (
        await connection.execute(
            select(key, column).where(column.is_not(None)).order_by(key).with_for_update()
        )
    ).all()
    if rows:
        await connection.execute(
            update(column.table).where(key == bindparam("of")).values({column.name: bindparam("anew")}),
            [{"of": of, "anew": box.encrypt_anew(encrypted)} for of, encrypted in rows],
        )
    return len(rows)


def _derive(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def _key_from_file(path: Path) -> str:
    try:
        if not path.exists():
            _make_key_file(path)
        mode = path.stat().st_mode
        key = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The secret key {path} cannot be read or made: {error}") from None
    if mode & OTHERS_MAY:
        raise ConfigurationError(f"The secret key {path} can be read by others. Run: chmod 600 '{path}'")
    if len(key) < SHORTEST_KEY:
        raise ConfigurationError(
            f"The secret key {path} is damaged: it has {len(key)} of at least {SHORTEST_KEY} characters. "
            "Put it back from a copy; without it the stored secrets cannot be read."
        )
    return key


def _make_key_file(path: Path) -> None:
    """Make it whole or not at all, for its owner only; where another process was first, its file stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{secrets.token_urlsafe(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        _sync_folder(path.parent)
    except FileExistsError:
        return
    finally:
        Path(draft).unlink()


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut, as the secrets encrypted with it will."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
