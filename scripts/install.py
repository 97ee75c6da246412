"""Makes .venv in the checkout and installs into it what a lock file names, and Afterword itself.

``python scripts/install.py runtime`` (or ``dev``, which holds all of ``runtime``). The Makefile calls it with
the Python that .venv shall have; needs nothing but its standard library. May be run again after a failure:
what was interrupted half-way is made anew.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "install.log"
CHECKOUT_OF_VENV = VENV / ".checkout"  # written when .venv is whole; the Makefile compares it
UNDER_WAY = VENV / ".under-way"  # left behind by an installation that was interrupted
STAMPS = {"runtime": [".runtime-installed"], "dev": [".runtime-installed", ".dev-installed"]}


class InstallError(Exception):
    """The installation cannot go on; the message is what its user should read."""


def main(lock: str) -> int:
    """Install ``lock``; returns the exit status."""
    # Two terminals may say `make demo` and `make test` at once. The lock goes when its process goes.
    with (CHECKOUT / "requirements" / "runtime.txt").open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        try:
            if not is_usable():
                make_venv()
            install(lock)
        except InstallError as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nInterrupted. Run it again to begin anew.", file=sys.stderr)
            return 130
    return 0


def is_usable() -> bool:
    """Whether .venv is whole, belongs to this checkout at this place, and its Python still runs."""
    if UNDER_WAY.exists() or not CHECKOUT_OF_VENV.exists():
        return False
    if CHECKOUT_OF_VENV.read_text("utf-8").rstrip("\n") != str(CHECKOUT):
        return False
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([PYTHON, "-I", "-c", check], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def make_venv() -> None:
    """Make .venv anew, with pip in it."""
    version = ".".join(map(str, sys.version_info[:3]))
    say(f"Making .venv with Python {version} …")
    shutil.rmtree(VENV, ignore_errors=True)
    command = [sys.executable, "-I", "-m", "venv", str(VENV)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "it gave no reason").splitlines()[-1]
        raise InstallError(f"{sys.executable} could not make .venv: {words}")
    CHECKOUT_OF_VENV.write_text(f"{CHECKOUT}\n", "utf-8")


def install(lock: str) -> None:
    """Install the packages of the lock file and Afterword itself, then say that it is done."""
    for stamp in STAMPS[lock]:
        (VENV / stamp).unlink(missing_ok=True)
    UNDER_WAY.touch()
    try:
        # Wheels only: nothing unlocked is fetched to build something, and no compiler is needed.
        locked = ["--require-hashes", "--only-binary=:all:", "-r", f"requirements/{lock}.txt"]
        say(f"Installing the packages of requirements/{lock}.txt …")
        LOG.write_bytes(b"")
        pip("install", *locked)
        pip("install", "--no-build-isolation", "--no-deps", "--editable", ".")
        pip("check")
    except InstallError:
        UNDER_WAY.unlink()  # pip ended by itself and has put back what it had begun
        raise
    UNDER_WAY.unlink()
    for stamp in STAMPS[lock]:
        (VENV / stamp).touch()
    say("Installed: .venv/bin/afterword")


def pip(*arguments: str) -> None:
    """Run pip, its output in the log; a failure raises with pip's last error."""
    command = [str(PYTHON), "-I", "-m", "pip", "--no-input", "--disable-pip-version-check", *arguments]
    environment = os.environ | {"PIP_USER": "0", "PIP_PROGRESS_BAR": "off", "PIP_NO_COLOR": "1"}
    with (
        LOG.open("a", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        lines = []
        for line in process.stdout or ():
            log.write(line)
            lines.append(line.rstrip())
            show_progress(line.strip())
    show_progress("")
    if process.returncode:
        raise InstallError(f"{last_error(lines)}\npip failed; all that it said is in .venv/install.log")


def last_error(lines: list[str]) -> str:
    """What pip said from its error on, after what it last retried; its last lines where it names no error."""
    retries = [line for line in lines if line.startswith("WARNING: Retrying")][-1:]
    errors = [number for number, line in enumerate(lines) if line.startswith("ERROR:")]
    return "\n".join(retries + (lines[errors[0] :][:20] if errors else lines[-5:]))


def show_progress(line: str) -> None:
    """Show, on a terminal only, the line that pip is at, over the one before."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{line[:width]}", end="", flush=True)


def say(words: str) -> None:
    """Tell what is being done."""
    print(words, flush=True)


if __name__ == "__main__":
    if sys.argv[1:] not in (["runtime"], ["dev"]):
        sys.exit("usage: install.py runtime|dev")
    sys.exit(main(sys.argv[1]))
