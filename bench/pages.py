"""How long each page of the web interface takes, and how large it is, at 100,000 Runs and 100,000 Responses.

Everything is made by SQL: a year of Responses, thrice as many invitations, Runs, an audit log. Then an owner who has
signed in asks the web half, as it is in production, for each page in turn, over one connection, and for a page that
says "ok". Pages are taken from the application's own addresses, so that a new one is measured without being entered
here; those that need something that is not there are told and left out. The ratio is the slowest page's median over
100 ms, or the largest page over 100 KB, whichever is worse. Sizes are those of the page as it is sent: nothing is
compressed.
"""

import re
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec
from rich.console import Console
from rich.table import Table

from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.people import add_person
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.workflows.starting.endpoints import make_endpoint
from support.installation import connected, environment_of
from support.many_responses import make_responses
from support.many_runs import SURVEY, make_runs
from support.results import Figure, NotMeasured, Result, run
from support.servers import HOST, free_port, postgres, python, until_it_answers
from support.web_saying_ok import ADDRESSES, OK

NUMBER = 100_000
TIMES = 30
WARM_UP = 2
MOST_MS = 100.0
MOST_KB = 100.0
OTHER_DOORS = re.compile(
    r"/(api|API|inbound-event|webhooks|static|jfe|opt-out|bench|metrics|health|sign-in|sign-out|welcome)(/|$)"
    r"|/stream$|\.csv$|/preview$|^/workflows/new/{kind"
)
"""What is no page of somebody who has signed in."""
FILLED_IN = {
    "run_id": "99000",
    "survey_id": SURVEY,
    "workflow_id": "OC_wf1",
    "kind": "gladly",
    "step_id": "gladly",
    "what": "rotate",
}
"""What stands in placeholders; some more are found out."""
A_REPLAY = (
    "INSERT INTO replay (what, from_task, total, finished_at) VALUES ('1 Run', '', 1, now()) RETURNING id"
)
MORE = {
    "/?days=7": "Home, 7 days",
    "/?days=28": "Home, 28 days",
    f"/results/{SURVEY}?period=all": "Results, all time",
    f"/results/{SURVEY}?period=all&inbox=inbox0": "Results, all time, the largest Inbox",
    f"/results/{SURVEY}?period=all&agent=agent7": "Results, all time, an Agent",
    f"/results/{SURVEY}?period=all&score=1&score=2": "Results, all time, two scores",
    f"/results/{SURVEY}?period=all&comment=with": "Results, all time, with a comment",
    f"/results/{SURVEY}?period=365&by=month": "Results, a year by months",
    "/workflows/runs?status=failed": "Run history, failed",
    "/workflows/new/ask": "A new Workflow from a template",
    "/workflows/new/schedule": "A new Workflow on a schedule",
    "/workflows/runs?search=last77": "Run history, searched",
    "/workflows/explain?q={response_id:str}": "Explain, a Response",
    "/workflows/explain?q=first7.last7%40mail7.example": "Explain, an address",
}
"""Pages of which the slowest are known to be others than the plain address."""
PLACEHOLDER = re.compile(r"{(\w+):\w+}")
TOKEN = re.compile(r'name="_csrf_token" value="([0-9a-f]+)"')
EMAIL, PASSWORD = "owner@bench.example", "a long password of the bench"


class Seen(msgspec.Struct, frozen=True):
    """A page: how long each answer took, and how large it was."""

    milliseconds: list[float]
    kilobytes: float

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def most(self) -> float:
        """The 99th percentile."""
        return sorted(self.milliseconds)[int(len(self.milliseconds) * 0.99)]


async def measure(number: int, times: int) -> Result:
    """Make so many Runs and Responses, and ask for each page so many times.

    Raises:
        NotMeasured: nobody could sign in, or no page was there.
    """
    async with postgres() as server:
        settings = Settings(data_dir=server.data_dir, database_url=server.url, web_port=free_port())
        async with connected(settings) as database:
            began = time.monotonic()
            await make_runs(server.url, number)
            await make_responses(server.url, number)
            print(f"made in {time.monotonic() - began:.0f} s", file=sys.stderr)
            filled_in = await _sign_up(settings, database)
        web = f"http://{HOST}:{settings.web_port}"
        program = Path(__file__).parent / "support" / "web_saying_ok.py"
        jar = aiohttp.CookieJar(unsafe=True)
        async with (
            python([str(program)], environment_of(settings)) as process,
            aiohttp.ClientSession(web, cookie_jar=jar) as session,
        ):
            await until_it_answers(f"{web}/health", process)
            await _sign_in(session)
            pages = await _pages(session, filled_in)
            seen = await _ask(session, {OK: "ok", **pages}, times)
    _tell(seen)
    return _result(number, seen)


