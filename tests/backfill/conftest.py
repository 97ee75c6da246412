"""A connected account at the sandbox, a workflow that its closings start, and closings of the past."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import pytest_asyncio
from tests.conftest import OpenBudget
from tests.fixtures.sandbox import Sandbox

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.secrets import SecretBox
from afterword.backfill import rows
from afterword.backfill.backfilling import Backfiller
from afterword.backfill.reading import reader
from afterword.backfill.rows import Backfill, Cause
from afterword.backfill.slices import Span
from afterword.gladly.webhooks import BasicCredentials, WebhookCredentials
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.matching import Inbox

CLOSED, REOPENED = "CONVERSATION/CLOSED", "CONVERSATION/REOPENED"


Life = tuple[Sequence[datetime], Sequence[datetime]]
"""When a conversation was closed, and when it was opened again."""


class Past:
    """Conversations of the past, put into the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._number = 0

    def conversation(
        self, *closings: datetime, reopenings: Sequence[datetime] = (), **more: object
    ) -> tuple[str, str]:
        """One that was closed, and opened again, at these times; answers the customer's id and its own."""
        return self.conversations([(closings, reopenings)], **more)[0]

    def conversations(self, lives: Sequence[Life], **more: object) -> list[tuple[str, str]]:
        """Many at once: their closings and reopenings."""
        told = []
        for closings, reopenings in lives:
            self._number += 1
            moments = [*closings, *reopenings]
            told.append(
                {
                    "customer": {"name": "Ada King", "email": f"{id(self)}.{self._number}@past.example"},
                    "startedAt": _text(min(moments) - timedelta(minutes=20)),
                    "closings": [{"at": _text(moment)} for moment in closings],
                    "reopenings": [{"at": _text(moment)} for moment in reopenings],
                    **more,
                }
            )
        put = self._sandbox.control("POST", "past-conversations", {"conversations": told})
        return [(one["customerId"], one["conversationId"]) for one in put["conversations"]]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


@pytest.fixture
def past(sandbox: Sandbox) -> Past:
    return Past(sandbox)


class Scene:
    """An installation with one Gladly account."""

    def __init__(self, database: Database, settings: Settings, account_id: str) -> None:
        self.database = database
        self.settings = settings
        self.account_id = account_id
        self.origin = f"gladly/{account_id}"
        self.box = SecretBox.open(settings)
        self.budget = OpenBudget()
        self.accounts = ConnectedAccounts(database, self.box, cast("RateBudget", self.budget), settings)
        self.backfiller = Backfiller(database, reader(self.accounts, settings), time_scale=0.001)
        self.inbox = Inbox(database, RunQueue(database))

    async def workflow(
        self, *, is_on: bool = True, task: str = "send-json-event", **configuration: Any
    ) -> str:
        """One that closings start."""
        definition = Definition(
            ConversationClosed(self.account_id), (Task("T-1", task, "Ask", configuration),)
        )
        async with self.database.transaction() as connection:
            return await add_workflow(connection, name="Ask", definition=definition, is_on=is_on)

    async def begin(
        self, since: datetime, until: datetime, *, cause: Cause = "asked", is_confirmed: bool = True
    ) -> Backfill:
        async with self.database.pool.acquire() as connection:
            begun = await rows.begin(
                connection, self.account_id, Span(since, until), cause=cause, is_confirmed=is_confirmed
            )
        assert begun is not None
        return begun

    async def backfill(self, since: datetime, until: datetime) -> Backfill:
        """Do one from its beginning to its end."""
        return await self.backfiller.work(await self.begin(since, until))

    async def deliver(
        self, conversation_id: str, at: datetime, event_type: str = CLOSED, event_id: str | None = None
    ) -> None:
        """What a webhook tells."""
        body = {
            "id": event_id or f"{event_type} {conversation_id} {at.isoformat()}",
            "type": event_type,
            "timestamp": at.isoformat(),
            "content": {"customerId": "cust", "conversationId": conversation_id},
        }
        await self.database.pool.execute(
            "INSERT INTO event (origin, type, deduplication_key, conversation_id, occurred_at, body) "
            "VALUES ($1, $2, convert_to($3, 'UTF8'), $4, $5, $6) ON CONFLICT DO NOTHING",
            self.origin,
            event_type,
            body["id"],
            conversation_id,
            at,
            msgspec.json.encode(body).decode(),
        )

    async def runs(self) -> list[tuple[str, datetime]]:
        """(conversation, when it was closed) of each run, the oldest closing first."""
        await self.inbox.drain()
        found = await self.database.pool.fetch(
            "SELECT event.conversation_id, event.occurred_at FROM run JOIN event ON event.id = run.event_id "
            "ORDER BY event.occurred_at, run.id"
        )
        return [(row["conversation_id"], row["occurred_at"]) for row in found]

    async def asked_about(self) -> list[str]:
        """The conversation of each run."""
        return [conversation for conversation, _ in await self.runs()]


@pytest_asyncio.fixture
async def scene(database: Database, sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Scene]:
    settings = Settings.load(
        {},
        data_dir=tmp_path,
        gladly_requests_per_second=1000,
        retry_time_scale=0.01,
        gladly_report_rows=100_000,
    )
    async with database.transaction() as connection:
        account = await add_gladly(
            connection,
            SecretBox.open(settings),
            name="Support",
            base_url=sandbox.url,
            username=sandbox.username,
            api_token=sandbox.api_token,
            webhook=WebhookCredentials((BasicCredentials("u", "p"),)),
        )
    made = Scene(database, settings, account.id)
    yield made
    await made.accounts.close()
