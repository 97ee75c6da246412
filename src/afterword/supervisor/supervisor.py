"""Looks after services: starts them in order, starts again what died, and stops them all together."""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from afterword.supervisor.services import ChildDiedError, Service, last_words

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 3.0
GOOD_WHILE_SECONDS = 30.0
MOST_DEATHS = 10
DEATHS_COUNT_FOR_SECONDS = 60.0
TRIM_SECONDS = 5.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class GaveUpError(Exception):
    """Children died too often; the text says which was the last, and its last words."""


class Supervisor:
    """Looks after services, each started when those that it names in ``after`` are up, and stopped before
    them.

    ``on_change`` is awaited when all are up for the first time, and after each start that follows a death.
    ``on_progress`` is given a line to show when something has died.
    """

    def __init__(
        self,
        *,
        on_change: Callable[[], Awaitable[None]] | None = None,
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._on_change = on_change
        self._on_progress = on_progress
        self._services: list[Service] = []
        self._after: dict[str, Sequence[str]] = {}
        self._up: dict[str, asyncio.Event] = {}
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)

    def add(self, service: Service, *, after: Sequence[str] = ()) -> None:
        """Look after one more service; those in ``after`` were added before it."""
        if unknown := set(after) - self._after.keys():
            raise ValueError(f"{service.name} is to start after {', '.join(unknown)}, which is not there")
        self._services.append(service)
        self._after[service.name] = after

    async def run(self, work: Callable[[], Awaitable[T]] | None = None) -> T | None:
        """Start everything, do ``work`` (or nothing, for ever) beside it, and stop everything.

        Returns:
            What ``work`` gave; ``None`` when SIGINT, SIGTERM or SIGHUP ended it before.

        Raises:
            GaveUpError: ten deaths within a minute.
            Exception: any error of ``work``, or one that no further start of a service would mend.
        """
        self._up = {service.name: asyncio.Event() for service in self._services}
        keepers = [asyncio.create_task(self._keep(service)) for service in self._services]
        trimmer = asyncio.create_task(self._trim_logs())
        main = asyncio.create_task(self._main(work))
        with _stop_signals() as told_to_stop:
            stop = asyncio.create_task(told_to_stop.wait())
            try:
                await asyncio.wait([main, stop, *keepers], return_when=asyncio.FIRST_COMPLETED)
                for task in (*keepers, main):
                    if task.done():
                        task.result()
                return main.result() if main.done() else None
            finally:
                await _cancel([stop, trimmer, main, *keepers])
                await self._stop_all()

    async def _main(self, work: Callable[[], Awaitable[T]] | None) -> T:
        for up in self._up.values():
            await up.wait()
        await self._tell_change()
        if work is not None:
            return await work()
        forever: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        return await forever

    async def _keep(self, service: Service) -> None:
        for name in self._after[service.name]:
            await self._up[name].wait()
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                await self._live_once(service)
            except ChildDiedError as death:
                self._count_death(death)
            if time.monotonic() - began > GOOD_WHILE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _live_once(self, service: Service) -> None:
        await service.start()
        was_up_before = self._up[service.name].is_set()
        self._up[service.name].set()
        if was_up_before and self._all_are_up():
            self._on_progress(f"{service.name} is up again")
            await self._tell_change()
        status = await service.wait()
        raise ChildDiedError(service.name, last_words(status, service.log))

    def _all_are_up(self) -> bool:
        return all(up.is_set() for up in self._up.values())

    async def _tell_change(self) -> None:
        if self._on_change is not None:
            await self._on_change()

    def _count_death(self, death: ChildDiedError) -> None:
        now = time.monotonic()
        self._deaths.append(now)
        if len(self._deaths) == MOST_DEATHS and now - self._deaths[0] < DEATHS_COUNT_FOR_SECONDS:
            raise GaveUpError(f"{MOST_DEATHS} deaths within a minute; the last was {death}") from None
        self._on_progress(f"{death.name} died and is started again")

    async def _trim_logs(self) -> None:
        while True:
            await asyncio.sleep(TRIM_SECONDS)
            for service in self._services:
                service.log.trim()

    async def _stop_all(self) -> None:
        """Stop the services, each when all that depend on it have stopped."""
        stopped = {service.name: asyncio.Event() for service in self._services}

        async def stop(service: Service) -> None:
            for other, after in self._after.items():
                if service.name in after:
                    await stopped[other].wait()
            try:
                await service.stop()
            finally:
                stopped[service.name].set()

        results = await asyncio.gather(*map(stop, self._services), return_exceptions=True)
        for failure in filter(None, results):
            raise failure


async def _cancel(tasks: Sequence[asyncio.Task[T]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    """An event that is set when we are told to stop; a signal that was ignored stays ignored."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    heeded = [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, told.set)
    try:
        yield told
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)
