"""Log events have names that never change, so that they can be counted; the docs name those that are worth an alarm."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEVELS = frozenset({"debug", "info", "warning", "error", "exception"})
NAME = re.compile(r"[a-z]+(_[a-z]+)*")
CHOSEN = {"tell"}
"""What a level of the log is called where it hangs on what happened."""


def logged() -> Iterator[tuple[str, ast.expr]]:
    """The first argument of each call of the log, and where it is."""
    for path in (ROOT / "src" / "afterword").rglob("*.py"):
        text = path.read_text("utf-8")
        if "structlog.get_logger" not in text:
            continue
        for call in ast.walk(ast.parse(text)):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[first, *_]):
                    if level in LEVELS:
                        yield f"{path.relative_to(ROOT)}:{call.lineno}", first
                case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in CHOSEN:
                    yield f"{path.relative_to(ROOT)}:{call.lineno}", first


def test_every_log_event_has_a_name_that_is_constant() -> None:
    named = dict(logged())
    assert len(named) > 30
    for where, first in named.items():
        assert isinstance(first, ast.Constant), where
        assert NAME.fullmatch(str(first.value)), where


def test_the_operators_table_of_log_events_names_events_that_there_are() -> None:
    table = (ROOT / "docs" / "operator.md").read_text("utf-8").partition("| event | means |")[2]
    rows = table.partition("\n\n")[0].splitlines()[2:]
    told = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert len(told) > 20
    there = {first.value for _, first in logged() if isinstance(first, ast.Constant)}
    assert told - there == set()
