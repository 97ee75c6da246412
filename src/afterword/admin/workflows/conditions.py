"""Conditions as rows of a form, in groups of two levels, and read back; what is deeper is carried along as it is."""

import re
from typing import Any, get_args

import msgspec

from afterword.admin.workflows.controls import Tree
from afterword.admin.workflows.values import Typed, as_json, read_json
from afterword.translating import gettext as _
from afterword.translating import translated
from afterword.workflows.comparing import Operator, ValueType
from afterword.workflows.conditions import Comparison, Group
from afterword.workflows.saving.checking import Mistake

OPERATORS: tuple[str, ...] = get_args(Operator)
TYPES: tuple[str, ...] = get_args(ValueType)
OF_SEVERAL = frozenset({"is one of", "is not one of"})
LEVELS = 2
"""Groups that are edited: the whole, and those in it."""
NEW: Tree = {"is": "comparison", "field": "", "operator": "equals", "value": "", "values": [], "type": "text"}


class ConditionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison; ``wanted`` is its value, or its values, one a line. What ``kept`` says cannot be edited here."""

    path: str
    field: str = ""
    operator: str = "equals"
    wanted: str = ""
    type: str = "text"
    kept: str = ""
    words: tuple[str, ...] = ()
    group: "ConditionGroup | None" = None


class ConditionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group, or the place for one where ``rows`` is empty; ``path`` is that of its list of conditions."""

    path: str
    join: str = "all"
    rows: tuple[ConditionRow, ...] = ()
    level: int = 1


def show_conditions(group: Tree | None, path: str, level: int = 1) -> ConditionGroup:
    """A group as a form; ``path`` is where its list of conditions stands."""
    if group is None:
        return ConditionGroup(path=path, level=level)
    rows = tuple(
        _row(one, f"{path}[{number}]", level) for number, one in enumerate(group.get("conditions", ()))
    )
    return ConditionGroup(path=path, join=group.get("join", "all"), rows=rows, level=level)


def _row(condition: Tree, path: str, level: int) -> ConditionRow:
    if condition.get("is") == "group" and level < LEVELS:
        return ConditionRow(path=path, group=show_conditions(condition, f"{path}.conditions", level + 1))
    if condition.get("is") == "comparison":
        row = ConditionRow(
            path=path,
            field=condition["field"],
            operator=condition["operator"],
            wanted="\n".join(condition["values"])
            if condition["operator"] in OF_SEVERAL
            else condition["value"],
            type=condition["type"],
        )
        if _compared(row.field, row.operator, row.wanted, row.type) == condition:
            return row
    return ConditionRow(path=path, kept=as_json(condition), words=tuple(condition_words(condition)))


def _compared(field: str, operator: str, wanted: str, value_type: str) -> Tree:
    field, wanted = (text.replace("\r\n", "\n").replace("\r", "\n") for text in (field, wanted))
    several = operator in OF_SEVERAL
    return {
        **NEW,
        "field": field,
        "operator": operator,
        "value": "" if several else wanted,
        "values": [line for line in wanted.split("\n") if line.strip()] if several else [],
        "type": value_type,
    }


def read_conditions(typed: Typed, path: str, mistakes: list[Mistake], *, drops_blank: bool) -> Tree | None:
    """The group whose list of conditions stands at ``path``; ``None`` where there is none.

    ``drops_blank``: rows in which nothing was filled in are left out.
    """
    found = _read_group(typed, path, mistakes, drops_blank=drops_blank, level=1)
    return found if found["conditions"] else None


def _read_group(typed: Typed, path: str, mistakes: list[Mistake], *, drops_blank: bool, level: int) -> Tree:
    conditions: list[Any] = []
    for number in range(typed.count(path)):
        below = f"{path}[{number}]"
        match typed.text(f"is:{below}"):
            case "kept":
                conditions += _kept(below, typed.text(f"kept:{below}"), mistakes)
            case "group" if level < LEVELS:
                inner = _read_group(
                    typed, f"{below}.conditions", mistakes, drops_blank=drops_blank, level=level + 1
                )
                if inner["conditions"] or not drops_blank:
                    conditions.append(inner)
            case _:
                row = _compared(
                    *(typed.text(f"{below}.{name}") for name in ("field", "operator", "value", "type"))
                )
                if not (drops_blank and not row["field"].strip() and not row["value"] and not row["values"]):
                    conditions.append(row)
    join = "any" if typed.text(f"join:{path}") == "any" else "all"
    return {"is": "group", "join": join, "conditions": conditions}


def _kept(path: str, text: str, mistakes: list[Mistake]) -> list[Tree]:
    """What was carried along; what is no condition was made up, and is left out."""
    found = read_json(path, text, mistakes)
    try:
        msgspec.convert(found, Comparison | Group)
    except msgspec.ValidationError:
        mistakes.append(Mistake(path, _("this is no condition")))
        return []
    return [found] if isinstance(found, dict) else []


def condition_words(condition: Tree | Group | Comparison) -> list[str]:
    """A condition in words, a line each; what stands in a group is indented."""
    tree: Tree = condition if isinstance(condition, dict) else msgspec.to_builtins(condition)
    return list(_words(tree, ""))


def _words(condition: Tree, indent: str) -> list[str]:
    if condition.get("is") == "group":
        deeper = f"{indent}\N{EM SPACE}"
        below = [line for one in condition.get("conditions", ()) for line in _words(one, deeper)]
        head = _("all of these:") if condition.get("join") == "all" else _("any of these:")
        return [f"{indent}{head}", *below]
    values = condition.get("values") or ([condition["value"]] if condition.get("value") else [])
    kind = condition.get("type", "text")
    of_type = "" if kind == "text" else f" ({translated(kind)})"
    words = [
        field_words(condition.get("field", "")),
        translated(condition.get("operator", "")),
        ", ".join(values),
    ]
    return [f"{indent}{' '.join(filter(None, words))}{of_type}"]


ONE_PIPE = re.compile(r"[~$]\{[a-z]+://(?:Field/|\$\.)?([^{}]+)\}")


def field_words(field: str) -> str:
    """What a condition looks at, without the signs of Piped Text where it is nothing else."""
    found = ONE_PIPE.fullmatch(field)
    return found[1] if found else field
