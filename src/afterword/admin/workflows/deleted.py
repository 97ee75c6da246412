"""A Workflow that somebody deleted while somebody else edited it: what was typed becomes a new one."""

import contextlib

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import list_entries
from afterword.accounts.secrets import SecretBox
from afterword.admin.workflows.access import no_such_workflow
from afterword.store.database import Database
from afterword.translating import gettext as _
from afterword.workflows.definitions import Definition, JsonEvent
from afterword.workflows.saving.listing import Workflow, get_deleted_workflow, get_workflow
from afterword.workflows.saving.refusals import NoSuchWorkflow
from afterword.workflows.saving.workflows import Check, add_workflow
from afterword.workflows.starting.endpoints import NoSuchEndpoint, get_endpoint, make_endpoint


async def find_even_deleted(database: Database, workflow_id: str) -> tuple[Workflow, str]:
    """The workflow of a form that was sent; and who deleted it, if it was.

    Raises:
        NotFoundException: there never was one.
    """
    async with database.read_only().transaction() as connection:
        with contextlib.suppress(NoSuchWorkflow):
            return await get_workflow(connection, workflow_id), ""
        try:
            workflow = await get_deleted_workflow(connection, workflow_id)
        except NoSuchWorkflow:
            raise no_such_workflow() from None
        last = await list_entries(connection, kind="workflow", subject_id=workflow_id, limit=1)
    return workflow, last[0].actor if last else _("Somebody")


def deleted_meanwhile(person: str) -> str:
    """What somebody is told whose form is about a workflow that is no more; it is shown again as it was."""
    return _(
        "%(person)s deleted this Workflow meanwhile. Nothing of yours is lost: save it as a new one, which is off at "
        "first.",
        person=person,
    )


async def save_as_new(
    connection: AsyncConnection,
    box: SecretBox,
    deleted: Workflow,
    definition: Definition,
    *,
    person_id: str,
    check: Check,
) -> str:
    """Save what was typed as a new workflow, off, with the name of the deleted one; answers its id.

    A JSON event whose address went with the deleted one is given another address.

    Raises:
        InvalidDefinition: ``check`` found mistakes.
    """
    event = definition.event
    if isinstance(event, JsonEvent) and not await _has_address(connection, box, event.endpoint):
        endpoint = await make_endpoint(connection, box, person_id=person_id)
        definition = msgspec.structs.replace(
            definition, event=msgspec.structs.replace(event, endpoint=endpoint)
        )
    return await add_workflow(
        connection,
        name=deleted.name,
        definition=definition,
        is_on=False,
        owner_id=person_id,
        survey_id=deleted.survey_id,
        check=check,
    )


async def _has_address(connection: AsyncConnection, box: SecretBox, endpoint_id: str) -> bool:
    try:
        await get_endpoint(connection, box, endpoint_id, public_url="")
    except NoSuchEndpoint:
        return False
    return True
