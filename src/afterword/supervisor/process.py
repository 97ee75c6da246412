"""A child that is a command, in a process of its own."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence

from afterword.log_files import LogFile
from afterword.supervisor.pauses import pauses
from afterword.supervisor.services import ChildDiedError, last_words

GRACE_SECONDS = 10.0


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
        async for _ in pauses():
            if process.returncode is not None:
                raise ChildDiedError(self.name, last_words(process.returncode, self.log))
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
