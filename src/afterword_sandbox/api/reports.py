"""``POST /api/v1/reports`` and its sibling for work sessions: what is asked for, checked as Gladly does."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import NamedTuple
from zoneinfo import ZoneInfo

from aiohttp import web

from afterword_sandbox import settings
from afterword_sandbox.api.fields import Fields, read_object
from afterword_sandbox.clock import format_time, parse_time, present
from afterword_sandbox.company import people
from afterword_sandbox.errors import Problems, refusal
from afterword_sandbox.reports import catalogue
from afterword_sandbox.reports.catalogue import Report
from afterword_sandbox.reports.window import Window, days
from afterword_sandbox.reports.writing import written
from afterword_sandbox.sandbox import SANDBOX, Sandbox
from afterword_sandbox.settings import Settings
from afterword_sandbox.store import Store

AGGREGATION_LEVELS = frozenset({"halfHourly", "daily", "weekly", "monthly", "quarterly"})
CHANNELS = {
    "allChannels": frozenset[str](),
    "chat": frozenset({"CHAT"}),
    "email": frozenset({"EMAIL"}),
    "fbMessenger": frozenset({"FB_MESSENGER"}),
    "instagramDirect": frozenset({"INSTAGRAM_DIRECT"}),
    "sms": frozenset({"SMS"}),
    "twitter": frozenset({"TWITTER"}),
    "voice": frozenset({"PHONE_CALL", "VOICEMAIL"}),
    "whatsapp": frozenset({"WHATSAPP"}),
}


class _Asked(NamedTuple):
    """A report that can be made, and the name of its file."""

    report: Report
    window: Window
    file_name: str


class _Filters(NamedTuple):
    channels: frozenset[str] = frozenset()
    inbox_ids: frozenset[str] = frozenset()
    agent_ids: frozenset[str] = frozenset()


def _read_report(fields: Fields) -> tuple[str, Report] | None:
    metric_set = fields.text("metricSet")
    if not metric_set:
        fields.refuse("metricSet", "blank", "metricSet must be specified")
        return None
    found = catalogue.find(metric_set)
    if found is None:
        fields.refuse("metricSet", "invalid", "the specified value is not a valid metricSet")
        return None
    name, report = found
    if report is None:
        fields.refuse("metricSet", "invalid", f"the sandbox does not make the {name}")
        return None
    return name, report


def _read_zone(fields: Fields, store: Store) -> ZoneInfo:
    name = fields.text("timezone") or people.time_zone(store)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        fields.refuse("timezone", "invalid", "the specified value is not a valid timezone")
        return ZoneInfo("UTC")


def _read_date(fields: Fields, key: str) -> date | None:
    text = fields.text(key, required=True)
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        fields.refuse(key, "invalid", f"{key} must be a date in the format YYYY-mm-dd")
        return None


def _read_channels(filters: Fields, may: Callable[[str], bool]) -> frozenset[str]:
    channel = filters.choice("channel", CHANNELS.keys())
    return (
        CHANNELS[channel]
        if channel is not None and channel != "allChannels" and may("channel")
        else frozenset()
    )


def _read_filters(
    fields: Fields, store: Store, name: str, report: Report, present_settings: Settings
) -> _Filters:
    """Read ``filters``: those that Gladly lists for the report count, what becomes of others is a setting."""
    filters = fields.object("filters")
    if filters is None:
        return _Filters()

    def may(key: str) -> bool:
        if key in report.filters or present_settings.report_filters == "applied":
            return True
        if present_settings.report_filters == "refused":
            detail = f"the {key} filter cannot be applied to the {name} metricSet"
            filters.refuse(key, "invalid", detail)
        return False

    channels = _read_channels(filters, may)
    inbox_ids, team_ids = filters.texts("inboxes"), filters.texts("teams")
    if not people.are_inboxes(store, inbox_ids):
        filters.refuse("inboxes", "present", "the requested inbox does not exist")
    agent_ids = people.agents_of_teams(store, team_ids)
    if agent_ids is None:
        filters.refuse("teams", "present", "the requested team does not exist")
    if filters.text("phoneNumber"):
        filters.refuse(
            "phoneNumber", "invalid", f"the phoneNumber filter cannot be applied to the {name} metricSet"
        )
    return _Filters(
        channels,
        frozenset(inbox_ids) if inbox_ids and may("inboxes") else frozenset(),
        frozenset(agent_ids or ()) if team_ids and may("teams") else frozenset(),
    )


def _read_days(fields: Fields, zone: ZoneInfo, not_after: datetime) -> tuple[str, str, str]:
    """Return the first moment, the one that is no more in it, and how a file's name tells them."""
    start, end = _read_date(fields, "startAt"), _read_date(fields, "endAt")
    if start is None or end is None:
        return "", "", ""
    if end < start:
        fields.refuse("startAt", "invalid", "endAt must not be before startAt")
    try:
        return (*days(start, end, zone, not_after=not_after), f"{start:%Y%m%d}-{end:%Y%m%d}")
    except OverflowError:
        fields.refuse("endAt", "invalid", "endAt is too far away")
        return "", "", ""


