"""How connected accounts stand, in the database: shared by all processes, changed under the account's lock."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import asyncpg
import msgspec
import sqlalchemy

from afterword.accounts.after_call import Changed, Standings
from afterword.accounts.standing import Standing
from afterword.accounts.standing_alerts import AccountName, alerts_after, down_alert
from afterword.alerts.recording import record_alerts, withdraw_alert
from afterword.outcomes import Reason
from afterword.store.database import Database, PlainConnection
from afterword.store.tables import connected_account

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

CREDENTIALS = (
    "sha256(connected_account.secrets || convert_to("
    "concat_ws(E'\\n', connected_account.username, connected_account.base_url), 'UTF8'))"
)
"""A digest of what an account is called with: another one, another account as far as its standing goes."""

ACCOUNT = f"""
SELECT id, kind, name, {CREDENTIALS} AS credentials FROM connected_account WHERE id = $1 FOR NO KEY UPDATE
"""  # noqa: S608 - put together from constants

DIGEST = f"SELECT {CREDENTIALS} FROM connected_account WHERE id = $1"  # noqa: S608 - put together from constants

READ = """
SELECT clock_timestamp() AS now, account_availability.* FROM (VALUES (1)) AS one LEFT JOIN account_availability
ON account_id = $1 OR $1 IS NULL
"""

WRITE = """
INSERT INTO account_availability (account_id, call, state, credentials, since, failures, last_failed_at, next_probe_at,
                                  probes_failed, run_let_go_at, reason_code, reason_words, alerted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (account_id, call) DO UPDATE
SET state = excluded.state, credentials = excluded.credentials, since = excluded.since, failures = excluded.failures,
    last_failed_at = excluded.last_failed_at, next_probe_at = excluded.next_probe_at,
    probes_failed = excluded.probes_failed, run_let_go_at = excluded.run_let_go_at,
    reason_code = excluded.reason_code, reason_words = excluded.reason_words, alerted_at = excluded.alerted_at
"""

REMOVE = "DELETE FROM account_availability WHERE account_id = $1 AND call = $2"

OUTDATED = f"""
DELETE FROM account_availability USING connected_account
WHERE connected_account.id = account_id AND (account_availability.credentials <> {CREDENTIALS}
    OR (state = 'failing' AND last_failed_at < clock_timestamp() - make_interval(secs => $1))
    OR (state = 'permitted' AND since < clock_timestamp() - make_interval(secs => $2)))
RETURNING account_id, state
"""  # noqa: S608 - put together from constants

LONG_DOWN = """
UPDATE account_availability SET alerted_at = clock_timestamp() FROM connected_account
WHERE connected_account.id = account_id AND state = 'open' AND alerted_at IS NULL
  AND since <= clock_timestamp() - make_interval(secs => $1)
RETURNING connected_account.id, connected_account.kind, connected_account.name, account_availability.*
"""

BLOCKED = f"""
SELECT account_id, state, since, coalesce(reason_words, '') AS because
FROM account_availability JOIN connected_account ON connected_account.id = account_id
WHERE call = '' AND state IN ('open', 'refused') AND account_availability.credentials = {CREDENTIALS}
"""  # noqa: S608 - put together from constants

Change = Callable[[Standings, datetime], Changed]
"""From how an account stands and the moment to what is different then."""


class Blocked(msgspec.Struct, frozen=True):
    """An account of which nothing but probes is called: down (``open``) or its token refused, and why."""

    state: Literal["open", "refused"]
    since: datetime
    because: str


class Everything(msgspec.Struct, frozen=True):
    """How all accounts stand that do not simply answer, by account, and the database's clock then."""

    standings: Mapping[str, Standings]
    now: datetime


class StandingStore:
    """Reads and changes how accounts stand."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_all(self) -> Everything:
        """How all accounts stand."""
        rows = await self._database.pool.fetch(READ, None)
        standings: dict[str, dict[str, Standing]] = {}
        for row in rows:
            if row["account_id"] is not None:
                standings.setdefault(row["account_id"], {})[row["call"]] = _standing(row)
        return Everything(standings, rows[0]["now"])

    async def credentials(self, account_id: str) -> bytes | None:
        """The digest of what an account is called with now; ``None`` when there is no such account."""
        found: bytes | None = await self._database.pool.fetchval(DIGEST, account_id)
        return found

    async def change(self, account_id: str, credentials: bytes, change: Change) -> Standings | None:
        """Change how an account stands, with the alerts that go with it; answers how it stands then.

        ``None``, and nothing is changed, when ``credentials`` are no longer the account's, or it was removed.
        """
        async with self._database.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(ACCOUNT, account_id)
            if row is None or row["credentials"] != credentials:
                return None
            account = AccountName(row["id"], row["kind"], row["name"])
            rows = await connection.fetch(READ, account_id)
            now = rows[0]["now"]
            stored = {row["call"]: _standing(row) for row in rows if row["call"] is not None}
            before = {call: known for call, known in stored.items() if known.credentials == credentials}
            after = {**before, **change(before, now)}
            for call, standing in after.items():
                told = await _alert(connection, account, before.get(call), standing, now)
                await _store(connection, account_id, call, stored.get(call), told)
                after[call] = told
        return {call: standing for call, standing in after.items() if standing is not None}

    async def tell_of_long_down(self, seconds: float) -> int:
        """Record an alert for each account that has been down for so long and was not told of; answers how many."""
        async with self._database.pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(LONG_DOWN, seconds)
            await record_alerts(
                connection,
                [
                    down_alert(AccountName(row["id"], row["kind"], row["name"]), _standing(row))
                    for row in rows
                ],
            )
        return len(rows)

    async def forget_outdated(self, *, failing: float, permitted: float) -> list[tuple[str, str]]:
        """Forget what is about other credentials than the account has now, and what is so many seconds old.

        Answers the accounts with the states that they were in.
        """
        rows = await self._database.pool.fetch(OUTDATED, failing, permitted)
        return [(row["account_id"], row["state"]) for row in rows]


async def blocked_accounts(connection: "AsyncConnection") -> dict[str, Blocked]:
    """The accounts that are down or whose token is refused, as a whole, by id."""
    rows = await connection.execute(sqlalchemy.text(BLOCKED))
    return {row.account_id: Blocked(row.state, row.since, row.because) for row in rows}


async def credentials_of(connection: "AsyncConnection", account_id: str) -> bytes:
    """The digest of what an account is called with; empty when there is no such account.

    Read before the account itself: should it change in between, a refusal counts for what it was before.
    """
    digest: sqlalchemy.ColumnElement[bytes] = sqlalchemy.literal_column(CREDENTIALS)
    found: bytes | None = await connection.scalar(
        sqlalchemy.select(digest).select_from(connected_account).where(connected_account.c.id == account_id)
    )
    return found or b""


async def _alert(
    connection: PlainConnection,
    account: AccountName,
    before: Standing | None,
    after: Standing | None,
    now: datetime,
) -> Standing | None:
    """Record what is to be told of a change; answers the standing with the note that it was."""
    news = alerts_after(account, before, after, now)
    if news.withdraws is not None:
        withdrawn = await withdraw_alert(connection, *news.withdraws)
        if withdrawn:
            return after
    await record_alerts(connection, news.alerts)
    if after is None or not news.marks:
        return after
    return msgspec.structs.replace(after, alerted_at=now)


async def _store(
    connection: PlainConnection,
    account_id: str,
    call: str,
    stored: Standing | None,
    standing: Standing | None,
) -> None:
    if standing == stored:
        return
    if standing is None:
        await connection.execute(REMOVE, account_id, call)
        return
    await connection.execute(
        WRITE,
        account_id,
        call,
        standing.state,
        standing.credentials,
        standing.since,
        standing.failures,
        standing.last_failed_at,
        standing.next_probe_at,
        standing.probes_failed,
        standing.run_let_go_at,
        standing.reason and standing.reason.code,
        standing.reason and standing.reason.words,
        standing.alerted_at,
    )


def _standing(row: asyncpg.Record) -> Standing:
    values = {name: row[name] for name in Standing.__struct_fields__ if name != "reason"}
    reason = None if row["reason_code"] is None else Reason(row["reason_code"], row["reason_words"])
    return Standing(**values, reason=reason)
