"""Which workflows need a connected account."""

from sqlalchemy import Text, and_, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store.tables import workflow, workflow_revision


async def workflows_using(connection: AsyncConnection, account_id: str) -> list[str]:
    """The names of the workflows that name an account anywhere, on or off, as they are now."""
    current = and_(
        workflow_revision.c.workflow_id == workflow.c.id,
        workflow_revision.c.number == workflow.c.current_revision,
    )
    names = (
        select(workflow.c.name)
        .join_from(workflow, workflow_revision, current)
        .where(
            workflow.c.deleted_at.is_(None),
            cast(workflow_revision.c.definition, Text).contains(f'"{account_id}"', autoescape=True),
        )
        .order_by(workflow.c.name)
    )
    return list(await connection.scalars(names))
