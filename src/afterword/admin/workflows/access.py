"""What the pages of workflows begin with: whether somebody may change them, and which one an address means."""

from litestar.exceptions import NotFoundException, PermissionDeniedException
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.rights import may_edit_workflows
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.outcomes import ConfigurationError
from afterword.store.database import Database
from afterword.translating import gettext as _
from afterword.workflows.saving.listing import Workflow, get_workflow
from afterword.workflows.saving.refusals import EditConflict, NoSuchWorkflow, NoTask
from afterword.workflows.starting.feeding import NotOn


def check_may_edit(request: AdminRequest) -> None:
    """Let nobody change workflows whose role does not permit it.

    Raises:
        PermissionDeniedException: it does not.
    """
    if not may_edit_workflows(request.user):
        raise PermissionDeniedException(_("Your role may look at Workflows, and not change them."))


def no_such_workflow() -> NotFoundException:
    """The answer where there is no workflow."""
    return NotFoundException(_("There is no such Workflow, or it was deleted."))


async def found_workflow(connection: AsyncConnection, workflow_id: str) -> Workflow:
    """The workflow of an address.

    Raises:
        NotFoundException: there is none, or it was deleted.
    """
    try:
        return await get_workflow(connection, workflow_id)
    except NoSuchWorkflow:
        raise no_such_workflow() from None


async def find_workflow(database: Database, workflow_id: str) -> Workflow:
    """The same, for a page that reads nothing else with it.

    Raises:
        NotFoundException: there is none, or it was deleted.
    """
    async with database.read_only().transaction() as connection:
        return await found_workflow(connection, workflow_id)


def saved_meanwhile(error: EditConflict) -> str:
    """What the second of two who save is told; their form is shown again as it was."""
    return _(
        "%(person)s saved revision %(number)s meanwhile, after you began. Nothing of yours is lost, and nothing of "
        "it is saved yet.",
        person=error.person or _("Somebody"),
        number=error.revision,
    )


def why_refused(error: ConfigurationError) -> str:
    """Why something was not done, for a page."""
    match error:
        case NoTask():
            return _("The Workflow has no Task yet: give it one, then turn it on.")
        case NotOn():
            return _("The Workflow is off; turn it on first.")
        case NoSuchWorkflow():
            return _("There is no such Workflow, or it was deleted.")
        case other:
            return str(other)
