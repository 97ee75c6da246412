"""``/api/v1/business-hours``: when the company is there."""

import re
from zoneinfo import ZoneInfo

from aiohttp import web

from afterword_sandbox.api.fields import Fields, json_response, read_object
from afterword_sandbox.clock import parse_time
from afterword_sandbox.company import business_hours
from afterword_sandbox.company.business_hours import BusinessHours
from afterword_sandbox.errors import Problems
from afterword_sandbox.sandbox import SANDBOX

NAME_LENGTH = 200
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]")


def _read_time(block: Fields, key: str) -> str:
    text = block.text(key, required=True)
    if text and not _TIME.fullmatch(text):
        block.refuse(key, "invalid", f"{key} must be in the format HH:MM")
    return text or ""


def _read_blocks(hours: Fields, key: str) -> list[dict[str, str]]:
    return [
        {"start": _read_time(block, "start"), "stop": _read_time(block, "stop")}
        for block in hours.objects(key)
    ]


def _read_moment(exception: Fields, key: str) -> str:
    text = exception.text(key, required=True)
    if text and parse_time(text) is None:
        exception.refuse(key, "invalid", f"{key} must be an RFC 3339 time")
    return text or ""


def _read_exceptions(hours: Fields) -> list[dict[str, object]]:
    return [
        {
            "name": exception.text("name", required=True) or "",
            "start": _read_moment(exception, "start"),
            "stop": _read_moment(exception, "stop"),
            "scheduleBlocks": _read_blocks(exception, "scheduleBlocks"),
        }
        for exception in hours.objects("exceptions")
    ]


def _read_zone(hours: Fields) -> str:
    name = hours.text("timezone", required=True)
    try:
        ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        hours.refuse("timezone", "invalid", "timezone must be a valid IANA timezone")
    return name or ""


def _read(fields: Fields) -> BusinessHours:
    """Read business hours; raises 400."""
    name = fields.text("name", maximum=NAME_LENGTH)
    if not name:
        fields.refuse("name", "invalid", "name cannot be blank")
    primary, hours = fields.flag("primary") or False, fields.object("officeHours", required=True)
    shown: dict[str, object] = {}
    if hours is not None:
        shown = {"timezone": _read_zone(hours)}
        shown |= {day: _read_blocks(hours, day) for day in DAYS if day in hours}
        if "exceptions" in hours:
            shown["exceptions"] = _read_exceptions(hours)
    fields.problems.raise_any()
    return BusinessHours(name or "", primary, shown)


async def list_all(request: web.Request) -> web.Response:
    """List all business hours."""
    return json_response(business_hours.all_hours(request.app[SANDBOX].store))


async def get(request: web.Request) -> web.Response:
    """Show business hours."""
    return json_response(business_hours.hours(request.app[SANDBOX].store, request.match_info["hours_id"]))


async def create(request: web.Request) -> web.Response:
    """Make business hours; answers with them."""
    store = request.app[SANDBOX].store
    wanted = _read(Fields(await read_object(request), Problems()))
    with store.transaction():
        return json_response(business_hours.create(store, wanted), status=201)


async def replace(request: web.Request) -> web.Response:
    """Replace business hours, whose ``version`` has to be the present one."""
    store, hours_id = request.app[SANDBOX].store, request.match_info["hours_id"]
    business_hours.hours(store, hours_id)
    body = await read_object(request)
    fields = Fields(body, Problems())
    version = body.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        fields.refuse("version", "blank", "version must be present")
        version = 0
    wanted = _read(fields)
    with store.transaction():
        return json_response(business_hours.replace(store, hours_id, version, wanted))


async def delete(request: web.Request) -> web.Response:
    """Delete business hours that are not the primary ones."""
    store = request.app[SANDBOX].store
    with store.transaction():
        business_hours.delete(store, request.match_info["hours_id"])
    return web.Response(status=204)


_HOURS = "/api/v1/business-hours/{hours_id}"
ROUTES = (
    web.get("/api/v1/business-hours", list_all, allow_head=False),
    web.post("/api/v1/business-hours", create),
    web.get(_HOURS, get, allow_head=False),
    web.put(_HOURS, replace),
    web.delete(_HOURS, delete),
)