async def _sign_up(settings: Settings, database: Database) -> Mapping[str, str]:
    """Make the owner and an account; answers what stands in placeholders."""
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        owner = await add_person(connection, email=EMAIL, name="Owner", role="owner", password=PASSWORD)
        account = await add_gladly(
            connection, box, name="Bench", base_url="http://127.0.0.1:1", username="bench", api_token="bench"
        )
        endpoint_id = await make_endpoint(connection, box, person_id=owner.id)
    response_id = await database.pool.fetchval("SELECT id FROM response ORDER BY recorded_at LIMIT 1")
    replay_id = await database.pool.fetchval(A_REPLAY)
    found = {
        "person_id": owner.id,
        "account_id": account.id,
        "response_id": response_id,
        "endpoint_id": endpoint_id,
        "replay_id": str(replay_id),
    }
    return FILLED_IN | found


async def _sign_in(session: aiohttp.ClientSession) -> None:
    async with session.get("/sign-in") as answer:
        token = TOKEN.search(await answer.text())
    if token is None:
        raise NotMeasured("the page to sign in has no form")
    form = {"_csrf_token": token[1], "email": EMAIL, "password": PASSWORD}
    async with session.post("/sign-in", data=form) as answer:
        if answer.url.path != "/":
            raise NotMeasured(f"the owner could not sign in: {answer.status} at {answer.url.path}")


async def _pages(session: aiohttp.ClientSession, filled_in: Mapping[str, str]) -> dict[str, str]:
    """Each address to ask for, with what it is called."""
    async with session.get(ADDRESSES) as answer:
        paths: list[str] = await answer.json()
    wanted = {path: path for path in paths if not OTHER_DOORS.search(path)}
    named = {
        PLACEHOLDER.sub(lambda match: filled_in.get(match[1], "none"), path): name
        for path, name in {**wanted, **MORE}.items()
    }
    found: dict[str, str] = {}
    for address, name in named.items():
        async with session.get(address, allow_redirects=False) as answer:
            if answer.status == 200:
                found[address] = name
            else:
                print(f"not measured: {answer.status} at {address}", file=sys.stderr)
    if not found:
        raise NotMeasured("no page is there")
    return found


async def _ask(session: aiohttp.ClientSession, pages: Mapping[str, str], times: int) -> dict[str, Seen]:
    """Ask for each page in turn, so many times."""
    milliseconds: dict[str, list[float]] = {name: [] for name in pages.values()}
    sizes: dict[str, int] = {}
    for number in range(WARM_UP + times):
        for address, name in pages.items():
            began = time.perf_counter()
            async with session.get(address) as answer:
                body = await answer.read()
            took = time.perf_counter() - began
            if answer.status != 200:
                raise NotMeasured(f"{answer.status} at {address}")
            if number >= WARM_UP:
                milliseconds[name].append(1000 * took)
            sizes[name] = len(body)
    return {name: Seen(taken, sizes[name] / 1000) for name, taken in milliseconds.items()}


def _tell(seen: Mapping[str, Seen]) -> None:
    """Everything that was measured, the slowest first."""
    table = Table("Page", "Median, ms", "99 %, ms", 'of "ok"', "KB")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, one in sorted(seen.items(), key=lambda pair: -pair[1].median):
        share = one.median / seen["ok"].median
        table.add_row(name, f"{one.median:.1f}", f"{one.most:.1f}", f"{share:.0f}", f"{one.kilobytes:.0f}")
    Console(stderr=True, width=120).print(table)


def _result(number: int, seen: Mapping[str, Seen]) -> Result:
    ok = seen["ok"].median
    pages = {name: one for name, one in seen.items() if name != "ok"}
    slowest = max(pages, key=lambda name: pages[name].median)
    largest = max(pages, key=lambda name: pages[name].kilobytes)
    figures = {
        "Runs, and as many Responses": Figure(number, ""),
        "pages": Figure(len(pages), "pages"),
        '"ok"': Figure(ok, "ms"),
        "median of all medians": Figure(statistics.median(one.median for one in pages.values()), "ms"),
        f"slowest: {slowest}": Figure(pages[slowest].median, "ms"),
        "the same, of a page that says ok": Figure(pages[slowest].median / ok, "times"),
        "slowest 99 %": Figure(max(one.most for one in pages.values()), "ms"),
        f"largest: {largest}": Figure(pages[largest].kilobytes, "KB"),
    }
    ratio = max(pages[slowest].median / MOST_MS, pages[largest].kilobytes / MOST_KB)
    return Result("pages", figures, ratio=ratio, ceiling=1.0)


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda given: measure(given.number, given.times), number=NUMBER, times=TIMES))
