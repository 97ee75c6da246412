"""Runs the benchmarks one after the other and prints one table; ``--full`` runs the long ones too."""

import subprocess
import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).resolve().parent
SECONDS = 240
SECONDS_FULL = 3600


class Figure(msgspec.Struct, frozen=True):
    """One number that was measured."""

    value: float
    unit: str


class Result(msgspec.Struct, frozen=True):
    """What a benchmark prints with ``--json``; README.md tells what the fields mean."""

    name: str
    figures: dict[str, Figure]
    ratio: float | None = None
    floor: float | None = None
    ceiling: float | None = None


class NotMeasured(Exception):
    """A benchmark ended without a result."""


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
            [sys.executable, file, "--json"], check=True, stdout=subprocess.PIPE, timeout=seconds
        )
        return msgspec.json.decode(done.stdout, type=Result)
    except subprocess.CalledProcessError as error:
        raise NotMeasured(f"exit status {error.returncode}") from None
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"took more than {seconds:.0f} s") from None
    except msgspec.DecodeError as error:
        raise NotMeasured(f"did not print one result as JSON: {error}") from None


def table(results: list[Result]) -> Table:
    """One row for each figure; name and ratio stand beside the first of each benchmark."""
    made = Table("Benchmark", "", "Figure", "Unit", "Ratio", "Held to")
    for column in (2, 4, 5):
        made.columns[column].justify = "right"
    for result in results:
        made.add_section()
        name, ratio, held_to = result.name, ratio_in_words(result), bounds_in_words(result)
        for what, figure in result.figures.items():
            made.add_row(name, what, f"{figure.value:,.2f}", figure.unit, ratio, held_to)
            name = ratio = held_to = ""
    return made


def ratio_in_words(result: Result) -> str:
    """The ratio, red where it is not what we hold ourselves to."""
    if result.ratio is None:
        return ""
    too_low = result.floor is not None and result.ratio < result.floor
    too_high = result.ceiling is not None and result.ratio > result.ceiling
    return f"[bold {'red' if too_low or too_high else 'green'}]{result.ratio:.2f}"


def bounds_in_words(result: Result) -> str:
    """What the ratio is held to."""
    floor = "" if result.floor is None else f"≥ {result.floor:g}"
    ceiling = "" if result.ceiling is None else f"≤ {result.ceiling:g}"
    return " ".join(filter(None, (floor, ceiling)))


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--full"]):
        sys.exit("usage: run.py [--full]")
    sys.exit(main(full="--full" in sys.argv))
