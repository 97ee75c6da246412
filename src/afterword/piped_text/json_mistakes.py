"""What is wrong with a text that is no JSON, with its place, in the language that is spoken."""

import json

from afterword.translating import N_, translated
from afterword.translating import gettext as _

PROBLEMS = frozenset(
    {
        N_("expecting value"),
        N_("expecting property name enclosed in double quotes"),
        N_("expecting ',' delimiter"),
        N_("expecting ':' delimiter"),
        N_("illegal trailing comma before end of object"),
        N_("illegal trailing comma before end of array"),
        N_("unterminated string starting at"),
        N_("invalid control character at"),
        N_("invalid \\escape"),
        N_("invalid \\uXXXX escape"),
        N_("extra data"),
        N_("unexpected UTF-8 BOM (decode using utf-8-sig)"),
    }
)
"""What Python's reader of JSON says, here to be translated."""


def json_mistake(error: json.JSONDecodeError) -> str:
    """Line and column, from 1, and what is wrong there: ``line 1, column 3: expecting value``."""
    problem = (error.msg[:1].lower() + error.msg[1:]).rstrip(": ")
    return _(
        "line %(line)s, column %(column)s: %(problem)s",
        line=error.lineno,
        column=error.colno,
        problem=translated(problem),
    )
