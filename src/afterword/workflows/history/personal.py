"""What is left of run history for those who may not see customers' data: ids, times, reasons and how it went.

Reasons, their codes and ids hold no personal data. Who may see it is said in ``accounts/rights.py``.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from afterword.outgoing.exchanges import Exchange
from afterword.translating import N_
from afterword.workflows.conditions import Compared, Evaluation
from afterword.workflows.history.concerned import Customer
from afterword.workflows.history.models import (
    AttemptHistory,
    EventSummary,
    RunHistory,
    RunSummary,
    TaskHistory,
)

HIDDEN = "(hidden)"
IDS = frozenset(
    {"itemId", "alreadyThere", "distributionId", "contactId", "responseId", "customerId", "conversationId"}
)
"""Of what tasks are given, find out and send, these are ids."""


def run_without_personal_data(run: RunSummary) -> RunSummary:
    """The same run, told to somebody who may not know whom it is about."""
    return replace(run, customer=Customer(id=run.customer.id))


def event_without_personal_data(event: EventSummary) -> EventSummary:
    """The same event, told so."""
    return replace(event, customer=Customer(id=event.customer.id))


def history_without_personal_data(told: RunHistory) -> RunHistory:
    """The same history, told so: nothing that was received, compared, sent or answered."""
    return replace(
        told,
        run=run_without_personal_data(told.run),
        reason_values=hidden(told.reason_values),
        evaluation=hidden_evaluation(told.evaluation),
        event=None if told.event is None else replace(told.event, body=HIDDEN),
        tasks=tuple(_task(task) for task in told.tasks),
    )


def hidden(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values without what they say, but for ids."""
    return {
        name: value if name in IDS and isinstance(value, str | int) else HIDDEN
        for name, value in values.items()
    }


def hidden_evaluation(evaluation: Evaluation | None) -> Evaluation | None:
    """How conditions came out, without values: what was wanted may be piped text, a problem may quote what was
    found.
    """
    if evaluation is None:
        return None
    return replace(evaluation, compared=tuple(_compared(one) for one in evaluation.compared))


def _compared(one: Compared) -> Compared:
    return replace(
        one,
        found=HIDDEN if one.found else "",
        wanted=(HIDDEN,) if one.wanted else (),
        problem=N_("its values do not fit") if one.problem else "",
    )


def _task(task: TaskHistory) -> TaskHistory:
    return replace(task, attempts=tuple(_attempt(attempt) for attempt in task.attempts))


def _attempt(attempt: AttemptHistory) -> AttemptHistory:
    return replace(
        attempt,
        reason_values=hidden(attempt.reason_values),
        evaluation=hidden_evaluation(attempt.evaluation),
        input=hidden(attempt.input),
        output=hidden(attempt.output),
        sent=hidden(attempt.sent),
        exchanges=tuple(_exchange(exchange) for exchange in attempt.exchanges),
    )


def _exchange(exchange: Exchange) -> Exchange:
    """Who was called and what came of it; a path may hold an address."""
    where = urlsplit(exchange.address)
    return replace(
        exchange,
        address=f"{where.scheme}://{where.netloc}/…" if where.netloc else HIDDEN,
        request=HIDDEN if exchange.request else "",
        answer=HIDDEN if exchange.answer else "",
    )
