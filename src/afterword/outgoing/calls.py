"""Calls over HTTP: pooled, bounded in time and size, redirects never followed, and three ways to fail.

A call ends in an :class:`Answer`, whatever its status; or it was :class:`Unreachable`, so that nothing was
done; or it was :class:`BrokenOff`, and nobody knows. Their texts hold no address, no header and no body. No
call is repeated here, so that each attempt is seen in the run history (aiohttp alone repeats a GET, once,
over a connection that the other side had closed meanwhile).
"""

import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from afterword.outgoing.answers import LARGEST_ANSWER, Answer, Stream, read_bounded
from afterword.outgoing.exchanges import Exchange, excerpt, record_exchange, without_query_values
from afterword.outgoing.failures import BrokenOff, Unreachable, failures_told
from afterword.outgoing.resolving import GuardedResolver

USER_AGENT = "Afterword/0.1"
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
IDLE_SECONDS = 60.0
"""The longest silence within a stream; a vendor may count long before its first line."""
STREAM_SECONDS = 3600.0
CONNECTIONS = 50


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
        timeout = self._timeout
        if total_seconds is not None:
            timeout = aiohttp.ClientTimeout(total=total_seconds, connect=timeout.connect)
        with failures_told():
            async with await self._request(method, url, headers, body, timeout) as response:
                content, cut = await read_bounded(response.content, largest_answer)
                return Answer(response.status, response.headers, content, cut)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        idle_seconds: float = IDLE_SECONDS,
        total_seconds: float = STREAM_SECONDS,
        secrets: Iterable[str] = (),
    ) -> AsyncIterator[Stream]:
        """Make one call whose answer is read while it comes; its connection is closed with the block.

        No two pieces of it may be more than ``idle_seconds`` apart, and the whole, with what is done with it meanwhile,
        may take ``total_seconds``.

        Raises:
            Unreachable: no connection came about.
            BrokenOff: no answer came back; what is read of the stream raises it, too.
        """
        began = time.perf_counter()
        timeout = aiohttp.ClientTimeout(
            total=total_seconds, connect=self._timeout.connect, sock_read=idle_seconds
        )
        stream = None
        error = ""
        try:
            with failures_told():
                response = await self._request(method, url, headers, body, timeout)
            stream = Stream(response)
            yield stream
        except (Unreachable, BrokenOff) as failure:
            error = str(failure)
            raise
        finally:
            answer = None
            if stream is not None:
                stream.close()
                answer = stream.beginning
            record_exchange(_exchange(method, url, body, began, answer=answer, error=error, secrets=secrets))

    async def close(self) -> None:
        """Close every connection; a later call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        sent = CIMultiDict[str](headers)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        return await self._open_session().request(
            method,
            URL(url, encoded=True),
            headers=sent,
            data=body,
            allow_redirects=False,
            timeout=limits,
        )

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
