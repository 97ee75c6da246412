"""Faults: some that are worth practising with one click, any other by a form; what stands, and how often it struck."""

from typing import NamedTuple, get_args

import msgspec
from aiohttp import web

from afterword_sandbox.company.events import SELECTABLE_TYPES
from afterword_sandbox.errors import GladlyError
from afterword_sandbox.faults.control import read_fault
from afterword_sandbox.faults.rules import OfCalls, OfDeliveries, Standing
from afterword_sandbox.pages.settings.frame import Form, Problem, found_or_404, page, problems_of, read_form
from afterword_sandbox.sandbox import SANDBOX

TAB = "Faults"
_CARD = {"method": "POST", "path": "/api/v1/customers/*/conversation-items"}
_CLOSED = "CONVERSATION/CLOSED"


class Practice(NamedTuple):
    """A fault that is set with one click."""

    key: str
    name: str
    hint: str
    fault: dict[str, object]


PRACTICES = (
    Practice(
        "down",
        "Gladly is down",
        "Every call is answered with 503, until you clear it.",
        {"effect": "answer", "status": 503},
    ),
    Practice(
        "busy",
        "Too many requests",
        "The next 5 calls are answered with 429, to come back in 2 seconds.",
        {"effect": "answer", "status": 429, "retryAfter": 2, "times": 5},
    ),
    Practice(
        "lost-answer",
        "The answer is lost",
        "The next card is put onto the timeline, then the connection breaks. It must not come twice.",
        {"effect": "drop", "when": "after", "times": 1, **_CARD},
    ),
    Practice(
        "twice",
        "A closing is told twice",
        "The next closing comes a second time, with an event id of its own.",
        {"effect": "duplicate", "eventType": _CLOSED, "otherId": True, "times": 1},
    ),
    Practice(
        "order",
        "Out of order",
        "The next event comes after the one that follows it.",
        {"effect": "out-of-order", "eventType": "CONVERSATION/*", "times": 1},
    ),
    Practice(
        "lost",
        "A closing is lost",
        "The next closing is never told. Backfill is to find it.",
        {"effect": "lose", "eventType": _CLOSED, "times": 1},
    ),
    Practice(
        "deactivated",
        "The webhook fails",
        "Every delivery fails until the webhook is deactivated, or you clear it.",
        {"effect": "fail"},
    ),
)

EFFECTS_OF_CALLS = (
    ("answer", "Answer with a status"),
    ("hang", "Hang"),
    ("drop", "Drop the connection"),
    ("garble", "Answer with garbage"),
)
EFFECTS_OF_DELIVERIES = (
    ("duplicate", "Deliver twice"),
    ("late", "Deliver late"),
    ("out-of-order", "Deliver after the next"),
    ("lose", "Never deliver"),
    ("fail", "Fail, and send again"),
)
_FIELDS = {
    kind.__struct_config__.tag: {field.encode_name for field in msgspec.structs.fields(kind)}
    for kind in get_args(OfCalls | OfDeliveries)
}
_NUMBERS = frozenset({"times", "probability", "seed", "status", "retryAfter", "seconds"})


class FaultLine(NamedTuple):
    """A fault that stands, in words."""

    id: str
    name: str
    what: str
    details: str
    struck: int
    is_spent: bool


def _line(standing: Standing) -> FaultLine:
    said = standing.wire()
    names = dict(EFFECTS_OF_CALLS + EFFECTS_OF_DELIVERIES)
    what = (
        f"{said.get('method') or 'Any method'} {said['path']}" if "path" in said else str(said["eventType"])
    )
    hidden = {"method", "path", "eventType"}
    told = [field for field in msgspec.structs.fields(standing.fault) if field.encode_name not in hidden]
    details = [
        f"{field.encode_name}: {said[field.encode_name]}"
        for field in told
        if getattr(standing.fault, field.name) != field.default
    ]
    return FaultLine(
        standing.id,
        names[str(said["effect"])],
        what,
        ", ".join(details),
        standing.struck,
        standing.is_spent,
    )


def _page(
    request: web.Request, form: Form | None = None, problems: list[Problem] | None = None
) -> web.Response:
    lines = [_line(standing) for standing in reversed(request.app[SANDBOX].faults.all())]
    return page(
        request,
        "faults.html",
        TAB,
        problems=problems,
        faults=lines,
        practices=PRACTICES,
        effects_of_calls=EFFECTS_OF_CALLS,
        effects_of_deliveries=EFFECTS_OF_DELIVERIES,
        event_types=sorted(SELECTABLE_TYPES),
        values=form.texts if form else {},
    )


def _said(form: Form) -> dict[str, object]:
    """Return what a form says as the control address would be sent it: of its fields those that the effect has."""
    effect = form.text("effect")
    said: dict[str, object] = {"effect": effect}
    for name in _FIELDS.get(effect, set()):
        text = form.text(name)
        if name == "otherId":
            said[name] = bool(text)
        elif text:
            said[name] = _number(text) if name in _NUMBERS else text
    return said


def _number(text: str) -> object:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


async def show(request: web.Request) -> web.Response:
    """Show what stands, and what can be set."""
    return _page(request)


async def add(request: web.Request) -> web.Response:
    """Set a fault: one to practise, or what the form says."""
    form = await read_form(request)
    practice = next((each for each in PRACTICES if each.key == form.text("practice")), None)
    try:
        fault = read_fault(_said(form) if practice is None else practice.fault)
    except GladlyError as error:
        return _page(request, form, problems_of(error))
    request.app[SANDBOX].faults.add(fault)
    raise web.HTTPSeeOther("/settings/faults")


async def clear(request: web.Request) -> web.Response:
    """Clear every fault."""
    request.app[SANDBOX].faults.clear()
    raise web.HTTPSeeOther("/settings/faults")


async def remove(request: web.Request) -> web.Response:
    """Clear one fault; one that is cleared already is no trouble."""
    request.app[SANDBOX].faults.remove(request.match_info["fault_id"])
    raise web.HTTPSeeOther("/settings/faults")


ROUTES: tuple[web.RouteDef, ...] = (
    web.get("/settings/faults", show),
    web.post("/settings/faults", add),
    web.post("/settings/faults/clear", clear),
    web.post("/settings/faults/{fault_id}/clear", found_or_404(remove)),
)
