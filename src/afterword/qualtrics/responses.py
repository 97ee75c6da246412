"""What stands in a response's ``values``, where metadata, answers and Embedded Data are side by side.

Answers are known by their names (``QID1``, ``QID2_TEXT``, ``1_QID9``), metadata by Qualtrics' list of them; all else is
Embedded Data. Embedded Data that has a name of the metadata cannot be told from it, in Qualtrics' API either.
"""

import re
from collections.abc import Mapping

import msgspec

from afterword.qualtrics.models import SurveyResponse
from afterword.qualtrics.webhooks import Kind

METADATA = frozenset(
    {
        "startDate",
        "endDate",
        "recordedDate",
        "status",
        "ipAddress",
        "progress",
        "duration",
        "finished",
        "_recordId",
        "locationLatitude",
        "locationLongitude",
        "recipientFirstName",
        "recipientLastName",
        "recipientEmail",
        "externalDataReference",
        "distributionChannel",
        "userLanguage",
    }
)
ANSWER = re.compile(r"(?:\d+_)*(QID[A-Za-z0-9]+)(?:_.*)?", re.DOTALL)
BY_STATUS: dict[str, Kind] = {"1": "preview", "17": "preview", "2": "test", "4": "imported"}
"""0 is an ordinary response, 8 possible spam, 16 offline."""
NOT_FINISHED = frozenset({"0", "false"})


class Sorted(msgspec.Struct, frozen=True):
    """A response's values, each sort apart. ``kind`` is what the response itself tells of how it came to be; ``None``
    for an ordinary, finished one.
    """

    answers: Mapping[str, object]
    embedded_data: Mapping[str, str]
    metadata: Mapping[str, str]
    kind: Kind | None = None

    @property
    def is_finished(self) -> bool:
        """Whether the respondent came to the survey's end."""
        return self.metadata.get("finished", "").lower() not in NOT_FINISHED


def sort_values(response: SurveyResponse) -> Sorted:
    """Take a response's values apart."""
    answers: dict[str, object] = {}
    embedded: dict[str, str] = {}
    metadata: dict[str, str] = {}
    for name, value in response.values.items():
        if ANSWER.fullmatch(name):
            answers[name] = without_nul(value)
        elif name in METADATA:
            metadata[name] = as_text(value)
        else:
            embedded[name.replace("\x00", "")] = as_text(value)
    return Sorted(answers, embedded, metadata, _kind(metadata))


def question_of(name: str) -> str | None:
    """The question that a value answers: ``QID5`` for ``QID5_1_TEXT``; ``None`` in a loop, and for no answer."""
    found = ANSWER.fullmatch(name)
    return found[1] if found and name.startswith("QID") else None


def as_text(value: object) -> str:
    """A value as text: nothing for ``null``, numbers without needless zeros, lists joined by commas."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case list() | tuple():
            return ", ".join(as_text(one) for one in value)
        case dict():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value).replace("\x00", "")


def without_nul(value: object) -> object:
    """A value without the one character that PostgreSQL does not take."""
    match value:
        case str():
            return value.replace("\x00", "")
        case list():
            return [without_nul(one) for one in value]
        case _:
            return value


def _kind(metadata: Mapping[str, str]) -> Kind | None:
    by_status = BY_STATUS.get(metadata.get("status", ""))
    if by_status is not None:
        return by_status
    return "partial" if metadata.get("finished", "").lower() in NOT_FINISHED else None
