"""How each connection is, with the last proof of it: one place for all that shows connected accounts.

A proof is whatever went well last: a delivery, an event that was taken, a Task that called it, or a try of its token.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.translating import N_
from afterword.webhook_keeping.health import AccountHealth, accounts_health

LOOKED_AT = 500
"""Events, from the newest on."""
RUNS_LOOKED_AT = 50
"""Runs of each Workflow, from the newest on."""

ARRIVED = """
SELECT origin, max(received_at) AS at
FROM (SELECT origin, found_in, received_at FROM event ORDER BY id DESC LIMIT :events) AS newest
WHERE found_in IS NULL AND (origin LIKE 'gladly/%' OR origin LIKE 'qualtrics/%') GROUP BY origin
"""

DONE = """
SELECT task->>'type' AS type, task->'configuration' AS configuration, done.at
FROM workflow
JOIN workflow_revision revision ON revision.workflow_id = workflow.id AND revision.number = workflow.current_revision
CROSS JOIN LATERAL jsonb_array_elements(revision.definition->'tasks') AS task
JOIN LATERAL (
    SELECT coalesce(newest.finished_at, newest.started_at) AS at
    FROM (SELECT id, outputs, started_at, finished_at FROM run WHERE workflow_id = workflow.id
          ORDER BY id DESC LIMIT :runs) AS newest
    WHERE jsonb_exists(newest.outputs, task->>'id') ORDER BY newest.id DESC LIMIT 1
) AS done ON true
WHERE workflow.deleted_at IS NULL
"""

READ = "SELECT account_id, pulled_at AS at FROM gladly_reading WHERE pulled_at IS NOT NULL"

ProofKind = Literal["delivered", "webhook", "read", "event-taken", "called", "responded", "tried"]

PROOFS: Mapping[ProofKind, str] = {
    "delivered": N_("a webhook was delivered"),
    "webhook": N_("its webhook was seen to work"),
    "read": N_("its list of events was read"),
    "event-taken": N_("a JSON event was taken"),
    "called": N_("a Task called it"),
    "responded": N_("a Response came"),
    "tried": N_("its token was tried"),
}


NOT_CALLED = N_("no Task called it yet")


class Proof(msgspec.Struct, frozen=True):
    """What was last seen to work, and when."""

    kind: ProofKind
    at: datetime

    @property
    def words(self) -> str:
        """What it was, to be translated."""
        return PROOFS[self.kind]


class Connection(AccountHealth, frozen=True, kw_only=True):
    """A connected account, how it is, and the last ``proof`` that it works, where there is one."""

    proof: Proof | None = None


async def connections(connection: AsyncConnection) -> list[Connection]:
    """Every connected account, by kind and name; in six queries, however many there are."""
    health = await accounts_health(connection)
    proofs: dict[str, list[Proof]] = {one.account.id: [] for one in health}
    for account_id, proof in (
        *await _arrived(connection),
        *await _done(connection),
        *await _read(connection),
        *_known(health),
    ):
        if account_id in proofs:
            proofs[account_id].append(proof)
    return [
        _proven(one, max(proofs[one.account.id], key=lambda proof: proof.at, default=None)) for one in health
    ]


def _proven(health: AccountHealth, proof: Proof | None) -> Connection:
    """With its proof. A web service is not tried when it is connected, so without one it is not said to work."""
    told = Connection(**msgspec.structs.asdict(health), proof=proof)
    if health.account.kind == "web-service" and health.state == "works" and proof is None:
        return msgspec.structs.replace(told, state="waits", words=NOT_CALLED)
    return told


def _known(health: Iterable[AccountHealth]) -> Iterable[tuple[str, Proof]]:
    """What the accounts themselves remember."""
    for one in health:
        if one.account.tried_at is not None:
            yield one.account.id, Proof("tried", one.account.tried_at)
        if one.seen_at is not None:
            yield one.account.id, Proof("webhook", one.seen_at)


async def _arrived(connection: AsyncConnection) -> list[tuple[str, Proof]]:
    rows = await connection.execute(text(ARRIVED), {"events": LOOKED_AT})
    found = []
    for origin, at in rows:
        kind, account_id = origin.split("/")[:2]
        found.append((account_id, Proof("delivered" if kind == "gladly" else "responded", at)))
    return found


async def _done(connection: AsyncConnection) -> list[tuple[str, Proof]]:
    rows = await connection.execute(text(DONE), {"runs": RUNS_LOOKED_AT})
    found = []
    for type_, configuration, at in rows:
        named: Mapping[str, object] = configuration or {}
        if type_ == "send-json-event":
            found.append((str(named.get("gladly_account")), Proof("called", at)))
            found.append((str(named.get("qualtrics_account")), Proof("event-taken", at)))
        else:
            found.append((str(named.get("account")), Proof("called", at)))
    return found


async def _read(connection: AsyncConnection) -> list[tuple[str, Proof]]:
    return [(account_id, Proof("read", at)) for account_id, at in await connection.execute(text(READ))]
