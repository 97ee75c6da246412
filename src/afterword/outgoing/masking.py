"""What others say, made fit for an error's text: short, without secrets, without a person's data."""

import re
from collections.abc import Iterable

LONGEST_WORDS = 500
HIDDEN = "•••"

EMAIL_ADDRESS = re.compile(r"""(?<![^\s<>()\[\]"',;:])[^\s<>()\[\]"',;:@]+@[^\s<>()\[\]"',;:]+""")
PHONE_NUMBER = re.compile(r"(?<![\w-])\+?\d[\d ().-]{5,30}\d(?![\w-])")
MARKUP = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|</?[a-z!][^<>]*>", re.IGNORECASE | re.DOTALL)
SHORTEST_SECRET = 4


def masked(words: str, secrets: Iterable[str] = ()) -> str:
    """One line of at most 500 characters, with secrets, email addresses and phone numbers hidden and markup
    left out.

    Cut first at a generous length, so that a huge text costs nothing.
    """
    words = without_secrets(words[: 8 * LONGEST_WORDS], secrets)
    words = PHONE_NUMBER.sub(HIDDEN, EMAIL_ADDRESS.sub(HIDDEN, words))
    words = MARKUP.sub(" ", words)
    line = " ".join("".join(character if character.isprintable() else " " for character in words).split())
    return line if len(line) <= LONGEST_WORDS else line[: LONGEST_WORDS - 1] + "…"


def without_secrets(words: str, secrets: Iterable[str]) -> str:
    """The same words with every secret hidden; one of fewer than four characters is too common to be looked for."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            words = words.replace(secret, HIDDEN)
    return words
