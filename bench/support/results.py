"""What a benchmark found, and how it is told: to people as a table, to programs as JSON."""

import argparse
import sys
from collections.abc import Callable, Coroutine, Sequence

import msgspec
import structlog
import uvloop
from rich.console import Console
from rich.table import Table


class Figure(msgspec.Struct, frozen=True):
    """One number that was measured."""

    value: float
    unit: str


class Result(msgspec.Struct, frozen=True):
    """What a benchmark prints with ``--json``; bench/README.md tells what the fields mean."""

    name: str
    figures: dict[str, Figure]
    ratio: float | None = None
    floor: float | None = None
    ceiling: float | None = None


def arguments(description: str | None, **numbers: float) -> argparse.Namespace:
    """Read the command line: ``--json``, and an option for each of ``numbers``, which are the defaults.

    From here on nothing but the result is written to standard output.
    """
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"default: {default}")
    return parser.parse_args()


def tell(result: Result, *, as_json: bool) -> None:
    """Print the result."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    else:
        Console().print(table([result]))


class NotMeasured(Exception):
    """Something that was to be measured did not come about; the text says what."""


def run(
    description: str | None,
    measure: Callable[[argparse.Namespace], Coroutine[None, None, Result]],
    **numbers: float,
) -> int:
    """A benchmark's whole program: read the command line, measure, tell; answers the exit status."""
    given = arguments(description, **numbers)
    try:
        tell(uvloop.run(measure(given)), as_json=given.json)
    except NotMeasured as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    return 0


def table(results: Sequence[Result]) -> Table:
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
