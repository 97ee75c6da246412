"""The whole way once, without a browser: what a person would do by hand, over HTTP and SMTP."""

import asyncio
import re
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import msgspec

from afterword.demo.descriptor import Descriptor

T = TypeVar("T")

RUNS = 3
"""One for the closing, one for the JSON event, one for the response."""
STEP_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.005
SCORE = "5"
COMMENT = "Quick, kind and to the point."
LINK = re.compile(r"http://\S+/jfe/form/\S+")


class Run(msgspec.Struct, frozen=True):
    """A run of the way."""

    id: int
    workflow: str | None
    status: str
    duration: float | None


class Step(msgspec.Struct, frozen=True):
    """A step; ``seconds`` since the step before."""

    name: str
    seconds: float


class Summary(msgspec.Struct, frozen=True):
    """What ``--json`` prints."""

    conversation_id: str
    customer_id: str
    response_id: str
    timeline_item_id: str
    runs: list[Run]
    steps: list[Step]


class StepDidNotComeAbout(Exception):
    """A step was waited for in vain."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(words)
        self.name = name


async def go(demo: Descriptor, *, as_json: bool) -> int:
    """Go the way in this demo and tell of it; answers the exit status."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=STEP_SECONDS)) as http:
        way = Way(demo, http, quiet=as_json)
        try:
            summary = await way.go()
        except StepDidNotComeAbout as error:
            sys.stderr.write(f"{error.name} did not come about within {STEP_SECONDS:.0f} s: {error}\n")
            sys.stderr.write(await way.what_run_history_says())
            return 1
    if as_json:
        sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
    else:
        total = sum(step.seconds for step in summary.steps)
        sys.stdout.write(
            f"The loop is closed: {len(summary.runs)} runs, {total * 1000:.0f} ms in all, "
            f"timeline item {summary.timeline_item_id}\n"
        )
    return 0


