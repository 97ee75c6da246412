"""What may start: every workflow that there is, on or off, by the origin of its events. The inbox's view of workflows.

Definitions never change once saved, so that each is read and decoded once in each process: a batch costs one small
query, however many workflows there are.
"""

from collections.abc import Mapping, Sequence

import asyncpg
import msgspec
import structlog

from afterword.events.models import gladly_origin, json_event_origin, schedule_origin, survey_origin
from afterword.store.database import PlainConnection
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    Event,
    JsonEvent,
    Schedule,
    SurveyResponse,
)

log = structlog.get_logger()

CURRENT = "SELECT id, current_revision, is_on FROM workflow WHERE deleted_at IS NULL ORDER BY id"

DEFINITIONS = """
SELECT revision.workflow_id, revision.number, revision.definition
FROM workflow_revision revision JOIN unnest($1::text[], $2::int[]) AS wanted (workflow_id, number)
  ON revision.workflow_id = wanted.workflow_id AND revision.number = wanted.number
"""


class Starter(msgspec.Struct, frozen=True):
    """A workflow as of its current revision, as far as matching needs it."""

    id: str
    revision: int
    event: Event
    is_on: bool
    has_tasks: bool


class Starters:
    """Reads what may start."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Definition | None] = {}

    async def read(self, connection: PlainConnection) -> Mapping[str, Sequence[Starter]]:
        """Every workflow that was not deleted, by the origin of the events that may start it."""
        rows = [tuple(row) for row in await connection.fetch(CURRENT)]
        await self._learn(connection, {(workflow_id, number) for workflow_id, number, _ in rows})
        by_origin: dict[str, list[Starter]] = {}
        for workflow_id, number, is_on in rows:
            definition = self._known.get((workflow_id, number))
            if definition is None:
                continue
            starter = Starter(workflow_id, number, definition.event, is_on, bool(definition.tasks))
            by_origin.setdefault(origin_of(workflow_id, definition.event), []).append(starter)
        return by_origin

    async def _learn(self, connection: PlainConnection, wanted: set[tuple[str, int]]) -> None:
        """Read the definitions that are not known yet, and forget those that are not current any more."""
        unknown = wanted - set(self._known)
        if not unknown and len(wanted) == len(self._known):
            return
        self._known = {key: known for key, known in self._known.items() if key in wanted}
        if unknown:
            rows = await connection.fetch(
                DEFINITIONS, [workflow_id for workflow_id, _ in unknown], [number for _, number in unknown]
            )
            for row in rows:
                self._known[row["workflow_id"], row["number"]] = _decoded(row)


def _decoded(row: asyncpg.Record) -> Definition | None:
    """The definition; ``None`` when a newer version of Afterword wrote it so that this one cannot read it.

    Such a workflow must not keep the others from starting. Its events are ignored, kept, and can be run later.
    """
    try:
        return msgspec.json.decode(row["definition"], type=Definition)
    except msgspec.ValidationError as error:
        log.error("workflow_unreadable", workflow=row["workflow_id"], cause=str(error))  # noqa: TRY400 - no fault of ours
        return None


def origin_of(workflow_id: str, event: Event) -> str:
    """The origin of the events that may start a workflow."""
    match event:
        case ConversationClosed(account=account):
            return gladly_origin(account)
        case JsonEvent(endpoint=endpoint):
            return json_event_origin(endpoint)
        case SurveyResponse(survey=survey, account=account):
            return survey_origin(survey, account)
        case Schedule():
            return schedule_origin(workflow_id)
