"""How much of Gladly's limit a backlog makes use of: two workers, and the sandbox with its real ten requests a second.

Closings lie in the inbox; each costs one GET. The sandbox counts by the calendar second. The ratio is what was used of
the limit once it is going; the figure of refused calls (429) is to be 0.
"""

import asyncio
import sys
import time
from typing import Any

import aiohttp

from afterword.settings import Settings
from afterword.store.database import Database
from support.closings import SINK, add_closings, add_send_json_event, until_succeeded
from support.installation import connected, environment_of, workers
from support.results import Figure, Result, run
from support.servers import HOST, demo_folder, free_port, postgres, python, until_it_answers

LIMIT = 10
SECONDS = 30
BEFORE = 50
"""Closings that are through before it is measured: the beginning is not a backlog."""
LOGIN = ("bench@bench.example", "token-of-the-bench")
REFUSED = "SELECT count(*) FROM task_attempt WHERE reason_code = 'gladly-rate-limited'"


class Sandbox:
    """What the sandbox is asked past its API and its limit."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_sandbox"

    async def new_customer(self) -> str:
        """A customer with a name and an address."""
        body = {"customer": {"name": "Robin Meulen", "email": "robin@bench.example"}, "text": "Hello"}
        return str((await self._ask("POST", "inbound-messages", body))["customerId"])

    async def begin_to_count(self) -> None:
        """Count GETs from now on: a fault that practically never happens."""
        await self._ask(
            "POST", "faults", {"effect": "answer", "status": 503, "probability": 1e-9, "method": "GET"}
        )

    async def counted(self) -> int:
        """How many were counted."""
        return int((await self._ask("GET", "faults"))[0]["matched"])

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        async with (
            aiohttp.ClientSession(headers={"Authorization": aiohttp.encode_basic_auth(*LOGIN)}) as http,
            http.request(method, f"{self._url}/{path}", json=body) as answer,
        ):
            answer.raise_for_status()
            return await answer.json()


async def measure(seconds: int, processes: int) -> Result:
    """Let so many worker processes go for about so many seconds.

    Raises:
        NotMeasured: the closings did not come to their end.
    """
    ports = [free_port() for _ in range(4)]
    sandbox_url, sink_url = (f"http://{HOST}:{port}" for port in ports[:2])
    environment = {"AFTERWORD_SANDBOX_USERNAME": LOGIN[0], "AFTERWORD_SANDBOX_API_TOKEN": LOGIN[1]}
    async with postgres() as server:
        settings = Settings(data_dir=server.data_dir, database_url=server.url, web_port=free_port())
        with demo_folder() as folder:
            sandbox_command = ["-m", "afterword_sandbox", "--data-dir", str(folder)]
            for option, port in zip(
                ("--port", "--mail-page-port", "--smtp-port"), (ports[0], *ports[2:]), strict=True
            ):
                sandbox_command += [option, str(port)]
            async with (
                connected(settings) as database,
                python(sandbox_command, environment) as sandbox,
                python([str(SINK), str(ports[1])]) as sink,
            ):
                await until_it_answers(f"{sandbox_url}/_sandbox/health", sandbox)
                await until_it_answers(f"{sink_url}/health", sink)
                account = await add_send_json_event(
                    settings, database, gladly_url=sandbox_url, sink_url=sink_url, login=LOGIN
                )
                async with workers(environment_of(settings), processes):
                    rate = await _per_second(database, account, Sandbox(sandbox_url), seconds)
                refused = int(await database.pool.fetchval(REFUSED))
    return Result(
        "Gladly's limit under a backlog",
        {"used": Figure(round(rate, 2), "requests/s"), "refused": Figure(refused, "calls")},
        ratio=rate / LIMIT,
        floor=0.95,
    )


async def _per_second(database: Database, account: str, sandbox: Sandbox, seconds: int) -> float:
    """Requests that Gladly took in a second, those of the webhook's keeper among them."""
    customer = await sandbox.new_customer()
    await sandbox.begin_to_count()
    await add_closings(database, account, BEFORE + LIMIT * (seconds + 2), "limit", customer)
    await until_succeeded(database, BEFORE, 60)
    began, counted = time.perf_counter(), await sandbox.counted()
    await asyncio.sleep(seconds)
    counted = await sandbox.counted() - counted
    return counted / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(
        run(__doc__, lambda given: measure(given.seconds, given.processes), seconds=SECONDS, processes=2)
    )
