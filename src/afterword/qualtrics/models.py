"""What Qualtrics' API answers, as far as Afterword looks at it.

Qualtrics adds keys at any time, leaves out what is empty, and writes ``[]`` where an object is empty (seen so): unknown
keys are ignored, all but ids may be missing, and a list in an object's place is read by its numbers, from 1.
"""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

T = TypeVar("T")


class Whoami(msgspec.Struct, frozen=True, rename="camel"):
    """Whose token it is. ``notice`` is what Qualtrics remarks on the call: that the data centre is another, for one."""

    user_id: str
    brand_id: str | None = None
    user_name: str | None = None
    account_type: str | None = None
    datacenter: str | None = None
    notice: str = ""


class SurveySummary(msgspec.Struct, frozen=True, rename="camel"):
    """A survey in the list of all that the token's user may see."""

    id: str
    name: str | None = None
    is_active: bool | None = None
    last_modified: str | None = None


class QuestionType(msgspec.Struct, frozen=True, rename="camel"):
    """``MC``, ``TE``, ``Matrix``, … with its selector (``SAVR``, ``NPS``, …)."""

    type: str | None = None
    selector: str | None = None


class Choice(msgspec.Struct, frozen=True, rename="camel"):
    """A choice, or a row of a matrix; the texts are HTML."""

    recode: str | int | float | None = None
    choice_text: str | None = None
    description: str | None = None


class Question(msgspec.Struct, frozen=True, rename="camel"):
    """A question as ``GET /surveys/{id}`` tells it; the text is HTML. A matrix has ``rows`` besides choices."""

    question_type: QuestionType | None = None
    question_text: str | None = None
    question_label: str | None = None
    choices: Mapping[str, Choice] = {}
    rows: Mapping[str, Choice] = {}


class Survey(msgspec.Struct, frozen=True):
    """A survey. ``embedded_data`` are the names that its flow declares, as the older form of the call tells them."""

    id: str
    name: str
    questions: Mapping[str, Question] = {}
    embedded_data: tuple[str, ...] = ()


class SurveyResponse(msgspec.Struct, frozen=True, rename="camel"):
    """One response. ``values`` holds metadata, answers and Embedded Data side by side; see ``responses.py``."""

    response_id: str
    values: Mapping[str, object] = {}
    labels: Mapping[str, object] = {}


class EventSubscription(msgspec.Struct, frozen=True, rename="camel"):
    """An event subscription. Its shared key is never told."""

    id: str
    topics: str | None = None
    publication_url: str | None = None


class _Page(msgspec.Struct, frozen=True, rename="camel"):
    elements: msgspec.Raw = msgspec.Raw(b"[]")
    next_page: str | None = None


class _Field(msgspec.Struct, frozen=True):
    name: str


class _WireQuestion(msgspec.Struct, frozen=True, rename="camel"):
    question_type: msgspec.Raw = msgspec.Raw(b"null")
    question_text: str | None = None
    question_label: str | None = None
    choices: msgspec.Raw = msgspec.Raw(b"{}")
    sub_questions: msgspec.Raw = msgspec.Raw(b"{}")


class _WireSurvey(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    name: str | None = None
    questions: msgspec.Raw = msgspec.Raw(b"{}")
    embedded_data: msgspec.Raw = msgspec.Raw(b"[]")


class _WireResponse(msgspec.Struct, frozen=True, rename="camel"):
    response_id: str | None = None
    values: msgspec.Raw = msgspec.Raw(b"{}")
    labels: msgspec.Raw = msgspec.Raw(b"{}")


def read_survey(result: bytes) -> Survey:
    """Read the older form of a survey; a question that cannot be read is one without choices.

    Raises:
        msgspec.DecodeError: it is no survey.
    """
    wire = msgspec.json.decode(result, type=_WireSurvey, strict=False)
    questions = {id_: _question(raw) for id_, raw in mapping(wire.questions).items()}
    fields = (or_none(raw, _Field) for raw in mapping(wire.embedded_data).values())
    return Survey(wire.id, wire.name or wire.id, questions, tuple(field.name for field in fields if field))


def read_response(result: bytes, response_id: str) -> SurveyResponse:
    """Read one response; ``response_id`` is the one that was asked for, for an answer that does not repeat it.

    Raises:
        msgspec.DecodeError: it is none.
    """
    wire = msgspec.json.decode(result, type=_WireResponse, strict=False)
    values = {name: msgspec.json.decode(raw) for name, raw in mapping(wire.values).items()}
    labels = {name: msgspec.json.decode(raw) for name, raw in mapping(wire.labels).items()}
    return SurveyResponse(wire.response_id or response_id, values, labels)


def mapping(raw: bytes) -> dict[str, msgspec.Raw]:
    """An object, or what Qualtrics writes in its place: a list, by its numbers from 1; nothing for anything else."""
    try:
        found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw] | list[msgspec.Raw] | None)
    except msgspec.ValidationError:
        return {}
    if isinstance(found, list):
        return {str(number): value for number, value in enumerate(found, start=1)}
    return found or {}


def read_page(result: bytes, kind: type[T]) -> tuple[list[T], str]:
    """A page of a list: those of its elements that can be read, and the query of the page after, empty at the end.

    The query may hold ``offset`` or ``skipToken``: both occur in the same list.

    Raises:
        msgspec.DecodeError: it is none.
    """
    page = msgspec.json.decode(result, type=_Page)
    elements = (or_none(raw, kind) for raw in mapping(page.elements).values())
    given = parse_qs(urlsplit(page.next_page or "").query)
    return [element for element in elements if element is not None], urlencode(given, doseq=True)


def or_none(raw: bytes, kind: type[T]) -> T | None:
    """A part of an answer, or ``None`` when it is not of this kind."""
    try:
        return msgspec.json.decode(raw, type=kind, strict=False)
    except msgspec.ValidationError:
        return None


def _question(raw: bytes) -> Question:
    wire = or_none(raw, _WireQuestion) or _WireQuestion()
    return Question(
        or_none(wire.question_type, QuestionType),
        wire.question_text,
        wire.question_label,
        _choices(wire.choices),
        _choices(wire.sub_questions),
    )


def _choices(raw: bytes) -> dict[str, Choice]:
    return {id_: or_none(choice, Choice) or Choice() for id_, choice in mapping(raw).items()}
