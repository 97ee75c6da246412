"""Ends a process when its supervisor is gone.

The supervisor holds the other end of our standard input and never writes to it. However it ends, SIGKILL
included, the operating system closes that end.
"""

import contextlib
import os
import signal
import threading
import time

STANDARD_INPUT = 0
GRACE_SECONDS = 10.0


def exit_with_stdin(*, grace: float = GRACE_SECONDS) -> None:
    """From now on: when the standard input ends, end this process in order, by SIGTERM.

    If it is still there ``grace`` seconds later, by SIGKILL. Either is sent to its whole process group when
    that is its own, as under our supervisor: to the processes that it started, too.

    For the option ``--exit-with-stdin`` of a program that a supervisor starts.
    """
    threading.Thread(target=_watch, args=(grace,), name="lifeline", daemon=True).start()


def _watch(grace: float) -> None:
    with contextlib.suppress(OSError):
        while os.read(STANDARD_INPUT, 4096):
            pass
    _send(signal.SIGTERM)
    time.sleep(grace)
    _send(signal.SIGKILL)


def _send(number: int) -> None:
    if os.getpgrp() == os.getpid():
        os.killpg(0, number)
    else:
        os.kill(os.getpid(), number)
