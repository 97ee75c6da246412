"""An installation that sends surveys to a catcher of mails: its workers are real processes, or run here."""

import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.workers import at_work
from tests.workflows.conftest import scripted, story  # noqa: F401 - fixtures of here, too

from afterword.accounts.secrets import SecretBox
from afterword.directory.contacts import add_mailing_list
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.worker import Worker
from afterword.workflows.definitions import Definition, JsonEvent, JsonField, Task
from afterword.workflows.saving.workflows import add_workflow

ENDPOINT = "OC_1"
DYING_WORKER = Path(__file__).with_name("dying_worker.py")


class Installation:
    """A database, its settings and a catcher of mails; workers are started as a test wants them."""

    def __init__(self, database: Database, sandbox: Sandbox, data_dir: Path, name: str) -> None:
        self.database = database
        self.sandbox = sandbox
        self.domain = f"{name}.example"
        self.environment = {
            "AFTERWORD_DATABASE_URL": database.url,
            "AFTERWORD_DATA_DIR": str(data_dir),
            "AFTERWORD_SMTP_PORT": str(sandbox.smtp_port),
            "AFTERWORD_SMTP_SECURITY": "none",
            "AFTERWORD_MAIL_FROM": "survey@afterword.example",
            "AFTERWORD_WORKER_HEARTBEAT_TIMEOUT": "1",
            "AFTERWORD_ALLOW_PRIVATE_ADDRESSES": "true",
        }
        self.box = SecretBox.open(Settings.load(self.environment))
        self._logs = data_dir

    async def workflow(self, *tasks: Task, fields: Sequence[str] = ("email",)) -> str:
        """A workflow that JSON events start; answers its id."""
        read = tuple(JsonField(name, f"$.{name}") for name in fields)
        async with self.database.transaction() as connection:
            return await add_workflow(
                connection, name="Test", definition=Definition(JsonEvent(ENDPOINT, read), tasks)
            )

    async def survey_workflow(self, *, delay_seconds: float = 0) -> str:
        """A workflow that adds whom its event names to one list and sends a survey to them; answers its id."""
        async with self.database.transaction() as connection:
            survey = await add_survey(connection, name="CSAT", definition=csat_survey())
            known = await add_mailing_list(connection, name="Known")
            asked = await add_mailing_list(connection, name="Asked")
        contact = {"first_name": "Ada", "last_name": "Lovelace", "email": "~{aedj://email}"}
        invitation = {**contact, "mailing_list": asked, "survey": survey, "delay_seconds": delay_seconds}
        return await self.workflow(
            Task("T-1", "add-contact", "Known", {**contact, "mailing_list": known}),
            Task("T-2", "distribute-survey", "Asked", invitation),
        )

    def people(self, count: int) -> list[str]:
        """So many addresses, this test's own."""
        return [f"{number}@{self.domain}" for number in range(count)]

    async def events(self, bodies: Sequence[object]) -> None:
        """Put JSON events into the inbox."""
        await self.database.pool.execute(
            "INSERT INTO event (origin, type, body) "
            "SELECT 'json-event/' || $1, 'JSON Event', body FROM unnest($2::text[]) AS body",
            ENDPOINT,
            [msgspec.json.encode(body).decode() for body in bodies],
        )

    async def ask(self, addresses: Sequence[str]) -> None:
        await self.events([{"email": address} for address in addresses])

    @contextmanager
    def worker(self, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker process until the block ends."""
        process = self.start([sys.executable, "-m", "afterword", "worker"], **settings)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)

    def worker_that_dies(self, moment: str) -> subprocess.Popen[bytes]:
        """A worker process that kills itself at this moment (the names are in ``dying_worker.py``)."""
        return self.start([sys.executable, str(DYING_WORKER), moment])

    def start(self, command: Sequence[str], **settings: str) -> subprocess.Popen[bytes]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AFTERWORD_")}
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command, env={**inherited, **self.environment, **settings}, stdout=log, stderr=log
            )

    @property
    def _log(self) -> Path:
        return self._logs / "workers.log"

    @asynccontextmanager
    async def worker_here(self, **settings: object) -> AsyncIterator[None]:
        """A worker in this process until the block ends."""
        worker = Worker(Settings.load(self.environment, **settings), self.database, self.box)
        async with at_work(worker):
            yield

    async def statuses(self) -> Counter[str]:
        """How many runs are how: by status, with the reason's code where there is one."""
        rows = await self.database.pool.fetch(
            "SELECT concat_ws(' ', status, reason_code) AS how, count(*) FROM run GROUP BY 1"
        )
        return Counter({row["how"]: row["count"] for row in rows})

    def mails(self) -> list[dict[str, Any]]:
        """All mails to this test's people."""
        with urllib.request.urlopen(f"{self.sandbox.mail_url}/messages?limit=100000") as answer:  # noqa: S310 - our own sandbox
            mails = json.loads(answer.read())
        return [mail for mail in mails if mail["to"][0].endswith(f"@{self.domain}")]

    def message_ids(self) -> Counter[tuple[str, str]]:
        """How often each mail arrived: by whom it went to and its Message-ID."""
        return Counter((mail["to"][0], mail["headers"]["Message-ID"][0]) for mail in self.mails())


@pytest_asyncio.fixture
async def installation(database: Database, sandbox: Sandbox, tmp_path: Path) -> Installation:
    return Installation(database, sandbox, tmp_path, uuid.uuid4().hex)
