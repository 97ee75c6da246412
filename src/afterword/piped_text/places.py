"""A text filled in for the place it goes to, where what a value may be hangs on where in the text it stands.

In HTML that is between tags, in an attribute, or where no value may go; in JSON within a string or where a value is; in
an address its path or what follows a ``?``. The text's own pieces are its author's and are taken as they are.
"""

import json
import re
from collections.abc import Callable, Sequence

from afterword.piped_text import escaping
from afterword.piped_text.escaping import Place
from afterword.piped_text.filling import Json, Ready, Source, value_of
from afterword.piped_text.grammar import Pipe, parse
from afterword.piped_text.html_places import html_places
from afterword.piped_text.json_mistakes import json_mistake
from afterword.piped_text.origins import has_fixed_origin
from afterword.translating import N_, translated
from afterword.translating import gettext as _

Pieces = Sequence[str | Pipe]
Escape = Callable[[str], str]

NOT_IN_MARKUP = N_(
    "piped text may stand between tags and in attributes within quotes; not in the name of a tag or attribute, in a "
    "style, script or comment, nor at the beginning of an address in href or src"
)
ORIGIN_FROM_VALUES = N_(
    "an address has to begin with its own scheme and host, as https://example.com/; values may follow in its path and "
    "after a ?"
)
AFTER_BACKSLASH = N_("piped text may not follow a backslash in a JSON string")
CLIMBS = N_("a value in the path of an address is “.” or “..”, which would lead elsewhere")


class UnfitValue(ValueError):
    """A value cannot be put where it was to go without the result becoming something else.

    The message says what and why, without the value.
    """


def fill(template: str, place: Place, *sources: Source) -> str:
    """Fill in a text that goes to this place.

    Raises:
        UnknownPipe: no source knows a name.
        UnfitValue: a value would become markup, or have an address lead elsewhere.
    """
    pieces = parse(template)
    if not any(isinstance(piece, Pipe) for piece in pieces):
        return escaping.header(template) if place == "header" else template
    escapes = iter(_ESCAPES[place](template, pieces))
    result = "".join(
        _put(value_of(piece, sources), next(escapes)) if isinstance(piece, Pipe) else piece
        for piece in pieces
    )
    if place == "header":
        return escaping.header(result)
    if place == "url" and _dot_segments(result) != _dot_segments(_with_stand_ins(pieces, "x")):
        raise UnfitValue(CLIMBS)
    return result


def author_mistake(template: str, place: Place) -> str | None:
    """What is wrong with a text for its place before any value is known, for saving."""
    pieces = parse(template)
    try:
        escapes = iter(_ESCAPES[place](template, pieces))
    except UnfitValue as error:
        return translated(str(error))
    if place != "json" or not template.strip():
        return None
    try:
        json.loads("".join(next(escapes)("0") if isinstance(piece, Pipe) else piece for piece in pieces))
    except json.JSONDecodeError as error:
        return _("this is not JSON, with 0 for each piped text: %(why)s", why=json_mistake(error))
    except RecursionError:
        return _("this JSON is nested too deep")
    return None


def _put(value: str, escape: Escape) -> str:
    return value if isinstance(value, Ready) else escape(value)


def _with_stand_ins(pieces: Pieces, stand_in: str) -> str:
    return "".join(stand_in if isinstance(piece, Pipe) else piece for piece in pieces)


def _alike(escape: Escape) -> Callable[[str, Pieces], list[Escape]]:
    return lambda _template, pieces: [escape for piece in pieces if isinstance(piece, Pipe)]


def _in_html(template: str, _pieces: Pieces) -> list[Escape]:
    places = html_places(template)
    if None in places:
        raise UnfitValue(NOT_IN_MARKUP)
    return [escaping.html if place == "text" else escaping.url_component for place in places]


def _in_json(_template: str, pieces: Pieces) -> list[Escape]:
    escapes: list[Escape] = []
    in_string, before = False, ""
    for piece in pieces:
        if isinstance(piece, Pipe):
            if in_string and _ENDS_IN_BACKSLASH.search(before):
                raise UnfitValue(AFTER_BACKSLASH)
            escapes.append(escaping.json_string if in_string else _json_value)
        else:
            in_string ^= _changes_side(piece)
        before = piece if isinstance(piece, str) else ""
    return escapes


_ENDS_IN_BACKSLASH = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")
_JSON_QUOTE = re.compile(r'\\.|"', re.DOTALL)


def _changes_side(piece: str) -> bool:
    """Whether what is within a string before this piece of JSON is outside after it, or the other way round."""
    return sum(found[0] == '"' for found in _JSON_QUOTE.finditer(piece)) % 2 == 1


_JSON_SCALAR = re.compile(
    r"-?(?:0|[1-9]\d{0,300})(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?|true|false|null", re.ASCII
)


def _json_value(value: str) -> str:
    """A value that stands without quotes: JSON as what it is, a number or ``true`` too; any other text in quotes."""
    if isinstance(value, Json) or _JSON_SCALAR.fullmatch(value):
        return str(value)
    return f'"{escaping.json_string(value)}"'


def _in_url(_template: str, pieces: Pieces) -> list[Escape]:
    pipes = [piece for piece in pieces if isinstance(piece, Pipe)]
    is_link = len(pieces) == 1 and pipes and pipes[0].scheme == "l"
    if pipes and not is_link and not (isinstance(pieces[0], str) and has_fixed_origin(pieces[0])):
        raise UnfitValue(ORIGIN_FROM_VALUES)
    return [escaping.url_component for _pipe in pipes]


def _dot_segments(url: str) -> int:
    path = re.split(r"[?#]", url, maxsplit=1)[0]
    return sum(segment in {".", ".."} for segment in path.split("/"))


_ESCAPES: dict[Place, Callable[[str, Pieces], list[Escape]]] = {
    "text": _alike(escaping.text),
    "header": _alike(escaping.header),
    "html": _in_html,
    "json": _in_json,
    "url": _in_url,
    "form": _alike(escaping.url_component),
}
