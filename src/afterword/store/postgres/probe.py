"""Is a PostgreSQL server alive, and does it let us in? Asked by connecting: a process id proves nothing.

Speaks the first lines of PostgreSQL's protocol (version 3.0, stable since 2003) itself: it is asked many
times a second while a server starts, by the supervisor, which is too small to carry a database driver.
"""

import asyncio
import contextlib
import struct
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

PORT = 5432
PROTOCOL = 3 << 16
TOO_MANY_CONNECTIONS = "53300"
STARTS_OR_STOPS = {"57P01", "57P02", "57P03"}
ONLY_FOR_PG_UPGRADE = "42501"  # what a server says to all others while it is being upgraded
PATIENCE_SECONDS = 10.0
LARGEST_MESSAGE = 65_536


class State(Enum):
    """What a server answers to a log-in."""

    NOBODY = auto()
    BUSY = auto()
    READY = auto()
    REFUSES = auto()


@dataclass(frozen=True)
class Answer:
    """``words`` are the server's own, as in "the database system is starting up"; empty when it let us in."""

    state: State
    words: str = ""


def socket_path(directory: Path) -> Path:
    """Where a server whose socket directory is ``directory`` listens."""
    return directory / f".s.PGSQL.{PORT}"


async def probe(directory: Path, *, role: str, database: str) -> Answer:
    """Log in once and leave.

    A server that accepts the connection and then says nothing for ten seconds counts as busy.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket_path(directory)))
    except OSError:
        return Answer(State.NOBODY)
    try:
        writer.write(_startup_message(role, database))
        await writer.drain()
        return await asyncio.wait_for(_read_answer(reader), PATIENCE_SECONDS)
    except TimeoutError:
        return Answer(State.BUSY, "it accepts connections and does not answer")
    except (OSError, asyncio.IncompleteReadError):
        return Answer(State.NOBODY)
    finally:
        with contextlib.suppress(OSError):
            writer.write(b"X" + struct.pack("!I", 4))
            writer.close()
            await writer.wait_closed()


def _startup_message(role: str, database: str) -> bytes:
    body = struct.pack("!I", PROTOCOL)
    for text in ("user", role, "database", database):
        body += text.encode() + b"\0"
    body += b"\0"
    return struct.pack("!I", len(body) + 4) + body


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    while True:
        kind, length = struct.unpack("!cI", await reader.readexactly(5))
        if length > LARGEST_MESSAGE:
            return Answer(State.REFUSES, "it does not speak PostgreSQL's protocol")
        body = await reader.readexactly(length - 4)
        if kind == b"Z":
            return Answer(State.READY)
        if kind == b"E":
            return _read_error(body)
        if kind == b"R" and struct.unpack("!I", body[:4])[0] != 0:
            return Answer(State.REFUSES, "it asks for a password")


def _read_error(body: bytes) -> Answer:
    fields = {chr(part[0]): part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    words = fields.get("M", "")
    code = fields.get("C", "")
    if code == TOO_MANY_CONNECTIONS:
        return Answer(State.READY)
    if code in STARTS_OR_STOPS or code == ONLY_FOR_PG_UPGRADE:
        return Answer(State.BUSY, words)
    return Answer(State.REFUSES, words)
