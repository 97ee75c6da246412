"""The SMTP server: takes every mail of up to 25 MB from whoever connects, whatever they sign in as."""

import asyncio
import sqlite3

import structlog
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from afterword_sandbox.mail.catcher import MailCatcher

MAX_MAIL_BYTES = 25 * 1024 * 1024
_LINE_BYTES = 1024 * 1024

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class CatchingSmtp(SMTP):
    """SMTP that does not mind lines longer than the standard's 1,000 characters."""

    line_length_limit = _LINE_BYTES


class _Handler:
    def __init__(self, mails: MailCatcher) -> None:
        self._mails = mails

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Keep the mail before it is accepted."""
        raw = envelope.original_content or b""
        try:
            mail_id = await self._mails.store(envelope.mail_from or "", envelope.rcpt_tos, raw)
        except sqlite3.Error as error:
            log.error("mail_not_stored", error=str(error))  # noqa: TRY400 -- the database's words say it
            return "451 the mail could not be stored, try again"
        return f"250 OK {mail_id}"


def _accept_any(
    server: SMTP,  # noqa: ARG001
    session: Session,  # noqa: ARG001
    envelope: Envelope,  # noqa: ARG001
    mechanism: str,  # noqa: ARG001
    auth_data: object,
) -> AuthResult:
    return AuthResult(success=isinstance(auth_data, LoginPassword), auth_data=auth_data)


class SmtpServer:
    """Listens for mail on the running loop."""

    def __init__(self, mails: MailCatcher) -> None:
        self._handler = _Handler(mails)
        self._connections: set[CatchingSmtp] = set()
        self._server: asyncio.Server

    def _new_connection(self) -> CatchingSmtp:
        loop = asyncio.get_running_loop()
        protocol = CatchingSmtp(
            self._handler,
            hostname="afterword-mail-catcher",
            ident="Afterword mail catcher",
            data_size_limit=MAX_MAIL_BYTES,
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=_accept_any,
            loop=loop,
        )
        self._connections = {kept for kept in self._connections if kept.transport is not None}
        self._connections.add(protocol)
        return protocol

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port; raises OSError when it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_connection, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def stop(self) -> None:
        """Stop listening and cut every connection; a mail under way was not accepted."""
        self._server.close()
        for protocol in self._connections:
            if isinstance(protocol.transport, asyncio.WriteTransport):
                protocol.transport.abort()
