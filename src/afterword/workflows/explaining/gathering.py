"""All that hangs together with some conversations, read in a fixed number of queries, whatever they hold.

A closing's run sends a JSON event, whose run makes an invitation, whose answer is an event again: each of these steps
is followed by the ids that Afterword derives, so that an event that started nothing is found as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.distributions.invitations import invitation_id_for
from afterword.events.models import response_of_key, senders_key
from afterword.store import tables
from afterword.workflows.definitions import Definition
from afterword.workflows.explaining.lookups import (
    Meant,
    conversation_of,
    of_responses,
    origins,
    with_conversation,
    with_keys,
)

EVENTS_AT_MOST = 400
RUNS_AT_MOST = 400
ATTEMPTS_AT_MOST = 2000

Rows = Sequence[RowMapping]


class Gathered(msgspec.Struct):
    """What was read. ``story_of`` tells of each event which story it belongs to: a conversation's id, or its own."""

    events: dict[int, RowMapping] = {}
    runs: dict[int, RowMapping] = {}
    attempts: dict[int, list[RowMapping]] = {}
    definitions: dict[tuple[str, int], Definition] = {}
    workflows: dict[str, RowMapping] = {}
    accounts: dict[str, str] = {}
    invitations: dict[str, RowMapping] = {}
    run_of_invitation: dict[str, int] = {}
    responses: dict[str, RowMapping] = {}
    contacts: dict[str, RowMapping] = {}
    surveys: dict[str, RowMapping] = {}
    story_of: dict[int, str] = {}
    is_cut: bool = False

    def story_of_invitation(self, invitation_id: str | None) -> str:
        """The story that an invitation belongs to: its run's, or that of the conversation that it names."""
        run = self.runs.get(self.run_of_invitation.get(invitation_id or "", 0))
        if run is not None:
            return self.story_of[run["event_id"]]
        row = self.invitations.get(invitation_id or "")
        return (conversation_of(row) if row is not None else "") or f"invitation {invitation_id}"


async def gather(connection: AsyncConnection, meant: Meant) -> Gathered:
    """Read everything about what was meant."""
    gathering = _Gathering(connection)
    await gathering.begin(meant)
    await gathering.follow_sent_events()
    await gathering.follow_invitations(meant.invitations)
    await gathering.follow_responses()
    await gathering.add_names()
    return gathering.gathered


