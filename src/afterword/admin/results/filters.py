"""Filters of results as they stand in addresses: read, with each mistake named, and written."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast, get_args
from urllib.parse import urlencode

import msgspec

from afterword.surveys.definitions import Survey
from afterword.surveys.results import About, ResultFilters, Unit, WhetherComment
from afterword.translating import N_
from afterword.translating import gettext as _
from afterword.workflows.history.filter_texts import (
    Given,
    InvalidFilter,
    read_id,
    read_moment,
    read_text,
)

PERIODS: Mapping[str, str] = {
    "7": N_("Last 7 days"),
    "30": N_("Last 30 days"),
    "90": N_("Last 90 days"),
    "365": N_("Last year"),
    "all": N_("All time"),
}
"""By how many days it goes back."""
USUAL_PERIOD = "30"
UNITS: Mapping[str, str] = {"day": N_("Day"), "week": N_("Week"), "month": N_("Month")}


class Chosen(msgspec.Struct, frozen=True):
    """What an address asks for: the filters, the period that its dates come from, and the unit of the chart.

    ``period`` is empty where dates are given, ``is_usual`` tells that none was chosen.
    """

    filters: ResultFilters
    period: str
    unit: Unit | None
    is_usual: bool

    def pairs(self) -> list[tuple[str, str]]:
        """The same for an address; read again they are the same."""
        filters, about = self.filters, self.filters.about
        named: list[tuple[str, str | None]] = [
            ("inbox", about.inbox_id),
            ("agent", about.agent_id),
            ("conversation", about.conversation_id),
            ("customer", about.customer_id),
            ("comment", filters.comment),
            ("by", self.unit),
            ("period", self.period if self.period and not self.is_usual else None),
        ]
        if not self.period:
            named += [
                ("from", _written(filters.recorded_from)),
                ("until", _written(filters.recorded_until)),
            ]
        scores = [("score", str(score)) for score in filters.scores]
        return [*scores, *((name, value) for name, value in named if value is not None)]

    def address(self, path: str, **more: str | None) -> str:
        """The address of a page with these filters; ``more`` is set besides, or left out where it is ``None``."""
        kept = [(name, value) for name, value in self.pairs() if name not in more]
        pairs = [*kept, *((name, value) for name, value in more.items() if value is not None)]
        return f"{path}?{urlencode(pairs)}" if pairs else path


def read_result_filters(given: Given, survey: Survey) -> Chosen:
    """Filters from texts by name, of which *score* may have several; those that are missing do not matter.

    Without dates and without a period it is the usual one; all time where one Conversation or Customer is asked for.

    Raises:
        InvalidFilter: one of them cannot be so.
    """
    about = About(
        inbox_id=read_id(given, "inbox"),
        agent_id=read_id(given, "agent"),
        conversation_id=read_id(given, "conversation"),
        customer_id=read_id(given, "customer"),
    )
    began, ended = read_moment(given, "from"), read_moment(given, "until", end_of_day=True)
    period = _one_of(given, "period", PERIODS)
    is_usual = period is None and began is None and ended is None
    if is_usual:
        period = "all" if about.conversation_id or about.customer_id else USUAL_PERIOD
    if began is not None or ended is not None:
        period = ""
    elif period != "all":
        began = _midnight() - timedelta(days=int(period or USUAL_PERIOD) - 1)
    filters = ResultFilters(
        about=about,
        scores=_scores(given, survey),
        comment=cast("WhetherComment | None", _one_of(given, "comment", get_args(WhetherComment))),
        recorded_from=began,
        recorded_until=ended,
    )
    return Chosen(filters, period or "", cast("Unit | None", _one_of(given, "by", UNITS)), is_usual)


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _midnight() -> datetime:
    """The beginning of today (UTC)."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _one_of(given: Given, name: str, known: Mapping[str, str] | tuple[str, ...]) -> str | None:
    value = read_text(given, name)
    if value is None or value in known:
        return value
    raise InvalidFilter(_("%(name)s: expected one of %(known)s.", name=name, known=", ".join(known)))


def _scores(given: Given, survey: Survey) -> tuple[int, ...]:
    question = survey.definition.score_question()
    known = {str(choice.recode): choice.recode for choice in question.choices} if question else {}
    wanted = list(dict.fromkeys(given.get("score", ())))
    for score in wanted:
        if score not in known:
            raise InvalidFilter(
                _("score: there is no such score; there are %(known)s.", known=", ".join(known))
            )
    return tuple(known[score] for score in wanted)
