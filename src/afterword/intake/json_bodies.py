"""Reading a JSON body that is to be kept: what PostgreSQL or a later reader could not take is refused here."""

import msgspec

DEEPEST = 64


class BadJson(ValueError):
    """The body cannot be taken; the message says why, for the one who sent it."""


def read_json_object(body: bytes) -> dict[str, object]:
    """Parse a body whose top level is a JSON object.

    Raises:
        BadJson: it is not UTF-8, not JSON, not an object, nested deeper than 64, or holds a NUL character, half a
            surrogate pair or a number that is not finite.
    """
    try:
        document = msgspec.json.decode(body)
    except RecursionError:
        raise BadJson(f"The JSON is nested deeper than {DEEPEST} levels.") from None
    except UnicodeDecodeError:
        raise BadJson("The body is not UTF-8.") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadJson(f"The body is not JSON that can be kept: {error}.") from None
    if not isinstance(document, dict):
        raise BadJson("The top level of the JSON is to be an object.")
    if b"\\u0000" in body:
        _refuse_nul(document)
    if body.count(b"{") + body.count(b"[") > DEEPEST:
        _refuse_deep(document)
    return document


def _refuse_nul(document: object) -> None:
    """Look for a NUL in any text or name; only bodies that may hold one come here."""
    pending = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            if "\x00" in value:
                raise BadJson("The JSON holds a NUL character (\\u0000).")
        elif isinstance(value, dict):
            pending += [*value, *value.values()]
        elif isinstance(value, list):
            pending += value


def _refuse_deep(document: object) -> None:
    """Measure the depth level by level; only bodies with many brackets come here."""
    level, depth = [document], 0
    while level:
        containers = [value for value in level if isinstance(value, dict | list)]
        depth += bool(containers)
        if depth > DEEPEST:
            raise BadJson(f"The JSON is nested deeper than {DEEPEST} levels.")
        level = [
            item for value in containers for item in (value.values() if isinstance(value, dict) else value)
        ]
