"""Workflows, events and task types for tests of the engine."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
import pytest

from afterword.store.database import Database
from afterword.tasks.contract import Done, Piped, Plan, Repetition, TaskCall, Wait
from afterword.workflows.definitions import ConversationClosed, Definition, Event, JsonEvent, JsonField, Task
from afterword.workflows.saving.workflows import add_workflow


class Note(msgspec.Struct, frozen=True):
    """What the test's task type is configured with."""

    text: Annotated[str, Piped()] = ""


Behaviour = Callable[[TaskCall[Note]], Awaitable[Done | Wait]]


class Scripted:
    """A task type that does what the test says and remembers its calls."""

    name = "scripted"
    label = "Scripted"
    repetition = Repetition.IDEMPOTENT
    configuration = Note
    repeats_when_unknown = True

    def __init__(self) -> None:
        self.calls: list[TaskCall[Note]] = []
        self.behaviours: list[Behaviour] = []

    def then(self, result: Done | Wait | Exception) -> "Scripted":
        """Give this at the next call that has nothing to do yet."""

        async def behave(_: TaskCall[Note]) -> Done | Wait:
            if isinstance(result, Exception):
                raise result
            return result

        self.behaviours.append(behave)
        return self

    def outputs(self, _: Note) -> tuple[str, ...]:
        return ("text",)

    async def plan(self, _: TaskCall[Note]) -> Plan:
        return Plan({})

    async def run(self, call: TaskCall[Note]) -> Done | Wait:
        self.calls.append(call)
        if self.behaviours:
            return await self.behaviours.pop(0)(call)
        return await self.echo(call)

    async def echo(self, call: TaskCall[Note]) -> Done:
        """What it does when no other behaviour was asked for."""
        return Done({"text": call.configuration.text})


class Story:
    """Puts workflows and events into a database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def workflow(
        self,
        event: Event | None = None,
        tasks: Sequence[Task] = (Task("T-1", "scripted", "One"),),
        *,
        is_on: bool = True,
    ) -> str:
        async with self.database.transaction() as connection:
            return await add_workflow(
                connection,
                name="Test",
                definition=Definition(event or ConversationClosed("GA_1"), tuple(tasks)),
                is_on=is_on,
            )

    async def webhook(
        self,
        event_type: str = "CONVERSATION/CLOSED",
        *,
        at: datetime | None = None,
        conversation: str | None = "conv1",
        account: str = "GA_1",
    ) -> int:
        content = {"customerId": "cust1", "conversationId": conversation}
        body = {
            "id": "e1",
            "type": event_type,
            "timestamp": (at or datetime.fromisoformat("2026-11-23T12:00:00+00:00")).isoformat(),
            "initiator": {"id": "a1", "type": "AGENT"},
            "content": {**content, "context": {"assignee": {"inboxId": "inbox1", "agentId": "agent1"}}},
        }
        return await self.event(f"gladly/{account}", event_type, body, at=at, conversation=conversation)

    async def event(
        self,
        origin: str,
        event_type: str,
        body: object,
        *,
        at: datetime | None = None,
        conversation: str | None = None,
    ) -> int:
        event_id = await self.database.pool.fetchval(
            "INSERT INTO event (origin, type, body, occurred_at, conversation_id) VALUES ($1, $2, $3, $4, $5) "
            "RETURNING id",
            origin,
            event_type,
            msgspec.json.encode(body).decode(),
            at,
            conversation,
        )
        return int(event_id)

    async def verdicts(self) -> list[tuple[str, str | None]]:
        rows = await self.database.pool.fetch("SELECT status, reason_code FROM event ORDER BY id")
        return [(row["status"], row["reason_code"]) for row in rows]

    async def runs(self) -> list[tuple[int, str]]:
        """(event, status) of each run."""
        rows = await self.database.pool.fetch("SELECT event_id, status FROM run ORDER BY id")
        return [(row["event_id"], row["status"]) for row in rows]


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def json_event() -> JsonEvent:
    return JsonEvent("OC_1", (JsonField("customerId", "$.customerId"), JsonField("conversationId", "$.conv")))
