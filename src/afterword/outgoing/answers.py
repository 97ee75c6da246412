"""What comes back of a call: whole, or while it comes."""

import email.utils
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import aiohttp
import msgspec
from multidict import CIMultiDictProxy

from afterword.outgoing.exchanges import KEPT_OF_A_BODY
from afterword.outgoing.failures import LineTooLong, failures_told

LARGEST_ANSWER = 5 * 1024 * 1024
LONGEST_LINE = LARGEST_ANSWER
LONGEST_HOLD = 24 * 3600.0
"""Seconds; a Retry-After beyond it is taken for a mistake."""


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


class Stream:
    """An answer that is still coming: its status and headers are here, its body is read once, in one way."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._beginning = bytearray()
        self._more = False

    @property
    def status(self) -> int:
        """The answer's status."""
        return self._response.status

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The answer's headers."""
        return self._response.headers

    @property
    def beginning(self) -> Answer:
        """What run history keeps: the beginning of what was read."""
        return Answer(self.status, self.headers, bytes(self._beginning), self._more)

    async def whole(self, largest: int | None = None) -> Answer:
        """Read the body to its end, or as many bytes: for an answer that is none of those that stream.

        Raises:
            BrokenOff: it did not come whole.
        """
        with failures_told():
            content, cut = await read_bounded(self._response.content, largest or LARGEST_ANSWER)
        self._keep(content)
        return Answer(self.status, self.headers, content, cut)

    async def lines(self, longest: int = LONGEST_LINE) -> AsyncGenerator[bytes, None]:
        """The body line by line, each with its line end, save the last where it has none.

        Raises:
            BrokenOff: it did not come whole. What was answered before are whole lines.
            LineTooLong: a line has more than ``longest`` bytes.
        """
        rest = b""
        while piece := await self._piece():
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                if len(line) > longest:
                    raise LineTooLong(longest)
                yield line + b"\n"
            if len(rest) > longest:
                raise LineTooLong(longest)
        if rest:
            yield rest

    def close(self) -> None:
        """Read no more. A body that was read to its end leaves the connection for others."""
        self._response.close()

    async def _piece(self) -> bytes:
        with failures_told():
            piece = await self._response.content.readany()
        self._keep(piece)
        return piece

    def _keep(self, piece: bytes) -> None:
        room = 2 * KEPT_OF_A_BODY - len(self._beginning)
        self._beginning += piece[: max(0, room)]
        self._more = self._more or len(piece) > room


async def read_bounded(stream: aiohttp.StreamReader, largest: int) -> tuple[bytes, bool]:
    """The body, up to its limit; what is beyond it is not read, and the connection is not used again."""
    content = bytearray()
    async for piece in stream.iter_any():
        content += piece
        if len(content) > largest:
            return bytes(content[:largest]), True
    return bytes(content), False


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
