"""In whose language somebody is answered: texts, moments and numbers.

The texts stand in English where they are used; ``translations/`` has them in the other languages. Which language is
meant is told once, where a request comes in (:func:`speak`); whatever makes a text within calls :func:`gettext`, most
often as ``_``. Where nobody told, as in commands and workers, it is English, and no catalog is read. A text that is
made now and shown later to somebody else, such as a Reason, is kept in English and marked with :func:`N_`.
"""

import functools
import gettext as catalogs
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "de": "Deutsch", "es": "Español"})
"""Each language there is, in its own words."""
ENGLISH = "en"
FOLDER = Path(__file__).parent / "translations"
LONGEST_HEADER = 200
PLACE = re.compile(r"%\((\w+)\)s")
PARTS = re.compile(r"(?P<what>[^;()]+)(?P<call> \(.*\))?(?:; (?P<advice>[^;]+))?", re.DOTALL)
CALL = re.compile(r" \((?P<call>[^()]*?)(?:, status (?P<status>\d+))?(?:: (?P<said>.*))?\)", re.DOTALL)
MOMENT = re.compile(
    r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{1,2} "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}, \d\d:\d\d\b"
)
"""A moment that is kept in English."""
FEWEST_WORDS = 3
"""Of its own has a text to have, to be known by them."""

_speaking: ContextVar[str] = ContextVar("speaking", default=ENGLISH)


