"""A thousand closings in a demo of its own while Gladly answers a fifth of the calls with 503, hangs up on a twentieth
after doing the work, and lets ten a second through: real limits, real waits between attempts.

All have to reach their outcome: each customer has one mail and, having answered, one card on the timeline; and no call
may be one too many for Gladly's limit. What is not so ends it with status 1. The waits for the unluckiest calls are
half an hour and more; ``--patience`` are the minutes that the whole is given. The ratio is the time that Gladly's limit
alone leaves for the calls that it took to mail 95 % of the customers, over the time that passed.
"""

import argparse
import asyncio
import re
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from afterword.demo.descriptor import Descriptor
from support.results import Figure, NotMeasured, Result, run
from support.servers import demo, demo_folder

CLOSINGS = 1000
PATIENCE_MINUTES = 150.0
ERRORS, HANG_UPS = 0.20, 0.05
CLOSED_A_SECOND = 9
AT_ONCE = 20
LOOK_EVERY_SECONDS = 1.0
GLADLYS_LIMIT = 10.0
MOST_SHARE = 0.95
T = TypeVar("T")
LINK = re.compile(r"http://\S+/jfe/form/\S+?score=5")


class Storm:
    """The customers of one going, and what came of them."""

    def __init__(self, described: Descriptor, http: aiohttp.ClientSession, count: int) -> None:
        self._demo = described
        self._http = http
        self._domain = f"{secrets.token_hex(6)}.example"
        self._login = {
            "Authorization": aiohttp.encode_basic_auth(described.gladly.username, described.gladly.api_token)
        }
        self.count = count
        self.customers: list[str] = []
        self.conversations: list[str] = []
        self.answered: set[str] = set()

    async def write_in(self) -> None:
        """Everybody writes."""

        async def one(number: int) -> None:
            customer = {"name": f"Kim {number}", "email": f"{number}@{self._domain}"}
            body = {"customer": customer, "text": "Where is my parcel?"}
            made = await self.gladly("POST", "/_sandbox/inbound-messages", body)
            self.customers.append(made["customerId"])
            self.conversations.append(made["conversationId"])

        await _all_of(one, range(self.count))

    async def begin(self) -> None:
        """From now on Gladly is in trouble."""
        for method in ("GET", "POST"):
            of = {"method": method}
            await self.gladly(
                "POST", "/_sandbox/faults", {"effect": "answer", "status": 503, "probability": ERRORS, **of}
            )
            await self.gladly(
                "POST", "/_sandbox/faults", {"effect": "drop", "when": "after", "probability": HANG_UPS, **of}
            )

    async def close_all(self) -> None:
        """Agents close one conversation after the other, as fast as Gladly lets them."""
        closed = {"status": {"value": "CLOSED", "force": True}}
        for conversation in self.conversations:
            began = time.perf_counter()
            await self.gladly("PATCH", f"/api/v1/conversations/{conversation}", closed)
            await asyncio.sleep(max(0.0, 1 / CLOSED_A_SECOND - (time.perf_counter() - began)))

    async def mails(self) -> list[dict[str, Any]]:
        """Every mail to these customers."""
        async with self._http.get(self._demo.mail.messages_url, params={"limit": "1000000"}) as answer:
            return [mail for mail in await answer.json() if mail["to"][0].endswith(f"@{self._domain}")]

    async def answer(self, mails: Iterable[dict[str, Any]]) -> None:
        """Each customer who has not clicks the score in the mail and sends it with a word."""
        mails = [mail for mail in mails if mail["to"][0] not in self.answered]

        async def one(mail: dict[str, Any]) -> None:
            form = {"QID1": "5", "QID2": "Quick"}
            link = LINK.findall(mail["text"])[0]
            async with self._http.post(link, data=form, allow_redirects=False) as answered:
                if answered.status != 303:
                    raise NotMeasured(f"an answer was answered with {answered.status}")
            self.answered.add(mail["to"][0])

        await _all_of(one, mails)

    async def is_settled(self) -> bool:
        """Whether no run is under way."""
        async with self._http.get(
            f"{self._demo.afterword.url}/api/v1/runs",
            params=[("status", "running"), ("status", "waiting"), ("limit", "1")],
            headers={"X-API-TOKEN": self._demo.qualtrics.api_token},
        ) as answer:
            return not (await answer.json())["runs"]

    async def calls(self, method: str) -> int:
        """How many calls of this method Gladly took."""
        faults = await self.gladly("GET", "/_sandbox/faults")
        return max(int(fault["matched"]) for fault in faults if fault["method"] == method)

    async def cards(self) -> Counter[int]:
        """How many customers have how many cards."""
        counts: list[int] = []

        async def one(customer: str) -> None:
            timeline = await self.gladly("GET", f"/_sandbox/customers/{customer}/timeline")
            counts.append(sum(item["content"]["type"] == "CUSTOMER_ACTIVITY" for item in timeline))

        await _all_of(one, self.customers)
        return Counter(counts)

    async def gladly(self, method: str, path: str, body: object = None) -> Any:
        async with self._http.request(
            method, f"{self._demo.gladly.url}{path}", json=body, headers=self._login
        ) as answer:
            answer.raise_for_status()
            return await answer.json() if answer.content_type == "application/json" else None


