"""Texts are whole in every language, and no template says anything that cannot be translated."""

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import nodes

from afterword.admin.workflows.events import event_fields
from afterword.admin.workflows.fields import Field, fields_of
from afterword.pages.rendering import SHARED, Templates
from afterword.tasks.describing import describe_installed
from afterword.translating import ENGLISH, FOLDER, LANGUAGES, PLACE
from afterword.workflows.definitions import ConversationClosed, Event, JsonEvent, Schedule, SurveyResponse

PACKAGE = FOLDER.parent
CONFIGURATION = PACKAGE.parents[1] / "pyproject.toml"
KEYWORDS = {"_": None, "N_": None, "said": None, "audit": (3,), "gettext": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%\(\w+\)s")
TRANSLATED = sorted(LANGUAGES.keys() - {ENGLISH})

NAMES = frozenset(
    {
        "Afterword",
        "Gladly",
        "Qualtrics",
        "CSAT",
        "URL",
        "POST",
        "STARTTLS",
        "TLS",
        "API",
        "JSON",
        "UTC",
        "XM",
        "OK",
    }
)
"""Words that are the same everywhere."""
CLASSES = frozenset({"small plain"})
"""Looks that macros are told by."""
UNITS = frozenset({"ms", "s", "min", "h", "d"})
SAID_ATTRIBUTE = re.compile(r'\b(?:aria-label|placeholder|title|alt|data-label)="([^"]*)"')
SENTENCE = re.compile(r"[A-Z][a-z]+$|[A-Z][a-z]+ |[a-z]{2,} [a-z]")
NOT_SAID = re.compile(r"\s*(aria-[a-z]+=|readonly|autofocus)|[\w-]*\"")
"""Attributes that a macro makes."""
SILENT_BLOCKS = frozenset({"body_class", "language"})
TEMPLATES = sorted(path for folder in PACKAGE.rglob("templates") for path in folder.rglob("*.html"))


@pytest.fixture(scope="module")
def messages() -> Catalog:
    """What `make messages` finds."""
    mappings = tomllib.loads(CONFIGURATION.read_text())["tool"]["babel"]["mappings"]
    methods = [(one["pattern"], one["method"]) for one in mappings]
    options = {one["pattern"]: one for one in mappings}
    found = Catalog()
    for name, line, message, _, _ in extract_from_dir(PACKAGE, methods, options, KEYWORDS):
        found.add(message, locations=[(name, line)])
    return found


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_with_the_same_places_for_values(messages: Catalog, language: str) -> None:
    with (FOLDER / language / "LC_MESSAGES" / "afterword.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    wrong = [words for message in messages if message.id for words in _mistakes(message, catalog)]
    assert not wrong, "Run `make messages` and translate:\n" + "\n".join(wrong)


def _mistakes(message: Message, catalog: Catalog) -> Iterator[str]:
    english, known = _forms(message.id), catalog.get(message.id)
    told = () if known is None else _forms(known.string)
    if known is None or known.fuzzy or not told or not all(told) or (len(told) > 1) != (len(english) > 1):
        yield f"not translated: {english[0]}"
        return
    if any(set(PLACEHOLDER.findall(one)) - set(PLACEHOLDER.findall(english[-1])) for one in told):
        yield f"other places: {english[0]}"
    if set(PLACEHOLDER.findall(told[-1])) != set(PLACEHOLDER.findall(english[-1])):
        yield f"other places: {english[0]}"
    if any(re.findall(r"%%", one) != re.findall(r"%%", english[0]) for one in told):
        yield f"other per cent signs: {english[0]}"
    if _can_be_filled_in(english[-1]) and not all(map(_can_be_filled_in, told)):
        yield f"values cannot be put in: {english[0]}"


def _can_be_filled_in(words: str) -> bool:
    try:
        return bool(words % dict.fromkeys(PLACE.findall(words), "x"))
    except (TypeError, ValueError):
        return False


def _forms(words: str | Sequence[str] | None) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words or ())


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_template_says_nothing_that_cannot_be_translated(template: Path) -> None:
    environment = Templates(SHARED).environment
    bare = list(_said(environment.parse(template.read_text())))
    assert not bare, f"Not in _() or trans: {bare}"


def test_a_text_that_was_forgotten_is_found(tmp_path: Path) -> None:
    environment = Templates(SHARED).environment
    forgotten = {
        "<p>Plainly said</p>": "Plainly said",
        '<a{% if x %} class="y"{% endif %} title="Some {{ x }}">{{ x }}</a>': "Some {}",
        '<b>{{ "one thing" if x else y }}</b>': "one thing",
        '{{ field("name", "Label") }}': "Label",
    }
    for source, words in forgotten.items():
        assert list(_said(environment.parse(source))) == [words]
    assert not list(
        _said(environment.parse('<b class="Some class">{{ _("Said") }} {{ x | join(", ") }}</b>'))
    )


def _said(tree: nodes.Template) -> Iterator[str]:
    """What the template says of itself: between tags, in attributes that are read out, and in expressions."""
    tag: str | None = None
    silent = False
    classes = [block for block in tree.find_all(nodes.Block) if block.name in SILENT_BLOCKS]
    outside = {id(output) for block in classes for output in block.find_all(nodes.Output)}
    for output in (one for one in tree.find_all(nodes.Output) if id(one) not in outside):
        for part in output.nodes:
            if not isinstance(part, nodes.TemplateData):
                if tag is None:
                    yield from _said_in_expression(part)
                else:
                    tag += "{}"
                continue
            for piece in re.findall(r"<[^<>]*>?|>|[^<>]+", part.data):
                if tag is None and not piece.startswith("<"):
                    if not silent and _is_said(piece):
                        yield piece.strip()
                    continue
                tag = (tag or "") + piece
                if tag.endswith(">"):
                    yield from (words for words in SAID_ATTRIBUTE.findall(tag) if _is_attribute_said(words))
                    silent = tag.startswith(("<code", "<pre", "<script", "<style"))
                    tag = None


def _is_said(text: str) -> bool:
    text = re.sub(r"&[#\w]+;", " ", text)
    return not NOT_SAID.match(text) and any(
        word not in NAMES | UNITS for word in re.findall(r"[^\W\d_]{2,}", text)
    )


def _is_attribute_said(words: str) -> bool:
    return bool(SENTENCE.search(words)) and _is_said(words.replace("{}", " "))


def _said_in_expression(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Const):
        if isinstance(node.value, str) and SENTENCE.match(node.value) and node.value not in NAMES | CLASSES:
            yield node.value
        return
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in KEYWORDS:
        return
    for child in node.iter_child_nodes(exclude=("test",) if isinstance(node, nodes.CondExpr) else ()):
        yield from _said_in_expression(child)


def test_every_text_of_the_code_is_given_the_values_that_it_has_places_for() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}: {', '.join(sorted(missing))}"
        for path in PACKAGE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and (missing := _without_value(call))
    ]
    assert not wrong, wrong


