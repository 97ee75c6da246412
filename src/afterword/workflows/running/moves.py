"""How a run goes on after an attempt of a task: pure functions from what came of it to the run's next state."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from afterword.outcomes import Outcome, Reason, Retry, Skip
from afterword.tasks.contract import Done, Wait
from afterword.translating import N_
from afterword.workflows.conditions import Evaluation
from afterword.workflows.running.retries import delay_before_next

LEAST_WAIT_SECONDS = 0.05

RunStatus = Literal["running", "waiting", "succeeded", "skipped", "failed", "cancelled"]
AttemptStatus = Literal["succeeded", "waiting", "retrying", "skipped", "failed", "not run"]
EndStatus = Literal["skipped", "failed", "not run"]

OUTCOME_UNKNOWN = Reason(
    "outcome-unknown",
    N_(
        "nobody knows whether the other side did it, and the task is set to stop then; look there, and replay the run "
        "if it was not done"
    ),
)


class End(msgspec.Struct, frozen=True):
    """How a task ended that did not succeed."""

    status: EndStatus
    code: str
    words: str


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """How a run goes on after an attempt.

    ``again_in`` is in seconds, ``None`` when nothing is due by itself: the run is at its end, or held until what it is
    ``waiting_for`` has changed. ``attempt`` is how many attempts of the task that is then due have failed. ``ended``
    tells that the task will not be tried again, in whatever way it ended.
    """

    attempt_status: AttemptStatus
    run_status: RunStatus = "running"
    again_in: float | None = 0.0
    attempt: int = 0
    ended: bool = True
    reason: Reason | None = None
    waiting_for: str | None = None
    output: Mapping[str, object] = {}
    sent: Mapping[str, str] = {}
    evaluation: Evaluation | None = None


def after_result(result: Done | Wait) -> Move:
    """The task did it, or has nothing more to do for a while."""
    if isinstance(result, Done):
        return Move(attempt_status="succeeded", output=result.output, sent=result.sent)
    seconds = max(0.0, (result.until - datetime.now(UTC)).total_seconds())
    return Move(
        attempt_status="waiting",
        run_status="waiting",
        again_in=seconds,
        ended=False,
        reason=Reason(result.code, result.words),
    )


def after_outcome(outcome: Outcome, attempts_before: int, *, stop_when_unknown: bool, scale: float) -> Move:
    """The task did not simply succeed.

    ``attempts_before`` is how many attempts failed before this one; ``scale`` shortens the waits between attempts.
    """
    if not isinstance(outcome, Retry):
        return Move(
            attempt_status="skipped" if isinstance(outcome, Skip) else "failed", reason=outcome.reason
        )
    if outcome.outcome_unknown and stop_when_unknown:
        return failed(_unknown(outcome.reason))
    if outcome.waiting_for is not None:
        return Move(
            attempt_status="waiting",
            run_status="waiting",
            again_in=None,
            attempt=attempts_before,
            ended=False,
            reason=outcome.reason,
            waiting_for=outcome.waiting_for,
        )
    if not outcome.tried:
        return _again(
            outcome.reason, max(outcome.after or 0.0, LEAST_WAIT_SECONDS), attempts_before, "waiting"
        )
    delay = delay_before_next(
        attempts_before + 1,
        asked_for=outcome.after,
        outcome_unknown=outcome.outcome_unknown,
        random=random.random,
        scale=scale,
    )
    if delay is None:
        return failed(outcome.reason)
    return _again(outcome.reason, delay, attempts_before + 1, "retrying")


def failed(reason: Reason) -> Move:
    """It will not be tried again."""
    return Move(attempt_status="failed", reason=reason)


def not_run(reason: Reason, evaluation: Evaluation | None = None) -> Move:
    """The task was not carried out at all."""
    return Move(attempt_status="not run", reason=reason, evaluation=evaluation)


def end_of(move: Move) -> End | None:
    """How the task ended, when it ended without success."""
    if not move.ended or move.attempt_status not in {"skipped", "failed", "not run"} or move.reason is None:
        return None
    return End(move.attempt_status, move.reason.code, move.reason.words)


def end_of_run(ends: Mapping[str, End], tasks: int) -> tuple[RunStatus, Reason | None]:
    """How a run ends when all its tasks have: as failed, skipped (none was carried out) or succeeded."""
    for status in ("failed", "skipped", "not run"):
        first = next((end for end in ends.values() if end.status == status), None)
        if first is not None and (status == "failed" or len(ends) == tasks):
            return "failed" if status == "failed" else "skipped", Reason(first.code, first.words)
    return "succeeded", None


def _again(reason: Reason, seconds: float, attempt: int, status: AttemptStatus) -> Move:
    return Move(
        attempt_status=status,
        run_status="waiting",
        again_in=seconds,
        attempt=attempt,
        ended=False,
        reason=reason,
    )


def _unknown(reason: Reason) -> Reason:
    return Reason(OUTCOME_UNKNOWN.code, f"{reason.words}; {OUTCOME_UNKNOWN.words}", reason.values)
