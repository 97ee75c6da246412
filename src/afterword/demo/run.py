"""Starting the demo, supervising it, and stopping it."""

import asyncio
import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec

from afterword.demo import descriptor
from afterword.demo.credentials import (
    GLADLY_USERNAME,
    OWNER_EMAIL,
    Credentials,
    credentials_of,
)
from afterword.demo.descriptor import Descriptor
from afterword.demo.ports import DEFAULT_BASE, HOST, Ports
from afterword.demo.seeded import Seeded
from afterword.halves import PYTHON, AnnouncedPostgres, answers, child, for_ever, half, is_afterword
from afterword.outcomes import ConfigurationError
from afterword.settings import PREFIX, default_data_dir
from afterword.store.postgres.server import AlreadyRunning
from afterword.supervisor.supervisor import GaveUpError, Supervisor

MAIL_FROM = "survey@afterword.example"
REHEARSAL_PREFIX = f"{PREFIX}DEMO_"
SANDBOX_OPTIONS = f"{REHEARSAL_PREFIX}SANDBOX_OPTIONS"
PAST_DAYS = 14
"""So long the demo's company has had customers before anybody looks at it."""


class Options(msgspec.Struct, frozen=True):
    """What was asked for on the command line."""

    data_dir: Path | None = None
    port_base: int | None = None
    ephemeral: bool = False
    with_past: bool = True


def demo(options: Options) -> int:
    """Start the demo and stay until Ctrl-C; answers the exit status."""
    with _data_dir(options) as data_dir:
        running = _running_on(data_dir)
        if running is not None:
            _tell_it_runs(running.afterword.url)
            return 0
        ports = Ports.from_base(DEFAULT_BASE if options.port_base is None else options.port_base)
        try:
            ports.refuse_if_taken()
        except ConfigurationError:
            address = f"http://{HOST}:{ports.web}"
            if not is_afterword(address):
                raise
            _tell_it_runs(address)
            return 0
        return _supervised(Demo(data_dir, ports, with_past=options.with_past).run())


def demo_once(options: Options, *, as_json: bool) -> int:
    """Go the whole way once, in the demo that runs on the data directory or in one of our own."""
    from afterword.demo import once  # noqa: PLC0415

    with _data_dir(options) as data_dir:
        running = _running_on(data_dir)
        if running is not None:
            return asyncio.run(once.go(running, as_json=as_json))
        ports = Ports.free() if options.port_base is None else Ports.from_base(options.port_base)
        ports.refuse_if_taken()
        itself = Demo(data_dir, ports, quiet=True, with_past=options.with_past)
        return _supervised(itself.run(lambda: once.go(itself.describe(), as_json=as_json)))


def _supervised(running: Awaitable[int | None]) -> int:
    async def wait() -> int | None:
        return await running

    try:
        return asyncio.run(wait()) or 0
    except (GaveUpError, AlreadyRunning) as error:
        raise ConfigurationError(str(error)) from None


