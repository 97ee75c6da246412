"""Rich content that an administrator wrote: kept to the markup that Gladly documents, and to its length.

What Gladly does with other markup is not published (stripped, or refused), so nothing else is sent. What a customer
wrote never comes here unescaped: piped text does that.
"""

import html
import re

from afterword.gladly.texts import BODY_LENGTH, ELLIPSIS, grapheme_start, length

TAGS = frozenset(
    {"a", "img", "h1", "h2", "h3", "hr", "br", "div", "span", "p", "font", "strong", "em", "b", "i", "u"}
    | {"ul", "ol", "li", "dl", "dt", "dd"}
    | {"table", "tbody", "tfoot", "col", "colgroup", "thead", "tr", "td", "th", "caption"}
)
_CELL = "align valign height width style abbr colspan rowspan headers scope nowrap"
ATTRIBUTES = {
    tag: frozenset(names.split())
    for tag, names in {
        "a": "href target",
        "img": "src align alt height width",
        "div": "style",
        "font": "size color",
        "ul": "type",
        "ol": "type",
        "li": "type value",
        "table": "align width height style",
        "col": "align valign span width",
        "colgroup": "align valign span width",
        "thead": "align valign style",
        "tbody": "align valign style",
        "tfoot": "align valign style",
        "tr": "align valign style",
        "td": _CELL,
        "th": _CELL,
        "caption": "align",
    }.items()
}
STYLES = frozenset({"border-left", "margin", "padding-left", "text-align", "background-color"})

LONGEST_ESCAPED = 5
"""Units that a code point may come to: ``&amp;``."""

_OPEN_END = re.compile(r"<[^>]*\Z|&[^;\s]{0,10}\Z")
"""A tag or an entity that a cut left unfinished."""
_MARKUP = re.compile(r"<(?!br\s*/?>)[a-z/!]", re.IGNORECASE)
_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def rich_markup(text: str, limit: int = BODY_LENGTH) -> str:
    """The markup that Gladly takes, of at most ``limit`` units; where it was cut its tags are closed after an ellipsis.

    No tag, entity or character is split.
    """
    cleaned = _cleaned(text)
    if length(cleaned) <= limit:
        return cleaned
    room = limit
    while room > 0:
        cleaned = _cleaned(_cut(text, room))
        too_long = length(cleaned) - limit
        if too_long <= 0:
            return cleaned
        room -= max(1, too_long // LONGEST_ESCAPED)
    return ""


def has_markup(body: str) -> bool:
    """Whether a body holds more than text and line breaks."""
    return _MARKUP.search(body) is not None


def plain(body: str) -> str:
    """The text of a body without markup, as it is written in a setting."""
    return html.unescape(_LINE_BREAK.sub("\n", body))


def _cut(text: str, room: int) -> str:
    """The beginning of a text, of at most ``room`` code points, up to where nothing is left unfinished."""
    beginning = text[: grapheme_start(text, min(room, len(text)))]
    return _OPEN_END.sub("", beginning).rstrip() + ELLIPSIS


def _cleaned(text: str) -> str:
    import nh3  # noqa: PLC0415 - for bodies of this kind alone

    cleaned: str = nh3.clean(
        text,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
        filter_style_properties=set(STYLES),
    )
    return cleaned
