"""The guide's whole way in one process, with the sandbox as Gladly: each call of it can go wrong by itself.

Calls to Gladly go wrong in the sandbox, by the customer's path; the JSON event and the mail go wrong in servers of
here, by conversation and by address.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.workers import at_work

from afterword import worker
from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.qualtrics_accounts import add_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.accounts.standing import Policy
from afterword.directory.contacts import add_mailing_list
from afterword.outgoing.calls import Caller
from afterword.settings import Settings
from afterword.store import queue
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey, get_survey
from afterword.surveys.responses import record_response
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    JsonEvent,
    JsonField,
    SurveyResponse,
    Task,
)
from afterword.workflows.saving.workflows import add_workflow

KEY = "one key of the tests that is long enough"
FIELDS = (
    "customerId",
    "conversationId",
    "customerFirstName",
    "customerLastNames",
    "customerEmailAddress",
    "agentId",
    "inboxId",
)
IMPATIENT_SECONDS = 1.5
PATH_OF = {
    "profile": "/api/v1/customer-profiles/{customer}",
    "conversation": "/api/v1/conversations/{conversation}",
    "item": "/api/v1/customers/{customer}/conversation-items",
}
METHOD_OF = {"profile": "GET", "conversation": "GET", "item": "POST"}
NUDGE = """
UPDATE account_availability SET next_probe_at = now(), run_let_go_at = NULL WHERE (account_id, call) IN (
    SELECT account_id, call FROM account_availability FOR UPDATE SKIP LOCKED)
"""
SOON = Policy(first_probe=0.1, longest_pause_down=0.2, longest_pause_refused=0.2)

Fault = Mapping[str, Any]


class Outcome(msgspec.Struct, frozen=True):
    """How a conversation came out: each workflow's run, how many mails the customer has, how many cards are there."""

    runs: Mapping[str, str]
    mails: int = 0
    cards: int = 0


ASKED = {"tell": "succeeded", "ask": "succeeded", "post": "succeeded"}
WHOLE = Outcome(ASKED, mails=1, cards=1)


class Door:
    """Stands before our own JSON Event endpoint, and lets the event of a conversation go wrong once."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.faults: dict[str, Fault] = {}
        self.http: aiohttp.ClientSession | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fault = self.faults.pop(msgspec.json.decode(body).get("conversationId", ""), None)
        if fault is None:
            return await self._forward(request, body)
        if fault.get("when") == "after":
            await self._forward(request, body)
        match fault["effect"]:
            case "answer":
                headers = {"Retry-After": "1"} if fault.get("retryAfter") else {}
                return web.Response(status=fault["status"], headers=headers, text=fault.get("text", ""))
            case "garble":
                return web.Response(text="<html>Just a moment</html>", content_type="text/html")
            case "hang":
                await asyncio.sleep(IMPATIENT_SECONDS + 1)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        assert self.http is not None
        names = ("X-API-TOKEN", "Idempotency-Key", "Content-Type")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        async with self.http.post(self.target, data=body, headers=headers) as answer:
            return web.Response(
                status=answer.status, body=await answer.read(), content_type=answer.content_type
            )


class PostOffice:
    """A mail server that lets the mail to an address go wrong once, and counts what it took by Message-ID."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        self.taken: defaultdict[str, Counter[str]] = defaultdict(Counter)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        fault = self.faults.get(address, {})
        if fault.get("at") == "recipient":
            self.faults.pop(address)
            return str(fault["says"])
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        (address,) = envelope.rcpt_tos
        fault = self.faults.pop(address, {})
        if fault.get("at") == "data":
            return str(fault["says"])
        if fault.get("at") != "before":
            content = envelope.content or b""
            text = content.decode(errors="replace") if isinstance(content, bytes) else content
            self.taken[address][text.partition("Message-ID: ")[2].partition("\r\n")[0]] += 1
        if fault:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


