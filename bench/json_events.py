"""How many runs of *Send JSON event* one worker, and two, take to their end in a second.

Each run asks for a customer's profile and posts the event, both to a local sink that answers at once; the vendors'
limits are set out of the way, the budgets that keep them are asked all the same. Closings, each of another customer,
lie in the inbox, the workers empty it; database, workers and sink share the machine, so that a second worker has no
core of its own on two.
"""

import sys

from afterword.settings import Settings
from afterword.store.database import Database
from support.closings import SINK, add_closings, add_send_json_event, succeeded, until_succeeded
from support.installation import connected, environment_of, workers
from support.results import Figure, Result, run
from support.servers import HOST, free_port, postgres, python, until_it_answers

RUNS = 3000
PATIENCE_SECONDS = 120.0
NO_LIMIT = {
    "AFTERWORD_GLADLY_REQUESTS_PER_SECOND": "1000000",
    "AFTERWORD_QUALTRICS_REQUESTS_PER_MINUTE": "1000000",
    "AFTERWORD_INVITATIONS_PER_HOUR": "0",
}


async def measure(runs: int) -> Result:
    """Measure so many runs with one worker, and as many with two.

    Raises:
        NotMeasured: they did not come to their end in time.
    """
    async with postgres() as server:
        settings = Settings(data_dir=server.data_dir, database_url=server.url, web_port=free_port())
        port = free_port()
        async with (
            connected(settings) as database,
            python([str(SINK), str(port)]) as sink,
        ):
            await until_it_answers(f"http://{HOST}:{port}/health", sink)
            url = f"http://{HOST}:{port}"
            account = await add_send_json_event(
                settings, database, gladly_url=url, sink_url=url, login=("bench@bench.example", "bench")
            )
            rates = {}
            for count in (1, 2):
                async with workers(environment_of(settings, **NO_LIMIT), count):
                    await _runs_per_second(database, account, runs // 10, f"warm-{count}")
                    rates[count] = await _runs_per_second(database, account, runs, f"{count}")
    return Result(
        "runs of Send JSON event, each two calls",
        {
            "one worker": Figure(round(rates[1], 1), "runs/s"),
            "two workers": Figure(round(rates[2], 1), "runs/s"),
        },
        ratio=rates[2] / rates[1],
    )


async def _runs_per_second(database: Database, account: str, runs: int, label: str) -> float:
    wanted = runs + await succeeded(database)
    await add_closings(database, account, runs, label)
    return runs / await until_succeeded(database, wanted, PATIENCE_SECONDS)


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda given: measure(given.runs), runs=RUNS))
