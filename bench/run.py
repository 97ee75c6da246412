"""Runs the benchmarks one after the other and prints one table; ``--full`` runs the long ones too."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from support.results import NotMeasured, Result, table

FOLDER = Path(__file__).resolve().parent
SECONDS = 240
SECONDS_FULL = 3600


def main(*, full: bool) -> int:
    """Run them all and print the table; returns 1 if any could not measure."""
    files = sorted(file for file in FOLDER.glob("*.py") if file.name != "run.py")
    if full:
        files += sorted((FOLDER / "full").glob("*.py"))
    progress = Console(stderr=True)
    results: list[Result] = []
    failed = False
    for file in files:
        progress.print(f"{file.relative_to(FOLDER.parent)} …", style="dim", markup=False)
        try:
            results.append(run(file, SECONDS_FULL if full else SECONDS))
        except NotMeasured as error:
            progress.print(f"{file.name}: {error}", style="red", markup=False)
            failed = True
    Console().print(table(results))
    return int(failed)


def run(file: Path, seconds: float) -> Result:
    """Run one benchmark; what it says on standard error is shown as it comes.

    Raises:
        NotMeasured: it failed, took too long, or printed something else than one result.
    """
    try:
        done = subprocess.run(
            [sys.executable, file, "--json"],
            check=True,
            stdout=subprocess.PIPE,
            timeout=seconds,
            env={**os.environ, "PYTHONPATH": str(FOLDER)},  # for those in full/
        )
        return msgspec.json.decode(done.stdout, type=Result)
    except subprocess.CalledProcessError as error:
        raise NotMeasured(f"exit status {error.returncode}") from None
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"took more than {seconds:.0f} s") from None
    except msgspec.DecodeError as error:
        raise NotMeasured(f"did not print one result as JSON: {error}") from None


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--full"]):
        sys.exit("usage: run.py [--full]")
    sys.exit(main(full="--full" in sys.argv))
