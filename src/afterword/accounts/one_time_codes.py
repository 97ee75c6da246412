"""One-time codes (TOTP, RFC 6238): a secret shared with somebody's phone, and recovery codes for when that is lost.

A code is good for its period of 30 s and the ones beside it, for clocks that differ, and is taken once. Recovery codes
have 80 random bits, so that their SHA-256 can be kept as it is; each is taken once.
"""

import base64
import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Literal

from sqlalchemy import any_, delete, func, insert, literal, select, update

from afterword.accounts.audit import audit
from afterword.accounts.people import Person
from afterword.accounts.secrets import SecretBox
from afterword.store.tables import one_time_code, person

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

RequiredOf = Literal["nobody", "administrators", "everybody"]
"""Of whom one-time codes are required; owners count as administrators."""

PERIOD_SECONDS = 30
PERIODS_BESIDE = 1
ISSUER = "Afterword"
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
RECOVERY_LENGTH = 16
LONGEST_TYPED = 100


class WrongCode(ValueError):
    """A code is not the right one, or was taken before."""


def required_of(whose: Person, required: RequiredOf) -> bool:
    """Whether somebody has to have one-time codes to sign in with a password."""
    return required == "everybody" or (
        required == "administrators" and whose.role in {"owner", "administrator"}
    )


def new_secret() -> str:
    """A secret for somebody's phone: 160 bits in base32."""
    import pyotp  # noqa: PLC0415

    return pyotp.random_base32()


def address_of(secret: str, email: str) -> str:
    """The ``otpauth:`` address that a phone reads as a QR code."""
    import pyotp  # noqa: PLC0415

    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


async def has_codes(connection: "AsyncConnection", person_id: str) -> bool:
    """Whether somebody is asked for a code when they sign in with their password."""
    return await recovery_codes_left(connection, person_id) is not None


async def recovery_codes_left(connection: "AsyncConnection", person_id: str) -> int | None:
    """How many recovery codes somebody has left; ``None`` for who has no one-time codes."""
    left: int | None = await connection.scalar(
        select(func.cardinality(one_time_code.c.recovery_sha256)).where(
            one_time_code.c.person_id == person_id
        )
    )
    return left


async def set_up(
    connection: "AsyncConnection", box: SecretBox, person_id: str, *, secret: str, code: str
) -> list[str]:
    """Ask somebody for codes of this secret from now on, as they have shown that their phone makes them.

    Answers their recovery codes, which can never be read again.

    Raises:
        WrongCode: the code is none of this secret.
    """
    step = _step_of(secret, code)
    if step is None:
        raise WrongCode
    recovery = _new_recovery_codes()
    values = {
        "person_id": person_id,
        "secret": box.encrypt(secret),
        "last_step": step,
        "recovery_sha256": [_digest(one) for one in recovery],
    }
    await connection.execute(delete(one_time_code).where(one_time_code.c.person_id == person_id))
    await connection.execute(insert(one_time_code).values(values))
    await _write_down(connection, person_id, "set one-time codes up")
    return recovery


async def take_code(connection: "AsyncConnection", box: SecretBox, person_id: str, typed: str) -> bool:
    """Take a code that somebody typed, of their phone or one of their recovery codes; answers whether of the latter.

    Raises:
        WrongCode: it is neither, or was taken before.
    """
    written = "".join(letter for letter in typed[:LONGEST_TYPED] if letter.isalnum()).lower()
    if len(written) == RECOVERY_LENGTH:
        await _take_recovery_code(connection, person_id, written)
        return True
    of_person = one_time_code.c.person_id == person_id
    secret = await connection.scalar(select(one_time_code.c.secret).where(of_person))
    step = None if secret is None else _step_of(box.decrypt(secret), written)
    if step is None:
        raise WrongCode
    taken = await connection.execute(
        update(one_time_code).where(of_person, one_time_code.c.last_step < step).values(last_step=step)
    )
    if not taken.rowcount:
        raise WrongCode
    return False


async def renew_recovery_codes(connection: "AsyncConnection", person_id: str) -> list[str]:
    """Give somebody other recovery codes, in place of those of before; they can never be read again."""
    recovery = _new_recovery_codes()
    await connection.execute(
        update(one_time_code)
        .where(one_time_code.c.person_id == person_id)
        .values(recovery_sha256=[_digest(one) for one in recovery])
    )
    await _write_down(connection, person_id, "given other recovery codes")
    return recovery


async def take_codes_away(connection: "AsyncConnection", person_id: str) -> bool:
    """Ask somebody for no codes any more, until they set them up again; answers whether they had any."""
    gone = await connection.execute(delete(one_time_code).where(one_time_code.c.person_id == person_id))
    if gone.rowcount:
        await _write_down(connection, person_id, "rid of one-time codes")
    return bool(gone.rowcount)


async def _take_recovery_code(connection: "AsyncConnection", person_id: str, written: str) -> None:
    digest = _digest(written)
    recovery = one_time_code.c.recovery_sha256
    taken = await connection.execute(
        update(one_time_code)
        .where(one_time_code.c.person_id == person_id, literal(digest) == any_(recovery))
        .values(recovery_sha256=func.array_remove(recovery, digest))
    )
    if not taken.rowcount:
        raise WrongCode
    await _write_down(connection, person_id, "used a recovery code")


def _step_of(secret: str, code: str) -> int | None:
    """The period that a code is of, if it is now or beside."""
    import pyotp  # noqa: PLC0415

    totp = pyotp.TOTP(secret, interval=PERIOD_SECONDS)
    now = int(time.time()) // PERIOD_SECONDS
    steps = range(now - PERIODS_BESIDE, now + PERIODS_BESIDE + 1)
    right = [
        step for step in steps if secrets.compare_digest(totp.generate_otp(step).encode(), code.encode())
    ]
    return max(right, default=None)


def _new_recovery_codes() -> list[str]:
    codes = [
        base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)
    ]
    return [f"{one[:4]}-{one[4:8]}-{one[8:12]}-{one[12:]}" for one in codes]


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.replace("-", "").encode("utf-8", "replace")).digest()


async def _write_down(connection: "AsyncConnection", person_id: str, what: str) -> None:
    name = await connection.scalar(select(person.c.name).where(person.c.id == person_id))
    await audit(connection, "person", what, (person_id, name or ""))
