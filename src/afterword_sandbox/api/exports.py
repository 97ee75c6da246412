"""``/api/v1/export``: the schedule, its jobs and their files."""

from datetime import datetime

from aiohttp import web

from afterword_sandbox.api.fields import json_response
from afterword_sandbox.clock import format_time, parse_time, present
from afterword_sandbox.company import exports
from afterword_sandbox.errors import Problems, refusal
from afterword_sandbox.sandbox import SANDBOX


async def list_schedules(request: web.Request) -> web.Response:
    """List the schedule."""
    return json_response(exports.schedules(request.app[SANDBOX].store))


def _read_time(request: web.Request, key: str, problems: Problems) -> datetime | None:
    text = request.query.get(key)
    moment = parse_time(text) if text else None
    if text and moment is None:
        problems.add(key, "invalid", f"{key} must be an RFC 3339 time")
    return moment


async def list_jobs(request: web.Request) -> web.Response:
    """List the jobs of the last 14 days, filtered by ``status`` and by when they were updated."""
    problems, status = Problems(), request.query.get("status") or None
    if status is not None and status not in exports.STATUSES:
        problems.add("status", "invalid", f"status must be one of {', '.join(exports.STATUSES)}")
    since, until = _read_time(request, "startAt", problems), _read_time(request, "endAt", problems)
    if since is not None and since < present() - exports.KEPT:
        problems.add("startAt", "invalid", "startAt cannot be more than 14 days ago")
    if until is not None and until > present():
        problems.add("endAt", "invalid", "endAt cannot be in the future")
    if since is not None and until is not None and until < since:
        problems.add("endAt", "invalid", "endAt cannot be before startAt")
    problems.raise_any()
    found = exports.jobs(
        request.app[SANDBOX].store,
        status=status,
        since=None if since is None else format_time(since),
        until=None if until is None else format_time(until),
    )
    return json_response(found)


async def get_job(request: web.Request) -> web.Response:
    """Show a job."""
    store = request.app[SANDBOX].store
    return json_response(exports.wire(store, exports.row_of(store, request.match_info["job_id"])))


async def delete_job(request: web.Request) -> web.Response:
    """Delete a job that is done; the refusal of another is a bare list, as Gladly documents it."""
    store, job_id = request.app[SANDBOX].store, request.match_info["job_id"]
    status = exports.row_of(store, job_id)["status"]
    if status not in {"COMPLETED", "FAILED"}:
        detail = f"unable to delete job with status [{status}]. Please try again after it has finished"
        error = refusal(400, "temporary_failure", detail, attr="status")
        error.form = "bare"
        raise error
    with store.transaction():
        exports.delete(store, job_id)
    return web.Response(status=204)


async def get_file(request: web.Request) -> web.Response:
    """Give a job's file."""
    place = request.match_info
    content = exports.file(request.app[SANDBOX].store, place["job_id"], place["filename"])
    return web.Response(body=content, content_type="application/x-ndjson")


_JOB = "/api/v1/export/jobs/{job_id}"
ROUTES = (
    web.get("/api/v1/export/schedules", list_schedules, allow_head=False),
    web.get("/api/v1/export/jobs", list_jobs, allow_head=False),
    web.get(_JOB, get_job, allow_head=False),
    web.delete(_JOB, delete_job),
    web.get(f"{_JOB}/files/{{filename}}", get_file, allow_head=False),
)
