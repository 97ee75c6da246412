"""Asking for secrets: never on the command line, where everybody on the machine could read them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from afterword.outcomes import ConfigurationError

TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="AFTERWORD_TOKEN_FILE",
        help="Read the API token from this file; - is standard input. Without it the token is asked for.",
        show_default=False,
    ),
]
STANDARD_INPUT = Path("-")


def read_secret(label: str, file: Path | None) -> str:
    """A secret: from a file, from whoever sits at the keyboard, or else the first line of standard input.

    Raises:
        ConfigurationError: the file cannot be read, or there is nothing in it.
    """
    if file is None and is_somebody_there():
        return str(typer.prompt(label, hide_input=True)).strip()
    try:
        text = sys.stdin.readline() if file in (None, STANDARD_INPUT) else _of_file(file)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{label}: {file} cannot be read: {error}") from None
    if not text.strip():
        raise ConfigurationError(f"{label}: it is missing. Give it on standard input, or by --token-file.")
    return text.strip()


def read_plain(label: str, option: str, given: str | None) -> str:
    """What is no secret: as it was given, or from whoever sits at the keyboard.

    Raises:
        ConfigurationError: it was not given, and nobody is there.
    """
    if given is not None:
        return given
    if not is_somebody_there():
        raise ConfigurationError(f"{option} is missing.")
    return str(typer.prompt(label)).strip()


def asking_again(file: Path | None) -> Callable[[], str] | None:
    """What asks for a token once more, where it was asked for."""
    return (lambda: read_secret("API token", None)) if file is None and is_somebody_there() else None


def is_somebody_there() -> bool:
    """Whether questions can be asked."""
    return sys.stdin.isatty()


def read_address(text: str | None) -> str | None:
    """An address that is a secret: itself, or ``@FILE`` for what stands in a file.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    if text is None or not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--json-event-url {text}: it cannot be read: {error}") from None


def _of_file(file: Path | None) -> str:
    return "" if file is None else file.read_text("utf-8")
