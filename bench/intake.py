"""How fast JSON events are taken in, each on disk before it is acknowledged.

The web half, its embedded PostgreSQL and the load generator share the machine. The ratio compares with a route of the
same server that parses the same body and stores nothing, in alternating rounds. No worker runs: events collect in
the inbox. Every body is another, so that nothing is a redelivery, and at the end there is a row for each answer.
"""

import asyncio
import statistics
import sys
from pathlib import Path

import msgspec

from afterword.settings import Settings
from afterword.store.database import Database
from support.installation import add_json_event_endpoint, connected, environment_of
from support.load import NUMBER, Counted, Round
from support.results import Figure, NotMeasured, Result, run
from support.servers import HOST, free_port, postgres, python, until_it_answers
from support.web_storing_nothing import PATH as STORES_NOTHING

CONNECTIONS = 32
PAIRS_OF_ROUNDS = 6
WARM_UP_SECONDS = 2.0
SECONDS = 30.0
LEAST_RATIO = 0.6
SUPPORT = Path(__file__).parent / "support"

BODY = msgspec.json.encode(
    {
        "customerId": "kRyP0lO3QTiS2xXdCaJ6Yg",
        "conversationId": NUMBER.decode(),
        "customerFirstName": "Robin",
        "customerLastNames": "van der Meulen",
        "customerEmailAddress": "robin.vandermeulen@customers.example",
        "agentId": "WfUqZmLJR0q4AaPzbMcsdQ",
        "inboxId": "f8ZkKj1uQ2qIEvBFJ2ZLNg",
    }
).decode()


class Generator:
    """The load generator's process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self._port = port

    async def go(self, path: str, headers: dict[str, str], seconds: float) -> Counted:
        """One round.

        Raises:
            NotMeasured: the server closed a connection, or refused a request.
        """
        wanted = Round(HOST, self._port, path, headers, BODY, CONNECTIONS, seconds)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(wanted) + b"\n")
        answer = await self._process.stdout.readline()
        if not answer:
            raise NotMeasured("the load generator broke off")
        counted = msgspec.json.decode(answer, type=Counted)
        if counted.refused:
            raise NotMeasured(f"{counted.refused} of the requests to {path.partition('?')[0]} were refused")
        return counted


async def measure(seconds: float) -> Result:
    """Measure for so many seconds in all, warm-up not counted.

    Raises:
        NotMeasured: something was refused, or what was acknowledged is not what is stored.
    """
    async with postgres() as server:
        settings = Settings(data_dir=server.data_dir, database_url=server.url, web_port=free_port())
        async with connected(settings) as database:
            endpoint = await add_json_event_endpoint(settings, database)
        environment = environment_of(settings)
        async with (
            python([str(SUPPORT / "web_storing_nothing.py")], environment) as web,
            python([str(SUPPORT / "load.py")], stdin=asyncio.subprocess.PIPE) as load,
        ):
            await until_it_answers(f"http://{HOST}:{settings.web_port}/health", web)
            rounds = await _rounds(
                Generator(load, settings.web_port), endpoint.path, endpoint.headers, seconds
            )
        accepted = sum(stored.accepted for _, stored in rounds)
        if (rows := await _events(server.url)) != accepted:
            raise NotMeasured(f"{accepted} events were acknowledged and {rows} are stored")
    return _result(rounds[1:], rows)


async def _rounds(
    generator: Generator, path: str, headers: dict[str, str], seconds: float
) -> list[tuple[Counted, Counted]]:
    """Rounds of both routes in turn, of which the first pair is for warming up."""
    rounds = []
    for number in range(PAIRS_OF_ROUNDS + 1):
        each = seconds / PAIRS_OF_ROUNDS / 2 if number else WARM_UP_SECONDS
        nothing_stored = await generator.go(STORES_NOTHING, headers, each)
        stored = await generator.go(path, headers, each)
        rounds.append((nothing_stored, stored))
        print(f"{_rate(nothing_stored):8.0f} {_rate(stored):8.0f} requests/s", file=sys.stderr)
    return rounds


def _result(rounds: list[tuple[Counted, Counted]], rows: int) -> Result:
    ratios = [_rate(stored) / _rate(nothing_stored) for nothing_stored, stored in rounds]
    return Result(
        "durable intake of JSON events",
        {
            "on disk, then acknowledged": Figure(
                statistics.median(_rate(stored) for _, stored in rounds), "events/s"
            ),
            "parsed, nothing stored": Figure(
                statistics.median(_rate(nothing) for nothing, _ in rounds), "requests/s"
            ),
            "lowest ratio of a pair of rounds": Figure(min(ratios), ""),
            "highest ratio of a pair of rounds": Figure(max(ratios), ""),
            "acknowledged, all of them found stored": Figure(rows, "events"),
        },
        ratio=statistics.median(ratios),
        floor=LEAST_RATIO,
    )


def _rate(counted: Counted) -> float:
    return counted.accepted / counted.seconds


async def _events(url: str) -> int:
    database = await Database.connect(url, name="afterword bench", pool_size=1)
    try:
        return int(await database.pool.fetchval("SELECT count(*) FROM event"))
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda given: measure(given.seconds), seconds=SECONDS))
