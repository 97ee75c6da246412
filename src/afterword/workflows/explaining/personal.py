"""What is left of a story for those who may not see customers' data: ids, times and reasons.

Reasons, their codes and ids hold no personal data; names, addresses, answers, what was sent and the values that
conditions compared may.
"""

from msgspec.structs import replace

from afterword.workflows.explaining.models import AttemptTold, EventTold, RunTold, TaskTold
from afterword.workflows.explaining.stories import Material
from afterword.workflows.history.concerned import Customer
from afterword.workflows.history.personal import HIDDEN, hidden, hidden_evaluation


def without_personal_data(material: Material) -> Material:
    """The same story, told to somebody who may not know whom it is about."""
    return replace(
        material,
        customer=Customer(id=material.customer.id),
        events=tuple(_event(event) for event in material.events),
        invitations=tuple(replace(invitation, email=HIDDEN) for invitation in material.invitations),
        responses=tuple(
            replace(response, answers=tuple(replace(one, answer=HIDDEN) for one in response.answers))
            for response in material.responses
        ),
    )


def _event(event: EventTold) -> EventTold:
    return replace(event, runs=tuple(_run(run) for run in event.runs))


def _run(run: RunTold) -> RunTold:
    tasks = tuple(_task(task) for task in run.tasks)
    return replace(run, evaluation=hidden_evaluation(run.evaluation), tasks=tasks)


def _task(task: TaskTold) -> TaskTold:
    return replace(task, attempts=tuple(_attempt(attempt) for attempt in task.attempts))


def _attempt(attempt: AttemptTold) -> AttemptTold:
    return replace(
        attempt,
        sent=dict.fromkeys(attempt.sent, HIDDEN),
        output=hidden(attempt.output),
        evaluation=hidden_evaluation(attempt.evaluation),
    )
