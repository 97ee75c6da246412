import contextlib
import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.gladly.models import ConversationMoment
from afterword.gladly.reports import InvalidReport, ReportRequest, encode_request, moments, rows

HEADER = (
    "Timezone Filter,Timestamp,Event Type,Conversation ID,Customer ID,Initiator Type,Initiator ID,"
    "Initiator Agent Name,Assigned Inbox ID,Assigned Inbox Name,Assigned Agent ID,Assigned Agent Name,Topic ID"
)
CLOSED = "UTC,2024-03-15T08:00:00.000Z,CONVERSATION/CLOSED,v1,c1,AGENT,a1,Maya,i1,Orders,a2,Tom,"


async def lines(content: bytes) -> AsyncIterator[bytes]:
    for line in content.splitlines(keepends=True):
        yield line


async def moments_of(text: str, timezone: str | None = None) -> list[ConversationMoment]:
    return [moment async for moment in moments(lines(text.encode()), timezone)]


async def rows_of(content: bytes) -> list[dict[str, str]]:
    return [dict(row) async for row in rows(lines(content))]


async def test_a_row_is_what_happened_to_a_conversation() -> None:
    [moment] = await moments_of(f"{HEADER}\n{CLOSED}\n")
    assert moment == ConversationMoment(
        at=datetime(2024, 3, 15, 8, tzinfo=UTC),
        type="CONVERSATION/CLOSED",
        conversation_id="v1",
        customer_id="c1",
        initiator_type="AGENT",
        initiator_id="a1",
        inbox_id="i1",
        agent_id="a2",
    )


@pytest.mark.parametrize(
    ("zone", "time", "utc"),
    [
        ("UTC", "2024-03-15T08:00:00.123456789Z", "2024-03-15T08:00:00.123456+00:00"),
        ("America/New_York", "2024-07-01T08:00:00-04:00", "2024-07-01T12:00:00+00:00"),
        ("America/New_York", "2024-07-01 08:00:00", "2024-07-01T12:00:00+00:00"),
        ("America/New_York", "2024-01-01T08:00:00", "2024-01-01T13:00:00+00:00"),
        ("America/New_York", "2024-11-03T01:30:00", "2024-11-03T05:30:00+00:00"),
        ("Asia/Kolkata", "2024-07-01T00:15", "2024-06-30T18:45:00+00:00"),
        ("", "2024-07-01T00:15:00", "2024-06-30T15:15:00+00:00"),
    ],
)
async def test_a_time_is_in_the_zone_that_it_names_or_the_report_s(zone: str, time: str, utc: str) -> None:
    row = CLOSED.replace("UTC", zone, 1).replace("2024-03-15T08:00:00.000Z", time)
    [moment] = await moments_of(f"{HEADER}\n{row}\n", "Asia/Tokyo")
    assert moment.at == datetime.fromisoformat(utc)
    assert moment.at.utcoffset() == UTC.utcoffset(None)


@pytest.mark.parametrize(
    "text", ["", "\r\n", "\ufeff", "\ufeff\r\n\r\n", HEADER, f"{HEADER}\r\n", f"\ufeff{HEADER}\r\n\r\n"]
)
async def test_a_time_without_data_is_no_error(text: str) -> None:
    assert await moments_of(text) == []


@pytest.mark.parametrize("before", ["", "\r\n", "\r\n \r\n", "\ufeff", "\ufeff\r\n"])
async def test_what_stands_before_the_header_is_passed_over(before: str) -> None:
    [moment] = await moments_of(f"{before}{HEADER}\r\n\r\n{CLOSED}")
    assert moment.conversation_id == "v1"


async def test_columns_are_known_by_name_and_others_ignored() -> None:
    text = "New Column,Customer ID,Conversation ID, Event Type ,Timestamp\nx,c1,v1,NOTE/CREATED,2024-01-01T00:00Z"
    [moment] = await moments_of(text)
    assert (moment.customer_id, moment.type, moment.agent_id) == ("c1", "NOTE/CREATED", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Timestamp,Conversation ID,Customer ID\n", "no column “Event Type”"),
        ("Unexpected error occurred", "no column “Timestamp”; it begins with “Unexpected error occurred”"),
        ("<html>\n<body>Gladly is unavailable", "no column"),
        ('[\n{"timestamp":"2024-03-15T09:00:00.000Z"}\n]\n', "no column"),
        ("jane@customer.example", "begins with “•••”"),
        (f"{HEADER}\n{CLOSED},more\n", "record 2 has 14 cells, and the header has 13"),
        (f"{HEADER}\nUTC,2024\n", "record 2 has 2 cells"),
        (f"{HEADER}\n{CLOSED.replace('2024-03-15T08:00:00.000Z', 'soon')}\n", "no time that can be read"),
        (f"{HEADER}\n{CLOSED.replace('UTC', 'Mars/Olympus')}\n", "time zone is not known"),
        (f"{HEADER}\n{CLOSED.replace('UTC', '../etc/passwd')}\n", "time zone is not known"),
        (f'{HEADER}\n"{CLOSED}\n', "ends within a record"),
        (f'{HEADER}\n"' + "x\n" * 700_000, "it is no CSV"),
        (f"{HEADER}\n" + "x" * 200_000, "it is no CSV"),
    ],
)
async def test_what_is_no_such_report_is_told(text: str, words: str) -> None:
    with pytest.raises(InvalidReport) as told:
        await moments_of(text)
    assert words in str(told.value)
    assert "@" not in str(told.value)


CELLS = st.text(st.characters(exclude_characters="\r\x00", exclude_categories=["Cs"]))


@given(names=st.lists(CELLS, min_size=1, max_size=4), table=st.lists(st.lists(CELLS, min_size=4, max_size=4)))
async def test_whatever_stands_in_the_cells_comes_back(names: list[str], table: list[list[str]]) -> None:
    """Commas, quotes and line ends among them."""
    header = [f"{number}{name}".strip() for number, name in enumerate(names)]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([header, *[row[: len(header)] for row in table]])
    expected = [dict(zip(header, row, strict=False)) for row in table]
    found = await rows_of(written.getvalue().encode())
    assert found == [row for row in expected if any(cell.strip() for cell in row.values())]


@given(content=st.binary())
async def test_any_bytes_are_a_report_or_none(content: bytes) -> None:
    with contextlib.suppress(InvalidReport):
        await rows_of(content)


def test_a_request_asks_for_no_more_than_it_says() -> None:
    first, last = date(2024, 3, 1), date(2024, 3, 31)
    plain = encode_request(ReportRequest(metric_set="ConversationTimestampsReport", start=first, end=last))
    assert msgspec.json.decode(plain) == {
        "metricSet": "ConversationTimestampsReport",
        "startAt": "2024-03-01",
        "endAt": "2024-03-31",
    }
    whole = encode_request(
        ReportRequest(
            metric_set="X", start=first, end=last, timezone="Asia/Tokyo", channel="email", inboxes=("i1",)
        )
    )
    asked = msgspec.json.decode(whole)
    assert (asked["timezone"], asked["filters"]) == ("Asia/Tokyo", {"channel": "email", "inboxes": ["i1"]})
