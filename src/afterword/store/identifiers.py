"""Ids in Qualtrics' style: a prefix that tells what it is, and 15 letters and digits (``UR_8xK…``)."""

import hashlib
import secrets
import string

ALPHABET = string.ascii_letters + string.digits
LENGTH = 15


def new_id(prefix: str) -> str:
    """Make a random id, 89 bits of it: ``new_id("UR")`` may be ``UR_0f3KdWq81sBcZpT``."""
    return f"{prefix}_{random_text(LENGTH)}"


def derived_id(prefix: str, key: str) -> str:
    """Make the id that ``key`` has, today and on every machine; it tells nothing of the key."""
    number = int.from_bytes(hashlib.sha256(f"{prefix}:{key}".encode()).digest())
    characters = []
    for _ in range(LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[digit])
    return f"{prefix}_{''.join(characters)}"


def random_text(length: int) -> str:
    """Letters and digits that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
