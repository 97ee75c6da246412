"""How fast JSON events are taken in, each on disk before it is acknowledged.

The web half, its embedded PostgreSQL and the load generator share the machine. The ratio compares with a route of the
same server that parses the same body and stores nothing, in alternating rounds. No worker runs: events collect in
the inbox. Every body is another, so that nothing is a redelivery, and at the end there is a row for each answer.
"""

import asyncio
import statistics
import sys
import uuid
from pathlib import Path

import msgspec

from afterword.accounts.api_tokens import add_api_token
from afterword.accounts.people import add_person
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.identifiers import new_id
from afterword.store.migrations import migrate
from afterword.workflows.endpoints import add_endpoint
from support.load import NUMBER, Counted, Round
from support.results import Figure, Result, arguments, tell
from support.servers import HOST, NotMeasured, free_port, postgres, python, until_it_answers
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
        path, headers = await _add_endpoint(settings, server.url)
        environment = {
            "AFTERWORD_DATA_DIR": str(settings.data_dir),
            "AFTERWORD_DATABASE_URL": server.url,
            "AFTERWORD_WEB_PORT": str(settings.web_port),
        }
        async with (
            python([str(SUPPORT / "web_storing_nothing.py")], environment) as web,
            python([str(SUPPORT / "load.py")], stdin=asyncio.subprocess.PIPE) as load,
        ):
            await until_it_answers(f"http://{HOST}:{settings.web_port}/health", web)
            rounds = await _rounds(Generator(load, settings.web_port), path, headers, seconds)
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


async def _add_endpoint(settings: Settings, url: str) -> tuple[str, dict[str, str]]:
    """Make a JSON Event endpoint; answers its path and the headers that it asks for."""
    await migrate(url)
    database = await Database.connect(url, name="afterword bench", pool_size=1)
    box = SecretBox.open(settings)
    url_token = str(uuid.uuid4())
    try:
        async with database.transaction() as connection:
            await check_secret_key(connection, box)
            owner = await add_person(connection, email="owner@bench.example", name="Owner", role="owner")
            api_token = await add_api_token(connection, owner.id, "bench")
            await add_endpoint(
                connection, box, endpoint_id=new_id("OC"), person_id=owner.id, url_token=url_token
            )
    finally:
        await database.close()
    path = f"/inbound-event/v1/events/json/triggers?urlTokenId={url_token}"
    return path, {"content-type": "application/json", "x-api-token": api_token}


async def _events(url: str) -> int:
    database = await Database.connect(url, name="afterword bench", pool_size=1)
    try:
        return int(await database.pool.fetchval("SELECT count(*) FROM event"))
    finally:
        await database.close()


def main() -> int:
    """Measure and tell."""
    given = arguments(__doc__, seconds=SECONDS)
    try:
        tell(asyncio.run(measure(given.seconds)), as_json=given.json)
    except NotMeasured as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
