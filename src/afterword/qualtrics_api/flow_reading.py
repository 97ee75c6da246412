"""A Survey Flow that somebody sends: what of it our surveys can be."""

from collections.abc import Iterable

import msgspec

from afterword.qualtrics import envelope
from afterword.qualtrics_api.answers import Refused
from afterword.qualtrics_api.survey_shapes import block_id_of

MOST_NAMES = 500
LONGEST_NAME = 200
BLOCK_TYPES = ("Block", "Standard")
"""Both names occur."""


class DeclaredField(msgspec.Struct, frozen=True, rename="pascal"):
    """One name of Embedded Data, and a value that the flow itself gives it."""

    field: str
    value: object = None


class Element(msgspec.Struct, frozen=True, rename="pascal"):
    """An element of a flow; those of its keys that matter here."""

    type: str
    embedded_data: list[DeclaredField] = []
    block_id: str | None = msgspec.field(default=None, name="ID")


class SentFlow(msgspec.Struct, frozen=True, rename="pascal"):
    """A whole flow."""

    type: str
    flow: list[Element]


def read_flow(sent: SentFlow, survey_id: str) -> list[str]:
    """The names of Embedded Data that a flow declares, in its order.

    Raises:
        Refused: it holds something that a survey of ours cannot do, which is named.
    """
    if sent.type != "Root":
        raise _bad("the flow's Type is to be Root")
    blocks = [element for element in sent.flow if element.type in BLOCK_TYPES]
    if [block.block_id for block in blocks] != [block_id_of(survey_id)]:
        raise _bad(f"the flow has to hold the survey's one block, {block_id_of(survey_id)}, once")
    others = {element.type for element in sent.flow} - {*BLOCK_TYPES, "EmbeddedData"}
    if others:
        raise _bad(f"surveys here have no flow elements of the type {', '.join(sorted(others))[:200]}")
    return _names(field for element in sent.flow for field in element.embedded_data)


def _names(fields: Iterable[DeclaredField]) -> list[str]:
    names: dict[str, str] = {}
    for field in fields:
        if not 0 < len(field.field) <= LONGEST_NAME or not field.field.isprintable():
            raise _bad(f"a name of Embedded Data has 1 to {LONGEST_NAME} printable characters")
        if field.value not in (None, ""):
            raise _bad(
                f"{field.field} is given a value in the flow, which surveys here cannot do: "
                "values come with the distribution"
            )
        names.setdefault(field.field.casefold(), field.field)
    if len(names) > MOST_NAMES:
        raise _bad(f"the flow declares more than {MOST_NAMES} names of Embedded Data")
    return list(names.values())


def _bad(words: str) -> Refused:
    return Refused(envelope.BAD_BODY, f"The request body is not valid: {words}.")
