"""Passwords: hashed with Argon2id, as OWASP advises for servers (19 MiB, two passes, one lane).

Hashing takes some 50 ms of a core and 19 MiB: it runs in threads of its own, two at a time, so that a flood
of sign-ins neither stops the event loop nor eats the memory.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from argon2 import PasswordHasher

Result = TypeVar("Result")

PASSES = 2
MEMORY_KIB = 19 * 1024
LANES = 1
AT_ONCE = 2


async def hash_password(password: str) -> str:
    """Hash a password; the result names its own parameters and salt."""
    return await _in_thread(_hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Tell whether it is the password. No hash (nobody of that name) takes as long as a wrong password."""
    if password_hash is None:
        await hash_password(password)
        return False
    return await _in_thread(_verify, password_hash, password)


def is_outdated(password_hash: str) -> bool:
    """Tell whether it was made with other parameters than today's and should be made anew."""
    return _hasher().check_needs_rehash(password_hash)


def _hash(password: str) -> str:
    return _hasher().hash(password)


def _verify(password_hash: str, password: str) -> bool:
    from argon2.exceptions import VerificationError  # noqa: PLC0415

    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, ValueError):  # a damaged hash is a ValueError
        return False


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # noqa: PLC0415

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")


async def _in_thread(work: Callable[..., Result], *arguments: str) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_threads(), work, *arguments)
