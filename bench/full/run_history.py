"""How fast run history answers at ten million runs, filtered and searched, while 1,000 runs are added every second.

The runs are made by SQL, in ten minutes or so (and some 20 GB in the folder for temporary files, removed at the end);
``--runs`` makes fewer. Then one caller asks the web half, as it is in production, for pages as JSON, each kind in turn
with ever other values, while another process adds runs, finishes them and makes them searchable. The ratio is the
slowest kind's 99th percentile over 50 ms.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path

import aiohttp
import msgspec

from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.history.search_document import words_of_run
from afterword.workflows.history.search_keeper import READ, told_of
from support.installation import add_json_event_endpoint, connected, environment_of
from support.many_runs import NEVER_FAILED, NEVER_SUCCEEDED, REVISIONS, SAMPLE, SURVEY, make_runs
from support.results import Figure, NotMeasured, Result, run
from support.servers import HOST, free_port, postgres, python, until_it_answers

RUNS = 10_000_000
RATE = 1000
SECONDS = 60.0
WARM_UP_SECONDS = 5.0
CEILING_MS = 50.0
SUPPORT = Path(__file__).resolve().parent.parent / "support"

Query = dict[str, str]


class Pages:
    """The pages that are asked for, by kind; each call of a kind asks for another."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self._random = random.Random(1)  # noqa: S311 - which pages are asked for
        self.kinds: dict[str, Callable[[], Query]] = {
            **self._listed(),
            **self._searched(),
        }

    def _listed(self) -> dict[str, Callable[[], Query]]:
        return {
            "newest": dict,
            "older": self._before,
            "failed": lambda: {"status": "failed"} | self._before(),
            "of a workflow": lambda: {"workflow": self._workflow()} | self._before(),
            "of a revision": lambda: {"workflow": self._workflow()} | self._revision(),
            "failed, of a revision": lambda: (
                {"status": "failed", "workflow": self._workflow()} | self._revision()
            ),
            "failed, of one that never failed": lambda: {"status": "failed", "workflow": NEVER_FAILED},
            "succeeded, of one that never did": lambda: {"status": "succeeded", "workflow": NEVER_SUCCEEDED},
            "reason": lambda: {"reason": "gladly-unavailable"} | self._before(),
            "reason of a workflow, waiting": lambda: {
                "reason": "survey-scheduled",
                "workflow": self._workflow(),
                "status": "waiting",
            },
            "event": lambda: {"event_type": "JSON Event"} | self._before(),
            "survey, skipped": lambda: {"survey": SURVEY, "status": "skipped"} | self._before(),
            "customer": lambda: {"customer": self._customer()},
            "conversation": lambda: {"conversation": self._hash("v", self._number())},
            "an hour": self._hour,
        }

    def _searched(self) -> dict[str, Callable[[], Query]]:
        return {
            "search: address": lambda: {"search": self._address()},
            "search: name": lambda: {"search": self._first_name()} | self._before(),
            "search: first and last name": lambda: {"search": self._full_name()},
            "search: beginning of a name": lambda: {"search": f"last{self._random.randrange(10, 99)}"},
            "search: beginning of an id": lambda: {"search": self._hash("v", self._number())[:8]},
            "search: word in every run": lambda: {"search": "mail"} | self._before(),
            "search: word in no run": lambda: {"search": f"nowhere{self._number()}"},
            "search: reason": lambda: {"search": "no email address"} | self._before(),
            "search: run": lambda: {"search": str(self._number())},
            "search: name, failed": lambda: {"search": self._first_name(), "status": "failed"},
            "search: name, failed, never": lambda: {
                "search": self._first_name(),
                "status": "failed",
                "workflow": NEVER_FAILED,
            },
            "search: name, in an hour": lambda: {"search": self._first_name()} | self._hour(),
        }

    def _number(self) -> int:
        return self._random.randrange(1, self._runs + 1)

    def _before(self) -> Query:
        return {"before": str(self._number())}

    def _workflow(self) -> str:
        return f"OC_wf{self._random.randrange(20)}"

    def _hash(self, letter: str, number: int) -> str:
        return md5(f"{letter}{number}".encode(), usedforsecurity=False).hexdigest()[:22]

    def _revision(self) -> Query:
        return {"revision": str(self._random.randrange(1, REVISIONS + 1))}

    def _customer(self) -> str:
        return self._hash("c", self._number() // 8)

    def _first_name(self, number: int | None = None) -> str:
        return f"first{(self._number() if number is None else number) // 8 * 7919 % 500}"

    def _last_name(self, number: int) -> str:
        return f"last{number // 8 * 104729 % 20000}"

    def _full_name(self) -> str:
        number = self._number()
        return f"{self._first_name(number)} {self._last_name(number)}"

    def _address(self) -> str:
        number = self._number()
        local = f"{self._first_name(number)}.{self._last_name(number)}{number // 8 % 1000}"
        return f"{local}@mail{number % 40}.example"

    def _hour(self) -> Query:
        begins = datetime.now(UTC) - timedelta(seconds=3.0 * self._random.randrange(3000, self._runs))
        return {"from": begins.isoformat(), "until": (begins + timedelta(hours=1)).isoformat()}


async def measure(runs: int, seconds: float) -> Result:
    """Make the runs and ask for pages for so many seconds.

    Raises:
        NotMeasured: the words made here are not the keeper's, or a page was refused.
    """
    async with postgres() as server:
        settings = Settings(data_dir=server.data_dir, database_url=server.url, web_port=free_port())
        async with connected(settings) as database:
            headers = (await add_json_event_endpoint(settings, database)).headers
            began = time.monotonic()
            await make_runs(server.url, runs)
            made_in = time.monotonic() - began
            await _check_words(database, runs)
            size = await database.pool.fetchval("SELECT pg_database_size(current_database())")
        web = f"http://{HOST}:{settings.web_port}"
        adding = [str(SUPPORT / "adding_runs.py"), server.url, str(RATE)]
        async with (
            python(["-m", "afterword", "web"], environment_of(settings)) as process,
            python(adding),
            aiohttp.ClientSession(web, headers={"x-api-token": headers["x-api-token"]}) as session,
        ):
            await until_it_answers(f"{web}/health", process)
            await _ask(session, Pages(runs), WARM_UP_SECONDS)
            before, since = await _newest(session), time.monotonic()
            milliseconds, found = await _ask(session, Pages(runs), seconds)
            rate = (await _newest(session) - before) / (time.monotonic() - since)
    for kind, times in milliseconds.items():
        told = f"{statistics.median(times):7.1f} {_percentile(times):7.1f} ms {found[kind]:6.1f} runs a page"
        print(f"{told}  {kind}  ({len(times)})", file=sys.stderr)
    return _result(runs, made_in, size, rate, milliseconds)


async def _ask(
    session: aiohttp.ClientSession, pages: Pages, seconds: float
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """The milliseconds of each page of each kind, and how many runs a page had."""
    milliseconds: dict[str, list[float]] = {kind: [] for kind in pages.kinds}
    found: dict[str, list[int]] = {kind: [] for kind in pages.kinds}
    ends = time.monotonic() + seconds
    for kind in _in_turn(pages.kinds):
        if time.monotonic() > ends:
            break
        began = time.perf_counter()
        async with session.get("/api/v1/runs", params=pages.kinds[kind]()) as answer:
            body = await answer.read()
        milliseconds[kind].append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise NotMeasured(f"{kind}: {body.decode()}")
        found[kind].append(len(msgspec.json.decode(body)["runs"]))
    return milliseconds, {kind: statistics.mean(counts or [0]) for kind, counts in found.items()}


def _in_turn(kinds: dict[str, Callable[[], Query]]) -> Iterator[str]:
    while True:
        yield from kinds


async def _newest(session: aiohttp.ClientSession) -> int:
    async with session.get("/api/v1/runs", params={"limit": 1}) as answer:
        return int(msgspec.json.decode(await answer.read())["runs"][0]["id"])


async def _check_words(database: Database, runs: int) -> None:
    """Hold a sample of the words against what the keeper would have made of the same runs."""
    ids = random.Random(2).sample(range(1, runs + 1), SAMPLE)  # noqa: S311 - which runs are looked at
    rows = await database.pool.fetch(READ, ids)
    stored = await database.pool.fetch(
        "SELECT run_id, tsvector_to_array(words) AS words FROM run_search WHERE run_id = ANY($1::bigint[])",
        ids,
    )
    words = {row["run_id"]: set(row["words"]) for row in stored}
    for row in rows:
        wanted = set(words_of_run(told_of(row)))
        if words[row["id"]] != wanted:
            raise NotMeasured(
                f"run {row['id']}: {sorted(words[row['id']] ^ wanted)} differ from the keeper's words"
            )


def _percentile(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]


def _result(
    runs: int, made_in: float, size: int, rate: float, milliseconds: dict[str, list[float]]
) -> Result:
    figures = {
        "runs": Figure(runs, "runs"),
        "made in": Figure(round(made_in), "s"),
        "database": Figure(round(size / 1e9, 1), "GB"),
        "added meanwhile": Figure(round(rate), "runs/s"),
    }
    for kind, times in milliseconds.items():
        figures[f"{kind}: median"] = Figure(round(statistics.median(times), 1), "ms")
        figures[f"{kind}: 99 %"] = Figure(round(_percentile(times), 1), "ms")
    slowest = max(_percentile(times) for times in milliseconds.values())
    return Result("run history", figures, ratio=slowest / CEILING_MS, ceiling=1.0)


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda given: measure(given.runs, given.seconds), runs=RUNS, seconds=SECONDS))
