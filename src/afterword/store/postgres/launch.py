"""Becomes a program of PostgreSQL that ends with its parent, as a user with few rights.

Run as a script, by path, with an isolated interpreter; after its few steps it is replaced by the program,
so that the parent's child *is* the program. These steps cannot be a ``preexec_fn``, which is unsafe beside
threads.

    launch.py LIFELINE PARENT UID GID PROGRAM ARGUMENT…

``LIFELINE`` says how the program learns that its parent is gone, however that came about:

- ``death-signal``: Linux sends it SIGINT, PostgreSQL's fast shutdown. (Linux means the *thread* that
started it.)
- a number: the file descriptor of a pipe that the parent holds open. A small process keeps watch on it.
"""

# All that is needed is imported here: after the change of user, Python's own files may be out of reach.
import ctypes
import os
import select
import signal
import sys

PR_SET_PDEATHSIG = 1
GONE = 1
MOST_DESCRIPTORS = 10_000  # we were given a handful; the system's own limit can be in the billions


def main() -> None:
    """Take the steps, then become the program."""
    lifeline, parent, uid, gid, program, *arguments = sys.argv[1:]
    if os.geteuid() != int(uid):
        os.setgroups([int(gid)])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if lifeline == "death-signal":
        ask_for_death_signal()  # a change of user would take it back, so it comes after
        if os.getppid() != int(parent):
            sys.exit(GONE)
    else:
        start_watcher(int(lifeline))
    os.execv(program, [program, *arguments])  # noqa: S606 - no shell is wanted


def ask_for_death_signal() -> None:
    """Have Linux send SIGINT to this process when its parent dies."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def start_watcher(parent_pipe: int) -> None:
    """Fork the process that keeps watch; it is no child of PostgreSQL, which would be upset by its end."""
    program_pipe, held_by_program = os.pipe()
    os.set_inheritable(held_by_program, True)
    program = os.getpid()
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            watch(parent_pipe, program_pipe, program)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(program_pipe)
    os.close(parent_pipe)


def watch(parent_pipe: int, program_pipe: int, program: int) -> None:
    """Wait for either pipe to end; if it is the parent's, ask the program to stop.

    The program's pipe is held open by it and all its descendants. While it is open the program's process id
    cannot have passed to someone else, but for a server whose main process was killed a moment ago.
    """
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep = sorted((parent_pipe, program_pipe))
    os.closerange(0, keep[0])
    os.closerange(keep[0] + 1, keep[1])
    os.closerange(keep[1] + 1, MOST_DESCRIPTORS)
    ended, _, _ = select.select(keep, [], [])
    if program_pipe not in ended:
        os.kill(program, signal.SIGINT)


if __name__ == "__main__":
    main()
