"""The words of run history's search: how texts become words to be found by, and how what somebody types is read.

Both sides are ours, and the same: PostgreSQL's own parser would cut ids and addresses in ways that differ from place to
place. Words are kept in PostgreSQL's ``tsvector``, as they come from here. A word of a customer's (a name, an address)
is marked with ``~``, so that those who may not see it cannot find by it, either; a tag, such as the run's status, with
``=``. What is typed never begins with either.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

import msgspec

from afterword.translating import gettext as _

LONGEST_SEARCH = 200
MOST_WORDS = 8
LONGEST_WORD = 64
"""Characters; what is longer is cut, and so found by its beginning."""
LONGEST_TEXT = 2000
MOST_PARTS = 4
"""An id of more parts (a UUID, for one) is found whole and by its beginning only."""
PERSONAL, TAG = "~", "="

PART = re.compile(r"[^\W_]+")
APOSTROPHES = str.maketrans("", "", "'`\u2019\u02bc\u00b4")
LEFT_OUT = frozenset({"Mn", "Cc", "Cf", "Cs"})
"""Marks over letters, and what nobody sees or no database takes."""
EDGES = re.compile(r"^[\W_]+|[\W_]+$")


class InvalidSearch(ValueError):
    """What was typed cannot be searched for; the message says why."""


def fold(text: str) -> str:
    """A text without what people leave out when they search: capitals, accents, apostrophes."""
    apart = unicodedata.normalize("NFKD", text.translate(APOSTROPHES)).casefold()
    kept = "".join(character for character in apart if unicodedata.category(character) not in LEFT_OUT)
    return unicodedata.normalize("NFC", kept)


def words_of_id(value: str) -> Iterator[str]:
    """An id whole, and by its parts where it has a few (``EMD_abc``: ``emd_abc``, ``emd``, ``abc``)."""
    for typed in value.split():
        yield from _forms(typed)


def words_of_name(value: str) -> Iterator[str]:
    """Each part of a name, and those with a hyphen whole as well."""
    for typed in value[:LONGEST_TEXT].split():
        yield from (PERSONAL + word for word in _forms(typed))


def words_of_address(value: str) -> Iterator[str]:
    """An email address whole, its domain, and the parts of both but the last."""
    address = _trimmed(value)
    local, _at, domain = address.rpartition("@")
    labels = PART.findall(domain)
    for word in (address, domain, *PART.findall(local), *labels[:-1]):
        if word:
            yield PERSONAL + word[:LONGEST_WORD]


def words_of_text(value: str) -> Iterator[str]:
    """Each word of a sentence, of a reason for one; what has a hyphen, as codes have, whole as well."""
    for typed in value[:LONGEST_TEXT].split():
        whole = _trimmed(typed)
        parts = PART.findall(whole)
        yield from (part[:LONGEST_WORD] for part in parts)
        if len(parts) > 1:
            yield whole[:LONGEST_WORD]


def tag(kind: str, value: object) -> str:
    """A property of a run as a word that nobody can type."""
    return f"{TAG}{kind}:{'_'.join(fold(str(value)).split())}"[: 2 * LONGEST_WORD]


class Search(msgspec.Struct, frozen=True):
    """What somebody looks for: each of ``words`` has to be there, each in one of its forms, or else all its parts."""

    words: tuple[str, ...]

    @property
    def number(self) -> int | None:
        """The run or event that is meant when nothing but a number was typed."""
        (word,) = self.words if len(self.words) == 1 else ("",)
        return int(word) if word.isascii() and word.isdecimal() and len(word) < len(str(2**63)) else None

    def query(self, *, personal: bool, tags: Iterable[Iterable[str]] = ()) -> str:
        """The search in the language of ``tsquery``; of each group of ``tags`` one has to be there.

        Without ``personal`` nothing is found by a customer's name or address.
        """
        words = [_any(_ways(word, personal=personal)) for word in self.words]
        return " & ".join([*words, *(_any(_quoted(one) for one in group) for group in tags)])


def read_search(typed: str) -> Search | None:
    """Read what somebody typed; ``None`` for nothing.

    Raises:
        InvalidSearch: it is too long, has too many words, or none.
    """
    if not typed.strip():
        return None
    if len(typed) > LONGEST_SEARCH:
        raise InvalidSearch(_("A search has at most %(most)s characters.", most=LONGEST_SEARCH))
    words = tuple(dict.fromkeys(word for one in typed.split() if (word := _trimmed(one))))
    if not words:
        raise InvalidSearch(_("A search needs a letter or a digit."))
    if len(words) > MOST_WORDS:
        raise InvalidSearch(_("A search has at most %(most)s words.", most=MOST_WORDS))
    return Search(words)


def _trimmed(typed: str) -> str:
    """A word as it is compared: folded, without the quotes, brackets and dots around it."""
    return EDGES.sub("", "".join(fold(typed).split()))


def _forms(typed: str) -> Iterator[str]:
    whole = _trimmed(typed)
    parts = PART.findall(whole)
    if whole:
        yield whole[:LONGEST_WORD]
    if 1 < len(parts) <= MOST_PARTS:
        yield from (part[:LONGEST_WORD] for part in parts)


def _ways(word: str, *, personal: bool) -> Iterator[str]:
    """The ways in which a word can be there: itself, as a beginning, or every one of its parts.

    An address is meant whole: its parts stand in many others.
    """
    marks = ("", PERSONAL) if personal else ("",)
    yield from (_beginning(mark, word) for mark in marks)
    parts = PART.findall(word)
    if 1 < len(parts) <= MOST_PARTS and "@" not in word:
        yield " & ".join(_any(_beginning(mark, part) for mark in marks) for part in parts)


def _beginning(mark: str, word: str) -> str:
    """A word or its beginning; a number and a single Latin letter are meant as they are."""
    is_whole = word.isdecimal() or (len(word) == 1 and word.isascii())
    return _quoted(mark + word[:LONGEST_WORD]) + ("" if is_whole else ":*")


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _any(ways: Iterable[str]) -> str:
    return "(" + " | ".join(f"({way})" if " & " in way else way for way in ways) + ")"
