"""What a workflow is called that nobody named, and what its event is called."""

from collections.abc import Mapping

from afterword.translating import gettext as _
from afterword.workflows.cron import words_of
from afterword.workflows.definitions import (
    ConversationClosed,
    Definition,
    Event,
    JsonEvent,
    Schedule,
    SurveyResponse,
)

LONGEST_NAME = 200
NO_NAMES: Mapping[str, str] = {}


def suggest_name(definition: Definition, names: Mapping[str, str] = NO_NAMES) -> str:
    """Make a name from the event and the first task: ``JSON Event → XM Directory: Distribute survey``.

    ``names`` are those of surveys and accounts by id, to tell one workflow from another of its kind.
    """
    event = event_words(definition.event, names)
    tasks = definition.tasks
    name = f"{event} → {tasks[0].label or tasks[0].type}" if tasks else event
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def event_words(event: Event, names: Mapping[str, str] = NO_NAMES) -> str:
    """What starts a workflow, in the vendors' words."""
    match event:
        case ConversationClosed(account=account):
            return _of(_("Gladly conversation closed"), names.get(account))
        case JsonEvent():
            return _("JSON Event")
        case SurveyResponse(survey=survey):
            return _of(_("Survey Response"), names.get(survey))
        case Schedule():
            words = words_of(event)
            return words[:1].upper() + words[1:]


def _of(event: str, name: str | None) -> str:
    return event if name is None else f"{event} ({name})"
