"""The demo's secrets: made once for a data directory, so that a restart changes none of them."""

import os
import secrets
import string
import uuid
from pathlib import Path

import msgspec

FILE_NAME = "demo-credentials.json"
ALPHABET = string.ascii_letters + string.digits

OWNER_EMAIL = "owner@afterword.example"
GLADLY_USERNAME = "afterword@sandbox.example"


class Credentials(msgspec.Struct, frozen=True):
    """What the parts of the demo sign in to each other with."""

    owner_password: str
    gladly_api_token: str
    qualtrics_api_token: str
    url_token_id: str
    webhook_username: str
    webhook_password: str


def credentials_of(data_dir: Path) -> Credentials:
    """Read them, or make them at the first start; the file is readable by its owner only."""
    file = data_dir / FILE_NAME
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(msgspec.json.encode(_new()))
    return msgspec.json.decode(file.read_bytes(), type=Credentials)


def _new() -> Credentials:
    return Credentials(
        owner_password="-".join(_letters(5) for _ in range(3)),
        gladly_api_token=_letters(32),
        qualtrics_api_token=_letters(40),
        url_token_id=str(uuid.uuid4()),
        webhook_username="gladly",
        webhook_password=_letters(32),
    )


def _letters(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
