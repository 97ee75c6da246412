"""Workflows and their revisions in the database."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.store.database import PlainConnection
from afterword.store.identifiers import new_id
from afterword.workflows.definitions import Definition


class ActiveWorkflow(msgspec.Struct, frozen=True):
    """A workflow that is on, as of its current revision."""

    id: str
    revision: int
    definition: Definition


async def add_workflow(
    connection: AsyncConnection,
    *,
    name: str,
    definition: Definition,
    is_on: bool = True,
    workflow_id: str | None = None,
) -> str:
    """Save a new workflow with its first revision; answers its id (``OC_…``)."""
    workflow_id = workflow_id or new_id("OC")
    await connection.execute(insert(tables.workflow).values(id=workflow_id, name=name, is_on=is_on))
    await connection.execute(
        insert(tables.workflow_revision).values(
            workflow_id=workflow_id, number=1, definition=msgspec.to_builtins(definition)
        )
    )
    return workflow_id


async def active_workflows(connection: PlainConnection) -> Sequence[ActiveWorkflow]:
    """Every workflow that is on. One query, on the inbox's path."""
    rows = await connection.fetch(
        """
        SELECT workflow.id, revision.number, revision.definition
        FROM workflow JOIN workflow_revision revision
          ON revision.workflow_id = workflow.id AND revision.number = workflow.current_revision
        WHERE workflow.is_on ORDER BY workflow.id
        """
    )
    return [
        ActiveWorkflow(row["id"], row["number"], msgspec.json.decode(row["definition"], type=Definition))
        for row in rows
    ]


class Revisions:
    """The revisions that runs belong to. They never change, so that each is read once in each process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Definition] = {}

    async def get(self, connection: PlainConnection, workflow_id: str, number: int) -> Definition:
        """The definition of one revision.

        Raises:
            LookupError: there is none, as the workflow was deleted.
        """
        known = self._known.get((workflow_id, number))
        if known is None:
            definition = await connection.fetchval(
                "SELECT definition FROM workflow_revision WHERE workflow_id = $1 AND number = $2",
                workflow_id,
                number,
            )
            if definition is None:
                raise LookupError(workflow_id)
            known = self._known[workflow_id, number] = msgspec.json.decode(definition, type=Definition)
        return known
