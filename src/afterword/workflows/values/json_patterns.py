"""``match()`` and ``search()`` of JSONPath (RFC 9535, 2.4.6 and 2.4.7) by patterns that take linear time.

The JSONPath library's own would let a pattern meet a text from outside that takes it forever.
"""

import functools
from typing import TYPE_CHECKING

from jsonpath import JSONPathEnvironment
from jsonpath.function_extensions import ExpressionType, FilterFunction

from afterword.workflows.comparing import NotComparable, pattern

if TYPE_CHECKING:
    from afterword.workflows.comparing import Pattern

NOT_A_LINE_END = r"[^\n\r]"


class LinearEnvironment(JSONPathEnvironment):
    """Strict RFC 9535, patterns in linear time."""

    def __init__(self) -> None:
        super().__init__(strict=True)

    def setup_function_extensions(self) -> None:
        """Replace the two functions that take a pattern."""
        super().setup_function_extensions()
        self.function_extensions["match"] = _PatternFunction(r"\A(?:", r")\z")
        self.function_extensions["search"] = _PatternFunction("(?:", ")")


class _PatternFunction(FilterFunction):
    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 - the library's own declaration
    return_type = ExpressionType.LOGICAL

    def __init__(self, before: str, after: str) -> None:
        self._before = before
        self._after = after

    def __call__(self, value: object, wanted: object) -> bool:
        """Whether the text fits; what is no text, and what is no pattern, does not (RFC 9535)."""
        if not isinstance(value, str) or not isinstance(wanted, str):
            return False
        compiled = _compiled(f"{self._before}{_dots_mean_no_line_end(wanted)}{self._after}")
        return compiled is not None and compiled.search(value.encode("utf-8", "replace")) is not None


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> "Pattern | None":
    try:
        return pattern(text)
    except NotComparable:
        return None


def _dots_mean_no_line_end(wanted: str) -> str:
    """An I-Regexp in RE2's syntax (RFC 9485, 5.4): they differ in what a dot is."""
    parts, escaped, in_class = [], False, False
    for character in wanted:
        if not escaped and not in_class and character == ".":
            parts.append(NOT_A_LINE_END)
            continue
        parts.append(character)
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            in_class = (in_class or character == "[") and character != "]"
    return "".join(parts)
