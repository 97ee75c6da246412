"""``demo.json``: how any program joins in a running demo."""

import os
import tempfile
from pathlib import Path

import msgspec

FILE_NAME = "demo.json"


class AfterwordAccess(msgspec.Struct, frozen=True):
    """Afterword's own pages, and the owner's sign-in."""

    url: str
    username: str
    password: str


class GladlyAccess(msgspec.Struct, frozen=True):
    """The Gladly sandbox, and its API user."""

    url: str
    username: str
    api_token: str


class QualtricsAccess(msgspec.Struct, frozen=True):
    """The survey side: what the Qualtrics app in Gladly is given, and the survey."""

    url: str
    api_token: str
    json_event_url: str
    survey_id: str


class MailAccess(msgspec.Struct, frozen=True):
    """The mail catcher."""

    url: str
    messages_url: str
    smtp_port: int


class Processes(msgspec.Struct, frozen=True):
    """Process ids of each part."""

    web: tuple[int, ...]
    worker: tuple[int, ...]
    database: tuple[int, ...]
    sandbox: tuple[int, ...]


class Descriptor(msgspec.Struct, frozen=True):
    """What ``demo.json`` says."""

    afterword: AfterwordAccess
    gladly: GladlyAccess
    qualtrics: QualtricsAccess
    mail: MailAccess
    processes: Processes


def write(data_dir: Path, descriptor: Descriptor) -> None:
    """Put the file in place whole, readable by its owner only."""
    handle, temporary = tempfile.mkstemp(dir=data_dir, prefix=".demo-")
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(descriptor), indent=2) + b"\n")
    Path(temporary).replace(data_dir / FILE_NAME)


def read(data_dir: Path) -> Descriptor | None:
    """The file's content; ``None`` when there is no demo, or its file is not one."""
    try:
        return msgspec.json.decode((data_dir / FILE_NAME).read_bytes(), type=Descriptor)
    except (OSError, msgspec.MsgspecError):
        return None


def remove(data_dir: Path) -> None:
    """Take the file away; the demo has ended."""
    (data_dir / FILE_NAME).unlink(missing_ok=True)
