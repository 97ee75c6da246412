"""Keeps the mails: a database of its own, flushed to disk before a mail is said to be accepted.

Taking a mail apart and writing it happen on one thread, so that a large mail does not hold up the event loop.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from afterword_sandbox.clock import now
from afterword_sandbox.identifiers import new_id
from afterword_sandbox.live import LiveChanges
from afterword_sandbox.mail.reading import read_mail

MAILS_CHANGED = "mails"
"""What a page watches that shows the list of mails."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS mails (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    received_at TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    subject TEXT NOT NULL,
    headers TEXT NOT NULL,
    text TEXT,
    html TEXT,
    raw BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS recipients (
    address TEXT NOT NULL,
    mail_position INTEGER NOT NULL REFERENCES mails ON DELETE CASCADE,
    PRIMARY KEY (address, mail_position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS recipients_by_mail ON recipients (mail_position);
"""


class Mail(msgspec.Struct, frozen=True):
    """A mail as it is shown and listed; ``to`` is who it was delivered to, blind copies included."""

    id: str
    from_: str = msgspec.field(name="from")
    to: list[str]
    subject: str
    received_at: str
    headers: dict[str, list[str]]
    text: str | None
    html: str | None


class MailSummary(msgspec.Struct, frozen=True):
    """One line of the list."""

    id: str
    sender: str
    to: list[str]
    subject: str
    received_at: str


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-1000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _mail(row: sqlite3.Row) -> Mail:
    return Mail(
        id=row["id"],
        from_=row["sender"],
        to=msgspec.json.decode(row["recipients"]),
        subject=row["subject"],
        received_at=row["received_at"],
        headers=msgspec.json.decode(row["headers"]),
        text=row["text"],
        html=row["html"],
    )


class MailCatcher:
    """The mails caught so far, newest first."""

    def __init__(self, path: Path, live: LiveChanges) -> None:
        self._live = live
        self._writer = _connect(path)
        path.chmod(0o600)
        self._writer.executescript(_SCHEMA)
        self._reader = _connect(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mails")

    async def store(self, sender: str, recipients: Sequence[str], raw: bytes) -> str:
        """Keep a mail and return its id; when this returns the mail is on disk."""
        loop = asyncio.get_running_loop()
        mail_id = await loop.run_in_executor(self._thread, self._store, sender, list(recipients), raw)
        self._live.tell((MAILS_CHANGED,))
        return mail_id

    def _store(self, sender: str, recipients: list[str], raw: bytes) -> str:
        content = read_mail(raw)
        mail_id = new_id()
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            position = self._writer.execute(
                "INSERT INTO mails (id, received_at, sender, recipients, subject, headers, text, html, raw) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    mail_id,
                    now(),
                    content.sender or sender,
                    msgspec.json.encode(recipients).decode(),
                    content.subject,
                    msgspec.json.encode(content.headers).decode(),
                    content.text,
                    content.html,
                    raw,
                ),
            ).lastrowid
            self._writer.executemany(
                "INSERT OR IGNORE INTO recipients (address, mail_position) VALUES (?, ?)",
                [(address.lower(), position) for address in recipients],
            )
            self._writer.execute("COMMIT")
        except BaseException:
            self._writer.execute("ROLLBACK")
            raise
        return mail_id

    def get(self, mail_id: str) -> Mail | None:
        """Return one mail, or None."""
        row = self._reader.execute("SELECT * FROM mails WHERE id = ?", (mail_id,)).fetchone()
        return None if row is None else _mail(row)

    def _chosen(self, columns: str, to: str | None, limit: int) -> Iterator[sqlite3.Row]:
        """Give rows one by one, newest first, from a cursor of their own; a limit of -1 is none."""
        where = (
            "" if to is None else "WHERE position IN (SELECT mail_position FROM recipients WHERE address = ?)"
        )
        parameters = (limit,) if to is None else (to.lower(), limit)
        sql = f"SELECT {columns} FROM mails {where} ORDER BY position DESC LIMIT ?"  # noqa: S608
        yield from self._reader.execute(sql, parameters)

    def mails(self, to: str | None = None, limit: int = -1) -> Iterator[Mail]:
        """Give the mails, newest first; ``to`` keeps those delivered to that address."""
        columns = "id, received_at, sender, recipients, subject, headers, text, html"
        return map(_mail, self._chosen(columns, to, limit))

    def summaries(self, limit: int) -> list[MailSummary]:
        """Return the newest mails without their content."""
        rows = self._chosen("id, received_at, sender, recipients, subject", None, limit)
        return [
            MailSummary(
                row["id"],
                row["sender"],
                msgspec.json.decode(row["recipients"]),
                row["subject"],
                row["received_at"],
            )
            for row in rows
        ]

    def count(self) -> int:
        """Return how many mails there are."""
        (number,) = self._reader.execute("SELECT count(*) FROM mails").fetchone()
        return int(number)

    async def clear(self) -> None:
        """Throw every mail away."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._writer.execute, "DELETE FROM mails")
        self._live.tell((MAILS_CHANGED,))

    def close(self) -> None:
        """Finish what is being written and close."""
        self._thread.shutdown(wait=True)
        self._reader.close()
        self._writer.close()