class Way:
    """One going of the way."""

    def __init__(self, demo: Descriptor, http: aiohttp.ClientSession, *, quiet: bool) -> None:
        self._demo = demo
        self._http = http
        self._quiet = quiet
        self._steps: list[Step] = []
        self._since = 0.0
        self._conversation_id = ""
        self._gladly = {
            "Authorization": aiohttp.encode_basic_auth(demo.gladly.username, demo.gladly.api_token)
        }

    async def go(self) -> Summary:
        """Go it.

        Raises:
            StepDidNotComeAbout: a step was waited for in vain.
        """
        address = f"rehearsal-{secrets.token_hex(6)}@customers.example"
        customer_id, self._conversation_id = await self._write_in(address)
        self._since = time.perf_counter()
        await self._step("close", self._close)
        await self._step("json_event", lambda: self._run_of("JSON Event"))
        mail = await self._step("mail", lambda: self._mail_to(address))
        await self._step("answer", lambda: self._answer(mail["text"]))
        run = await self._step("timeline", lambda: self._timeline(customer_id))
        return Summary(
            conversation_id=self._conversation_id,
            customer_id=customer_id,
            response_id=run["responseId"],
            timeline_item_id=run["itemId"],
            runs=await self._runs_done(),
            steps=self._steps,
        )

    async def what_run_history_says(self) -> str:
        """The runs of this conversation, a line each."""
        try:
            runs = await self._runs()
        except aiohttp.ClientError as error:
            return f"Run history does not answer: {error}\n"
        lines = [
            f"  run {run['id']}: {run['workflow']}: {run['status']}"
            + (f", {run['reason']}" if run["reason"] else "")
            for run in runs
        ]
        return "Run history says:\n" + ("\n".join(lines) or "  no run of this conversation") + "\n"

    async def _step(self, name: str, done: Callable[[], Awaitable[T | None]]) -> T:
        """Try until it is done; tell how long that took."""
        last_error = "nothing came"
        deadline = time.perf_counter() + STEP_SECONDS
        while time.perf_counter() < deadline:
            try:
                result = await done()
            except (aiohttp.ClientError, TimeoutError) as error:
                result, last_error = None, str(error) or type(error).__name__
            if result is not None:
                now = time.perf_counter()
                step = Step(name, round(now - self._since, 4))
                self._since = now
                self._steps.append(step)
                if not self._quiet:
                    sys.stdout.write(f"{name:<11}{step.seconds * 1000:8.0f} ms\n")
                    sys.stdout.flush()
                return result
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise StepDidNotComeAbout(name, last_error)

    async def _write_in(self, address: str) -> tuple[str, str]:
        """A new customer writes; Gladly's API cannot do that, so the sandbox has an address of its own for it."""
        message = {"customer": {"name": "Robin Rehearsal", "email": address}, "text": "Where is my parcel?"}
        async with self._http.post(
            f"{self._demo.gladly.url}/_sandbox/inbound-messages", json=message, headers=self._gladly
        ) as answer:
            answer.raise_for_status()
            told = await answer.json()
        return told["customerId"], told["conversationId"]

    async def _close(self) -> bool:
        async with self._http.patch(
            f"{self._demo.gladly.url}/api/v1/conversations/{self._conversation_id}",
            json={"status": {"value": "CLOSED", "force": True}},
            headers=self._gladly,
        ) as answer:
            answer.raise_for_status()
        return True

    async def _run_of(self, event_type: str) -> dict[str, Any] | None:
        """The run that an event of this type started, if there is one yet."""
        return next((run for run in await self._runs() if run["event_type"] == event_type), None)

    async def _mail_to(self, address: str) -> dict[str, Any] | None:
        async with self._http.get(
            self._demo.mail.messages_url, params={"to": address, "limit": "1"}
        ) as answer:
            answer.raise_for_status()
            mails: list[dict[str, Any]] = await answer.json()
        return mails[0] if mails else None

    async def _answer(self, text: str) -> bool:
        """Open the link of the score, as a click does, and press the button."""
        links = [link for link in LINK.findall(text) if link.endswith(f"score={SCORE}")]
        async with self._http.get(links[0]) as page:
            page.raise_for_status()
        form = {"QID1": SCORE, "QID2": COMMENT}
        async with self._http.post(links[0], data=form) as answer:
            answer.raise_for_status()
        return True

    async def _timeline(self, customer_id: str) -> dict[str, str] | None:
        """What the last run put onto the timeline, once it stands there."""
        run = await self._run_of("Survey Response")
        if run is None or run["status"] != "succeeded":
            return None
        history = await self._get(f"/api/v1/runs/{run['id']}")
        output: dict[str, str] = history["tasks"][0]["attempts"][-1]["output"]
        async with self._http.get(
            f"{self._demo.gladly.url}/api/v1/conversation-items/{output['itemId']}", headers=self._gladly
        ) as answer:
            answer.raise_for_status()
            item = await answer.json()
        if item["customerId"] != customer_id or item["content"]["title"] != f"CSAT Score: {SCORE}":
            raise aiohttp.ClientPayloadError(f"the timeline item {output['itemId']} is not ours")
        return output

    async def _runs_done(self) -> list[Run]:
        """The three runs, each at its end: a step may be seen before its run's own end is, which is written down with
        those of others; until then a run may not be known to be of this conversation.
        """
        runs = await self._runs()
        deadline = time.perf_counter() + STEP_SECONDS
        while sum(run["finished_at"] is not None for run in runs) < RUNS and time.perf_counter() < deadline:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            runs = await self._runs()
        return [
            Run(run["id"], run["workflow"], run["status"], run["duration_seconds"]) for run in reversed(runs)
        ]

    async def _runs(self) -> list[dict[str, Any]]:
        page = await self._get("/api/v1/runs", conversation=self._conversation_id)
        runs: list[dict[str, Any]] = page["runs"]
        return runs

    async def _get(self, path: str, **query: str) -> Any:
        async with self._http.get(
            f"{self._demo.afterword.url}{path}",
            params=query,
            headers={"X-API-TOKEN": self._demo.qualtrics.api_token},
        ) as answer:
            answer.raise_for_status()
            return await answer.json()
