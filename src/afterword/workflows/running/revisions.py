"""What runs' workflows said when they began: revisions never change, so that each is read once in each process."""

import msgspec

from afterword.store.database import Database
from afterword.workflows.definitions import Definition


class Revisions:
    """The revisions that runs belong to."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Definition] = {}

    async def get(self, database: Database, workflow_id: str, number: int) -> Definition:
        """The definition of one revision.

        Raises:
            LookupError: there is none.
        """
        known = self._known.get((workflow_id, number))
        if known is None:
            definition = await database.pool.fetchval(
                "SELECT definition FROM workflow_revision WHERE workflow_id = $1 AND number = $2",
                workflow_id,
                number,
            )
            if definition is None:
                raise LookupError(workflow_id)
            known = self._known[workflow_id, number] = msgspec.json.decode(definition, type=Definition)
        return known
