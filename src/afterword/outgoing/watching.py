"""Calls that somebody keeps watch over: asked before each whether it makes sense now, told after each how it went."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from afterword.outcomes import Outcome

T = TypeVar("T")


class Watch(Protocol):
    """What a vendor's client asks and tells; ``call`` names the call without what varies, as its errors do."""

    async def before(self, call: str, /) -> bool:
        """Answer whether this call is a probe, which finds out if the other side is there again.

        Raises:
            Retry: it makes no sense now; nothing is to be called.
        """

    async def after(self, call: str, error: Outcome | None, /, *, is_probe: bool) -> None:
        """Hear how the call went; without an error it did what it was to do.

        Raises:
            Retry: to be raised in place of ``error``: what it tells is not of this call but of the other side.
        """


class Unwatched:
    """Lets every call through."""

    async def before(self, _: str, /) -> bool:
        """Never a probe."""
        return False

    async def after(self, _: str, __: Outcome | None, /, *, is_probe: bool) -> None:
        """Take no notice."""


async def watched(watch: Watch, call: str, make: Callable[[], Awaitable[T]]) -> T:
    """Make a call under watch.

    Raises:
        Outcome: what the call ended in, or what the watch says of it.
    """
    async with watching(watch, call):
        return await make()


@contextlib.asynccontextmanager
async def watching(watch: Watch, call: str) -> AsyncIterator[None]:
    """Make a call within the block, under watch. A stream that is left before its end was answered all the same.

    Raises:
        Outcome: what the call ended in, or what the watch says of it.
    """
    is_probe = await watch.before(call)
    try:
        yield
    except Outcome as error:
        await watch.after(call, error, is_probe=is_probe)
        raise
    except GeneratorExit:
        await watch.after(call, None, is_probe=is_probe)
        raise
    await watch.after(call, None, is_probe=is_probe)
