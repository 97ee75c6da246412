"""What is left of a story for those who may not see customers' data: ids, times and reasons.

Reasons, their codes and ids hold no personal data; names, addresses, answers, what was sent and the values that
conditions compared may.
"""

from msgspec.structs import replace

from afterword.accounts.people import Person, Role
from afterword.workflows.concerned import Customer
from afterword.workflows.conditions import Compared, Evaluation
from afterword.workflows.explaining.models import AttemptTold, EventTold, RunTold, TaskTold
from afterword.workflows.explaining.stories import Material

SEE_CUSTOMERS: frozenset[Role] = frozenset({"owner", "administrator", "manager"})
"""Who is shown customers' names, addresses and words."""

HIDDEN = "(hidden)"
IDS = frozenset(
    {"itemId", "alreadyThere", "distributionId", "contactId", "responseId", "customerId", "conversationId"}
)
"""Of what a task found out or made, these are ids."""


def may_see_customers(person: Person | None) -> bool:
    """Whether somebody is shown personal data of customers."""
    return person is not None and person.role in SEE_CUSTOMERS


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
    return replace(run, evaluation=_evaluation(run.evaluation), tasks=tasks)


def _task(task: TaskTold) -> TaskTold:
    return replace(task, attempts=tuple(_attempt(attempt) for attempt in task.attempts))


def _attempt(attempt: AttemptTold) -> AttemptTold:
    return replace(
        attempt,
        sent=dict.fromkeys(attempt.sent, HIDDEN),
        output={
            name: value if name in IDS and isinstance(value, str | int) else HIDDEN
            for name, value in attempt.output.items()
        },
        evaluation=_evaluation(attempt.evaluation),
    )


def _evaluation(evaluation: Evaluation | None) -> Evaluation | None:
    """What was wanted may be piped text, and a problem may quote what was found: all three are hidden."""
    if evaluation is None:
        return None
    return replace(evaluation, compared=tuple(_compared(one) for one in evaluation.compared))


def _compared(one: Compared) -> Compared:
    return replace(
        one,
        found=HIDDEN if one.found else "",
        wanted=(HIDDEN,) if one.wanted else (),
        problem="its values do not fit" if one.problem else "",
    )