class Demo:
    """The processes of one demo."""

    def __init__(self, data_dir: Path, ports: Ports, *, quiet: bool = False, with_past: bool = True) -> None:
        self._data_dir = data_dir
        self._ports = ports
        self._quiet = quiet
        self._with_past = with_past
        self._credentials: Credentials = credentials_of(data_dir)
        self._seeded: Seeded | None = None
        self._database = AnnouncedPostgres(data_dir, on_progress=self._tell)
        self._database.prepare()
        environment = self._environment()
        self._web = half("web", web_url=self._web_url, data_dir=data_dir, environment=environment)
        self._worker = half("worker", web_url=self._web_url, data_dir=data_dir, environment=environment)
        self._sandbox = child(
            "sandbox",
            self._sandbox_command(),
            f"{self._sandbox_url}/_sandbox/health",
            answers,
            data_dir=data_dir,
            environment=environment,
        )

    @property
    def _web_url(self) -> str:
        return f"http://{HOST}:{self._ports.web}"

    @property
    def _sandbox_url(self) -> str:
        return f"http://{HOST}:{self._ports.sandbox}"

    async def run(self, work: Callable[[], Awaitable[int]] | None = None) -> int | None:
        """Start everything and do ``work``, or stay until told to stop; then stop everything."""
        supervisor = Supervisor(on_change=self._describe_again, on_progress=self._tell)
        supervisor.add(self._database)
        supervisor.add(self._sandbox)
        supervisor.add(self._web, after=["database"])
        supervisor.add(self._worker, after=["database"])
        seeding = asyncio.create_task(self._seed())
        behind: list[asyncio.Task[Seeded] | asyncio.Task[None]] = [seeding]

        async def begin() -> int:
            self._seeded = await seeding
            await self._describe_again()
            if work is not None:
                return await work()
            self._welcome()
            behind.append(asyncio.create_task(self._keep_sample(self._seeded)))
            return await for_ever()

        try:
            return await supervisor.run(begin)
        finally:
            for task in behind:
                task.cancel()
            await asyncio.gather(*behind, return_exceptions=True)
            descriptor.remove(self._data_dir)

    def describe(self) -> Descriptor:
        """What ``demo.json`` says now."""
        seeded, ports, credentials = self._seeded, self._ports, self._credentials
        if seeded is None:
            raise RuntimeError("the demo is not seeded yet")
        mail_url = f"http://{HOST}:{ports.mail_page}"
        return Descriptor(
            afterword=descriptor.AfterwordAccess(self._web_url, OWNER_EMAIL, credentials.owner_password),
            gladly=descriptor.GladlyAccess(self._sandbox_url, GLADLY_USERNAME, credentials.gladly_api_token),
            qualtrics=descriptor.QualtricsAccess(
                self._web_url, credentials.qualtrics_api_token, seeded.json_event_url, seeded.survey_id
            ),
            mail=descriptor.MailAccess(mail_url, f"{mail_url}/messages", ports.smtp),
            processes=descriptor.Processes(
                web=tuple(self._web.pids()),
                worker=tuple(self._worker.pids()),
                database=tuple(self._database.pids()),
                sandbox=tuple(self._sandbox.pids()),
            ),
        )

    async def _describe_again(self) -> None:
        if self._seeded is not None:
            descriptor.write(self._data_dir, self.describe())

    def _sandbox_command(self) -> list[str]:
        return [
            *(*PYTHON, "-m", "afterword_sandbox", "--exit-with-stdin"),
            *("--data-dir", str(self._data_dir / "sandbox")),
            *("--port", str(self._ports.sandbox)),
            *("--mail-page-port", str(self._ports.mail_page)),
            *("--smtp-port", str(self._ports.smtp)),
            *("--past-days", str(PAST_DAYS if self._with_past else 0)),
            *shlex.split(os.environ.get(SANDBOX_OPTIONS, "")),
        ]

    def _environment(self) -> dict[str, str]:
        """The demo's own settings; those of an installation that happens to be set up here are not for it.

        ``AFTERWORD_DEMO_…`` sets an option for the demo alone, as rehearsals need it.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        rehearsal = {
            PREFIX + name.removeprefix(REHEARSAL_PREFIX): value
            for name, value in os.environ.items()
            if name.startswith(REHEARSAL_PREFIX)
        }
        return {
            **inherited,
            **rehearsal,
            f"{PREFIX}DATA_DIR": str(self._data_dir),
            f"{PREFIX}DATABASE_URL": self._database.url,
            f"{PREFIX}PUBLIC_URL": self._web_url,
            f"{PREFIX}WEB_HOST": HOST,
            f"{PREFIX}WEB_PORT": str(self._ports.web),
            f"{PREFIX}SMTP_HOST": HOST,
            f"{PREFIX}SMTP_PORT": str(self._ports.smtp),
            f"{PREFIX}SMTP_SECURITY": "none",
            f"{PREFIX}MAIL_FROM": MAIL_FROM,
            f"{PREFIX}SANDBOX_USERNAME": GLADLY_USERNAME,
            f"{PREFIX}SANDBOX_API_TOKEN": self._credentials.gladly_api_token,
            "PYTHONUNBUFFERED": "1",
        }

    async def _seed(self) -> Seeded:
        """Have the set-up put in by a process of its own, which needs what this one is too small for."""
        await self._database.announced.wait()
        status, answer, errors = await self._done_by("afterword.demo.seed", self._sandbox_url)
        if status != 0:
            *_, last_line = errors.decode(errors="replace").strip().splitlines() or ["it says nothing"]
            raise ConfigurationError(f"The demo cannot be set up: {last_line}")
        return msgspec.json.decode(answer, type=Seeded)

    async def _keep_sample(self, seeded: Seeded) -> None:
        """Have sample Responses put in, or taken away; a demo without them is one, too."""
        what = "with" if self._with_past else "without"
        await self._done_by("afterword.demo.sample", what, seeded.survey_id, seeded.gladly_account_id)

    async def _done_by(self, module: str, *arguments: str) -> tuple[int | None, bytes, bytes]:
        """Have a module do its work; answers the exit status, what it wrote, and its complaints."""
        process = await asyncio.create_subprocess_exec(
            *PYTHON,
            *("-m", module, *arguments),
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            answer, errors = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        return process.returncode, answer, errors

    def _tell(self, words: str) -> None:
        if not self._quiet:
            sys.stderr.write(f"{words}\n")

    def _welcome(self) -> None:
        """Four lines: what to open, what to try."""
        lines = (
            f"Support desk   {self._sandbox_url}   open a customer, press Close",
            f"Mail           http://{HOST}:{self._ports.mail_page}   the survey is there: click a score, send it",
            (
                f"Afterword      {self._web_url}   run history; sign in as {OWNER_EMAIL}, "
                f"password {self._credentials.owner_password}"
            ),
            "Then look at the customer's timeline again: the score stands there. Ctrl-C stops everything.",
        )
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


@contextlib.contextmanager
def _data_dir(options: Options) -> Iterator[Path]:
    """The demo's folder: a throw-away one, the one asked for, or the usual one."""
    if options.ephemeral:
        if options.data_dir is not None:
            raise ConfigurationError("--ephemeral and --data-dir exclude each other.")
        folder = Path(tempfile.mkdtemp(prefix="afterword-demo-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    folder = (options.data_dir or default_data_dir() / "demo").expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(f"The data directory {folder} cannot be made: {error.strerror}.") from None
    yield folder


def _running_on(data_dir: Path) -> Descriptor | None:
    """The demo that runs on this data directory, if it really answers."""
    found = descriptor.read(data_dir)
    return found if found is not None and is_afterword(found.afterword.url) else None


def _tell_it_runs(address: str) -> None:
    sys.stdout.write(f"The demo runs already: {address}\n")
