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
    """From now on: when the standard input ends, have this process end in order, as SIGTERM has it.

    If it is still there ``grace`` seconds later it is killed, and with it the processes that it started,
    when it has a process group of its own. For the option ``--exit-with-stdin`` of a program that a
    supervisor starts.
    """
    threading.Thread(target=_watch, args=(grace,), name="lifeline", daemon=True).start()


def _watch(grace: float) -> None:
    with contextlib.suppress(OSError):
        while os.read(STANDARD_INPUT, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
