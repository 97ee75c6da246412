"""All that is wrong with a definition, found before it is saved."""

from collections.abc import Iterator, Mapping

import msgspec

from afterword.surveys.outlines import SurveyOutline
from afterword.tasks.contract import AnyTaskType
from afterword.workflows.definitions import Definition


class Mistake(msgspec.Struct, frozen=True):
    """Something that has to change before a definition can be saved.

    ``path`` is where it stands, as ``tasks[0].configuration.email``, empty for the whole; ``words`` say what is wrong
    and what to do, without a full stop.
    """

    path: str
    words: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the installation has that a definition may name, by id.

    ``accounts`` tells each connected account's kind (``gladly``, ``qualtrics``, ``web-service``). ``surveys`` are those
    of our own, ``account_surveys`` those of connected Qualtrics accounts, by account and survey.
    """

    accounts: Mapping[str, str] = {}
    surveys: Mapping[str, SurveyOutline] = {}
    account_surveys: Mapping[tuple[str, str], SurveyOutline] = {}
    mailing_lists: frozenset[str] = frozenset()
    endpoints: frozenset[str] = frozenset()


def check_definition(
    definition: Definition, task_types: Mapping[str, AnyTaskType], known: Known
) -> list[Mistake]:
    """All that is wrong with a definition, in its order; empty when it can be saved."""
    return list(_tasks(definition, task_types))


def _tasks(definition: Definition, task_types: Mapping[str, AnyTaskType]) -> Iterator[Mistake]:
    seen: set[str] = set()
    for number, task in enumerate(definition.tasks):
        if task.id in seen:
            yield Mistake(
                f"tasks[{number}].id", f"another task is called “{task.id}”; give each an id of its own"
            )
        seen.add(task.id)
        if task.type not in task_types:
            yield Mistake(f"tasks[{number}].type", f"no task type “{task.type}” is installed here")
