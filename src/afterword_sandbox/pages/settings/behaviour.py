"""Behaviour: every switch of ``settings.py`` as a form made from its type."""

from typing import NamedTuple

import msgspec
from aiohttp import web

from afterword_sandbox import settings
from afterword_sandbox.errors import GladlyError, refusal
from afterword_sandbox.pages.settings.frame import Form, page, problems_of, read_form
from afterword_sandbox.sandbox import SANDBOX
from afterword_sandbox.settings import Settings

TAB = "Behaviour"
DEFAULT_FORM = "envelope"
LABELS = {
    "topicsRequired": ("A topic is needed to close a conversation", ""),
    "requestsPerSecond": ("Requests a second, for each HTTP method", "Empty: as the sandbox was started."),
    "resendDelays": (
        "Seconds before each resend of a webhook",
        "With commas between them. After the last one the webhook is deactivated. Empty: as the sandbox was started.",
    ),
    "takenItemStatus": ("An item or task whose id is in use is answered with", ""),
    "movedLocation": ("The redirect of a merged customer has a Location", ""),
    "errorBodies": (
        "The body of an error",
        "Gladly documents an envelope; gateways have forms of their own.",
    ),
    "retryAfter": ("A 429 says when to come back", ""),
    "limitedDataWhenComplete": ("A whole list says Gladly-Limited-Data: false", ""),
    "pingBody": ("The body of a PING", "Whole: an event with all its fields. Minimal: a type alone."),
    "resentEventId": ("The id of an event that is sent again", ""),
    "topicsOnClosed": ("Topics of a closed conversation", ""),
    "deletedItemId": ("The id of a deleted item", ""),
    "eventsWhileDisabled": ("Events while a webhook is disabled", ""),
    "apiInitiator": ("The initiator of what the API did, in events", ""),
    "topicNames": ("The name of a topic stands once", "Among all topics, or among those of the same parent."),
    "eventsApiIds": ("Ids in the Events API", "Those that webhooks gave, or others."),
    "eventsApiEnd": ("An event of the very end, in the Events API", ""),
    "eventsLagSeconds": ("Seconds until an event is in the Events API", "Gladly says up to 15."),
    "reportLagSeconds": ("Seconds until an event is in a report", "Gladly says about an hour, 3600."),
    "reportSeconds": ("Seconds that a report takes", ""),
    "reportRowCap": ("Rows that a report has at most", "What is beyond is silently left out."),
    "reportTimes": ("Times in a report", ""),
    "reportFilters": ("A filter that a report does not list", ""),
    "emptyReport": ("A report without rows is", ""),
    "reportStart": ("Before a report's header stands", ""),
    "exportFrequency": ("An export job is made", ""),
}


class Control(NamedTuple):
    """One field of the form; without ``choices`` it is a line to type into."""

    name: str
    label: str
    hint: str
    value: str
    choices: list[tuple[str, str]]
    is_changed: bool


def _words(name: str) -> str:
    """Return a setting's name as words: what is said of one that has no label."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced[:1].upper() + spaced[1:]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ", ".join(_text(each) for each in value)
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)


def _choices(kind: msgspec.inspect.Type) -> list[tuple[str, str]]:
    match kind:
        case msgspec.inspect.BoolType():
            return [("true", "Yes"), ("false", "No")]
        case msgspec.inspect.LiteralType(values=values):
            return [(str(value), str(value)) for value in values]
    return []


def _fields() -> list[msgspec.inspect.Field]:
    kind = msgspec.inspect.type_info(Settings)
    assert isinstance(kind, msgspec.inspect.StructType)  # noqa: S101 -- it is one
    return list(kind.fields)


def _controls(current: Settings) -> list[Control]:
    """Return the form's fields; one that is an object has a field for each of its keys."""
    values, defaults = msgspec.to_builtins(current), msgspec.to_builtins(Settings())
    controls = []
    for field in _fields():
        name = field.encode_name
        label, hint = LABELS.get(name, (_words(name), ""))
        if isinstance(field.type, msgspec.inspect.DictType):
            keys = [key for key, _ in _choices(field.type.key_type)]
            forms = sorted(_choices(field.type.value_type), key=lambda choice: choice[0] != DEFAULT_FORM)
            controls += [
                Control(
                    f"{name}.{key}",
                    f"{label}, status {key}",
                    hint if key == keys[0] else "",
                    values[name].get(key, DEFAULT_FORM),
                    forms,
                    key in values[name],
                )
                for key in keys
            ]
        else:
            value, default = values[name], defaults[name]
            controls.append(Control(name, label, hint, _text(value), _choices(field.type), value != default))
    return controls


def _read_value(name: str, kind: msgspec.inspect.Type, text: str) -> object:
    """Return a field's value; None sets the default back. Raises 400."""
    match kind:
        case msgspec.inspect.BoolType():
            return text == "true"
        case msgspec.inspect.LiteralType(values=values):
            return next((value for value in values if str(value) == text), text)
        case msgspec.inspect.StrType():
            return text
    try:
        numbers = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise refusal(400, "invalid", "this must be a number", attr=name) from None
    if _is_list(kind):
        return numbers or None
    value = numbers[0] if len(numbers) == 1 else None
    return int(value) if value is not None and value.is_integer() else value


def _is_list(kind: msgspec.inspect.Type) -> bool:
    kinds = kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,)
    return any(isinstance(each, msgspec.inspect.VarTupleType | msgspec.inspect.ListType) for each in kinds)


def _read(form: Form) -> dict[str, object]:
    wanted: dict[str, object] = {}
    for field in _fields():
        name = field.encode_name
        if isinstance(field.type, msgspec.inspect.DictType):
            given = {key: form.text(f"{name}.{key}") for key, _ in _choices(field.type.key_type)}
            wanted[name] = {key: None if text in {"", DEFAULT_FORM} else text for key, text in given.items()}
        elif name in form.texts:
            wanted[name] = _read_value(name, field.type, form.text(name))
    return wanted


async def show(request: web.Request) -> web.Response:
    """Show every switch."""
    controls = _controls(settings.read(request.app[SANDBOX].store))
    return page(request, "behaviour.html", TAB, controls=controls)


async def change(request: web.Request) -> web.Response:
    """Change the switches, or set all of them back."""
    sandbox, form = request.app[SANDBOX], await read_form(request)
    try:
        back: dict[str, object] = {field.encode_name: None for field in _fields()}
        wanted = back if form.text("reset") else _read(form)
        with sandbox.store.transaction():
            settings.change(sandbox.store, wanted)
    except GladlyError as error:
        controls = [
            control._replace(value=form.texts.get(control.name, control.value))
            for control in _controls(settings.read(sandbox.store))
        ]
        return page(request, "behaviour.html", TAB, problems=problems_of(error), controls=controls)
    sandbox.apply_settings()
    raise web.HTTPSeeOther("/settings/behaviour")


ROUTES: tuple[web.RouteDef, ...] = (
    web.get("/settings/behaviour", show),
    web.post("/settings/behaviour", change),
)
