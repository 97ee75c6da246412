"""``afterword up``: a whole installation on this machine, in one command.

Web, worker and, unless the settings name another, the database, as children that are started again when they die.
"""

import asyncio
import contextlib
import os
import sys
from urllib.parse import urlsplit

from afterword.halves import PYTHON, AnnouncedPostgres, for_ever, half, is_afterword
from afterword.outcomes import ConfigurationError
from afterword.settings import PREFIX, Settings
from afterword.store.postgres.server import AlreadyRunning
from afterword.supervisor.supervisor import GaveUpError, Supervisor

EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - what stands for all addresses is asked for here


def up(settings: Settings) -> int:
    """Start the installation and stay until told to stop; answers the exit status.

    Raises:
        ConfigurationError: it cannot be started so.
    """
    installation = Installation(settings)
    if is_afterword(installation.web_url):
        sys.stdout.write(f"Afterword runs already: {settings.public_url}\n")
        return 0
    try:
        return asyncio.run(_whole(installation)) or 0
    except (GaveUpError, AlreadyRunning) as error:
        raise ConfigurationError(str(error)) from None


async def _whole(installation: "Installation") -> int | None:
    return await installation.run()


class Installation:
    """The processes of an installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        data_dir = settings.data_dir.expanduser().absolute()
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigurationError(
                f"The data directory {data_dir} cannot be made: {error.strerror}."
            ) from None
        self._environment = {**os.environ, f"{PREFIX}DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
        self._database: AnnouncedPostgres | None = None
        if settings.database_url is None:
            self._database = AnnouncedPostgres(data_dir, on_progress=_tell)
            self._database.prepare()
            self._environment[f"{PREFIX}DATABASE_URL"] = self._database.url
        self._web = half("web", web_url=self.web_url, data_dir=data_dir, environment=self._environment)
        self._worker = half("worker", web_url=self.web_url, data_dir=data_dir, environment=self._environment)

    @property
    def web_url(self) -> str:
        """Where web answers on this machine."""
        host = self._settings.web_host
        own = "127.0.0.1" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
        return f"http://{own}:{self._settings.web_port}"

    async def run(self) -> int | None:
        """Start everything, say where it is, and stay; then stop everything."""
        supervisor = Supervisor(on_progress=_tell)
        after = []
        if self._database is not None:
            supervisor.add(self._database)
            after = ["database"]
        supervisor.add(self._web, after=after)
        supervisor.add(self._worker, after=after)
        return await supervisor.run(self._welcome)

    async def _welcome(self) -> int:
        link = await self._first_link()
        lines = [f"Afterword   {self._settings.public_url}"]
        if link:
            lines.append(f"First of all, make the owner: {link}")
            lines.append(
                "The link works once, for a day; the next start makes another. Ctrl-C stops everything."
            )
        else:
            lines.append("Ctrl-C stops everything.")
        if urlsplit(self._settings.public_url).scheme != "https":
            lines.append(
                f"Customers and Gladly reach it once {PREFIX}PUBLIC_URL is an https address that leads here."
            )
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        return await for_ever()

    async def _first_link(self) -> str:
        """The link for the first owner, made by a process of its own, which needs what this one is too small for."""
        asking = await asyncio.create_subprocess_exec(
            *PYTHON,
            *("-m", "afterword", "people", "link", "--first-owner"),
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            answer, errors = await asking.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                asking.kill()
            await asking.wait()
            raise
        if asking.returncode != 0:
            *_, last_line = errors.decode(errors="replace").strip().splitlines() or ["it says nothing"]
            raise ConfigurationError(f"No link for the first owner could be made: {last_line}")
        return answer.decode().strip()


def _tell(words: str) -> None:
    sys.stderr.write(f"{words}\n")
