"""``/api/v1/answers`` for programs that manage answers, and ``/api/v1/orgs/…``, which everybody may read."""

import re

from aiohttp import web

from afterword_sandbox.api.fields import Fields, json_response, read_object
from afterword_sandbox.company import answers, people
from afterword_sandbox.errors import Problems, not_found, refusal
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.store import Value

NAME_LENGTH = 500
DESCRIPTION_LENGTH = 10_000
BODY_LENGTH = 500_000
DEFAULT_LANGUAGE = "en-us"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]{2})?")


def _text(fields: Fields, key: str, maximum: int, *, required: bool = False) -> str | None:
    """Read a text; Gladly says "longer" of answers where it says "larger" of other texts."""
    value = fields.text(key, required=required)
    if value is not None and len(value) > maximum:
        fields.refuse(key, "too_long", f"{key} cannot be longer than {maximum} characters")
    return value


async def create(request: web.Request) -> web.Response:
    """Make an answer; answers 200 with it, not 201, as Gladly does."""
    store = request.app[SANDBOX].store
    fields = Fields(await read_object(request), Problems())
    own_id, name = fields.own_id(), _text(fields, "name", NAME_LENGTH, required=True)
    description = _text(fields, "description", DESCRIPTION_LENGTH)
    audience_ids = fields.texts("audienceIds")
    fields.problems.raise_any()
    with store.transaction():
        answer_id = answers.create(store, name or "", description or "", audience_ids, own_id)
    return json_response(answers.answer(store, answer_id))


async def get(request: web.Request) -> web.Response:
    """Show an answer."""
    return json_response(answers.answer(request.app[SANDBOX].store, request.match_info["answer_id"]))


async def change(request: web.Request) -> web.Response:
    """Change an answer."""
    store, answer_id = request.app[SANDBOX].store, request.match_info["answer_id"]
    answers.answer(store, answer_id)
    fields = Fields(await read_object(request), Problems())
    columns: dict[str, Value] = {}
    if "name" in fields:
        columns["name"] = _text(fields, "name", NAME_LENGTH, required=True)
    if "description" in fields:
        columns["description"] = _text(fields, "description", DESCRIPTION_LENGTH) or ""
    audience_ids = fields.texts("audienceIds") if "audienceIds" in fields else None
    fields.problems.raise_any()
    with store.transaction():
        answers.change(store, answer_id, columns, audience_ids)
    return web.Response(status=204)


async def delete(request: web.Request) -> web.Response:
    """Delete an answer."""
    store = request.app[SANDBOX].store
    with store.transaction():
        answers.delete(store, request.match_info["answer_id"])
    return web.Response(status=204)


def _place(request: web.Request, *, writing: bool = False) -> tuple[str, str, str]:
    """Return the answer's id, the language and the type that an address names; raises 400."""
    place, problems = request.match_info, Problems()
    language, kind = place["language"].lower(), place["type"]
    if not _LANGUAGE.fullmatch(language):
        problems.add("language", "invalid", "invalid language")
    elif language not in answers.LANGUAGES:
        problems.add("language", "invalid", "language not configured for org")
    if kind not in answers.TYPES:
        problems.add("type", "invalid", "invalid type")
    elif writing and kind != "public":
        problems.add("type", "invalid", "not implemented")
    problems.raise_any()
    return place["answer_id"], language, kind


async def get_content(request: web.Request) -> web.Response:
    """Show what an answer says in a language."""
    return json_response(answers.content(request.app[SANDBOX].store, *_place(request)))


async def put_content(request: web.Request) -> web.Response:
    """Add or replace what an answer says in a language; only what is public can be."""
    store = request.app[SANDBOX].store
    answer_id, language, _ = _place(request, writing=True)
    fields = Fields(await read_object(request), Problems())
    body = _text(fields, "bodyHtml", BODY_LENGTH, required=True)
    title = _text(fields, "title", NAME_LENGTH)
    fields.problems.raise_any()
    with store.transaction():
        shown = answers.put_content(store, answer_id, language, title=title or "", body_html=body or "")
    return json_response(shown)


async def delete_content(request: web.Request) -> web.Response:
    """Delete what an answer says in a language."""
    store = request.app[SANDBOX].store
    with store.transaction():
        answers.delete_content(store, *_place(request))
    return web.Response(status=204)


def _public_language(request: web.Request) -> str:
    """Return the language asked for; raises 404 for another organization's answers."""
    sandbox = request.app[SANDBOX]
    organization = people.organization(sandbox.store, sandbox.addresses.sandbox_url)
    if request.match_info["organization_id"] != organization["id"]:
        raise not_found("organization")
    return (request.query.get("lng") or DEFAULT_LANGUAGE).lower()


async def list_public(request: web.Request) -> web.Response:
    """List the first 1000 public answers by name."""
    found = answers.public(
        request.app[SANDBOX].store,
        _public_language(request),
        audience_id=request.query.get("audienceId") or None,
    )
    return json_response(found)


async def search_public(request: web.Request) -> web.Response:
    """List the public answers that have a text in them."""
    wanted = request.query.get("q", "").strip()
    if not wanted:
        raise refusal(400, "blank", "q cannot be blank", attr="q")
    found = answers.public(
        request.app[SANDBOX].store,
        _public_language(request),
        audience_id=request.query.get("audienceId") or None,
        wanted=wanted,
    )
    return json_response([{"id": one["id"], "name": one["name"]} for one in found])


async def get_public(request: web.Request) -> web.Response:
    """Show a public answer."""
    language, answer_id = _public_language(request), request.match_info["answer_id"]
    found = answers.public(request.app[SANDBOX].store, language, answer_id=answer_id)
    if not found:
        raise not_found("answer")
    return json_response(found[0])


_ANSWER = "/api/v1/answers/{answer_id}"
_CONTENT = f"{_ANSWER}/languages/{{language}}/type/{{type}}"
_PUBLIC = "/api/v1/orgs/{organization_id}"
ROUTES = (
    web.post("/api/v1/answers", create),
    web.get(_ANSWER, get, allow_head=False),
    web.patch(_ANSWER, change),
    web.delete(_ANSWER, delete),
    web.get(_CONTENT, get_content, allow_head=False),
    web.put(_CONTENT, put_content),
    web.delete(_CONTENT, delete_content),
    web.get(f"{_PUBLIC}/answers", list_public, allow_head=False),
    web.get(f"{_PUBLIC}/answers-search", search_public, allow_head=False),
    web.get(f"{_PUBLIC}/answers/{{answer_id}}", get_public, allow_head=False),
)
