"""The Survey Flow: which Embedded Data it declares, without which a response comes back without it."""

from collections.abc import Iterable

import msgspec

from afterword.qualtrics.models import mapping, or_none

DEEPEST = 50
SOMETIMES = frozenset({"Branch", "BlockRandomizer"})
"""Elements that a respondent may not come through."""


class Flow(msgspec.Struct, frozen=True):
    """``always`` are the names declared for every respondent, ``sometimes`` those only within a branch or a randomizer;
    both as the flow spells them. ``count`` is the highest number of an element.
    """

    always: tuple[str, ...]
    sometimes: tuple[str, ...]
    count: int

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of the names that are declared nowhere; the case of letters makes no difference to Qualtrics."""
        declared = {name.casefold() for name in (*self.always, *self.sometimes)}
        return [name for name in names if name.casefold() not in declared]

    def only_sometimes(self, names: Iterable[str]) -> list[str]:
        """Those of the names that are declared, but not for every respondent."""
        always = {name.casefold() for name in self.always}
        sometimes = {name.casefold() for name in self.sometimes}
        return [name for name in names if name.casefold() in sometimes - always]


class _Field(msgspec.Struct, frozen=True, rename="pascal"):
    field: str


class _Properties(msgspec.Struct, frozen=True, rename="pascal"):
    count: int | None = None


class _Element(msgspec.Struct, frozen=True, rename="pascal"):
    type: str | None = None
    embedded_data: msgspec.Raw = msgspec.Raw(b"[]")
    flow: msgspec.Raw = msgspec.Raw(b"[]")
    properties: msgspec.Raw = msgspec.Raw(b"{}")


def read_flow(result: bytes) -> Flow:
    """Read the answer of ``GET /survey-definitions/{id}/flow``: the root with its elements.

    Elements of kinds that are not known are passed over, and looked into.

    Raises:
        msgspec.DecodeError: it is no flow.
    """
    root = msgspec.json.decode(result, type=_Element, strict=False)
    always: dict[str, str] = {}
    sometimes: dict[str, str] = {}
    _gather(root, always, sometimes, is_sure=True, depth=0)
    try:
        count = msgspec.json.decode(root.properties, type=_Properties, strict=False).count or 0
    except msgspec.ValidationError:
        count = 0
    return Flow(tuple(always.values()), tuple(sometimes.values()), count)


def _gather(
    element: _Element, always: dict[str, str], sometimes: dict[str, str], *, is_sure: bool, depth: int
) -> None:
    if depth > DEEPEST:
        return
    into = always if is_sure else sometimes
    for raw in mapping(element.embedded_data).values():
        field = or_none(raw, _Field)
        if field is not None:
            into.setdefault(field.field.casefold(), field.field)
    for raw in mapping(element.flow).values():
        below = or_none(raw, _Element)
        if below is not None:
            is_below_sure = is_sure and below.type not in SOMETIMES
            _gather(below, always, sometimes, is_sure=is_below_sure, depth=depth + 1)


def element_to_paste(names: Iterable[str], count: int) -> str:
    """The element that declares these names, as JSON for ``PUT /survey-definitions/{id}/flow``, to stand first."""
    fields = [
        {
            "Description": name,
            "Type": "Recipient",
            "Field": name,
            "VariableType": "String",
            "DataVisibility": [],
            "AnalyzeText": False,
        }
        for name in names
    ]
    element = {"Type": "EmbeddedData", "FlowID": f"FL_{count + 1}", "EmbeddedData": fields}
    return msgspec.json.format(msgspec.json.encode(element), indent=2).decode()
