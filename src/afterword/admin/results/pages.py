"""Results: the responses of a survey, counted and listed, as a file, and one by one."""

from collections.abc import Sequence

import msgspec
from litestar import Response, get
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Stream
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.rights import may_connect, may_see_customers
from afterword.admin.helping import Helping
from afterword.admin.pages import page
from afterword.admin.results.charts import ScoreRow, chart_over_time, score_rows
from afterword.admin.results.files import csv_of_results
from afterword.admin.results.filters import PERIODS, UNITS, Chosen, read_result_filters
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.vendor_names import VendorNames
from afterword.distributions.asked import Invited, find_invited, response_rate
from afterword.pages.rendering import PAGE_HEADERS
from afterword.store.database import Database
from afterword.surveys.counts import count_by_survey
from afterword.surveys.definitions import ScoreQuestion, Survey, get_survey, list_surveys, value_name
from afterword.surveys.models import Answers
from afterword.surveys.responses import get_response
from afterword.surveys.results import (
    ResultPage,
    by_period,
    count_scores_by_day,
    earlier_versions,
    fitting_unit,
    list_results,
    total,
)
from afterword.surveys.statistics import Scores, Share, satisfied_scores
from afterword.workflows.history.filter_texts import InvalidFilter, given_in
from afterword.workflows.history.reading import list_survey_names

PAGE_LENGTH = 50
MOST_SURVEYS = 500


class Summary(msgspec.Struct, frozen=True):
    """What the responses that fit amount to."""

    number: int
    scores: Scores
    satisfied: tuple[int, ...]
    highest: int | None
    rate: Share | None

    @property
    def csat(self) -> Share:
        """The satisfied among those who gave a score."""
        return self.scores.share_of(*self.satisfied)


def results_routes(database: Database, names: VendorNames, helping: Helping) -> list[HTTPRouteHandler]:
    """The pages of results; they only read."""
    results_page = _ResultsPage(database, names, helping)

    @get("/results")
    async def surveys(request: AdminRequest) -> Response[str] | Redirect:
        """Choose a survey; the only one there is chosen."""
        async with database.read_only().transaction() as connection:
            listed = await list_surveys(connection, limit=MOST_SURVEYS)
            counts = await count_by_survey(connection) if len(listed) > 1 else {}
        if len(listed) == 1:
            return Redirect(f"/results/{listed[0].id}", status_code=303)
        return page(
            request,
            "results_surveys.html",
            surveys=listed,
            counts=counts,
            may_connect=may_connect(request.user),
        )

    @get("/results/{survey_id:str}")
    async def results(request: AdminRequest, survey_id: FromPath[str]) -> Response[str]:
        """The responses of a survey that the filters fit."""
        return await results_page.show(request, survey_id)

    @get("/results/{survey_id:str}/responses.csv")
    async def file(request: AdminRequest, survey_id: FromPath[str]) -> Response[str] | Stream:
        """The same as a file, whole."""
        async with database.read_only().transaction() as connection:
            survey = await get_survey(connection, survey_id)
        if survey is None:
            return _not_found(request)
        rows = csv_of_results(
            database,
            survey,
            _chosen(request, survey).filters,
            await names.known(),
            personal=may_see_customers(request.user),
        )
        headers = {
            **PAGE_HEADERS,
            "Content-Disposition": f'attachment; filename="responses-{survey.id}.csv"',
        }
        return Stream(rows, media_type="text/csv", headers=headers)

    @get("/results/{survey_id:str}/{response_id:str}")
    async def one(
        request: AdminRequest, survey_id: FromPath[str], response_id: FromPath[str]
    ) -> Response[str]:
        """One response, whole."""
        return await results_page.show_one(request, survey_id, response_id)

    return [surveys, results, file, one]


