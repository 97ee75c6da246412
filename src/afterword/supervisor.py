"""Runs child processes, starts again those that die, and stops them all together.

Knows nothing of what they do, and imports little: it is the parent that stays for as long as they run. A
child is anything with the shape of :class:`Service`; :class:`Process` is one that is a command.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from afterword.log_files import LogFile

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 3.0
GOOD_WHILE_SECONDS = 30.0
MOST_DEATHS = 10
DEATHS_COUNT_FOR_SECONDS = 60.0
GRACE_SECONDS = 10.0
TRIM_SECONDS = 5.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ChildDiedError(Exception):
    """A child ended that should not have; the text says how, with its last words."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name


class GaveUpError(Exception):
    """Children died too often; the text says which was the last, and its last words."""


class Service(Protocol):
    """A child that can be looked after."""

    @property
    def name(self) -> str:
        """What it is called, in messages and by those that depend on it."""
        ...

    @property
    def log(self) -> LogFile:
        """Where its output goes."""
        ...

    async def start(self) -> None:
        """Start it and wait until it does its work; called again after each death.

        Raises:
            ChildDiedError: it ended before; it may be tried again. Any other error ends the whole.
        """
        ...

    async def wait(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        ...

    async def stop(self) -> None:
        """Stop it in order, and leave nothing of it behind; also when it is not running."""
        ...

    def pids(self) -> list[int]:
        """Its main process; empty when it does not run."""
        ...


class Process:
    """A command, run in a session of its own so that Ctrl-C in the terminal reaches the supervisor alone.

    Its standard input is a pipe that ends when the supervisor does: a command that must not outlive it
    watches that (``lifeline.exit_with_stdin``). ``ready`` is asked again and again until it says yes;
    ``on_start`` is awaited after that, at each start. ``environment`` is the whole environment, ours when
    ``None``.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: LogFile,
        ready: Callable[[], Awaitable[bool]],
        on_start: Callable[[], Awaitable[None]] | None = None,
        environment: Mapping[str, str] | None = None,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._ready = ready
        self._on_start = on_start
        self._environment = environment
        self._grace = grace
        self._process: asyncio.subprocess.Process | None = None
        self._lifeline: int | None = None

    async def start(self) -> None:
        """Start the command and wait until it is ready.

        Raises:
            ChildDiedError: it ended before it was ready.
        """
        try:
            self._process = await self._spawn()
            await self._until_ready(self._process)
            if self._on_start is not None:
                await self._on_start()
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> int:
        """Wait for its end; what it started itself is killed then, to be in no successor's way."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        status = await self._process.wait()
        self._clear_away(self._process)
        return status

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when it is still there after the grace period."""
        if self._process is None:
            return
        self._send(self._process, signal.SIGTERM)
        try:
            await asyncio.wait_for(self.wait(), self._grace)
        except TimeoutError:
            self._send(self._process, signal.SIGKILL)
            await self.wait()
        self._process = None

    def pids(self) -> list[int]:
        """Its main process; empty when it does not run."""
        return [self._process.pid] if self._process and self._process.returncode is None else []

    async def _spawn(self) -> asyncio.subprocess.Process:
        read_end, write_end = os.pipe()
        output = self.log.open()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=read_end,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except BaseException:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
            os.close(output)
        self._lifeline = write_end
        return process

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        async for _ in _pauses(first=0.01, longest=0.1):
            if process.returncode is not None:
                raise ChildDiedError(self.name, _last_words(process.returncode, self.log))
            if await self._ready():
                return

    def _clear_away(self, process: asyncio.subprocess.Process) -> None:
        """Kill what is left of its process group, and close our end of its standard input; once a process.

        Later the group's number may be somebody else's.
        """
        if self._lifeline is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        os.close(self._lifeline)
        self._lifeline = None

    @staticmethod
    def _send(process: asyncio.subprocess.Process, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


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
        raise ChildDiedError(service.name, _last_words(status, service.log))

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


def _last_words(status: int, log: LogFile) -> str:
    end = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    words = log.last_lines()
    return f"it {end}; its last words ({log.path}):\n{words}" if words else f"it {end}"


async def _cancel(tasks: Sequence[asyncio.Task[T]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _pauses(*, first: float, longest: float) -> AsyncIterator[None]:
    """Come back again and again, at growing intervals."""
    while True:
        yield
        await asyncio.sleep(first)
        first = min(first * 1.3, longest)


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
