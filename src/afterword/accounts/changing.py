"""Changing connected accounts: what that takes of whatever vendor. Each stays the account that it is."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from afterword.accounts.audit import REPLACED, Values, audit
from afterword.accounts.connected import ChangedMeanwhile
from afterword.store.tables import connected_account

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


async def state_of(connection: "AsyncConnection", account_id: str) -> str:
    """A digest of all that can be changed of an account; empty when there is none."""
    table = connected_account
    plain = func.concat_ws("\n", table.c.name, table.c.base_url, table.c.delivery)
    digest = func.sha256(table.c.secrets.op("||")(func.convert_to(plain, "UTF8")))
    found = await connection.scalar(select(digest).where(table.c.id == account_id))
    return "" if found is None else found.hex()


async def hold(connection: "AsyncConnection", account_id: str, expected: str | None) -> None:
    """Let nobody else change the account until the transaction ends.

    ``expected`` is the state (:func:`state_of`) that a change is made from.

    Raises:
        ChangedMeanwhile: it is in another state by now.
    """
    held = select(connected_account.c.id).where(connected_account.c.id == account_id).with_for_update()
    await connection.execute(held)
    if expected is not None and expected != await state_of(connection, account_id):
        raise ChangedMeanwhile


async def save_change(connection: "AsyncConnection", account_id: str, **values: object) -> None:
    """Write down what is other of an account; ``secrets`` are encrypted already."""
    await connection.execute(
        update(connected_account).where(connected_account.c.id == account_id).values(values)
    )


async def audit_change(
    connection: "AsyncConnection",
    subject: tuple[str, str],
    before: Values,
    after: Values,
    replaced: Mapping[str, bool],
) -> None:
    """Write down who changed what of an account; of secrets only that they were ``replaced``."""
    secrets = {name: REPLACED for name, is_new in replaced.items() if is_new}
    await audit(connection, "account", "changed", subject, before=before, after={**after, **secrets})
