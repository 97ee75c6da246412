"""How the webhooks were at the last look, in the database: every process sees the same."""

from datetime import datetime
from typing import Literal

import asyncpg
import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.outcomes import Outcome, Reason
from afterword.store.database import PlainConnection
from afterword.store.tables import gladly_webhook
from afterword.translating import N_

State = Literal["works", "not-yet", "off"]
"""``not-yet``: it has never worked so far. ``off``: it did, and does not now."""

DUE = """
SELECT connected_account.id FROM connected_account LEFT JOIN gladly_webhook ON account_id = connected_account.id
WHERE kind = 'gladly' AND (next_look_at <= now() OR (account_id IS NULL AND delivery IN ('own', 'by-hand')))
ORDER BY next_look_at NULLS FIRST
"""

FIELDS = (
    "state, reason_code, reason_words, since, webhook_id, url, is_ours, credentials_sha256, credentials_put_at, "
    "worked_at, looked_at, tries, alerted_at"
)

WRITE = f"""
INSERT INTO gladly_webhook (account_id, {FIELDS}, next_look_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, now() + make_interval(secs => $15)
WHERE EXISTS (SELECT FROM connected_account WHERE id = $1 FOR KEY SHARE)
ON CONFLICT (account_id) DO UPDATE SET ({FIELDS}, next_look_at) = ROW (
    {", ".join(f"excluded.{name}" for name in FIELDS.split(", "))}, excluded.next_look_at)
"""  # noqa: S608 - put together from constants

FORGET = "DELETE FROM gladly_webhook WHERE account_id = $1"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it was at the last look.

    ``since`` is when this state began, ``looked_at`` when Gladly was last asked and answered, ``worked_at`` when it was
    last seen to work. ``is_ours`` tells that we made it or took it over, and take it away again.
    """

    state: State
    since: datetime
    reason: Reason | None = None
    webhook_id: str | None = None
    url: str | None = None
    is_ours: bool = False
    credentials_sha256: bytes | None = None
    credentials_put_at: datetime | None = None
    worked_at: datetime | None = None
    looked_at: datetime | None = None
    tries: int = 0
    alerted_at: datetime | None = None

    @property
    def in_words(self) -> str:
        """The state in words, with its reason."""
        if self.state == "works":
            return "works"
        return f"{'not yet' if self.state == 'not-yet' else 'off'}, because {self.because}"

    @property
    def because(self) -> str:
        """Why it does not work."""
        return N_("nobody has looked yet") if self.reason is None else self.reason.words

    def not_seen(self, error: Outcome) -> "Known":
        """Gladly did not say how it is: nothing is known but that; one that worked may still."""
        if self.state != "not-yet":
            return self
        return msgspec.structs.replace(self, reason=error.reason, tries=self.tries + 1)

    def settled(self, wrong: Reason | None, now: datetime) -> "Known":
        """The state that follows from what is wrong; its beginning stays while it lasts."""
        if wrong is None:
            since = self.since if self.state == "works" else now
            return msgspec.structs.replace(
                self, state="works", since=since, reason=None, worked_at=now, tries=0, alerted_at=None
            )
        state: State = "not-yet" if self.worked_at is None else "off"
        since = self.since if self.state == state else now
        return msgspec.structs.replace(self, state=state, since=since, reason=wrong, tries=self.tries + 1)


COLUMNS = [
    gladly_webhook.c[name]
    for name in (
        "account_id",
        *("reason_code" if field == "reason" else field for field in Known.__struct_fields__),
        "reason_words",
    )
]


async def read_states(connection: AsyncConnection, account_id: str | None = None) -> dict[str, Known]:
    """How the webhooks were at the last look, by account; of one account or of all that were looked at."""
    query = select(*COLUMNS)
    if account_id is not None:
        query = query.where(gladly_webhook.c.account_id == account_id)
    found: dict[str, Known] = {}
    for row in (await connection.execute(query)).mappings():
        values = {name: row[name] for name in Known.__struct_fields__ if name != "reason"}
        reason = None if row["reason_code"] is None else Reason(row["reason_code"], row["reason_words"])
        found[row["account_id"]] = Known(**values, reason=reason)
    return found


async def write_state(
    connection: PlainConnection, account_id: str, known: Known, *, look_again_after: float
) -> None:
    """Keep how a webhook is; ``look_again_after`` is in seconds. Nothing is kept of an account that was removed."""
    await connection.execute(
        WRITE,
        account_id,
        known.state,
        known.reason and known.reason.code,
        known.reason and known.reason.words,
        known.since,
        known.webhook_id,
        known.url,
        known.is_ours,
        known.credentials_sha256,
        known.credentials_put_at,
        known.worked_at,
        known.looked_at,
        known.tries,
        known.alerted_at,
        look_again_after,
    )


async def forget_state(connection: PlainConnection, account_id: str) -> None:
    """Forget how an account's webhook was: it is to have none."""
    await connection.execute(FORGET, account_id)


async def look_soon(connection: AsyncConnection, account_id: str) -> None:
    """Have the next look at an account's webhook be taken as soon as the transaction is committed."""
    await connection.execute(
        update(gladly_webhook)
        .where(gladly_webhook.c.account_id == account_id)
        .values(next_look_at=func.now())
    )


async def due_accounts(connection: PlainConnection) -> list[str]:
    """The accounts whose webhook is to be looked at."""
    rows: list[asyncpg.Record] = await connection.fetch(DUE)
    return [row["id"] for row in rows]
