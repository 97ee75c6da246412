"""The guide's Workflows tried with one address, and switched on for everybody."""

from collections.abc import Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.sending.brakes import Brakes
from afterword.workflows.saving.guide import Guide
from afterword.workflows.saving.workflows import Check, save_revision, turn_on


async def put_guide_in_test(
    connection: AsyncConnection, guide: Guide, address: str, *, person_id: str | None, check: Check
) -> None:
    """Turn the guide's Workflows on, so that they write to this address alone.

    Raises:
        EditConflict, InvalidDefinition, NoTask, NoSuchWorkflow: as on saving; then nothing should be committed.
    """
    await _brake(connection, guide, in_test=True, allowed=(address,), person_id=person_id, check=check)


async def switch_guide_on(
    connection: AsyncConnection, guide: Guide, *, person_id: str | None, check: Check
) -> None:
    """End the test of the guide's Workflows and turn all of them on: everybody is written to.

    Raises:
        EditConflict, InvalidDefinition, NoTask, NoSuchWorkflow: as on saving; then nothing should be committed.
    """
    await _brake(connection, guide, in_test=False, allowed=None, person_id=person_id, check=check)


async def _brake(
    connection: AsyncConnection,
    guide: Guide,
    *,
    in_test: bool,
    allowed: Sequence[str] | None,
    person_id: str | None,
    check: Check,
) -> None:
    for workflow in guide.workflows:
        brakes: Brakes = workflow.definition.brakes
        if workflow is not guide.answer:  # what goes to Gladly writes to nobody
            kept = brakes.allowed if allowed is None else tuple(allowed)
            brakes = msgspec.structs.replace(brakes, in_test=in_test, allowed=kept)
        await save_revision(
            connection,
            workflow.id,
            msgspec.structs.replace(workflow.definition, brakes=brakes),
            person_id=person_id,
            expected_revision=workflow.revision,
            check=check,
        )
        if not workflow.is_on:
            await turn_on(connection, workflow.id, check=check)