class _Gathering:
    """Reads step by step; what a step finds, the next one follows."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.gathered = Gathered()
        self._origins: Sequence[str] = ()

    async def begin(self, meant: Meant) -> None:
        """The events and runs of the conversations, and the events that belong to none."""
        self._origins = (await self._connection.scalars(origins())).all()
        events = await self._rows(
            with_conversation(meant.conversations, self._origins).limit(EVENTS_AT_MOST + 1)
        )
        self._add_events(events)
        loose = select(tables.event).where(tables.event.c.id.in_(meant.events[:EVENTS_AT_MOST]))
        self._add_events(await self._rows(loose))
        run = tables.run
        await self._add_runs(run.c.conversation_id.in_(meant.conversations))
        await self._add_runs_of(self.gathered.events)
        mine = {row["event_id"] for row in self.gathered.runs.values()} - self.gathered.events.keys()
        self._add_events(await self._rows(select(tables.event).where(tables.event.c.id.in_(mine))))

    async def follow_sent_events(self) -> None:
        """JSON events that our own tasks sent to our own endpoints: the sender's key is the task's."""
        sent = {
            senders_key(f"{run['key']}/{task_id}"): run["event_id"]
            for run in self.gathered.runs.values()
            for task_id in self._attempted(run)
        }
        endpoints = [origin for origin in self._origins if origin.startswith("json-event/")]
        if not sent or not endpoints:
            return
        rows = await self._rows(with_keys(list(sent), endpoints))
        for row in rows:
            self.gathered.story_of.setdefault(
                row["id"], self.gathered.story_of[sent[row["deduplication_key"]]]
            )
        self._add_events(rows)
        await self._add_runs_of(row["id"] for row in rows)

    async def follow_invitations(self, also: Iterable[str]) -> None:
        """Invitations that tasks made (their ids are derived from the task's key), and their contacts."""
        gathered = self.gathered
        made = {
            invitation_id_for(f"{run['key']}/{task_id}"): run["id"]
            for run in gathered.runs.values()
            for task_id in self._attempted(run)
        }
        invitation, contact = tables.invitation, tables.contact
        rows = await self._rows(select(invitation).where(invitation.c.id.in_([*made, *also])))
        gathered.invitations = {row["id"]: row for row in rows}
        gathered.run_of_invitation = {
            id_: run_id for id_, run_id in made.items() if id_ in gathered.invitations
        }
        contacts = {row["contact_id"] for row in rows}
        found = await self._rows(
            select(contact.c.id, contact.c.opted_out_at).where(contact.c.id.in_(contacts))
        )
        gathered.contacts = {row["id"]: row for row in found}

    async def follow_responses(self) -> None:
        """What was answered to the invitations, and the events that told of it."""
        gathered, response = self.gathered, tables.response
        told = {
            response_of_key(row["deduplication_key"])
            for row in gathered.events.values()
            if row["origin"].startswith("survey/") and row["deduplication_key"]
        }
        answered = select(response).where(response.c.invitation_id.in_(gathered.invitations))
        by_id = select(response).where(response.c.id.in_(told))
        rows = [*await self._rows(answered), *await self._rows(by_id)]
        gathered.responses = {row["id"]: row for row in rows}
        surveys = {f"survey/{row['survey_id']}" for row in rows}
        events = await self._rows(of_responses(gathered.responses, sorted(surveys)).limit(EVENTS_AT_MOST + 1))
        for row in events:
            of_response = gathered.responses[response_of_key(row["deduplication_key"])]
            gathered.story_of.setdefault(
                row["id"], gathered.story_of_invitation(of_response["invitation_id"])
            )
        self._add_events(events)
        await self._add_runs_of(row["id"] for row in events)

    async def add_names(self) -> None:
        """What workflows, accounts and surveys are called."""
        gathered = self.gathered
        accounts = await self._rows(select(tables.connected_account.c.id, tables.connected_account.c.name))
        gathered.accounts = {row["id"]: row["name"] for row in accounts}
        gathered.workflows = {row["id"]: row for row in await self._rows(select(tables.workflow))}
        surveys = {row["survey_id"] for row in gathered.invitations.values()}
        surveys |= {row["survey_id"] for row in gathered.responses.values()}
        surveys |= {
            row["origin"].rpartition("/")[2] for row in gathered.events.values() if _is_of_survey(row)
        }
        rows = await self._rows(select(tables.survey).where(tables.survey.c.id.in_(surveys)))
        gathered.surveys = {row["id"]: row for row in rows}

    async def _rows(self, query: Select[Any]) -> Rows:
        rows: Rows = (await self._connection.execute(query)).mappings().all()
        return rows

    def _add_events(self, rows: Rows) -> None:
        gathered = self.gathered
        gathered.is_cut |= len(rows) > EVENTS_AT_MOST
        for row in rows[:EVENTS_AT_MOST]:
            gathered.events[row["id"]] = row
            own = next((run for run in gathered.runs.values() if run["event_id"] == row["id"]), None)
            conversation = row["conversation_id"] or (own and own["conversation_id"])
            gathered.story_of.setdefault(row["id"], conversation or f"event {row['id']}")

    async def _add_runs_of(self, event_ids: Iterable[int]) -> None:
        await self._add_runs(tables.run.c.event_id.in_(list(event_ids)))

    async def _add_runs(self, condition: ColumnElement[bool]) -> None:
        """Runs, with their revisions and their attempts."""
        gathered, run, attempt = self.gathered, tables.run, tables.task_attempt
        rows = await self._rows(
            select(run).where(condition).order_by(run.c.id.desc()).limit(RUNS_AT_MOST + 1)
        )
        gathered.is_cut |= len(rows) > RUNS_AT_MOST
        new = {row["id"]: row for row in rows[:RUNS_AT_MOST] if row["id"] not in gathered.runs}
        if not new:
            return
        gathered.runs |= new
        for row in new.values():
            if row["conversation_id"] and gathered.story_of.get(row["event_id"], "event").startswith("event"):
                gathered.story_of[row["event_id"]] = row["conversation_id"]
        query = (
            select(attempt)
            .where(attempt.c.run_id.in_(new))
            .order_by(attempt.c.id)
            .limit(ATTEMPTS_AT_MOST + 1)
        )
        attempts = await self._rows(query)
        gathered.is_cut |= len(attempts) > ATTEMPTS_AT_MOST
        by_run: dict[int, list[RowMapping]] = defaultdict(list)
        for row in attempts[:ATTEMPTS_AT_MOST]:
            by_run[row["run_id"]].append(row)
        gathered.attempts |= by_run
        await self._add_definitions({(row["workflow_id"], row["revision"]) for row in new.values()})

    async def _add_definitions(self, wanted: set[tuple[str, int]]) -> None:
        revision = tables.workflow_revision
        missing = wanted - self.gathered.definitions.keys()
        rows = await self._rows(
            select(revision.c.workflow_id, revision.c.number, revision.c.definition).where(
                tuple_(revision.c.workflow_id, revision.c.number).in_(missing)
            )
        )
        for row in rows:
            definition = msgspec.convert(row["definition"], Definition)
            self.gathered.definitions[row["workflow_id"], row["number"]] = definition

    def _attempted(self, run: RowMapping) -> Iterable[str]:
        """The ids of the tasks of a run that were attempted."""
        definition = self.gathered.definitions.get((run["workflow_id"], run["revision"]))
        if definition is None:
            return []
        positions = {row["position"] for row in self.gathered.attempts.get(run["id"], [])}
        return [task.id for position, task in enumerate(definition.tasks) if position in positions]


def _is_of_survey(event: RowMapping) -> bool:
    return str(event["origin"]).startswith(("survey/", "qualtrics/"))
