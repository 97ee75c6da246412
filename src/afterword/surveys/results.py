"""Results: the responses of a survey, found by what they say and by whom and what they are about, and counted.

Everything reads over indexes made for it (``response_survey_id_recorded_at_idx`` and those over Embedded Data), pages
by key, and is counted in the database: by the day beforehand (``counts.py``) where the filters allow it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Date, Row, Select, Table, Text, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.events.models import ResponseKind
from afterword.store import tables
from afterword.surveys.counts import counts_of
from afterword.surveys.definitions import Survey, value_name
from afterword.surveys.models import COLUMNS, Answers, Response
from afterword.surveys.statistics import Scores

Unit = Literal["day", "week", "month"]
WhetherComment = Literal["with", "without"]

NOT_COUNTED: tuple[ResponseKind, ...] = ("preview", "test")
"""Kinds of responses that no customer gave."""

UTC_DAY = literal_column("(recorded_at AT TIME ZONE 'UTC')::date", Date)


class About(msgspec.Struct, frozen=True):
    """By whom and what: values of Embedded Data, ``None`` where any will do."""

    inbox_id: str | None = None
    agent_id: str | None = None
    conversation_id: str | None = None
    customer_id: str | None = None

    @property
    def wanted(self) -> dict[str, str]:
        """The values that matter, by name."""
        values = (self.inbox_id, self.agent_id, self.conversation_id, self.customer_id)
        named = zip(tables.INDEXED_EMBEDDED_DATA, values, strict=True)
        return {name: value for name, value in named if value is not None}

    def conditions(self, table: Table) -> list[ColumnElement[bool]]:
        """The rows of responses, or of invitations, that are about it; written as the indexes have it."""
        most: ColumnElement[int] = literal_column(str(tables.LONGEST_INDEXED))
        return [
            func.left(table.c.embedded_data.op("->>", return_type=Text)(literal_column(f"'{name}'")), most)
            == value[: tables.LONGEST_INDEXED]
            for name, value in self.wanted.items()
        ]


class ResultFilters(msgspec.Struct, frozen=True):
    """Which responses of a survey; what is not set does not matter. ``recorded_until`` is not counted in."""

    about: About = About()
    scores: tuple[int, ...] = ()
    comment: WhetherComment | None = None
    recorded_from: datetime | None = None
    recorded_until: datetime | None = None

    def conditions(self, survey: Survey) -> list[ColumnElement[bool]]:
        """The responses that fit."""
        table = tables.response
        found = [table.c.survey_id == survey.id, *self.about.conditions(table)]
        if self.scores:
            found.append(table.c.score.in_(self.scores))
        if self.recorded_from is not None:
            found.append(table.c.recorded_at >= self.recorded_from)
        if self.recorded_until is not None:
            found.append(table.c.recorded_at < self.recorded_until)
        question = survey.definition.comment_question()
        if self.comment is not None and question is not None:
            has_comment = table.c.answers.has_key(value_name(question))
            found.append(has_comment if self.comment == "with" else ~has_comment)
        return found


ALL_RESULTS = ResultFilters()


class ResultPage(msgspec.Struct, frozen=True):
    """Responses, the newest first; ``next_before`` is where the next page begins, ``None`` on the last one."""

    responses: tuple[Response, ...]
    next_before: str | None


class Earlier(msgspec.Struct, frozen=True):
    """What was answered before it was changed."""

    version: int
    answers: Answers
    replaced_at: datetime


class Period(msgspec.Struct, frozen=True):
    """A day, a week from its Monday, or a month (UTC), by its first day, and the scores recorded in it."""

    begins: date
    scores: Scores


async def list_results(
    connection: AsyncConnection,
    survey: Survey,
    filters: ResultFilters = ALL_RESULTS,
    *,
    before: str | None = None,
    limit: int,
) -> ResultPage:
    """The newest responses that the filters fit, or the newest of those recorded before the response ``before``.

    Where there is no such response, the page is empty.
    """
    table = tables.response
    query = select(*COLUMNS).where(*filters.conditions(survey))
    if before is not None:
        moment = await connection.scalar(select(table.c.recorded_at).where(table.c.id == before))
        if moment is None:
            return ResultPage((), None)
        query = query.where(tuple_(table.c.recorded_at, table.c.id) < tuple_(moment, before))
    newest = query.order_by(table.c.recorded_at.desc(), table.c.id.desc()).limit(limit + 1)
    found = [Response(**row) for row in (await connection.execute(newest)).mappings()]
    shown = tuple(found[:limit])
    return ResultPage(shown, shown[-1].id if len(found) > limit else None)


async def count_scores_by_day(
    connection: AsyncConnection, survey: Survey, filters: ResultFilters = ALL_RESULTS
) -> tuple[list[Period], int]:
    """The scores of each day (UTC) that has any, the earliest first; and how many responses fit, those without a score
    counted in, previews and tests not.
    """
    kept = _kept_scores(survey, filters)
    rows = (await connection.execute(_counted_scores(survey, filters) if kept is None else kept)).all()
    days = [Period(day, _scores(list(of_day))) for day, of_day in groupby(rows, key=attrgetter("day"))]
    return [day for day in days if day.scores.total], sum(row.number for row in rows)


def _kept_scores(survey: Survey, filters: ResultFilters) -> Select[Any] | None:
    """Day, score and number of the counts that are kept; ``None`` where these filters want others."""
    kept = counts_of(survey.id, filters.about.wanted, filters.recorded_from, filters.recorded_until)
    if kept is None or filters.comment is not None:
        return None
    number = func.sum(kept.c.responses)
    wanted = [kept.c.score.in_(filters.scores)] if filters.scores else []
    return (
        select(kept.c.day, kept.c.score, number.label("number"))
        .where(*wanted)
        .group_by(kept.c.day, kept.c.score)
        .having(number > 0)
        .order_by(kept.c.day, kept.c.score)
    )


def _counted_scores(survey: Survey, filters: ResultFilters) -> Select[Any]:
    """The same, of every Response by itself."""
    return (
        select(UTC_DAY.label("day"), tables.response.c.score, func.count().label("number"))
        .where(*filters.conditions(survey), tables.response.c.kind.not_in(NOT_COUNTED))
        .group_by("day", tables.response.c.score)
        .order_by("day", tables.response.c.score)
    )


def _scores(rows: Sequence[Row[Any]]) -> Scores:
    return Scores({row.score: row.number for row in rows if row.score is not None})


async def earlier_versions(connection: AsyncConnection, response_id: str) -> list[Earlier]:
    """What was answered before, the latest first."""
    table = tables.response_version
    columns = [table.c[name] for name in Earlier.__struct_fields__]
    found = await connection.execute(
        select(*columns).where(table.c.response_id == response_id).order_by(table.c.version.desc())
    )
    return [Earlier(**row) for row in found.mappings()]


def beginning_of(unit: Unit, day: date) -> date:
    """The first day of the period that a day is in."""
    match unit:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)


def by_period(days: Sequence[Period], unit: Unit) -> list[Period]:
    """Days, in order, gathered into periods; those without a score are left out."""
    gathered = groupby(days, key=lambda day: beginning_of(unit, day.begins))
    return [Period(begins, total([day.scores for day in of_it])) for begins, of_it in gathered]


def total(all_scores: Sequence[Scores]) -> Scores:
    """All of them together."""
    together = Scores()
    for scores in all_scores:
        together += scores
    return together


DAYS_BY_DAY = 45
DAYS_BY_WEEK = 400
MOST_PERIODS = 200
"""As many fit beside each other in a chart."""
LONGEST_DAYS: Mapping[Unit, int] = {"day": MOST_PERIODS, "week": MOST_PERIODS * 7}


def fitting_unit(days: Sequence[Period], wanted: Unit | None = None) -> Unit:
    """The unit that is wanted, or the next larger one that does not make too many periods; else one that suits."""
    length = (days[-1].begins - days[0].begins).days if days else 0
    if wanted is None:
        return "day" if length <= DAYS_BY_DAY else "week" if length <= DAYS_BY_WEEK else "month"
    if wanted == "day" and length > LONGEST_DAYS["day"]:
        wanted = "week"
    return "month" if wanted == "week" and length > LONGEST_DAYS["week"] else wanted
