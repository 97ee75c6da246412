"""Reads request bodies: JSON objects whose fields are checked one by one, all that is wrong told at once."""

from collections.abc import AsyncIterator, Collection
from typing import cast

import msgspec
from aiohttp import web

from afterword_sandbox.errors import Problems, refusal
from afterword_sandbox.identifiers import MAX_LENGTH, is_url_safe

JsonObject = dict[str, object]


async def read_object(request: web.Request) -> JsonObject:
    """Return the request's JSON object; raises 415 for another content type, 400 for what is none."""
    if request.content_type != "application/json":
        raise refusal(415, "invalid", "request body must be JSON, with Content-Type: application/json")
    try:
        body: object = msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise refusal(400, "invalid", f"request body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise refusal(400, "invalid", "request body must be a JSON object")
    return body


def json_response(body: object, *, limited: bool | None = None, status: int = 200) -> web.Response:
    """Answer with JSON; ``limited`` says for a capped list whether there was more than is given."""
    headers = {} if limited is None else {"Gladly-Limited-Data": "true" if limited else "false"}
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json", headers=headers
    )


def json_lines(lines: AsyncIterator[bytes], content_type: str) -> web.Response:
    """Answer 200 with a stream of JSON, one value a line."""
    return web.Response(body=lines, content_type=content_type)


def created(path: str) -> web.Response:
    """Answer 201 with the address of what was made, and no body."""
    return web.Response(status=201, headers={"Location": path})


class Fields:
    """One object of a request's body; reading a field notes what is wrong with it in ``problems``."""

    def __init__(self, values: JsonObject, problems: Problems, prefix: str = "") -> None:
        self._values = values
        self._prefix = prefix
        self.problems = problems

    def attr(self, key: str) -> str:
        """Return the dotted path of a field."""
        return f"{self._prefix}{key}"

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def refuse(self, key: str, code: str, detail: str) -> None:
        """Note that a field is wrong."""
        self.problems.add(self.attr(key), code, detail)

    def _get(self, key: str, *, required: bool) -> object:
        value = self._values.get(key)
        if required and value in (None, "", [], {}):
            self.refuse(key, "blank", f"{self.attr(key)} cannot be blank")
            return None
        return value

    def text(self, key: str, *, required: bool = False, maximum: int | None = None) -> str | None:
        """Return a text, counted in characters; None when it is absent or null."""
        value = self._get(key, required=required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.refuse(key, "invalid", f"{self.attr(key)} must be a string")
            return None
        if maximum is not None and len(value) > maximum:
            self.refuse(key, "too_long", f"{self.attr(key)} cannot be larger than {maximum} characters")
        return value

    def choice(self, key: str, values: Collection[str], *, required: bool = False) -> str | None:
        """Return one of the values."""
        value = self.text(key, required=required)
        if value is not None and value not in values:
            self.refuse(key, "invalid", f"{self.attr(key)} must be one of {', '.join(sorted(values))}")
            return None
        return value

    def flag(self, key: str) -> bool | None:
        """Return true, false, or None when it is absent."""
        value = self._values.get(key)
        if value is None or isinstance(value, bool):
            return value
        self.refuse(key, "invalid", f"{self.attr(key)} must be true or false")
        return None

    def object(self, key: str, *, required: bool = False) -> "Fields | None":
        """Return an object's fields; None when it is absent, null or something else."""
        value = self._get(key, required=required)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.refuse(key, "invalid", f"{self.attr(key)} must be an object")
            return None
        return Fields(value, self.problems, f"{self.attr(key)}.")

    def raw_object(self, key: str) -> JsonObject | None:
        """Return an object as it is; None when it is absent."""
        return None if self.object(key) is None else cast("JsonObject", self._values[key])

    def objects(self, key: str) -> "list[Fields]":
        """Return the fields of each object in a list; an absent list is empty."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.refuse(key, "invalid", f"{self.attr(key)} must be a list of objects")
            return []
        return [
            Fields(entry, self.problems, f"{self.attr(key)}[{index}].") for index, entry in enumerate(value)
        ]

    def texts(self, key: str, *, required: bool = False) -> list[str]:
        """Return a list of texts."""
        value = self._get(key, required=required)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            self.refuse(key, "invalid", f"{self.attr(key)} must be a list of strings")
            return []
        return [str(entry) for entry in value]

    def own_id(self, key: str = "id") -> str | None:
        """Return the id that the caller chose: URL safe and under 50 characters; None when there is none."""
        value = self.text(key, maximum=MAX_LENGTH)
        if not value:
            return None
        if not is_url_safe(value):
            self.refuse(key, "invalid", "id contains unsupported characters")
        return value
