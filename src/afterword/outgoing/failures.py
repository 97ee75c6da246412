"""What can go wrong on the way, sorted into three ways to fail; their texts hold no address, no header and no body."""

import contextlib
from collections.abc import Iterator

import aiohttp

from afterword.translating import N_, said


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
        super().__init__(said("a line of it is longer than %(longest)s bytes", longest=longest))


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
        raise BrokenOff(N_("no answer in time"), timed_out=True) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise BrokenOff(said("the connection broke off (%(how)s)", how=type(error).__name__)) from None


def _why_unreachable(error: Exception) -> str:  # noqa: PLR0911 - a table
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return N_("no connection in time")
    if isinstance(error, aiohttp.ClientSSLError):
        return N_("its certificate or encryption is not accepted")
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
    if isinstance(cause, ForbiddenAddress):
        return N_("its name leads to an address in a private network, which may not be called")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return N_("its name cannot be resolved")
    if isinstance(error, aiohttp.InvalidURL):
        return N_("the address cannot be called")
    if isinstance(cause, ConnectionRefusedError):
        return N_("the connection was refused")
    return N_("no connection came about")
