"""Calls over HTTP: pooled, bounded in time and size, redirects never followed, and three ways to fail.

A call ends in an :class:`Answer`, whatever its status; or it was :class:`Unreachable`, so that nothing was
done; or it was :class:`BrokenOff`, and nobody knows. Their texts hold no address, no header and no body. No
call is repeated here, so that each attempt is seen in the run history (aiohttp alone repeats a GET, once,
over a connection that the other side had closed meanwhile).
"""

import email.utils
import socket
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Protocol

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from afterword.outgoing.addresses import may_resolve_to
from afterword.outgoing.exchanges import Exchange, excerpt, record_exchange, without_query_values

USER_AGENT = "Afterword/0.1"
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
LARGEST_ANSWER = 5 * 1024 * 1024
CONNECTIONS = 50
LONGEST_HOLD = 24 * 3600.0
"""Seconds; a Retry-After beyond it is taken for a mistake."""


class Unreachable(Exception):
    """No connection came about: certainly nothing was done. The text says why, in a few words."""


class BrokenOff(Exception):
    """The request went out and no whole answer came back: it may have been done. ``timed_out`` tells how it
    ended.
    """

    def __init__(self, words: str, *, timed_out: bool = False) -> None:
        super().__init__(words)
        self.timed_out = timed_out


class Answer(msgspec.Struct, frozen=True):
    """What came back. ``cut`` tells that the body was longer than is read (5 MB) and only its beginning is here."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    cut: bool = False

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")

    @property
    def retry_after(self) -> float | None:
        """Seconds that ``Retry-After`` asks for; ``None`` when there is none that makes sense."""
        return parse_retry_after(self.headers.get("Retry-After"))


class Budget(Protocol):
    """What a client asks before each call, so that all processes together keep the vendor's limit."""

    async def wait_for_turn(self, name: str, rate_per_second: float, burst: float, patience: float) -> None:
        """Return when the call may be made; raise Retry when that is more than ``patience`` seconds away."""

    async def penalise(self, name: str, seconds: float) -> None:
        """Let nobody call for so many seconds."""


class Caller:
    """Makes calls over a pool of connections, opened when first needed; one for each connected account.

    ``allow_private`` lets names lead into private networks (see ``addresses.py``).
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._allow_private = allow_private
        self._timeout = aiohttp.ClientTimeout(total=total_seconds, connect=connect_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        total_seconds: float | None = None,
        largest_answer: int | None = None,
        secrets: Iterable[str] = (),
    ) -> Answer:
        """Make one call; ``body`` is JSON unless a header says otherwise.

        ``total_seconds`` is its own time limit, ``largest_answer`` how many bytes of the answer are read, ``secrets``
        what must not stand in what is recorded of the call.

        Raises:
            Unreachable: no connection came about.
            BrokenOff: no whole answer came back.
        """
        began = time.perf_counter()
        try:
            answer = await self._call(
                method,
                url,
                headers,
                body,
                total_seconds=total_seconds,
                largest_answer=largest_answer or LARGEST_ANSWER,
            )
        except (Unreachable, BrokenOff) as error:
            record_exchange(_exchange(method, url, body, began, error=str(error), secrets=secrets))
            raise
        record_exchange(_exchange(method, url, body, began, answer=answer, secrets=secrets))
        return answer

    async def _call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        total_seconds: float | None,
        largest_answer: int,
    ) -> Answer:
        sent = CIMultiDict[str](headers)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        timeout = self._timeout
        if total_seconds is not None:
            timeout = aiohttp.ClientTimeout(total=total_seconds, connect=timeout.connect)
        try:
            async with self._open_session().request(
                method,
                URL(url, encoded=True),
                headers=sent,
                data=body,
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                content, cut = await _read(response.content, largest_answer)
                return Answer(response.status, response.headers, content, cut)
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise Unreachable(_why_unreachable(error)) from None
        except TimeoutError:
            raise BrokenOff("no answer in time", timed_out=True) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise BrokenOff(f"the connection broke off ({type(error).__name__})") from None

    async def close(self) -> None:
        """Close every connection; a later call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS, resolver=GuardedResolver(allow_private=self._allow_private)
                ),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            )
        return self._session


class GuardedResolver(AbstractResolver):
    """Resolves names, and refuses addresses that a name must not lead to."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve a name to the addresses that may be called."""
        found = await self._resolver.resolve(host, port, family)
        allowed = [result for result in found if self._may_call(host, result["host"])]
        if found and not allowed:
            raise ForbiddenAddress
        return allowed

    def _may_call(self, host: str, address: str) -> bool:
        return may_resolve_to(host, ip_address(address), allow_private=self._allow_private)

    async def close(self) -> None:
        """Nothing is held open."""
        await self._resolver.close()


class ForbiddenAddress(OSError):
    """A name led to addresses that may not be called."""


def _exchange(
    method: str,
    url: str,
    body: bytes | None,
    began: float,
    *,
    answer: Answer | None = None,
    error: str = "",
    secrets: Iterable[str] = (),
) -> Exchange:
    secrets = tuple(secrets)
    request, request_cut = excerpt(body or b"", secrets)
    answered, answer_cut = excerpt(b"" if answer is None else answer.body, secrets)
    return Exchange(
        method=method,
        address=without_query_values(url),
        request=request,
        status=None if answer is None else answer.status,
        answer=answered,
        error=error,
        milliseconds=round((time.perf_counter() - began) * 1000),
        cut=request_cut or answer_cut,
    )


async def _read(stream: aiohttp.StreamReader, largest: int) -> tuple[bytes, bool]:
    """The body, up to its limit; what is beyond it is not read, and the connection is not used again."""
    content = bytearray()
    async for piece in stream.iter_any():
        content += piece
        if len(content) > largest:
            return bytes(content[:largest]), True
    return bytes(content), False


def _why_unreachable(error: Exception) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no connection in time"
    if isinstance(error, aiohttp.ClientSSLError):
        return "its certificate or encryption is not accepted"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
    if isinstance(cause, ForbiddenAddress):
        return "its name leads to an address in a private network, which may not be called"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved"
    if isinstance(error, aiohttp.InvalidURL):
        return "the address cannot be called"
    return (
        "the connection was refused"
        if isinstance(cause, ConnectionRefusedError)
        else "no connection came about"
    )


def parse_retry_after(value: str | None) -> float | None:
    """Read ``Retry-After``: seconds, or a date (RFC 9110). Not more than a day; ``None`` for what makes no
    sense.
    """
    if value is None:
        return None
    value = value.strip()
    try:
        if value.isascii() and value.replace(".", "", 1).isdigit():
            return min(float(value), LONGEST_HOLD)
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_HOLD)
