"""Both vendors' ends of *Send JSON event*, answering at once: a customer's profile, and 200 for an event.

Run as a program with the port to listen on. As light as it can be, since what it takes of the machine is missing to
what is measured: it looks at the first line of a request and at its length, no more.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import cast

import uvloop

TAKEN = {"result": {}, "meta": {"httpStatus": "200 - OK", "requestId": "bench"}}
PROFILES = b"GET /api/v1/customer-profiles/"


class Sink(asyncio.Protocol):
    """One keep-alive connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for its first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer when a request is whole."""
        received = self._received + data
        end = received.find(b"\r\n\r\n")
        if end < 0 or len(received) < end + 4 + _content_length(received[:end]):
            self._received = received
            return
        self._received = b""
        self._transport.write(answer_to(received[: received.find(b"\r\n")]))


def answer_to(line: bytes) -> bytes:
    """A customer with a name and an address of their own, or that the event was taken."""
    if not line.startswith(PROFILES):
        return _answer(TAKEN)
    customer = line[len(PROFILES) :].split(b" ")[0].decode()
    emails = [{"original": f"{customer}@bench.example"}]
    return _answer({"id": customer, "name": "Robin Meulen", "emails": emails})


def _answer(body: Mapping[str, object]) -> bytes:
    told = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(told)}\r\n\r\n"
    return head.encode() + told


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length: ")
    return int(rest.split(b"\r\n")[0]) if found else 0


async def main(port: int) -> None:
    """Listen until told to end."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
