"""Handing mail to the mail server: what its refusals mean."""

import asyncio
from email.message import EmailMessage

import pytest

from afterword.distributions.sending import Mailer
from afterword.outcomes import Outcome, Permanent, Retry
from afterword.settings import Settings


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (b"535 5.7.8 no", Permanent, "mail-server-refuses-us"),
        (b"454 4.7.0 not now", Retry, "mail-server-unreachable"),
        (b"432 4.3.2 too many connections", Retry, "mail-server-unreachable"),
    ],
)
async def test_a_server_that_lets_nobody_in_for_the_moment_is_tried_again(
    answer: bytes, kind: type[Outcome], code: str
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            writer.write(b"250-here\r\n250 AUTH PLAIN\r\n" if line.startswith(b"EHLO") else answer + b"\r\n")
        writer.close()
        await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        settings = Settings.load(
            {},
            smtp_port=server.sockets[0].getsockname()[1],
            smtp_security="none",
            smtp_username="afterword",
            smtp_password="hush",
        )
        with pytest.raises(kind) as refused:
            await Mailer(settings).send(EmailMessage())
        await ended.wait()
    assert refused.value.reason.code == code