def _without_value(call: ast.Call) -> set[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    at = {"_": 0, "gettext": 0, "said": 0, "ngettext": 1}.get(name)
    if at is None or len(call.args) <= at or any(one.arg is None for one in call.keywords):
        return set()
    text = call.args[at]
    places = PLACE.findall(str(text.value)) if isinstance(text, ast.Constant) else []
    return set(places) - {one.arg for one in call.keywords} - {"num"}


SHOWN_AS_THEY_ARE = frozenset(
    {
        "%",
        "Chat",
        "Facebook Messenger",
        "Gladly AI",
        "HTML",
        "Instagram Direct",
        "JSON",
        "SMS",
        "Twitter",
        "WhatsApp",
    }
)
"""Words of choices that are names."""


def test_what_forms_of_tasks_and_events_are_made_of_is_translated(messages: Catalog) -> None:
    schemas = [one.configuration for one in describe_installed()[0]]
    events: list[Event] = [
        ConversationClosed("GA"),
        JsonEvent("OC"),
        SurveyResponse("SV"),
        Schedule("0 9 * * *", "UTC"),
    ]
    fields = [field for schema in schemas for field in fields_of(schema)]
    fields += [field for event in events for field in event_fields(event)]
    said = {words for field in fields for words in _words_of(field) if not words.isupper()}
    assert sorted(words for words in said - SHOWN_AS_THEY_ARE if words not in messages) == []


def _words_of(field: Field) -> Iterator[str]:
    yield from filter(None, (field.title, field.help, field.unit, field.wrong))
    yield from (field.choice(option) for option in field.options)
    for one in field.fields:
        yield from _words_of(one)


TOLD = {
    "Asked": 0,
    "BrokenOff": 0,
    "ClientException": 0,
    "InvalidAccount": 0,
    "InvalidAddress": 1,
    "InvalidBody": 0,
    "InvalidFilter": 0,
    "InvalidPath": 0,
    "InvalidPerson": 0,
    "InvalidReport": 0,
    "InvalidSearch": 0,
    "Malformed": 1,
    "Misfit": 1,
    "Mistake": 1,
    "NotComparable": 0,
    "NotFoundException": 0,
    "PermissionDeniedException": 0,
    "Reason": 1,
    "Refused": 0,
    "Unreachable": 0,
    "Wrong": 0,
    "_Refused": 0,
}
"""What carries words to somebody who reads a page, by the place of the words among what it is made from."""
TOLD_BY_NAME = frozenset({"title", "description", "words", "problem", "help", "label", "summary"})
"""The same by the names of what is given, and of what is set."""
OF_PROGRAMS = frozenset(
    {
        "alerts",
        "api",
        "cli.py",
        "commands",
        "config_files",
        "demo",
        "health.py",
        "intake",
        "qualtrics_api",
        "settings.py",
        "store",
        "subscriptions",
    }
)
"""Parts that speak to programs, at the command line, and to operators by mail: English."""
OF_ALERTS = {"holds.py", "hourly.py", "standing_alerts.py", "telling.py"}
OF_FILES = {"brakes.py", "definitions.py", "timeline_card.py"}
"""What config files say of a field, and what is posted to Gladly."""


def test_words_that_somebody_is_told_are_never_bare() -> None:
    bare = [
        f"{path.relative_to(PACKAGE)}:{words.lineno}: {ast.unparse(words)[:100]}"
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in OF_PROGRAMS and path.name not in OF_ALERTS | OF_FILES
        for node in ast.walk(ast.parse(path.read_text()))
        for words in _told_in(node)
        if _is_bare(words)
    ]
    assert not bare, "Neither in _(), N_() nor said():\n" + "\n".join(bare)


def _told_in(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "log":
            return
        if name in TOLD and len(node.args) > TOLD[name]:
            yield node.args[TOLD[name]]
        yield from (one.value for one in node.keywords if one.arg in TOLD_BY_NAME)
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        yield from [node.value] if node.targets[0].id in TOLD_BY_NAME else []


def _is_bare(words: ast.expr) -> bool:
    match words:
        case ast.Constant(value=str(text)):
            return bool(SENTENCE.search(text))
        case ast.JoinedStr(values=parts):
            return any(_is_bare(one) for one in parts if isinstance(one, ast.Constant))
        case ast.IfExp(body=body, orelse=other):
            return _is_bare(body) or _is_bare(other)
        case ast.BinOp(left=left, right=right):
            return _is_bare(left) or _is_bare(right)
        case _:
            return False
