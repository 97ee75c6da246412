"""The command ``python -m afterword_sandbox``: reads the options, starts the server."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

import structlog

from afterword_sandbox.options import Options
from afterword_sandbox.server import CannotStart, run

USERNAME_VARIABLE = "AFTERWORD_SANDBOX_USERNAME"
API_TOKEN_VARIABLE = "AFTERWORD_SANDBOX_API_TOKEN"  # noqa: S105 -- the variable's name
MOST_PAST_DAYS = 60


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:  # noqa: PLR2004 -- the highest port there is
        raise argparse.ArgumentTypeError(
            f"{text!r} is no port: a whole number from 0 (any free one) to 65535"
        )
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1")
    return int(text)


def _whole(text: str) -> int:
    if not text.isdigit() or int(text) > MOST_PAST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 to {MOST_PAST_DAYS}")
    return int(text)


def _delays(text: str) -> tuple[float, ...]:
    try:
        delays = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        delays = (-1.0,)
    if any(not 0 <= delay < float("inf") for delay in delays):
        raise argparse.ArgumentTypeError(f"{text!r} must be seconds separated by commas, as in 30,300")
    return delays


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m afterword_sandbox",
        description="A stand-in for Gladly (REST API, webhooks, agent desktop) with a mail catcher.",
        epilog=f"Set {USERNAME_VARIABLE} and {API_TOKEN_VARIABLE} in the environment: the API's credentials.",
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that keeps everything")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, default=8701, help="REST API and agent desktop (%(default)s)")
    parser.add_argument("--mail-page-port", type=_port, default=8702, help="mail page (%(default)s)")
    parser.add_argument("--smtp-port", type=_port, default=8725, help="mail catcher (%(default)s)")
    parser.add_argument("--public-url", help="address of the agent desktop as others reach it")
    parser.add_argument(
        "--requests-per-second", type=_positive, default=10, help="limit for each HTTP method (%(default)s)"
    )
    parser.add_argument(
        "--reports-per-minute", type=_positive, default=10, help="limit for reports (%(default)s)"
    )
    parser.add_argument(
        "--resend-delays",
        type=_delays,
        default=(30.0, 300.0, 1800.0, 3600.0),
        help="seconds before each resend of a webhook (30,300,1800,3600)",
    )
    parser.add_argument(
        "--past-days",
        type=_whole,
        default=0,
        help="let a new company have had customers for so many days (%(default)s)",
    )
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input ends")
    return parser


def _options(arguments: list[str]) -> Options:
    given = _parser().parse_args(arguments)
    username, api_token = os.environ.get(USERNAME_VARIABLE, ""), os.environ.get(API_TOKEN_VARIABLE, "")
    for variable, value in ((USERNAME_VARIABLE, username), (API_TOKEN_VARIABLE, api_token)):
        if not value:
            raise CannotStart(f"{variable} is not set: the sandbox's API needs credentials")
    if ":" in username:
        raise CannotStart(f"{USERNAME_VARIABLE} must not contain a colon")
    return Options(username=username, api_token=api_token, **vars(given))


def main(arguments: list[str]) -> int:
    """Run the sandbox and return the exit code: 0 when it was stopped, 1 when it could not start."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    try:
        asyncio.run(run(_options(arguments)))
    except CannotStart as error:
        print(f"afterword_sandbox: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
