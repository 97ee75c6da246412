"""Reading Gladly's records: which one, and another where the first does not give all."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import msgspec

from afterword.accounts.clients import ConnectedAccounts
from afterword.backfill import events_source, export_source, report_source
from afterword.backfill.finding import Found, new_among
from afterword.backfill.rows import Missing
from afterword.backfill.slices import REPORTS_ARE_BEHIND, Slice, Span, days_of, uncovered
from afterword.gladly.client import GladlyClient
from afterword.outcomes import Outcome, Permanent
from afterword.settings import Settings

NOT_PERMITTED = "gladly-missing-permission"


class Read(msgspec.Struct, frozen=True):
    """What was found in a part of the records, in their order, and what could not be read."""

    found: Sequence[Found] = ()
    missing: Sequence[Missing] = ()


def reader(accounts: ConnectedAccounts, settings: Settings) -> Callable[[str, Slice], Awaitable[Read]]:
    """What reads the records of a connected account, by its id, within the part of the budget that is backfills'."""

    async def read(account_id: str, part: Slice) -> Read:
        client = await accounts.gladly(account_id, use="backfill")
        return await read_part(client, part, most_rows=settings.gladly_report_rows)

    return read


async def read_part(client: GladlyClient, part: Slice, *, most_rows: int) -> Read:
    """Read a part of an account's records; ``most_rows`` is how many a report has that was not cut.

    Raises:
        Retry: Gladly cannot be asked now.
        Permanent: it gives nothing, and will not.
    """
    if part.record == "report":
        return await _by_report(client, part.span, most_rows)
    try:
        return Read(*await events_source.read(client, part.span))
    except Outcome as error:
        if not _is_refusal(error):
            raise
        return await _without_events(client, part.span, most_rows, error)


async def _by_report(client: GladlyClient, span: Span, most_rows: int) -> Read:
    """A part of a day from the report, and from the export what that does not give."""
    try:
        read = Read(*await report_source.read(client, span, most_rows=most_rows))
    except Outcome as error:
        if not _is_refusal(error):
            raise
        read = Read(missing=(_all_of(span, error),))
    return await _filled(client, read) if read.missing else read


async def _without_events(client: GladlyClient, span: Span, most_rows: int, error: Outcome) -> Read:
    """What the list of events does not give, from the reports, but for the last hour, which they do not have yet."""
    behind = datetime.now(UTC) - REPORTS_ARE_BEHIND
    reads = [
        await _by_report(client, day, most_rows) for day in days_of(Span(span.since, min(span.until, behind)))
    ]
    found = [one for read in reads for one in read.found]
    missing = [one for read in reads for one in read.missing]
    if span.until > behind:
        missing.append(_all_of(Span(max(span.since, behind), span.until), error))
    return Read(found, missing)


def _is_refusal(error: Outcome) -> bool:
    """Whether a record will not be given, whoever tries when: not permitted, above all."""
    return isinstance(error, Permanent) or error.reason.values.get("cause") == NOT_PERMITTED


def _all_of(span: Span, error: Outcome) -> Missing:
    return Missing(since=span.since, until=span.until, words=error.reason.words)


async def _filled(client: GladlyClient, read: Read) -> Read:
    """What the report did not give, from the export's files; what these do not have either stays missing."""
    spans = {missing.span for missing in read.missing}
    whole = Span(min(span.since for span in spans), max(span.until for span in spans))
    try:
        exported = await export_source.read(client, whole)
    except Outcome as error:
        if not _is_refusal(error):
            raise
        return read
    missing = [
        msgspec.structs.replace(one, since=left.since, until=left.until)
        for one in read.missing
        for left in uncovered(one.span, exported.covered)
    ]
    return Read(_together(read.found, exported.found), (*missing, *exported.missing))


def _together(first: Sequence[Found], second: Sequence[Found]) -> list[Found]:
    """What either tells, each once."""
    of_first: dict[str, list[Found]] = {}
    of_second: dict[str, list[Found]] = {}
    for told, conversations in ((first, of_first), (second, of_second)):
        for one in told:
            conversations.setdefault(one.conversation_id, []).append(one)
    more = [
        one
        for conversation, ones in of_second.items()
        for one in new_among(ones, of_first.get(conversation, []))
    ]
    return sorted([*first, *more], key=lambda one: one.occurred_at)