def be_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process wait for an answer for so short a time that calls which hang cost a test little."""
    defaults = Caller.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "total_seconds", IMPATIENT_SECONDS)


def make_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a worker of this process look more often at what it looks at once in a while."""
    for name in ("LOOK_EVERY_SECONDS", "SWEEP_EVERY_SECONDS"):
        monkeypatch.setattr(worker, name, 0.1)
    monkeypatch.setattr(queue, "SWEEP_GRACE", timedelta(seconds=0.1))


class WholeWay:
    """An installation that asks after each closing and puts each answer on the timeline."""

    def __init__(self, database: Database, sandbox: Sandbox, settings: Settings) -> None:
        self.database = database
        self.sandbox = sandbox
        self.settings = settings
        self.box = SecretBox.open(settings)
        self.door = Door("")
        self.post_office = PostOffice()
        self.account = self.survey = ""
        self.people: dict[str, tuple[str, str]] = {}
        """Customer and conversation, by name."""

    async def set_up(self, endpoint_id: str, json_event_url: str, api_token: str) -> None:
        async with self.database.transaction() as connection:
            gladly = await add_gladly(
                connection,
                self.box,
                name="Sandbox",
                base_url=self.sandbox.url,
                username=self.sandbox.username,
                api_token=self.sandbox.api_token,
            )
            qualtrics = await add_qualtrics(
                connection, self.box, name="Own", api_token=api_token, json_event_url=json_event_url
            )
            self.account = gladly.id
            self.survey = await add_survey(connection, name="CSAT", definition=csat_survey())
            mailing_list = await add_mailing_list(connection, name="Asked")
            for name, event, task_type, configuration in (
                (
                    "tell",
                    ConversationClosed(gladly.id),
                    "send-json-event",
                    {"gladly_account": gladly.id, "qualtrics_account": qualtrics.id},
                ),
                (
                    "ask",
                    JsonEvent(endpoint_id, tuple(JsonField(field, f"$.{field}") for field in FIELDS)),
                    "distribute-survey",
                    {
                        "mailing_list": mailing_list,
                        "first_name": "~{aedj://customerFirstName}",
                        "last_name": "~{aedj://customerLastNames}",
                        "email": "~{aedj://customerEmailAddress}",
                        "embedded_data": [
                            {"field": field, "value": f"~{{aedj://{field}}}"}
                            for field in ("customerId", "conversationId")
                        ],
                        "survey": self.survey,
                    },
                ),
                (
                    "post",
                    SurveyResponse(self.survey),
                    "gladly-timeline-event",
                    {"account": gladly.id, "customer_id": "${e://Field/CustomerId}"},
                ),
            ):
                await add_workflow(
                    connection,
                    name=name,
                    definition=Definition(event, (Task("T-1", task_type, name, configuration),)),
                )

    def address(self, name: str) -> str:
        return f"{name}@{self.settings.mail_from.partition('@')[2]}"

    async def know(self, names: Sequence[str]) -> None:
        """Have these people written in."""
        for name in names:
            self.people[name] = await asyncio.to_thread(
                self.sandbox.new_customer, f"Kim {name}", self.address(name)
            )

    def let_go_wrong(self, name: str, call: str, fault: Fault) -> None:
        """Let this call go wrong once for this customer."""
        customer, conversation = self.people[name]
        if call == "event":
            self.door.faults[conversation] = fault
        elif call == "mail":
            self.post_office.faults[self.address(name)] = fault
        else:
            path = PATH_OF[call].format(customer=customer, conversation=conversation)
            self.sandbox.control(
                "POST", "faults", {"times": 1, "method": METHOD_OF[call], "path": path, **fault}
            )

    async def close(self, *, without_assignee: frozenset[str] = frozenset()) -> None:
        """Gladly tells of everybody's closing, by the inbox."""
        bodies, conversations = [], []
        for name, (customer, conversation) in self.people.items():
            context = {} if name in without_assignee else {"assignee": {"inboxId": "i1", "agentId": "a1"}}
            body = {
                "id": f"closing of {name}",
                "type": "CONVERSATION/CLOSED",
                "timestamp": "{now}",
                "initiator": {"id": "a1", "type": "AGENT"},
                "content": {"customerId": customer, "conversationId": conversation, "context": context},
            }
            bodies.append(msgspec.json.encode(body).decode())
            conversations.append(conversation)
        await self.database.pool.execute(
            "INSERT INTO event (origin, type, body, conversation_id, occurred_at) SELECT 'gladly/' || $1, "
            "'CONVERSATION/CLOSED', replace(body, '{now}', to_char(now() AT TIME ZONE 'UTC', "
            '\'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\')), conversation, now() '
            "FROM unnest($2::text[], $3::text[]) AS told (body, conversation)",
            self.account,
            bodies,
            conversations,
        )

    async def answer(self) -> None:
        """Everybody who was asked answers."""
        rows = await self.database.pool.fetch(
            "SELECT id, embedded_data FROM invitation WHERE sent_at IS NOT NULL"
        )
        async with self.database.transaction() as connection:
            survey = await get_survey(connection, self.survey)
            assert survey is not None
            for row in rows:
                await record_response(
                    connection,
                    survey,
                    invitation_id=row["id"],
                    answers={"QID1": 5, "QID2_TEXT": "Quick"},
                    embedded_data=msgspec.json.decode(row["embedded_data"]),
                )

    async def is_settled(self) -> bool:
        """Whether nothing is under way; whoever waits for an account that is held gets to try it."""
        await self.database.pool.execute(NUDGE)
        return not await self.database.pool.fetchval(
            "SELECT EXISTS (SELECT FROM event WHERE status = 'received') "
            "OR EXISTS (SELECT FROM run WHERE status IN ('running', 'waiting'))"
        )

    async def outcomes(self) -> dict[str, Outcome]:
        """How everybody's conversation came out."""
        rows = await self.database.pool.fetch(
            "SELECT conversation_id, workflow.name, concat_ws(' ', run.status, reason_code) AS how "
            "FROM run JOIN workflow ON workflow.id = workflow_id ORDER BY run.id"
        )
        runs: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for row in rows:
            of_conversation = runs[row["conversation_id"]]
            assert row["name"] not in of_conversation, f"two runs of {row['name']}"
            of_conversation[row["name"]] = row["how"]
        return {
            name: Outcome(
                runs[conversation],
                mails=len(self.post_office.taken[self.address(name)]),
                cards=await asyncio.to_thread(self.cards, customer),
            )
            for name, (customer, conversation) in self.people.items()
        }

    def cards(self, customer: str) -> int:
        timeline = self.sandbox.control("GET", f"customers/{customer}/timeline")
        return sum(item["content"]["type"] == "CUSTOMER_ACTIVITY" for item in timeline)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker in this process until the block ends."""
        working = worker.Worker(self.settings, self.database, self.box)
        working._accounts.availability.policy = SOON
        async with at_work(working):
            yield


@asynccontextmanager
async def whole_way(
    start_afterword: Callable[[], Awaitable[Any]],
    sandbox: Sandbox,
    data_dir: Path,
    domain: str,
    **settings: object,
) -> AsyncIterator[WholeWay]:
    """Everything served and set up."""
    afterword = await start_afterword()
    async with contextlib.AsyncExitStack() as stack:
        post_office = PostOffice()
        mails = await asyncio.get_running_loop().create_server(lambda: SMTP(post_office), "127.0.0.1", 0)
        await stack.enter_async_context(mails)
        way = WholeWay(
            afterword.database,
            sandbox,
            Settings.load(
                {},
                data_dir=data_dir,
                secret_key=KEY,
                public_url=afterword.url,
                smtp_port=mails.sockets[0].getsockname()[1],
                smtp_security="none",
                mail_from=f"survey@{domain}",
                allow_private_addresses=True,
                qualtrics_requests_per_minute=60_000,
                **settings,
            ),
        )
        way.post_office = post_office
        way.door.target = afterword.url + afterword.json_event_path
        way.door.http = await stack.enter_async_context(aiohttp.ClientSession())
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", way.door.handle)
        runner = web.AppRunner(application, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{afterword.json_event_path}"
        await way.set_up(afterword.endpoint_id, url, afterword.api_token)
        yield way
