"""Logging: one line of JSON for each event, our own and every library's."""

import logging
import sys
import traceback
from types import TracebackType

import structlog

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

MOST_CAUSES = 10
WORDS_WITHOUT_VALUES = (AssertionError, AttributeError, ImportError, NameError, OSError, TypeError)
"""Kinds of errors whose words are about code, files and addresses."""


def configure_logging(level: str) -> None:
    """Write log lines of this level (``debug``, ``info``, ``warning``, ``error``) and above to standard error."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(without_values),
    ]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def without_values(exc_info: ExcInfo) -> str:
    """Where an error happened and of what kind it is, with what led to it first; no value that code had in hand.

    The words of other people's errors may repeat what was read or sent (PostgreSQL's a row, a parser's its text), and
    so a Customer's data: they are left out. Errors of our own hold none.
    """
    told: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(told) < MOST_CAUSES:
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        words = f": {error}" if _has_no_value(error) else ""
        told.insert(0, f"{''.join(traceback.format_tb(error.__traceback__))}{kind}{words}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\n".join(told)


def _has_no_value(error: BaseException) -> bool:
    return isinstance(error, WORDS_WITHOUT_VALUES) or type(error).__module__.partition(".")[0] == __package__
