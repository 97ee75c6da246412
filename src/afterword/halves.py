"""The processes of one installation on this machine: web, worker, and the database where it is Afterword's own.

Small on purpose: whoever looks after them stays as their parent process.
"""

import asyncio
import sys
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from afterword.log_files import LogFile
from afterword.store.postgres.server import EmbeddedPostgres
from afterword.supervisor.process import Process

ANSWER_SECONDS = 2.0
PYTHON = (sys.executable, "-P")
"""Python as it is started for a module of ours: what lies in the folder that somebody is in is no part of it."""
WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy that the environment names is for the network; no proxy finds what listens on this machine alone."""


class AnnouncedPostgres(EmbeddedPostgres):
    """The database, which tells when it is up."""

    def __init__(self, data_dir: Path, *, on_progress: Callable[[str], None]) -> None:
        super().__init__(data_dir, on_progress=on_progress)
        self.announced = asyncio.Event()

    async def start(self) -> None:
        """Start it and tell."""
        await super().start()
        self.announced.set()


def half(
    name: Literal["web", "worker"], *, web_url: str, data_dir: Path, environment: Mapping[str, str]
) -> Process:
    """Web or worker as a child; ready when web, at this address on this machine, says that it is."""
    command = [*PYTHON, "-m", f"afterword.{name}", "--exit-with-stdin"]
    is_ready = answers if name == "web" else has_worker
    return child(name, command, f"{web_url}/health", is_ready, data_dir=data_dir, environment=environment)


def child(
    name: str,
    command: list[str],
    address: str,
    is_ready: Callable[[bytes], bool],
    *,
    data_dir: Path,
    environment: Mapping[str, str],
) -> Process:
    """A command that is ready when what this address answers says so; its log is in the data directory."""

    async def ready() -> bool:
        answer = await asyncio.to_thread(get, address)
        return answer is not None and is_ready(answer)

    return Process(
        name, command, log=LogFile(data_dir / "logs" / f"{name}.log"), ready=ready, environment=environment
    )


def answers(_: bytes) -> bool:
    """Any answer will do."""
    return True


def has_worker(health: bytes) -> bool:
    """Whether web's health says that somebody works on what it takes."""
    return b'"status":"ok"' in health


def is_afterword(address: str) -> bool:
    """Whether a web half answers at this address."""
    answer = get(f"{address}/health")
    return answer is not None and b'"workers"' in answer


def get(address: str) -> bytes | None:
    """What this address of ours on this machine answers; ``None`` when it does not, or not with 200."""
    try:
        with WITHOUT_PROXY.open(address, timeout=ANSWER_SECONDS) as answer:
            return bytes(answer.read())
    except (OSError, ValueError):
        return None


async def for_ever() -> int:
    """Wait until cancelled."""
    forever: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    return await forever
