"""What Inboxes and Agents are called in Gladly, for pages that know their ids."""

import asyncio
import time
from collections.abc import Mapping, Sequence

import msgspec

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.connected import list_accounts
from afterword.gladly.finding import Named
from afterword.outcomes import Outcome
from afterword.store.database import CONNECTION_LOST, Database
from afterword.tasks.planning import PlanningTasks

LOOK_AGAIN_SECONDS = 60.0
WAIT_SECONDS = 0.4
"""A page waits so long for names that were never read, and is shown with ids then."""


class KnownNames(msgspec.Struct, frozen=True):
    """Names by id, of all connected Gladly accounts; empty where Gladly could not be asked."""

    inboxes: Mapping[str, str] = {}
    agents: Mapping[str, str] = {}


class VendorNames:
    """Names as this process knows them; read again now and then, and no page waits for that."""

    def __init__(self, database: Database, planning: PlanningTasks | None) -> None:
        self._database = database
        self._planning = planning
        self._known = KnownNames()
        self._looked_at: float | None = None
        self._looking: asyncio.Task[None] | None = None

    async def known(self) -> KnownNames:
        """What is known now."""
        if self._planning is None:
            return self._known
        is_new = self._looked_at is None
        if self._looking is None and (is_new or self._age() > LOOK_AGAIN_SECONDS):
            self._looking = asyncio.create_task(self._look(self._planning.accounts))
        if is_new and self._looking is not None:
            await asyncio.wait([self._looking], timeout=WAIT_SECONDS)
        return self._known

    def _age(self) -> float:
        return time.monotonic() - (self._looked_at or 0.0)

    async def _look(self, accounts: ConnectedAccounts) -> None:
        try:
            async with self._database.read_only().transaction() as connection:
                listed = await list_accounts(connection)
            inboxes: dict[str, str] = {}
            agents: dict[str, str] = {}
            for account in listed:
                if account.kind == "gladly":
                    inboxes |= _by_id(await self._inboxes(accounts, account.id))
                    agents |= _by_id(await self._agents(accounts, account.id))
            self._known = KnownNames({**self._known.inboxes, **inboxes}, {**self._known.agents, **agents})
        except CONNECTION_LOST:
            pass
        finally:
            self._looked_at = time.monotonic()
            self._looking = None

    async def _inboxes(self, accounts: ConnectedAccounts, account_id: str) -> Sequence[Named]:
        try:
            return await accounts.gladly_names.all_inboxes(account_id, await accounts.gladly(account_id))
        except Outcome:
            return ()

    async def _agents(self, accounts: ConnectedAccounts, account_id: str) -> Sequence[Named]:
        try:
            return await accounts.gladly_names.all_agents(account_id, await accounts.gladly(account_id))
        except Outcome:
            return ()


def _by_id(things: Sequence[Named]) -> dict[str, str]:
    return {thing.id: thing.name for thing in things if thing.name}