async def measure(given: argparse.Namespace) -> Result:
    """Go through one storm.

    Raises:
        NotMeasured: the demo did not start, or the storm did not end as it has to.
    """
    deadline = time.perf_counter() + 60 * given.patience
    with demo_folder() as folder:
        timeout = aiohttp.ClientTimeout(total=300)
        async with demo(folder) as running, aiohttp.ClientSession(timeout=timeout) as http:
            storm = Storm(running.descriptor, http, given.closings)
            await storm.write_in()
            await storm.begin()
            began = time.perf_counter()
            closing = asyncio.create_task(storm.close_all())
            most = await _until_mailed(storm, MOST_SHARE, began, deadline)
            calls = await storm.calls("GET")
            await closing
            last = await _until_mailed(storm, 1.0, began, deadline)
            while not await storm.is_settled():
                _check_time(deadline, "runs are still under way")
                await asyncio.sleep(LOOK_EVERY_SECONDS)
            settled = time.perf_counter() - began
            mails = await storm.mails()
            cards = await storm.cards()
            posts = await storm.calls("POST")
            too_many = _count(folder / "logs", "rate_budget_held")
    ids = {mail["headers"]["Message-ID"][0] for mail in mails}
    if (len(ids), cards) != (given.closings, Counter({1: given.closings})):
        raise NotMeasured(f"{given.closings} closings made {len(ids)} mails, and cards of customers: {cards}")
    return Result(
        f"{given.closings} closings while Gladly errs",
        {
            "95 % mailed after": Figure(round(most, 1), "s"),
            "the last mailed after": Figure(round(last, 1), "s"),
            "the last card after": Figure(round(settled, 1), "s"),
            "GETs that 95 % took": Figure(calls, "calls"),
            "POSTs for the cards": Figure(posts, "calls"),
            "calls too many for the limit (429)": Figure(too_many, "calls"),
        },
        ratio=calls / GLADLYS_LIMIT / most,
        floor=0.8,
    )


async def _until_mailed(storm: Storm, share: float, began: float, deadline: float) -> float:
    """Wait until so many are mailed, and have answered."""
    while len(storm.answered) < share * storm.count:
        await storm.answer(await storm.mails())
        _check_time(deadline, "not everybody was mailed")
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return time.perf_counter() - began


def _check_time(deadline: float, what: str) -> None:
    if time.perf_counter() > deadline:
        raise NotMeasured(f"{what} when patience was over")


def _count(logs: Path, event: str) -> int:
    """How many lines of the logs tell of this."""
    files = [file for file in logs.iterdir() if file.is_file()]
    return sum(file.read_text("utf-8", "replace").count(f'"event": "{event}"') for file in files)


async def _all_of(one: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
    """Do it for each, some at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def in_turn(item: T) -> None:
        async with room:
            await one(item)

    await asyncio.gather(*(in_turn(item) for item in items))


if __name__ == "__main__":
    sys.exit(run(__doc__, measure, closings=CLOSINGS, patience=PATIENCE_MINUTES))
