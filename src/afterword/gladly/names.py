"""A customer's one name, told apart into the two that a survey asks for.

Gladly keeps one ``name``; Qualtrics greets with a first name. No rule can be right for everyone, so this one
is made to be kind in a greeting: better a whole name, or none, than the wrong half of it.
"""

import re
import unicodedata


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words(
    "capt dame dr drs dott fr frau hon herr ing lady lord madame maître mevr mgr miss mlle mme mr mrs ms mx "
    "prof rabbi rev señor señora señorita sir sra srta"
)
PARTICLES = _words(
    "'s 't ab af al ap av bin bint da dal dalla das de dei del della den der des di do dos du e el ibn il la "
    "las le les lo los mac mc op te ten ter van vom von y z zu zum zur"
)
JOINING = _words("and & und et")
"""Between titles: Mr. and Mrs. Smith have no first name."""
SUFFIXES = _words(
    "jr sr ii iii iv v phd md dds esq cpa mba msc bsc ma ba jnr snr obe mbe inc llc ltd gmbh corp"
)
HONORIFICS = _words("様 さま さん 氏 先生 女士 小姐 님 씨")
"""Behind a name, as Japanese, Chinese and Korean write them."""

INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Marks of direction and spaces without width; joiners are part of how some scripts are written, and of emoji."""
QUOTED = re.compile(r'\s*["“](?P<name>[^"“”]*)["”]\s*')
COMMAS = re.compile(r"[,，、،]")  # noqa: RUF001 - names are written with these
ADDRESS = re.compile(r"""[<(\[]?(?<![^\s<>()\[\]"',;:])[^\s<>()\[\]"',;:@]+@[^\s<>()\[\]"',;:]+[>)\]]?""")
WEB_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+", re.IGNORECASE)
"""Who writes in chooses their name and says whose address is theirs: a link in it would be mailed to whomever."""
ASIAN_SCRIPTS = ("CJK UNIFIED", "CJK COMPATIBILITY", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC")


def split_name(name: str, family_name_first: bool = False) -> tuple[str, str]:
    """Split a name into the first name and the last names; either may be empty, neither is ever guessed.

    The first word is the first name, with a title before it (``Dr. Jane``), and the rest are the last names;
    with ``family_name_first`` it is the other way round. Besides:

    - A name that cannot be split (one word; a title and one word; 山田太郎, whose border is not written)
      is the first name as a whole, since that is what greets: "Hi 山田太郎".
    - Two or more words in Chinese, Japanese or Korean script have the family name first (山田 太郎), as these
      languages write it, save in Katakana alone, which spells foreign names in their own order.
    - A name that begins with a particle in lower case (``van der Berg``) has no first name.
    - ``Doe, Jane`` is Jane Doe; ``Jane Doe, PhD`` is not Doe Jane.
    - An email or web address in place of a name, or beside it, is no name, and quotation marks around the whole are
      left out. Nor do figures and signs greet anyone: a name without a letter is a last name.

    No word is lost or invented, save addresses, commas between words, and what nobody sees. Never raises.
    """
    words = _words_of(name)
    if not any(_is_spoken(word) for word in words):
        return "", " ".join(words)
    family, given, suffix = _parts_around_commas(" ".join(words))
    if family:
        return " ".join(given), " ".join(family + suffix)
    if _is_family_first_script(given) or family_name_first:
        return _family_first(given, suffix)
    return _given_first(given, suffix)


def _words_of(name: str) -> list[str]:
    """Its words, without addresses, what nobody sees, and quotation marks around the whole."""
    text = WEB_ADDRESS.sub(" ", INVISIBLE.sub("", _without_controls(name)))
    text = ADDRESS.sub(" ", text.replace("mailto:", " "))
    quoted = QUOTED.fullmatch(text)
    return (quoted["name"] if quoted else text).split()


def _given_first(words: list[str], suffix: list[str]) -> tuple[str, str]:
    if _begins_with_particle(words):
        return "", " ".join(words + suffix)
    end = _end_of_one_name(words)
    return " ".join(words[:end]), " ".join(words[end:] + suffix)


def _family_first(words: list[str], suffix: list[str]) -> tuple[str, str]:
    end = _end_of_one_name(words)
    if any(_is_spoken(word) for word in words[end:]):
        return " ".join(words[end:]), " ".join(words[:end] + suffix)
    if _begins_with_particle(words):
        return "", " ".join(words + suffix)
    return " ".join(words), " ".join(suffix)


def _begins_with_particle(words: list[str]) -> bool:
    """In lower case alone: Van Morrison is called Van."""
    return words[0] in PARTICLES and len(words) > 1


def _end_of_one_name(words: list[str]) -> int:
    """Behind the first word that is a name by itself (no title, particle or emoji), or behind them all."""
    for position, word in enumerate(words):
        is_title = word.casefold().rstrip(".") in TITLES
        is_between = word.casefold() in JOINING and position > 0
        if _is_spoken(word) and not (is_title or is_between) and word not in PARTICLES:
            return position + 1
    return len(words)


def _parts_around_commas(name: str) -> tuple[list[str], list[str], list[str]]:
    """Family name (only where a comma tells it), given names (or the whole), and what is written behind a
    name.
    """
    head, *tail = [part.split() for part in COMMAS.split(name) if part.split()]
    if not tail:
        end = next((at for at, word in enumerate(head) if at and word in HONORIFICS), len(head))
        return [], head[:end], head[end:]
    suffix = [word for part in tail if _is_suffix(part) for word in part]
    given = [word for part in tail if not _is_suffix(part) for word in part]
    if not any(_is_spoken(word) for word in given):
        return [], head, given + suffix
    return head, given, suffix


def _is_suffix(words: list[str]) -> bool:
    return all(word.casefold().replace(".", "") in SUFFIXES for word in words)


def _is_spoken(word: str) -> bool:
    """Whether there is a letter in it: emoji, figures and signs do not greet anyone."""
    return any(unicodedata.category(character).startswith("L") for character in word)


def _is_family_first_script(words: list[str]) -> bool:
    scripts = [
        unicodedata.name(letter, "")
        for letter in unicodedata.normalize("NFKC", "".join(words))
        if letter.isalpha()
    ]
    return all(script.startswith(ASIAN_SCRIPTS) for script in scripts) and not all(
        script.startswith("KATAKANA") for script in scripts
    )


def _without_controls(name: str) -> str:
    return "".join(" " if unicodedata.category(character) == "Cc" else character for character in name)
