"""What can go wrong on the way, sorted into three ways to fail; their texts hold no address, no header and no body."""

import contextlib
from collections.abc import Iterator

import aiohttp


class Unreachable(Exception):
    """No connection came about: certainly nothing was done. The text says why, in a few words."""


class BrokenOff(Exception):
    """The request went out and no whole answer came back: it may have been done. ``timed_out`` tells how it
    ended.
    """

    def __init__(self, words: str, *, timed_out: bool = False) -> None:
        super().__init__(words)
        self.timed_out = timed_out


class LineTooLong(Exception):
    """A line of a stream is longer than is read."""

    def __init__(self, longest: int) -> None:
        super().__init__(f"a line of it is longer than {longest} bytes")


class ForbiddenAddress(OSError):
    """A name led to addresses that may not be called."""


@contextlib.contextmanager
def failures_told() -> Iterator[None]:
    """Tell the HTTP library's failures in our ways.

    Raises:
        Unreachable: no connection came about.
        BrokenOff: no whole answer came back.
    """
    try:
        yield
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
        raise Unreachable(_why_unreachable(error)) from None
    except TimeoutError:
        raise BrokenOff("no answer in time", timed_out=True) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise BrokenOff(f"the connection broke off ({type(error).__name__})") from None


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
