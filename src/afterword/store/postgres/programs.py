"""Starting programs of PostgreSQL: as the right user, ending with us, holding the server's lock."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from afterword.store.postgres.account import Account
from afterword.store.postgres.folders import Entrance
from afterword.store.postgres.locks import FileLock

LAUNCH = Path(__file__).with_name("launch.py")
USES_DEATH_SIGNAL = sys.platform == "linux"
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")


class ProgramError(Exception):
    """A program of PostgreSQL that was to do one thing ended with an error; the text holds its last words."""


class Child:
    """A program that runs. It stops (SIGINT) when this process ends, however it ends."""

    def __init__(self, process: asyncio.subprocess.Process, lifeline: int | None) -> None:
        self.process = process
        self._lifeline = lifeline

    def send_signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def wait(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        status = await self.process.wait()
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        return status


class Programs:
    """The programs of one major version, run as one account; each holds ``lock`` as long as it lives."""

    def __init__(self, folder: Path, account: Account, lock: FileLock) -> None:
        self.folder = folder
        self._account = account
        self._lock = lock

    async def start(
        self,
        program: str,
        *arguments: str,
        entrances: Sequence[Entrance] = (),
        cwd: Path | None = None,
        stdin: int = asyncio.subprocess.DEVNULL,
        output: int = asyncio.subprocess.PIPE,
    ) -> Child:
        """Start a program that goes on. ``entrances`` are the folders that its arguments name."""
        pass_fds = [entrance.descriptor for entrance in entrances]
        if self._lock.descriptor is not None:
            pass_fds.append(self._lock.descriptor)
        read_end, write_end = (None, None) if USES_DEATH_SIGNAL else os.pipe()
        if read_end is not None:
            pass_fds.append(read_end)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command(read_end),
                str(self.folder / program),
                *arguments,
                cwd=cwd or "/",
                env={"LC_ALL": "C"}
                | {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
                stdin=stdin,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        except BaseException:
            if write_end is not None:
                os.close(write_end)
            raise
        finally:
            if read_end is not None:
                os.close(read_end)
        return Child(process, write_end)

    async def run(
        self,
        program: str,
        *arguments: str,
        entrances: Sequence[Entrance] = (),
        cwd: Path | None = None,
        text: str = "",
    ) -> None:
        """Run a program to its end, with ``text`` as its input.

        Raises:
            ProgramError: it ended with another status than 0.
        """
        child = await self.start(
            program, *arguments, entrances=entrances, cwd=cwd, stdin=asyncio.subprocess.PIPE
        )
        try:
            output, _ = await child.process.communicate(text.encode())
        except asyncio.CancelledError:
            child.process.terminate()
            raise
        finally:
            status = await child.wait()
        if status != 0:
            raise ProgramError(
                f"{program} ended with status {status}:\n{output.decode('utf-8', 'replace').strip()}"
            )

    def _command(self, lifeline: int | None) -> list[str]:
        return [
            *(sys.executable, "-I", "-S", str(LAUNCH)),
            "death-signal" if lifeline is None else str(lifeline),
            *(str(os.getpid()), str(self._account.uid), str(self._account.gid)),
        ]
