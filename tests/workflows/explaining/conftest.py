"""The whole way of a conversation, gone by the engine with task types that need no vendor."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest

from afterword.directory.contacts import add_mailing_list, add_to_list
from afterword.distributions.invitations import Letter, invite, mark_sent
from afterword.events.models import senders_key
from afterword.outcomes import Outcome
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.surveys.changing import change_response
from afterword.surveys.definitions import add_survey, csat_survey, get_survey
from afterword.surveys.models import Sitting
from afterword.surveys.responses import record_response
from afterword.tasks.contract import Done, Piped, Plan, Repetition, TaskCall, Wait
from afterword.workflows.conditions import Group
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    Event,
    JsonEvent,
    JsonField,
    SurveyResponse,
    Task,
)
from afterword.workflows.explaining.explain import explain
from afterword.workflows.explaining.models import Explanation, Story
from afterword.workflows.running.engine import RunEngine
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.matching import Inbox

ADA = "ada@example.org"
FIELDS = ("customerId", "conversationId", "customerFirstName", "customerLastNames", "customerEmailAddress")


class Nothing(msgspec.Struct, frozen=True):
    """A task without configuration."""

    email: Annotated[str, Piped()] = ""


class Stub:
    """What the task types of these tests have in common; ``trouble`` are the errors that the next calls end in."""

    repetition = Repetition.IDEMPOTENT
    repeats_when_unknown = True
    configuration = Nothing

    def __init__(self, way: "Way") -> None:
        self.way = way
        self.trouble: list[Outcome] = []

    def outputs(self, _: Nothing) -> None:
        return None

    async def plan(self, _: TaskCall[Nothing]) -> Plan:
        return Plan({})

    async def run(self, call: TaskCall[Nothing]) -> Done | Wait:
        if self.trouble:
            raise self.trouble.pop(0)
        return await self.do(call)

    async def do(self, call: TaskCall[Nothing], /) -> Done | Wait:
        raise NotImplementedError


class Teller(Stub):
    """Sends a JSON event, as *Send JSON event* does: to an endpoint of ours, which knows it by the task's key."""

    name = label = "teller"

    async def do(self, call: TaskCall[Nothing], /) -> Done:
        fields = {
            "customerId": call.fields["customerId"],
            "conversationId": call.fields["conversationId"],
            "customerFirstName": "Ada",
            "customerLastNames": "Lovelace",
            "customerEmailAddress": self.way.email,
        }
        if self.way.is_ours:
            await self.way.database.pool.execute(
                "INSERT INTO event (origin, type, body, deduplication_key) "
                "VALUES ('json-event/OC_asks', 'JSON Event', $1, $2)",
                msgspec.json.encode(fields).decode(),
                senders_key(call.key),
            )
        return Done(fields, sent=fields)


class Asker(Stub):
    """Makes an invitation and sends it, as *Distribute survey* does."""

    name = label = "asker"

    async def do(self, call: TaskCall[Nothing], /) -> Done | Wait:
        way = self.way
        async with way.database.transaction() as connection:
            listed = await add_to_list(
                connection,
                way.list_id,
                email=call.configuration.email,
                first_name="Ada",
                last_name="Lovelace",
            )
            invitation, due = await invite(
                connection,
                key=call.key,
                survey_id=way.survey_id,
                mailing_list_id=way.list_id,
                listed=listed,
                letter=Letter("Us", "How did we do?", "Hello"),
                embedded_data={name: call.fields.get(name, "") for name in ("customerId", "conversationId")},
                fields=call.fields,
                delay_seconds=way.delay_seconds,
            )
            if not due:
                return Wait(invitation.send_at, "survey-scheduled", "the survey is to be sent later")
            await mark_sent(connection, invitation.id)
        way.invitations.append(invitation.id)
        sent = {"to": invitation.email, "subject": "How did we do?", "messageId": f"<{invitation.id}@x.org>"}
        return Done({"distributionId": invitation.id}, sent=sent)


class Poster(Stub):
    """Puts an item on the Timeline, as *Gladly: timeline event* does."""

    name = label = "poster"

    async def do(self, _: TaskCall[Nothing], /) -> Done:
        return Done(
            {"itemId": "item-1", "alreadyThere": "false"},
            sent={"title": "CSAT Score: 5", "body": "Customer Feedback: quick"},
        )


