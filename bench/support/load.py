"""A load generator: keep-alive connections over HTTP/1.1 that each send the next request when the last is answered.

Run as a program, so that it has a core's worth of interpreter of its own. Reads one :class:`Round` as JSON from each
line of standard input and writes one :class:`Counted` for each to standard output. It is as light as it can be,
since what it takes of the machine is missing to what is measured: one write a request, and of an answer it looks at
the status and the length alone.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator
from typing import cast

import msgspec
import uvloop

NUMBER = b"@@@@@@@@@@@@"
"""What stands in a body for a number that differs from request to request."""


LONGEST_ANSWER_SECONDS = 10.0


class Round(msgspec.Struct, frozen=True):
    """What to send where, for how long; every request carries ``body`` with the next number in it."""

    host: str
    port: int
    path: str
    headers: dict[str, str]
    body: str
    connections: int
    seconds: float


class Counted(msgspec.Struct, frozen=True):
    """What came back: answers with 2xx, others, and the time from the first request to the last answer."""

    accepted: int
    refused: int
    seconds: float


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.accepted = self.refused = 0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        """When an answer is whole, count it and send the next request."""
        received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        if end < 0 or len(received) < end + 4 + _content_length(received):
            self._received = received
            return
        self._received = b""
        if received[9:10] == b"2":
            self.accepted += 1
        else:
            self.refused += 1
        if time.perf_counter() < self._until:
            self._transport.write(next(self._requests))
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """The round is over for this connection; an error is one for the whole round."""
        if error is None and time.perf_counter() >= self._until:
            self.closed.set_result(None)
        else:
            self.closed.set_exception(error or ConnectionResetError("closed by the server"))


def _content_length(answer: bytes) -> int:
    start = answer.find(b"content-length: ") + 16
    return int(answer[start : answer.find(b"\r", start)])


def _requests(wanted: Round, numbers: Iterator[int]) -> Iterator[bytes]:
    body = wanted.body.encode()
    lines = [
        f"POST {wanted.path} HTTP/1.1",
        f"host: {wanted.host}:{wanted.port}",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in wanted.headers.items()),
    ]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    before, after = (head + body).split(NUMBER)
    return (b"%b%012d%b" % (before, number, after) for number in numbers)


async def _carry_out(wanted: Round, numbers: Iterator[int]) -> Counted:
    loop = asyncio.get_running_loop()
    requests = _requests(wanted, numbers)
    began = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: Connection(requests, began + wanted.seconds), wanted.host, wanted.port
        )
        for _ in range(wanted.connections)
    ]
    connections = [connection for _, connection in made]
    async with asyncio.timeout(wanted.seconds + LONGEST_ANSWER_SECONDS):
        await asyncio.gather(*(connection.closed for connection in connections))
    return Counted(
        accepted=sum(connection.accepted for connection in connections),
        refused=sum(connection.refused for connection in connections),
        seconds=time.perf_counter() - began,
    )


def main() -> None:
    """Carry out a round for each line of standard input."""
    numbers = itertools.count()
    for line in sys.stdin.buffer:
        counted = uvloop.run(_carry_out(msgspec.json.decode(line, type=Round), numbers))
        sys.stdout.buffer.write(msgspec.json.encode(counted) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
