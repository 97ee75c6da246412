"""Rich content: the markup that Gladly documents for the bodies of activities; anything else is stripped."""

_TAGS = frozenset(
    {"a", "img", "h1", "h2", "h3", "hr", "br", "div", "span", "p", "font", "strong", "em", "b", "i", "u"}
    | {"ul", "ol", "li", "dl", "dt", "dd"}
    | {"table", "tbody", "tfoot", "col", "colgroup", "thead", "tr", "td", "th", "caption"}
)
_CELL = frozenset(
    {"align", "valign", "height", "width", "style", "abbr", "colspan", "rowspan", "headers", "scope"}
)
_ROW = frozenset({"align", "valign", "style"})
_ATTRIBUTES = {
    "a": frozenset({"href"}),
    "img": frozenset({"src", "align", "alt", "height", "width"}),
    "div": frozenset({"style"}),
    "font": frozenset({"size", "color"}),
    "ul": frozenset({"type"}),
    "ol": frozenset({"type"}),
    "li": frozenset({"type", "value"}),
    "table": frozenset({"align", "width", "height", "style"}),
    "col": frozenset({"align", "valign", "span", "width"}),
    "colgroup": frozenset({"align", "valign", "span", "width"}),
    "thead": _ROW,
    "tbody": _ROW,
    "tfoot": _ROW,
    "tr": _ROW,
    "td": _CELL | {"nowrap"},
    "th": _CELL | {"nowrap"},
    "caption": frozenset({"align"}),
}
_STYLES = frozenset({"border-left", "margin", "padding-left", "text-align", "background-color"})


def sanitize(body: str) -> str:
    """Return HTML that is safe to show: only the documented tags, attributes and styles; links open apart."""
    import nh3  # noqa: PLC0415 -- at the first activity that is shown

    cleaned: str = nh3.clean(
        body,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        filter_style_properties=set(_STYLES),
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return cleaned