class _ResultsPage:
    def __init__(self, database: Database, names: VendorNames, helping: Helping) -> None:
        self._helping = helping
        self._database = database
        self._names = names

    async def show(self, request: AdminRequest, survey_id: str) -> Response[str]:
        personal = may_see_customers(request.user)
        async with self._database.read_only().transaction() as connection:
            survey = await get_survey(connection, survey_id)
            if survey is None:
                return _not_found(request)
            surveys = await list_survey_names(connection)
            chosen, before = _chosen(request, survey), request.query_params.get("before") or None
            found = await list_results(connection, survey, chosen.filters, before=before, limit=PAGE_LENGTH)
            invited = await _invited(connection, found) if personal else {}
            days, number = await count_scores_by_day(connection, survey, chosen.filters)
            rate = await response_rate(connection, survey.id, chosen.filters)
        summary = _summary(survey, total([day.scores for day in days]), number, rate)
        unit = fitting_unit(days, chosen.unit)
        path = f"/results/{survey.id}"
        return page(
            request,
            "results.html",
            help=await self._helping.of("results", request),
            survey=survey,
            surveys=surveys,
            chosen=chosen,
            filters=chosen.filters,
            names=await self._names.known(),
            periods=PERIODS,
            units=UNITS,
            summary=summary,
            chart=chart_over_time(by_period(days, unit), unit, summary.satisfied),
            score_rows=_score_rows(survey, summary.scores),
            responses=found.responses,
            invited=invited,
            question=survey.definition.score_question(),
            comment=survey.definition.comment_question(),
            personal=personal,
            is_first=before is None,
            newest=chosen.address(path),
            older=found.next_before and chosen.address(path, before=found.next_before),
            file=chosen.address(f"{path}/responses.csv"),
            address=chosen.address,
            path=path,
        )

    async def show_one(self, request: AdminRequest, survey_id: str, response_id: str) -> Response[str]:
        personal = may_see_customers(request.user)
        async with self._database.read_only().transaction() as connection:
            survey = await get_survey(connection, survey_id)
            response = await get_response(connection, response_id)
            if survey is None or response is None or response.survey_id != survey.id:
                return _not_found(request, survey)
            earlier = await earlier_versions(connection, response.id)
            invited = await find_invited(connection, [response.invitation_id or ""]) if personal else {}
        return page(
            request,
            "response.html",
            survey=survey,
            response=response,
            answers=_answers_told(survey, response.answers),
            earlier=[(one, _answers_told(survey, one.answers)) for one in earlier],
            invited=invited.get(response.invitation_id or ""),
            names=await self._names.known(),
            personal=personal,
            satisfied=_satisfied(survey),
        )


def _answers_told(survey: Survey, answers: Answers) -> list[tuple[str, str, bool]]:
    """Question, answer in words, and whether the answer is the respondent's own text."""
    told = []
    for question in survey.definition.questions:
        answer = answers.get(value_name(question))
        if answer is None:
            continue
        choice = question.choice(int(answer)) if isinstance(question, ScoreQuestion) else None
        words = f"{answer}, {choice.text}" if choice else str(answer)
        told.append((question.text, words, not isinstance(question, ScoreQuestion)))
    return told


def _chosen(request: AdminRequest, survey: Survey) -> Chosen:
    """What the form was sent with; fields that were left empty do not matter."""
    pairs = ((name, value.strip()) for name, value in request.query_params.multi_items())
    try:
        return read_result_filters(given_in((name, value) for name, value in pairs if value), survey)
    except InvalidFilter as error:
        raise ClientException(str(error)) from None


async def _invited(connection: AsyncConnection, found: ResultPage) -> dict[str, Invited]:
    ids = [one.invitation_id for one in found.responses if one.invitation_id is not None]
    return await find_invited(connection, ids) if ids else {}


def _satisfied(survey: Survey) -> tuple[int, ...]:
    question = survey.definition.score_question()
    return () if question is None else satisfied_scores(question)


def _summary(survey: Survey, scores: Scores, number: int, rate: Share | None) -> Summary:
    question = survey.definition.score_question()
    highest = max((choice.recode for choice in question.choices), default=None) if question else None
    return Summary(number, scores, _satisfied(survey), highest, rate)


def _score_rows(survey: Survey, scores: Scores) -> Sequence[ScoreRow]:
    question = survey.definition.score_question()
    return () if question is None else score_rows(question, scores)


def _not_found(request: AdminRequest, survey: Survey | None = None) -> Response[str]:
    return page(request, "no_result.html", status=404, survey=survey)
