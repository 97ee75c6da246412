"""Rows of a table whose time lies in a report's window, a page at a time."""

import sqlite3
from collections.abc import Iterator

from afterword_sandbox.reports.window import Window
from afterword_sandbox.store import Store

PAGE = 1000


def pages(store: Store, table: str, moment: str, window: Window) -> Iterator[list[sqlite3.Row]]:
    """Give the rows whose ``moment`` (an expression of SQL) lies in the window, by that and then as they were made."""
    select = (
        f"SELECT rowid AS position, {moment} AS moment, * FROM {table} "  # noqa: S608 -- constants of the reports
        f"WHERE ({moment}, rowid) > (:moment, :position) AND {moment} >= :since AND {moment} < :until "
        f"ORDER BY {moment}, rowid LIMIT :limit"
    )
    place: dict[str, str | int] = {"moment": "", "position": 0}
    while rows := store.all(select, {**place, "since": window.since, "until": window.until, "limit": PAGE}):
        yield rows
        place = {"moment": rows[-1]["moment"], "position": rows[-1]["position"]}
