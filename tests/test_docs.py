"""The docs hold what they say: links lead somewhere, options, commands and reasons are those of the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from afterword.cli import app
from afterword.settings import PREFIX, Settings, describe

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "bench" / "README.md", *(ROOT / "docs").rglob("*.md")]
)
NOT_SETTINGS = {
    "AFTERWORD_SETTINGS",
    "AFTERWORD_SANDBOX_USERNAME",
    "AFTERWORD_SANDBOX_API_TOKEN",
    "AFTERWORD_TOKEN",
}
"""Named in the docs, and read by something else than ``Settings``."""

NOT_BUILT: set[str] = set()
"""Commands that the docs speak of as not built; a test fails when one is built, so that the docs follow."""

LINK = re.compile(r"\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\bAFTERWORD_[A-Z_]*[A-Z]")
COMMAND = re.compile(r"(?:^ {4,}|`)(?:\.venv/bin/)?afterword ([a-z][a-z-]*(?: [a-z][a-z-]*)*)", re.MULTILINE)
TARGET = re.compile(r"(?:^ {4}|`|&& )make ([a-z-]+)", re.MULTILINE)
REASON_MAKERS = {"Reason", "_reason", "_answered", "Wait"}
REASON_CODE = re.compile(r"[a-z]+(-[a-z]+)*")


def each_doc() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("doc", DOCS, ids=lambda doc: str(doc.relative_to(ROOT)))


def anchors(doc: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", doc.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_doc()
def test_every_link_within_the_repository_leads_somewhere(doc: Path) -> None:
    for link in LINK.findall(doc.read_text("utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (doc.parent / path).resolve() if path else doc
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        assert not anchor or anchor in anchors(target), f"{link}: there is no such heading"


@each_doc()
def test_every_option_that_is_named_exists(doc: Path) -> None:
    options = {PREFIX + name.upper() for name in Settings.__struct_fields__} | NOT_SETTINGS
    named = {variable.removesuffix("_FILE") for variable in VARIABLE.findall(doc.read_text("utf-8"))}
    assert named <= options | {"AFTERWORD_DEMO"}


def top() -> TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


GROUPS = {name: command for name, command in top().commands.items() if isinstance(command, TyperGroup)}


def commands() -> set[str]:
    """Every command with its subcommands: ``demo``, ``runs``, ``runs list``, …"""
    return set(top().commands) | {
        f"{name} {below}" for name, group in GROUPS.items() for below in group.commands
    }


def named_command(words: str) -> str:
    """The command in what follows ``afterword``: one word, or two where the first has subcommands."""
    first, *rest = words.split()
    return f"{first} {rest[0]}" if first in GROUPS and rest else first


@each_doc()
def test_every_command_that_is_named_exists(doc: Path) -> None:
    named = {named_command(words) for words in COMMAND.findall(doc.read_text("utf-8"))}
    assert named <= commands() | NOT_BUILT


def test_what_the_docs_call_not_built_is_not_built() -> None:
    assert NOT_BUILT.isdisjoint(commands())


def test_every_command_is_named_in_the_docs() -> None:
    texts = [doc.read_text("utf-8") for doc in DOCS]
    named = {named_command(words) for text in texts for words in COMMAND.findall(text)}
    assert commands() - set(GROUPS) <= named


@each_doc()
def test_every_make_target_that_is_named_exists(doc: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(TARGET.findall(doc.read_text("utf-8"))) <= targets


def test_the_administrators_table_lists_every_option_as_the_code_has_it() -> None:
    text = (ROOT / "docs" / "administrator.md").read_text("utf-8")
    rows = re.findall(
        r"^\| `(AFTERWORD_[A-Z_]+)` \| (.*?) \| (.*) \|$", text.replace("|  |", "| - |"), re.MULTILINE
    )
    told = {variable: (default.strip("`"), description) for variable, default, description in rows}
    expected = {
        option.variable: (option.value or "-", option.description) for option in describe(Settings.load({}))
    }
    data_dir = f"{PREFIX}DATA_DIR"
    expected[data_dir] = ("the user's data directory", expected[data_dir][1])
    assert told == expected


def test_every_reason_stands_in_the_operators_table() -> None:
    told = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", (ROOT / "docs" / "operator.md").read_text("utf-8")))
    made = {code for file in (ROOT / "src" / "afterword").rglob("*.py") for code in reason_codes(file)}
    assert "customer-has-no-email" in made
    assert made <= told


def reason_codes(file: Path) -> Iterator[str]:
    """The codes of the reasons that a module makes, written there or as a constant of it."""
    module = ast.parse(file.read_text("utf-8"))
    constants = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REASON_MAKERS:
            for argument in node.args[:2]:
                value = constants.get(argument.id) if isinstance(argument, ast.Name) else argument
                if isinstance(value, ast.Constant) and REASON_CODE.fullmatch(str(value.value)):
                    yield str(value.value)
