"""Sessions: who is signed in, in which browser. A row each, found by the digest of the key that the browser holds.

A session ends by itself some time after it began, or was last seen; when its person is removed or chooses another
password; or when it is ended by hand.
"""

import hashlib
import ipaddress
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import asyncpg
import msgspec
from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update

from afterword.accounts.audit import audit
from afterword.accounts.people import Person
from afterword.store.tables import person, person_session
from afterword.translating import N_

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from afterword.store.database import Database

SignedInBy = Literal["password", "open-id"]
"""How somebody proved who they are; ``open-id`` is by OpenID Connect."""

KEY_BYTES = 32
LONGEST_KEY = 100

PROOF_LASTS = timedelta(minutes=15)
"""So long after somebody proved who they are they may change how people come in, without proving it once more."""

LASTING = """
FROM person_session session JOIN person ON person.id = session.person_id
WHERE ends_at > now() AND seen_at > now() - $2::interval AND NOT is_service
    AND (password_set_at IS NULL OR begun_at >= password_set_at)
"""

FIND = f"""
SELECT session.id AS session_id, signed_in_by, session.seen_at < now() - interval '1 minute' AS seen_before,
    proved_at > now() - $3::interval AS is_proved,
    EXISTS (SELECT FROM one_time_code WHERE one_time_code.person_id = person.id) AS has_codes,
    {", ".join(f"person.{field}" for field in Person.__struct_fields__)}
{LASTING} AND key_sha256 = $1
"""  # noqa: S608 - the names are ours

LASTS = f"SELECT EXISTS (SELECT {LASTING} AND session.id = $1)"

SEEN = "UPDATE person_session SET seen_at = now() WHERE id = $1 AND seen_at < now() - interval '1 minute'"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """The session that a request came with. ``has_codes``: its person has set one-time codes up.

    ``is_proved``: they proved who they are within the last :data:`PROOF_LASTS`.
    """

    id: int
    person: Person
    signed_in_by: SignedInBy
    has_codes: bool
    is_proved: bool


class ListedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its person sees it; ``seen_at`` is true to the minute, ``network`` a part of an address."""

    id: int
    signed_in_by: SignedInBy
    browser: str
    network: str
    begun_at: datetime
    seen_at: datetime


LISTED = [person_session.c[field] for field in ListedSession.__struct_fields__]


async def begin_session(
    connection: "AsyncConnection",
    person_id: str,
    *,
    by: SignedInBy,
    browser: str,
    network: str,
    lasts: timedelta,
    idle: timedelta,
    id_token: bytes | None = None,
) -> str:
    """Begin a session that lasts so long at most; answers its key, which can never be read again.

    ``id_token`` is what the OpenID Connect provider signed, encrypted: by it the session is ended there too. What is
    over, or was idle for too long, is cleared away.
    """
    await connection.execute(delete(person_session).where(_is_over(idle)))
    key = secrets.token_urlsafe(KEY_BYTES)
    values = {
        "key_sha256": _digest(key),
        "person_id": person_id,
        "signed_in_by": by,
        "browser": browser,
        "network": network,
        "ends_at": func.now() + lasts,
        "id_token": id_token,
    }
    await connection.execute(insert(person_session).values(values))
    return key


async def find_session(
    database: "Database", key: str, *, idle: timedelta, is_seen: bool = True
) -> Session | None:
    """The session of this key, if it is not over. That it ``is_seen`` now is written once a minute at most."""
    if not key or len(key) > LONGEST_KEY:
        return None
    row = await database.pool.fetchrow(FIND, _digest(key), idle, PROOF_LASTS)
    if row is None:
        return None
    if is_seen and row["seen_before"]:
        await database.pool.execute(SEEN, row["session_id"])
    return _session(row)


def _session(row: asyncpg.Record) -> Session:
    of_person = {field: row[field] for field in Person.__struct_fields__}
    return Session(
        id=row["session_id"],
        person=msgspec.convert(of_person, Person),
        signed_in_by=row["signed_in_by"],
        has_codes=row["has_codes"],
        is_proved=row["is_proved"],
    )


async def session_lasts(database: "Database", session_id: int, *, idle: timedelta) -> bool:
    """Whether a session is not over; asking does not keep it alive."""
    return bool(await database.pool.fetchval(LASTS, session_id, idle))


async def prove_session(connection: "AsyncConnection", session_id: int) -> None:
    """Write down that the person of this session just proved once more who they are."""
    proved = update(person_session).where(person_session.c.id == session_id)
    await connection.execute(proved.values(proved_at=func.now()))


async def id_token_of(connection: "AsyncConnection", session_id: int) -> bytes | None:
    """What the provider signed when this session began, encrypted; ``None`` for one that began by a password."""
    token: bytes | None = await connection.scalar(
        select(person_session.c.id_token).where(person_session.c.id == session_id)
    )
    return token


async def list_sessions(
    connection: "AsyncConnection", person_id: str, *, idle: timedelta
) -> list[ListedSession]:
    """Somebody's sessions that are not over, the last seen first."""
    listing = (
        select(*LISTED)
        .where(person_session.c.person_id == person_id, ~_is_over(idle))
        .order_by(person_session.c.seen_at.desc(), person_session.c.id.desc())
    )
    return [ListedSession(**row) for row in (await connection.execute(listing)).mappings()]


async def count_sessions(connection: "AsyncConnection", *, idle: timedelta) -> dict[str, int]:
    """How many sessions there are of each person who has any."""
    counting = select(person_session.c.person_id, func.count().label("number")).where(~_is_over(idle))
    rows = await connection.execute(counting.group_by(person_session.c.person_id))
    return {row.person_id: row.number for row in rows}


async def end_session(connection: "AsyncConnection", person_id: str, session_id: int) -> None:
    """End one of somebody's sessions; one that is over is no trouble."""
    await connection.execute(
        delete(person_session).where(_is_of(person_id), person_session.c.id == session_id)
    )


async def end_sessions(connection: "AsyncConnection", person_id: str, *, but: int | None = None) -> int:
    """End somebody's sessions, but for one of them; answers how many."""
    these = _is_of(person_id)
    if but is not None:
        these &= person_session.c.id != but
    ended = await connection.execute(delete(person_session).where(these))
    if ended.rowcount:
        name = await connection.scalar(select(person.c.name).where(person.c.id == person_id))
        await audit(
            connection, "person", "signed out", (person_id, name or ""), after={"sessions": ended.rowcount}
        )
    return ended.rowcount


def network_of(host: str) -> str:
    """The network of an address, as it is kept: enough to tell home from office, and no more."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if address.is_loopback:
        return N_("this machine")
    bits = 24 if address.version == 4 else 48  # noqa: PLR2004 - IPv4
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))


def _is_of(person_id: str) -> ColumnElement[bool]:
    return person_session.c.person_id == person_id


def _is_over(idle: timedelta) -> ColumnElement[bool]:
    return or_(person_session.c.ends_at <= func.now(), person_session.c.seen_at <= func.now() - idle)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
