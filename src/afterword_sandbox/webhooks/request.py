"""One request to a webhook: what is sent, with which credentials, and what came of it."""

import sqlite3
import time
from typing import NamedTuple

import aiohttp
import msgspec

TIMEOUT_SECONDS = 15.0
"""Gladly documents that a receiver has 15 seconds."""


class Outcome(NamedTuple):
    """What a request came to: the status, or why there was none, and how long it took."""

    status: int | None
    words: str
    seconds: float

    @property
    def is_success(self) -> bool:
        """Say whether Gladly takes it as delivered: any 2xx."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004


class Target(NamedTuple):
    """Where a request goes and what it carries to prove itself."""

    url: str
    credentials: dict[str, str] | None
    headers: dict[str, str]

    @classmethod
    def of_row(cls, row: sqlite3.Row) -> "Target":
        """Read a webhook's row."""
        credentials = row["credentials"]
        return cls(
            row["url"],
            None if credentials is None else msgspec.json.decode(credentials, type=dict[str, str]),
            msgspec.json.decode(row["headers"], type=dict[str, str]),
        )

    def request_headers(self) -> dict[str, str]:
        """Return the headers of a request; unsure: Gladly documents no content type and no user agent."""
        headers = {"Content-Type": "application/json", "User-Agent": "Gladly-Webhooks (sandbox)"}
        if self.credentials is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(
                self.credentials["username"], self.credentials["password"]
            )
        return headers | self.headers


def new_session() -> aiohttp.ClientSession:
    """Make the client; connections are not kept, since a receiver that was restarted would fail its next
    event.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def send(session: aiohttp.ClientSession, target: Target, body: bytes) -> Outcome:
    """Post an event; never raises for what the receiver does. Redirects are answers, and not followed."""
    started = time.perf_counter()
    status = None
    try:
        async with session.post(
            target.url, data=body, headers=target.request_headers(), allow_redirects=False
        ) as answer:
            status, words = answer.status, f"answered {answer.status}"
    except TimeoutError:
        words = f"no answer within {TIMEOUT_SECONDS:g} seconds"
    except aiohttp.ClientConnectorError:
        words = "could not connect"
    except (aiohttp.ClientError, ValueError, OSError) as error:
        words = f"connection failed ({type(error).__name__})"
    return Outcome(status, words, time.perf_counter() - started)
