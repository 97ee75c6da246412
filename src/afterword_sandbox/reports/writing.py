"""Writes a report as CSV, a piece at a time."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

from afterword_sandbox.reports.catalogue import Report
from afterword_sandbox.reports.window import Window
from afterword_sandbox.settings import Settings
from afterword_sandbox.store import Store

_STARTS = {"plain": b"", "blank-lines": b"\r\n\r\n", "byte-order-mark": b"\xef\xbb\xbf"}


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


async def written(store: Store, report: Report, window: Window, settings: Settings) -> AsyncIterator[bytes]:
    """Give a report's CSV: at most as many rows as the cap, the rest is silently left out, as Gladly does."""
    header = _STARTS[settings.report_start] + _csv([report.columns])
    if settings.empty_report == "header":
        yield header
        header = b""
    left = settings.report_row_cap
    for rows in report.rows(store, window):
        if rows:
            yield header + _csv(rows[:left])
            header = b""
        left -= len(rows)
        if left <= 0:
            return
        await asyncio.sleep(0)
