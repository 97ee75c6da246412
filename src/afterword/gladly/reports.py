"""Gladly's reports: CSV, read row by row while it comes, columns by their names.

What is known of them comes from others' programs: a byte order mark and blank lines may stand before the header, a time
without data may give an empty body or the header alone, and in place of a report a text or a page may come with status
200. Columns may be added at any time; their order is not relied on.
"""

import csv
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from afterword.gladly.models import ConversationMoment
from afterword.outgoing.masking import masked
from afterword.translating import N_, said

CONVERSATION_TIMESTAMPS = "ConversationTimestampsReport"
NEEDED = ("Timestamp", "Event Type", "Conversation ID", "Customer ID")
ZONE = "Timezone Filter"
CHANNELS = (
    "chat",
    "email",
    "fbMessenger",
    "instagramDirect",
    "sms",
    "twitter",
    "voice",
    "whatsapp",
)
"""What a report can be filtered by, but for ``allChannels``. Channels of an organization's own are none of them."""
LONGEST_RECORD = 1024 * 1024
LONGEST_BEGINNING = 100

Row = Mapping[str, str]


class InvalidReport(ValueError):
    """What came is not the report that was asked for; the message says in what, without anybody's data."""


class ReportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: whole days, the last one included, in ``timezone`` (IANA; else the organization's).

    ``metric_set`` is Gladly's name of a report. ``channel`` is one of Gladly's words for filters (``email``, ``chat``,
    ``sms``, ``voice`` …), ``inboxes`` are ids; without them it is of all.
    """

    metric_set: str
    start: date
    end: date
    timezone: str | None = None
    channel: str | None = None
    inboxes: Sequence[str] = ()


def encode_request(request: ReportRequest) -> bytes:
    """The body that asks for a report."""
    filters: dict[str, object] = {}
    if request.channel is not None:
        filters["channel"] = request.channel
    if request.inboxes:
        filters["inboxes"] = list(request.inboxes)
    asked: dict[str, object] = {
        "metricSet": request.metric_set,
        "startAt": request.start.isoformat(),
        "endAt": request.end.isoformat(),
    }
    if request.timezone is not None:
        asked["timezone"] = request.timezone
    return msgspec.json.encode(asked | ({"filters": filters} if filters else {}))


async def rows(lines: AsyncIterator[bytes], needed: Sequence[str] = ()) -> AsyncIterator[Row]:
    """The rows of a report by the names of its columns; of an empty one there are none.

    Raises:
        InvalidReport: it is no CSV, a column in ``needed`` is missing, or a row has another number of cells.
    """
    header: list[str] | None = None
    number = 0
    async for record in _records(lines):
        number += 1
        if not any(cell.strip() for cell in record):
            continue
        if header is None:
            header = [name.strip() for name in record]
            _check_columns(header, needed)
        elif len(record) != len(header):
            raise InvalidReport(
                said(
                    "record %(number)s has %(cells)s cells, and the header has %(wanted)s",
                    number=number,
                    cells=len(record),
                    wanted=len(header),
                )
            )
        else:
            yield dict(zip(header, record, strict=True))


async def moments(
    lines: AsyncIterator[bytes], timezone: str | None = None
) -> AsyncIterator[ConversationMoment]:
    """The rows of a ConversationTimestampsReport that was asked for in ``timezone``.

    A time without an offset is taken to be in the zone that the row names, else in ``timezone``, else in UTC; where
    clocks are put back, in the first of the two hours.

    Raises:
        InvalidReport: as :func:`rows`, or a time cannot be read.
    """
    zones: dict[str, tzinfo] = {}
    async for row in rows(lines, NEEDED):
        name = row.get(ZONE, "").strip() or timezone or "UTC"
        if name not in zones:
            zones[name] = _zone(name)
        yield ConversationMoment(
            at=_moment(row["Timestamp"], zones[name]),
            type=row["Event Type"].strip(),
            conversation_id=row["Conversation ID"].strip(),
            customer_id=_cell(row, "Customer ID"),
            initiator_type=_cell(row, "Initiator Type"),
            initiator_id=_cell(row, "Initiator ID"),
            inbox_id=_cell(row, "Assigned Inbox ID"),
            agent_id=_cell(row, "Assigned Agent ID"),
            topic_id=_cell(row, "Topic ID"),
        )


async def _records(lines: AsyncIterator[bytes]) -> AsyncIterator[list[str]]:
    """What the csv module reads, record by record; a cell in quotes may have line ends in it."""
    pending = ""
    is_first = True
    async for line in lines:
        is_within_quotes = bool(pending)
        pending += line.decode("utf-8-sig" if is_first else "utf-8", "replace")
        is_first = False
        if len(pending) > LONGEST_RECORD:
            raise InvalidReport(N_("it is no CSV: a record does not end"))
        if is_within_quotes and b'"' not in line:
            continue  # only another quote can end the cell: a long one is not read anew for each of its lines
        record = _whole_record(pending)
        if record is not None:
            pending = ""
            yield record
    if pending:
        raise InvalidReport(N_("it ends within a record"))


def _whole_record(text: str) -> list[str] | None:
    """The record that a text is; ``None`` when the next line belongs to it, too."""
    wants_more = False

    def line() -> Iterator[str]:
        nonlocal wants_more
        yield text
        wants_more = True

    try:
        record = next(csv.reader(line()), [])
    except csv.Error as error:
        raise InvalidReport(said("it is no CSV: %(why)s", why=error)) from None
    return None if wants_more else record


def _check_columns(header: list[str], needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in header]
    if missing:
        beginning = masked(",".join(header))[:LONGEST_BEGINNING]
        raise InvalidReport(
            said(
                "it has no column “%(column)s”; it begins with “%(beginning)s”",
                column=missing[0],
                beginning=beginning,
            )
        )


def _cell(row: Row, name: str) -> str | None:
    return row.get(name, "").strip() or None


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidReport(N_("its time zone is not known")) from None


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidReport(N_("a “Timestamp” is no time that can be read")) from None
