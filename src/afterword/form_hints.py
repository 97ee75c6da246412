"""What a configuration's model says for forms besides its types: in the JSON Schema of a field, by these names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

UNIT = "x-unit"
"""What stands behind a number, such as *days*."""
CHOICES = "x-choices"
"""What each choice is called, by its value."""
WRONG = "x-wrong"
"""What to write instead, in a sentence, where what was typed cannot be so."""

NOTHING: Mapping[str, str] = MappingProxyType({})


def in_forms(*, unit: str = "", choices: Mapping[str, str] = NOTHING, wrong: str = "") -> dict[str, Any]:
    """For ``extra_json_schema`` of a field's ``msgspec.Meta``; all of it is for people, and can be translated."""
    hints = {UNIT: unit, CHOICES: dict(choices), WRONG: wrong}
    return {name: hint for name, hint in hints.items() if hint}
