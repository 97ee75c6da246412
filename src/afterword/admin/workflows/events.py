"""What starts a Workflow: the fields of each kind of event, and what it says in a sentence."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import get_args

from afterword.admin.workflows.controls import Reading, Tree, read_group
from afterword.admin.workflows.fields import Field
from afterword.events.models import ResponseKind
from afterword.translating import N_, ngettext, translated
from afterword.translating import gettext as _
from afterword.workflows.cron import next_moment, words_of
from afterword.workflows.definitions import ConversationClosed, Event, JsonEvent, Schedule, SurveyResponse

NEXT_TIMES = 3

KINDS = Field(
    name="kinds",
    title=N_("Which Responses"),
    kind="choices",
    options=get_args(ResponseKind),
    help=N_("Created is a Response that a respondent sent; updated is one that was changed later."),
)
JSON_FIELDS = (
    Field(
        name="name",
        title=N_("Name"),
        kind="text",
        is_required=True,
        example="customerId",
        help=N_("What Piped Text calls it."),
    ),
    Field(
        name="path",
        title=N_("JSONPath"),
        kind="text",
        is_required=True,
        example="$.customerId",
        help=N_("Where its value stands in the event."),
    ),
)


def event_fields(event: Event) -> tuple[Field, ...]:
    """The fields of an event. Of what kind it is, and at which endpoint it arrives, cannot be changed."""
    match event:
        case ConversationClosed():
            return (
                _account("gladly-account", N_("Gladly account"), N_("Whose Conversations it starts with.")),
            )
        case JsonEvent():
            return (
                Field(
                    name="fields",
                    title=N_("JSON fields"),
                    kind="rows",
                    fields=JSON_FIELDS,
                    help=N_("What Tasks can use of the event."),
                ),
            )
        case SurveyResponse(account=None):
            return (
                Field(name="survey", title=N_("Survey"), kind="text", is_required=True, offers="survey"),
                KINDS,
            )
        case SurveyResponse():
            return (
                _account(
                    "qualtrics-account", N_("Qualtrics account"), N_("The account that the Survey is in.")
                ),
                Field(
                    name="survey",
                    title=N_("Survey"),
                    kind="text",
                    is_required=True,
                    example="SV_0f3KdWq81sBcZpT",
                    help=N_("The Survey's id in Qualtrics."),
                ),
                KINDS,
            )
        case Schedule():
            return (
                Field(
                    name="cron",
                    title=N_("When"),
                    kind="text",
                    is_required=True,
                    example="0 9 * * 1-5",
                    help=N_("Five fields: minute, hour, day of the month, month, day of the week."),
                ),
                Field(
                    name="time_zone",
                    title=N_("Time zone"),
                    kind="text",
                    is_required=True,
                    example="Europe/Berlin",
                    help=N_("An IANA name: on whose clocks."),
                ),
            )


def _account(offers: str, title: str, words: str) -> Field:
    return Field(name="account", title=title, kind="text", is_required=True, offers=offers, help=words)


def read_event(event: Event, reading: Reading) -> Tree:
    """What the form says of an event. What is empty is not left out: there is always an event, if not a whole one."""
    fields = event_fields(event)
    empty: Tree = {field.name: "" for field in fields if field.kind == "text"}
    found = empty | read_group(fields, reading, "event")
    if isinstance(event, JsonEvent):
        found["fields"] = [{"name": "", "path": ""} | one for one in found.get("fields", [])]
    if isinstance(event, SurveyResponse):
        found.setdefault("kinds", [])
    return found


def event_sentence(event: Event, names: Mapping[str, str]) -> str:
    """What starts a Workflow, in a sentence; ``names`` are those of accounts and Surveys, by id."""
    match event:
        case ConversationClosed(account=account):
            return _(
                "A Conversation of “%(account)s” is closed in Gladly.", account=names.get(account, account)
            )
        case JsonEvent(fields=()):
            return _("A JSON event arrives at the endpoint of this Workflow; none of its values is read.")
        case JsonEvent(fields=fields):
            return ngettext(
                "A JSON event arrives at the endpoint of this Workflow; %(num)s value is read from it.",
                "A JSON event arrives at the endpoint of this Workflow; %(num)s values are read from it.",
                len(fields),
            )
        case SurveyResponse(survey=survey, kinds=kinds):
            return _(
                "A Response to the Survey “%(survey)s” is recorded (%(kinds)s).",
                survey=names.get(survey, survey),
                kinds=", ".join(translated(kind) for kind in kinds) or _("of no kind"),
            )
        case Schedule():
            words = words_of(event)
            return f"{words[:1].upper()}{words[1:]}."


def next_times(event: Event) -> list[datetime]:
    """When a schedule is due next, a few times over; nothing for other events, or one that cannot be read."""
    times: list[datetime] = []
    if isinstance(event, Schedule):
        after = datetime.now(UTC)
        try:
            for _ in range(NEXT_TIMES):
                after = next_moment(event, after)
                times.append(after)
        except ValueError:
            return []
    return times
