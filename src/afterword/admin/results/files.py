"""Responses as a file of comma-separated values, written while it is read."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from afterword.admin.vendor_names import KnownNames
from afterword.distributions.asked import Invited, find_invited
from afterword.store.database import Database
from afterword.store.tables import INDEXED_EMBEDDED_DATA
from afterword.surveys.definitions import Question, ScoreQuestion, Survey, value_name
from afterword.surveys.models import Response
from afterword.surveys.results import ResultFilters, list_results

BATCH = 1_000
BYTE_ORDER_MARK = "\ufeff"
"""Tells spreadsheets that the file is UTF-8."""
BEGINS_A_FORMULA = re.compile(r"(?:^|(?<=[;\t\r\n]))(?=[=+\-@])|^(?=[\t\r\n])")
"""Behind a semicolon or a tab, too: some spreadsheets divide cells there, whatever quotation marks are around them."""


async def csv_of_results(
    database: Database, survey: Survey, filters: ResultFilters, names: KnownNames, *, personal: bool
) -> AsyncIterator[str]:
    """The file in parts, the newest response first; without ``personal`` no name, no address and no text."""
    questions = [one for one in survey.definition.questions if personal or isinstance(one, ScoreQuestion)]
    more = [name for name in survey.definition.embedded_data if name not in INDEXED_EMBEDDED_DATA]
    more = more if personal else []
    head = ["Response ID", "Recorded Date", "Changed Date", "Kind", "Finished"]
    people = ["Name", "Email"] if personal else []
    titles = [title for question in questions for title in _titles(question)]
    yield BYTE_ORDER_MARK + _lines(
        [[*head, *titles, *INDEXED_EMBEDDED_DATA, "Inbox", "Agent", *more, *people]]
    )
    before: str | None = None
    while True:
        async with database.read_only().transaction() as connection:
            page = await list_results(connection, survey, filters, before=before, limit=BATCH)
            ids = [one.invitation_id for one in page.responses if one.invitation_id and personal]
            invited = await find_invited(connection, ids) if ids else {}
        yield _lines(
            [
                *_told(response),
                *(cell for question in questions for cell in _cells(question, response)),
                *(response.embedded_data.get(name, "") for name in INDEXED_EMBEDDED_DATA),
                names.inboxes.get(response.embedded_data.get("InboxId", ""), ""),
                names.agents.get(response.embedded_data.get("AgentId", ""), ""),
                *(response.embedded_data.get(name, "") for name in more),
                *(_person(invited.get(response.invitation_id or "")) if personal else ()),
            ]
            for response in page.responses
        )
        before = page.next_before
        if before is None:
            return


def harmless(cell: str) -> str:
    """A text that no spreadsheet takes for a formula (CSV injection): what begins like one gets an apostrophe."""
    return BEGINS_A_FORMULA.sub("'", cell)


def _lines(rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows([harmless(cell) for cell in row] for row in rows)
    return written.getvalue()


def _told(response: Response) -> Sequence[str]:
    return (
        response.id,
        _moment(response.recorded_at),
        _moment(response.modified_at),
        response.kind,
        "yes" if response.finished else "no",
    )


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds")


def _titles(question: Question) -> Sequence[str]:
    if isinstance(question, ScoreQuestion):
        return (f"{question.id} {question.text}", f"{question.id} in words")
    return (f"{question.id} {question.text}",)


def _cells(question: Question, response: Response) -> Sequence[str]:
    answer = response.answers.get(value_name(question), "")
    if not isinstance(question, ScoreQuestion):
        return (str(answer),)
    choice = question.choice(answer) if isinstance(answer, int) else None
    return (str(answer), choice.text if choice else "")


def _person(invited: Invited | None) -> Sequence[str]:
    return ("", "") if invited is None else (invited.name, invited.email)
