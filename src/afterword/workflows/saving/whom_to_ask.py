"""Whom a Workflow asks: the rules of its Task *Send JSON event*, read and changed without touching anything else."""

import msgspec

from afterword.eligibility.settings import CreditedAgent, Eligibility
from afterword.workflows.definitions import Definition

SEND_JSON_EVENT = "send-json-event"


class WhomToAsk(msgspec.Struct, frozen=True):
    """What of the configuration of *Send JSON event* says who is asked, and which Agent is credited."""

    eligibility: Eligibility = Eligibility()
    credit: CreditedAgent = "assignee"


def whom_to_ask(definition: Definition) -> WhomToAsk | None:
    """The rules of a Workflow; ``None`` where it has no such Task.

    Raises:
        msgspec.ValidationError: the Task's configuration is none that could be saved.
    """
    for task in definition.tasks:
        if task.type == SEND_JSON_EVENT:
            return msgspec.convert(task.configuration, WhomToAsk)
    return None


def asking_by(definition: Definition, wanted: WhomToAsk) -> Definition:
    """The Workflow with these rules in the place of its own; those at their default are left out."""
    rules = msgspec.to_builtins(wanted.eligibility)
    tasks = []
    for task in definition.tasks:
        if task.type == SEND_JSON_EVENT:
            configuration = {**task.configuration, "eligibility": rules, "credit": wanted.credit}
            if not rules:
                configuration.pop("eligibility")
            if "credit" not in task.configuration and wanted.credit == WhomToAsk().credit:
                configuration.pop("credit")
            task = msgspec.structs.replace(task, configuration=configuration)  # noqa: PLW2901 - the same one
        tasks.append(task)
    return msgspec.structs.replace(definition, tasks=tuple(tasks))
