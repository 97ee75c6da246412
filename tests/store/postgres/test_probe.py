"""What a server's answer to a log-in says about it; real servers are probed by all other tests here."""

import asyncio
import struct
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from afterword.store.postgres import probe as probe_module
from afterword.store.postgres.probe import Answer, State, probe, socket_path


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def error(code: str, words: str) -> bytes:
    return message(b"E", f"SFATAL\0C{code}\0M{words}\0\0".encode())


LET_IN = message(b"R", struct.pack("!I", 0)) + message(b"S", b"server_version\x0018\0") + message(b"Z", b"I")


@asynccontextmanager
async def server_that_answers(reply: bytes, *, and_leaves: bool = True) -> AsyncIterator[Path]:
    """The socket folder of something that answers every log-in with ``reply``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!I", await reader.readexactly(4))
        assert b"user\0afterword\0database\0afterword\0\0" in await reader.readexactly(length - 4)
        writer.write(reply)
        if not and_leaves:
            await reader.read()
        writer.close()

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        async with await asyncio.start_unix_server(serve, socket_path(Path(folder))):
            yield Path(folder)


async def ask(folder: Path) -> Answer:
    return await probe(folder, role="afterword", database="afterword")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (LET_IN, Answer(State.READY)),
        (error("53300", "sorry, too many clients already"), Answer(State.READY)),
        (
            error("57P03", "the database system is starting up"),
            Answer(State.BUSY, "the database system is starting up"),
        ),
        (
            error("57P01", "terminating connection due to administrator command"),
            Answer(State.BUSY, "terminating connection due to administrator command"),
        ),
        (
            error("42501", "must be superuser to connect in binary upgrade mode"),
            Answer(State.BUSY, "must be superuser to connect in binary upgrade mode"),
        ),
        (
            error("28000", 'Peer authentication failed for user "afterword"'),
            Answer(State.REFUSES, 'Peer authentication failed for user "afterword"'),
        ),
        (message(b"R", struct.pack("!I", 10)), Answer(State.REFUSES, "it asks for a password")),
        (b"HTTP/1.1 400 Bad Request\r\n", Answer(State.REFUSES, "it does not speak PostgreSQL's protocol")),
        (b"", Answer(State.NOBODY)),
        (LET_IN[:7], Answer(State.NOBODY)),
    ],
)
async def test_an_answer_tells_the_state(reply: bytes, answer: Answer) -> None:
    async with server_that_answers(reply) as folder:
        assert await ask(folder) == answer


async def test_without_a_socket_there_is_nobody(tmp_path: Path) -> None:
    assert await ask(tmp_path) == Answer(State.NOBODY)


async def test_a_server_that_says_nothing_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "PATIENCE_SECONDS", 0.01)
    async with server_that_answers(b"", and_leaves=False) as folder:
        assert (await ask(folder)).state is State.BUSY
