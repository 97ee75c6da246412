"""``python dying_worker.py MOMENT``: a worker that kills itself with SIGKILL at the first such moment.

Nothing of it is different but for that; the moments are those at which others lost work or did it twice.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from afterword import process, worker
from afterword.distributions import sending
from afterword.tasks import distribute_survey
from afterword.workflows.running.run_store import RunStore
from afterword.workflows.starting.matching import Inbox

Call = Callable[..., Awaitable[Any]]
Wanted = Callable[..., bool]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, wanted: Wanted = lambda *_: True) -> None:
    """Die when this is called."""
    call: Call = getattr(owner, name)

    async def dying(*arguments: Any, **options: Any) -> Any:
        if wanted(*arguments):
            die()
        return await call(*arguments, **options)

    setattr(owner, name, dying)


def after(owner: Any, name: str, wanted: Wanted = lambda *_: True) -> None:
    """Die when this has been done, and before anybody knows."""
    call: Call = getattr(owner, name)

    async def dying(*arguments: Any, **options: Any) -> Any:
        answer = await call(*arguments, **options)
        if wanted(*arguments):
            die()
        return answer

    setattr(owner, name, dying)


def a_run(_: RunStore, run_id: int) -> bool:
    return run_id > 0  # no run is 0, which a worker wakes to warm up


def a_first_task(_: RunStore, move: Any) -> bool:
    return bool(move.position == 1)


def a_last_task(_: RunStore, move: Any) -> bool:
    return bool(move.position == 2)


MOMENTS: dict[str, Callable[[], None]] = {
    "the runs are made, nobody has taken one": lambda: after(Inbox, "_drain_batch", lambda *_: True),
    "a run is claimed and not read": lambda: before(RunStore, "read", a_run),
    "a run is read and nothing done": lambda: after(RunStore, "read", a_run),
    "the first task is done and not committed": lambda: before(RunStore, "move", a_first_task),
    "the first task is committed, its successor not picked": lambda: after(RunStore, "move", a_first_task),
    "the invitation is there, the mail not sent": lambda: before(sending.Mailer, "send"),
    "the mail is taken and not noted": lambda: after(sending.Mailer, "send"),
    "the mail is noted, the task not committed": lambda: after(distribute_survey, "mark_sent"),
    "the last task is done and not committed": lambda: before(RunStore, "move", a_last_task),
    "the run is at its end, its job still there": lambda: after(RunStore, "move", a_last_task),
}

if __name__ == "__main__":
    MOMENTS[sys.argv[1]]()
    raise SystemExit(process.main(worker.serve))