class Way:
    """Three workflows, as the vendors' guide has them, and ways to go."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.email = ADA
        self.delay_seconds = 0.0
        self.is_ours = True
        self.invitations: list[str] = []
        self.survey_id = self.list_id = ""
        self.teller, self.asker, self.poster = Teller(self), Asker(self), Poster(self)
        self.engine = RunEngine(database, {"teller": self.teller, "asker": self.asker, "poster": self.poster})

    async def set_up(self, conditions: Group | None = None) -> None:
        async with self.database.transaction() as connection:
            self.survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
            self.list_id = await add_mailing_list(connection, name="Asked")
        await self.workflow("Tell", ConversationClosed("GA_1"), "teller", "OC_tells", conditions=conditions)
        fields = tuple(JsonField(name, f"$.{name}") for name in FIELDS)
        await self.workflow("Ask", JsonEvent("OC_asks", fields), "asker", "OC_asks")
        await self.workflow("Post", SurveyResponse(self.survey_id), "poster", "OC_posts")
        await self.database.pool.execute(
            "UPDATE workflow_revision SET created_at = '2026-01-01'; UPDATE workflow SET created_at = '2026-01-01'"
        )

    async def workflow(
        self,
        name: str,
        event: Event,
        task_type: str,
        workflow_id: str,
        *,
        is_on: bool = True,
        conditions: Group | None = None,
    ) -> None:
        configuration = {"email": "~{aedj://customerEmailAddress}"} if task_type == "asker" else {}
        task = Task("T-1", task_type, f"Task of {name}", configuration)
        async with self.database.transaction() as connection:
            await add_workflow(
                connection,
                name=name,
                definition=Definition(event, (task,), conditions),
                is_on=is_on,
                workflow_id=workflow_id,
            )

    async def close(
        self, conversation: str = "conv1", *, account: str = "GA_1", customer: str = "cust1", at: str = ""
    ) -> int:
        """A webhook arrives; nothing is done about it yet."""
        moment = datetime.fromisoformat(at) if at else datetime.now(UTC)
        body = {
            "id": "e1",
            "type": "CONVERSATION/CLOSED",
            "timestamp": moment.isoformat(),
            "initiator": {"id": "a1", "type": "AGENT"},
            "content": {
                "customerId": customer,
                "conversationId": conversation,
                "context": {"assignee": {"inboxId": "inbox1", "agentId": "agent1"}},
            },
        }
        event_id = await self.database.pool.fetchval(
            "INSERT INTO event (origin, type, body, occurred_at, conversation_id) "
            "VALUES ($1, 'CONVERSATION/CLOSED', $2, $3, $4) RETURNING id",
            f"gladly/{account}",
            msgspec.json.encode(body).decode(),
            moment,
            conversation,
        )
        return int(event_id)

    async def go(self) -> None:
        """Do all that is due, until nothing is."""
        inbox = Inbox(self.database, RunQueue(self.database))
        for _ in range(4):
            await inbox.drain()
            for row in await self.database.pool.fetch(
                "SELECT id FROM run WHERE status IN ('running', 'waiting') AND due_at <= now() ORDER BY id"
            ):
                await self.engine.advance(row["id"])

    async def answer(self, answers: Mapping[str, Any] | None = None) -> str:
        """The customer answers the newest invitation."""
        async with self.database.transaction() as connection:
            survey = await get_survey(connection, self.survey_id)
            assert survey is not None
            row = await self.database.pool.fetchrow(
                "SELECT id, embedded_data FROM invitation ORDER BY created_at DESC LIMIT 1"
            )
            assert row is not None
            response_id = await record_response(
                connection,
                survey,
                invitation_id=row["id"],
                answers=answers or {"QID1": 5, "QID2_TEXT": "quick"},
                embedded_data=msgspec.json.decode(row["embedded_data"]),
            )
        assert response_id is not None
        return response_id

    async def change(self, answers: Mapping[str, Any]) -> None:
        """The customer changes the newest answer."""
        async with self.database.transaction() as connection:
            survey = await get_survey(connection, self.survey_id)
            assert survey is not None
            invitation_id = await self.database.pool.fetchval(
                "SELECT invitation_id FROM response ORDER BY recorded_at DESC LIMIT 1"
            )
            await change_response(
                connection, survey, invitation_id, seen_version=1, answers=answers, sitting=Sitting()
            )

    async def explain(self, asked: str, *, personal: bool = True, limit: int = 10) -> Explanation:
        async with self.database.transaction() as connection:
            return await explain(connection, asked, personal=personal, limit=limit)

    async def story(self, asked: str, *, personal: bool = True) -> Story:
        """The one story that there is."""
        (story,) = (await self.explain(asked, personal=personal)).stories
        return story


@pytest.fixture
async def way(database: Database) -> Way:
    made = Way(database)
    await made.set_up()
    return made
