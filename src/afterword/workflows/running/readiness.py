"""Whether a task's turn means that it is carried out: its conditions, and the outputs that it needs.

The engine goes by it, and so does a rehearsal.
"""

from collections.abc import Mapping

from afterword.outcomes import Reason
from afterword.piped_text import Source
from afterword.translating import N_, said
from afterword.workflows.conditions import Evaluation, evaluate
from afterword.workflows.definitions import Definition, Task
from afterword.workflows.order import needed_tasks
from afterword.workflows.running.moves import End

TASK_CONDITIONS_NOT_MET = Reason("task-conditions-not-met", N_("the conditions of the task did not hold"))


def why_not_run(
    task: Task, definition: Definition, ends: Mapping[str, End], sources: tuple[Source, ...]
) -> tuple[Reason | None, Evaluation | None]:
    """Why the task is not carried out now, ``None`` when it is; and how its conditions came out, where it has some.

    A task that needs the output of another is not carried out when that other was skipped or not run, nor when it
    failed and is set to stop those that need it.
    """
    missing = _missing_output(task, definition, ends)
    if missing is not None:
        return missing, None
    if task.conditions is None:
        return None, None
    evaluation = evaluate(task.conditions, sources)
    return None if evaluation.holds else TASK_CONDITIONS_NOT_MET, evaluation


def _missing_output(task: Task, definition: Definition, ends: Mapping[str, End]) -> Reason | None:
    if not ends:
        return None
    needed = needed_tasks(task)
    for other in definition.tasks:
        end = ends.get(other.id)
        if other.id not in needed or end is None:
            continue
        if end.status != "failed" or other.on_failure == "stop-dependents":
            words = said(
                "it needs the output of the task %(other)s, which has none: %(words)s",
                other=repr(other.label or other.id),
                words=end.words,
            )
            return Reason("needs-output-of-task", words, {"task": other.id, "ended": end.status})
    return None
