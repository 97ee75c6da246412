"""Which task types are switched off: those are not offered, and no Workflow with one is saved or turned on.

One that Workflows which are on use cannot be switched off. So no Run meets a switch: what began goes on as it began.
"""

from collections.abc import Collection

from sqlalchemy import String, cast, delete, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import audit
from afterword.outcomes import ConfigurationError
from afterword.store.tables import task_type_off, workflow, workflow_revision
from afterword.translating import ngettext


class ExtensionInUse(ConfigurationError):
    """Workflows that are on use the task type."""

    def __init__(self, label: str, workflows: Collection[str]) -> None:
        listed = ", ".join(f"“{one}”" for one in workflows)
        super().__init__(
            ngettext(
                "%(label)s is used by %(listed)s. Turn that Workflow off first, or have it do without.",
                "%(label)s is used by %(listed)s. Turn those Workflows off first, or have it do without.",
                len(workflows),
                label=label,
                listed=listed,
            )
        )


async def switched_off(connection: AsyncConnection) -> frozenset[str]:
    """The names of the task types that are switched off, installed or not."""
    return frozenset(await connection.scalars(select(task_type_off.c.name)))


async def switch_extension(connection: AsyncConnection, name: str, label: str, *, is_on: bool) -> None:
    """Switch a task type on or off; as it is already, nothing happens.

    Raises:
        ExtensionInUse: it is to be off, and Workflows that are on use it.
    """
    if is_on:
        changed = await connection.execute(delete(task_type_off).where(task_type_off.c.name == name))
    else:
        used_by = await workflows_with(connection, name)
        if used_by:
            raise ExtensionInUse(label, used_by)
        changed = await connection.execute(insert(task_type_off).values(name=name).on_conflict_do_nothing())
    if changed.rowcount:
        what = "switched on" if is_on else "switched off"
        await audit(
            connection, "extension", what, (name, label), before={"on": not is_on}, after={"on": is_on}
        )


async def workflows_with(connection: AsyncConnection, task_type: str) -> list[str]:
    """The names of the Workflows that are on and have a task of this type, as they are now."""
    wanted = func.jsonb_build_object(
        "tasks", func.jsonb_build_array(func.jsonb_build_object("type", cast(task_type, String)))
    )
    names = (
        select(workflow.c.name)
        .join(
            workflow_revision,
            (workflow_revision.c.workflow_id == workflow.c.id)
            & (workflow_revision.c.number == workflow.c.current_revision),
        )
        .where(workflow.c.is_on, cast(workflow_revision.c.definition, JSONB).contains(wanted))
        .order_by(workflow.c.name)
    )
    return list(await connection.scalars(names))
