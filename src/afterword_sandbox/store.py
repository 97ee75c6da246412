"""The sandbox's memory: a SQLite database in its data directory.

It is written ahead (WAL), so that what was answered survives a killed process; a power cut may take the last
moments, which a training tool may lose. One connection, used from the event loop only: a transaction never
awaits, so that requests cannot mix.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from afterword_sandbox.schema import MIGRATIONS

Value = str | int | float | bytes | None
Parameters = Sequence[Value] | Mapping[str, Value]


class Changes:
    """What one transaction touched: the customers and other things whose pages differ now, the webhooks that have
    something to send.
    """

    def __init__(self) -> None:
        self.customer_ids: set[str] = set()
        self.page_ids: set[str] = set()
        self.webhook_ids: set[str] = set()


class Store:
    """The database, and who wants to hear of its changes."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        path.chmod(0o600)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-2000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._changes: Changes | None = None
        self.listeners: list[Callable[[Changes], None]] = []
        self._migrate()

    def _migrate(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            self._connection.executescript(f"BEGIN;\n{script}\nPRAGMA user_version={number};\nCOMMIT;")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all inside or nothing, then tell the listeners what changed. No ``await`` belongs inside."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._changes = changes = Changes()
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        finally:
            self._changes = None
        for listener in self.listeners:
            listener(changes)

    @property
    def changes(self) -> Changes:
        """What the present transaction touched so far; raises RuntimeError outside of one."""
        if self._changes is None:
            raise RuntimeError("a change belongs into a transaction")
        return self._changes

    def one(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """Return the first row, or None."""
        row: sqlite3.Row | None = self._connection.execute(sql, parameters).fetchone()
        return row

    def all(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Return every row."""
        return self._connection.execute(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement and return the number of rows it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run one statement for each row of parameters."""
        self._connection.executemany(sql, rows)

    def insert(self, table: str, values: Mapping[str, Value]) -> None:
        """Insert one row; table and column names come from the code, never from a request."""
        columns = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        self._connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", values)  # noqa: S608

    def close(self) -> None:
        """Close the database."""
        self._connection.close()