def _read_times(fields: Fields, not_after: datetime) -> tuple[str, str, str]:
    """Read ``startAtTime`` and ``endAtTime``; the minute of the latter is included."""
    moments = []
    for key in ("startAtTime", "endAtTime"):
        text = fields.text(key, required=True)
        moment = parse_time(text) if text else None
        if text and moment is None:
            fields.refuse(key, "invalid", f"{key} must be in the format YYYY-mm-ddThh:mmZ")
        moments.append(moment)
    start, end = moments
    if start is None or end is None:
        return "", "", ""
    if end <= start:
        fields.refuse("startAtTime", "invalid", "endAtTime must occur after startAtTime")
    until = min(end + timedelta(minutes=1), not_after)
    return format_time(start), format_time(until), f"{start:%Y%m%dT%H%MZ}-{end:%Y%m%dT%H%MZ}"


def _read(sandbox: Sandbox, fields: Fields, present_settings: Settings, by_time: str | None) -> _Asked:
    """Read what is asked for; ``by_time`` names the report whose address says which it is. Raises 400."""
    named = (by_time, catalogue.WORK_SESSION_EVENTS) if by_time else _read_report(fields)
    fields.choice("aggregationLevel", AGGREGATION_LEVELS)
    fields.problems.raise_any()
    assert named is not None  # noqa: S101 -- else a problem was noted
    name, report = named
    zone = _read_zone(fields, sandbox.store)
    lag = timedelta(seconds=present_settings.report_lag_seconds)
    not_after = (
        present() - lag + timedelta(milliseconds=1)
    )  # what happened in this very millisecond is told too
    read = _read_times(fields, not_after) if report.by_time else _read_days(fields, zone, not_after)
    filters = _read_filters(fields, sandbox.store, name, report, present_settings)
    fields.problems.raise_any()
    since, until, told = read
    window = Window(
        since,
        until,
        zone,
        *filters,
        time_style=present_settings.report_times,
        link_base=sandbox.addresses.sandbox_url,
    )
    return _Asked(report, window, f"{name}-{told}.csv")


async def _make(sandbox: Sandbox, fields: Fields, by_time: str | None) -> web.Response:
    present_settings = settings.read(sandbox.store)
    await asyncio.sleep(present_settings.report_seconds)
    asked = _read(sandbox, fields, present_settings, by_time)
    pieces = written(sandbox.store, asked.report, asked.window, present_settings)
    return web.Response(
        body=b"".join([piece async for piece in pieces]),
        content_type="text/csv",
        headers={"Content-Disposition": f"attachment; filename={asked.file_name}"},
    )


async def _generate(request: web.Request, by_time: str | None = None) -> web.Response:
    sandbox = request.app[SANDBOX]
    fields, limit = Fields(await read_object(request), Problems()), sandbox.report_limit
    wait = limit.begin()
    if wait is not None:
        words = f"report limit exceeded: {limit.per_minute} a minute and {limit.AT_ONCE} at once"
        raise refusal(429, "temporary_failure", words, headers={"Retry-After": str(ceil(wait))})
    try:
        return await _make(sandbox, fields, by_time)
    finally:
        limit.end()


async def generate(request: web.Request) -> web.Response:
    """Make a report of whole days."""
    return await _generate(request)


async def generate_work_session_events(request: web.Request) -> web.Response:
    """Make the report of work sessions, between two times."""
    return await _generate(request, "WorkSessionEventsReport")


ROUTES = (
    web.post("/api/v1/reports", generate),
    web.post("/api/v1/reports/work-session-events", generate_work_session_events),
)
