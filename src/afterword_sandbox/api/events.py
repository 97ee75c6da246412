"""``GET /api/v1/events``: what happened in the last 24 hours, as JSON lines."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from afterword_sandbox import settings
from afterword_sandbox.api.fields import json_lines
from afterword_sandbox.clock import format_time, parse_time, present
from afterword_sandbox.company import event_log
from afterword_sandbox.company.event_log import EVENTS_API_REACH, Event
from afterword_sandbox.company.events import types_of_entities
from afterword_sandbox.errors import Problems, refusal
from afterword_sandbox.identifiers import seeded_id
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.settings import Settings
from afterword_sandbox.store import Store

ENTITIES = {
    "AGENT_AVAILABILITY": ("AGENT_AVAILABILITY",),
    "AGENT_STATUS": ("AGENT_STATUS",),
    "CONTACT": ("CONTACT",),
    "CONVERSATION": ("CONVERSATION", "CONVERSATION_ASSIGNEE"),
    "CUSTOMER": ("CUSTOMER",),
    "CUSTOMER_PROFILE": ("CUSTOMER_PROFILE",),
    "PAYMENT_REQUEST": ("PAYMENT_REQUEST",),
    "TASK": ("TASK",),
}
"""What ``entities`` may name, and the first halves of the events' types that each stands for."""


def _read_time(request: web.Request, key: str, problems: Problems) -> datetime | None:
    text = request.query.get(key)
    moment = parse_time(text) if text else None
    if text and moment is None:
        problems.add(key, "invalid", f"{key} must be an ISO 8601 time with its time zone")
    return moment


def _read_types(request: web.Request, problems: Problems) -> frozenset[str]:
    named = request.query.getall("entities", [])
    if not named:
        problems.add("entities", "blank", "entities must be present")
    for entity in named:
        if entity not in ENTITIES:
            problems.add("entities", "invalid", f"entities must be one of {', '.join(sorted(ENTITIES))}")
    return types_of_entities(half for entity in named for half in ENTITIES.get(entity, ()))


def _read(request: web.Request, present_settings: Settings) -> tuple[frozenset[str], str, str]:
    """Return the types, the first moment and the one that is no more in it; raises 400."""
    problems = Problems()
    start, end = _read_time(request, "startAt", problems), _read_time(request, "endAt", problems)
    types, moment = _read_types(request, problems), present()
    if not request.query.get("startAt"):
        problems.add("startAt", "blank", "startAt must be present")
    problems.raise_any()
    assert start is not None  # noqa: S101 -- else a problem was noted
    end = end or moment + timedelta(milliseconds=1)
    if end <= start:
        raise refusal(400, "invalid", "endAt must occur after startAt", attr="startAt")
    if start < moment - EVENTS_API_REACH:
        raise refusal(400, "invalid", "startAt must be within the last 24 hours", attr="startAt")
    if present_settings.events_api_end == "inclusive":
        end += timedelta(milliseconds=1)
    seen = moment - timedelta(seconds=present_settings.events_lag_seconds)
    if present_settings.events_lag_seconds:
        end = min(end, seen)
    return types, format_time(start), format_time(end)


def _line(event: Event, present_settings: Settings) -> bytes:
    body = event.body
    if present_settings.events_api_ids == "other":
        body = {**body, "id": seeded_id(f"events API {body['id']}")}
    return msgspec.json.encode(body)


async def _lines(
    store: Store, asked: tuple[frozenset[str], str, str], present_settings: Settings
) -> AsyncIterator[bytes]:
    for page in event_log.pages(store, *asked):
        yield b"".join(_line(event, present_settings) + b"\n" for event in page)
        await asyncio.sleep(0)


async def stream(request: web.Request) -> web.Response:
    """Give the events of the entities between two times, ascending."""
    store = request.app[SANDBOX].store
    present_settings = settings.read(store)
    asked = _read(request, present_settings)
    return json_lines(_lines(store, asked, present_settings), "application/x-jsonlines")


ROUTES = (web.get("/api/v1/events", stream, allow_head=False),)