def speak(language: str) -> None:
    """Have every text from now on, in this task and those that it starts, be in this one of :data:`LANGUAGES`."""
    _speaking.set(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Have every text within the block be in this one of :data:`LANGUAGES`."""
    before = _speaking.set(language)
    try:
        yield
    finally:
        _speaking.reset(before)


def spoken() -> str:
    """The language that texts are made in now."""
    return _speaking.get()


def best_language(wanted: str | None) -> str:
    """Of our languages the one that an ``Accept-Language`` header, or a tag such as ``de-AT``, asks for first."""
    return _negotiated(wanted) if wanted and len(wanted) <= LONGEST_HEADER else ENGLISH


@functools.lru_cache(maxsize=256)
def _negotiated(wanted: str) -> str:
    from babel import negotiate_locale  # noqa: PLC0415

    asked = [tag.strip().partition(";") for tag in wanted.lower().split(",")]
    ranked = sorted(asked, key=lambda one: _quality(one[2]), reverse=True)
    tags = [tag.strip() for tag, _, quality in ranked if tag.strip() and _quality(quality) > 0]
    return negotiate_locale(tags, list(LANGUAGES), sep="-") or ENGLISH


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def gettext(message: str, /, **values: object) -> str:
    """The text in the language that is spoken, with ``values`` where it says ``%(name)s``.

    A per cent sign is ``%%``, as in templates.
    """
    return translated(message) % values


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """As :func:`gettext`, in the form that goes with the number; that is there as ``%(num)s``."""
    return translated_number(singular, plural, number) % {"num": number, **values}


def N_(message: str) -> str:  # noqa: N802
    """Mark a text that is translated where it is shown, by :func:`translated`."""
    return message


STATUS = N_("status %(status)s")
"""An answer's, as vendors' errors tell it."""


def said(message: str, /, **values: object) -> str:
    """An English text with values, to be kept and shown later to whoever it may be, by :func:`retold`."""
    return message % values


def retold(words: str) -> str:
    """A text that was kept, in the language that is spoken: found by what it was made from, with the values it has.

    One that no catalog knows stays as it is.
    """
    language = _speaking.get()
    return words if language == ENGLISH or not words else _retold(words, language)


@functools.lru_cache(maxsize=4096)
def _retold(words: str, language: str) -> str:
    exactly = _catalog(language).gettext(words)
    if exactly != words:
        return exactly
    for pattern, message in _patterns(language):
        if (found := pattern.fullmatch(words)) is not None:
            values = {name: _retold(value, language) for name, value in found.groupdict().items()}
            return _catalog(language).gettext(message) % values
    return _retold_by_parts(words, language)


def _retold_by_parts(words: str, language: str) -> str:
    """What vendors' errors are like: what it was, the call in brackets, and what to do."""
    parts = PARTS.fullmatch(words)
    if parts is None or not (parts["call"] or parts["advice"]):
        return _retold_moments(words, language)
    advice = f"; {_retold(parts['advice'], language)}" if parts["advice"] else ""
    return f"{_retold(parts['what'], language)}{_retold_call(parts['call'] or '', language)}{advice}"


def _retold_call(words: str, language: str) -> str:
    """A call in brackets, with the status and what was said: `` (GET /agents, status 503: no answer in time)``."""
    parts = CALL.fullmatch(words)
    if parts is None:
        return words
    status = _catalog(language).gettext(STATUS) % {"status": parts["status"]} if parts["status"] else ""
    told = f": {_retold(parts['said'], language)}" if parts["said"] else ""
    return f" ({parts['call']}{status and ', ' + status}{told})"


@functools.cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Each text that has places for values and enough words of its own to be known by, the longest first."""
    messages = _catalog(language).english
    found = [(one, PLACE.sub("", one)) for one in messages if PLACE.search(one) and "<" not in one]
    telling = [(own, one) for one, own in found if len(own.split()) >= FEWEST_WORDS]
    return [(_pattern(one), one) for _own, one in sorted(telling, key=lambda pair: -len(pair[0]))]


def _pattern(message: str) -> re.Pattern[str]:
    pieces, known = [], set[str]()
    for index, piece in enumerate(PLACE.split(message)):
        if index % 2 == 0:
            pieces.append(re.escape(piece.replace("%%", "%")))
        else:
            pieces.append(f"(?P={piece})" if piece in known else f"(?P<{piece}>.*?)")
            known.add(piece)
    return re.compile("".join(pieces), re.DOTALL)


def weekday_and_time(moment: datetime, language: str) -> str:
    """A moment by its own clock, as a reason keeps it in English (``Mon 23 Nov 2026, 22:16``) and others tell it."""
    if language == ENGLISH:
        return f"{moment:%a %-d %b %Y, %H:%M}"
    from babel.dates import format_skeleton  # noqa: PLC0415

    return f"{format_skeleton('yMMMEd', moment, locale=language)}, {moment:%H:%M}"


def _retold_moments(words: str, language: str) -> str:
    def retold_moment(found: re.Match[str]) -> str:
        moment = datetime.strptime(found[0], "%a %d %b %Y, %H:%M")  # noqa: DTZ007 - by its own clock
        return weekday_and_time(moment, language)

    return MOMENT.sub(retold_moment, words)


def translated(message: str) -> str:
    """A text as it stands, in the language that is spoken; one that no catalog knows stays as it is."""
    language = _speaking.get()
    return message if language == ENGLISH or not message else _catalog(language).gettext(message)


def translated_number(singular: str, plural: str, number: int) -> str:
    """The form of a text that goes with the number, as it stands, in the language that is spoken."""
    language = _speaking.get()
    if language == ENGLISH:
        return singular if number == 1 else plural
    return _catalog(language).ngettext(singular, plural, number)


async def get_ready() -> None:
    """Have the texts of the language that is spoken at hand: they are read once, and nobody else waits meanwhile."""
    if spoken() not in _read:
        import asyncio  # noqa: PLC0415

        await asyncio.to_thread(_patterns, spoken())
        _read.add(spoken())


_read = {ENGLISH}


class _Catalog(catalogs.GNUTranslations):
    """Texts with their translations; ``english`` are all that it knows, in no form of a number."""

    def __init__(self, compiled: io.BytesIO, english: Sequence[str]) -> None:
        super().__init__(compiled)
        self.english = english


@functools.cache
def _catalog(language: str) -> _Catalog:
    """Read when somebody first speaks the language: nothing is compiled, so nothing can be out of date."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with (FOLDER / language / "LC_MESSAGES" / "afterword.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return _Catalog(compiled, [one.id for one in catalog if isinstance(one.id, str)])
