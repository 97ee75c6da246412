"""The charts of results, and the same values for the tables beside them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

from afterword.pages.charts import Point, share_over_time
from afterword.pages.wording import day, month, percent
from afterword.surveys.definitions import ScoreQuestion
from afterword.surveys.results import Period, Unit, beginning_of
from afterword.surveys.statistics import Scores, Share
from afterword.translating import N_, translated
from afterword.translating import gettext as _

if TYPE_CHECKING:
    from markupsafe import Markup

TITLES: Mapping[Unit, str] = {
    "day": N_("CSAT by day"),
    "week": N_("CSAT by week"),
    "month": N_("CSAT by month"),
}
DAYS_OF_A_LONG_MONTH = 31


class ScoreRow(msgspec.Struct, frozen=True):
    """How often a score was given."""

    score: int
    words: str
    share: Share


class PeriodRow(msgspec.Struct, frozen=True):
    """The CSAT of a period, for a table."""

    label: str
    csat: Share
    average: float | None


class ChartOverTime(msgspec.Struct, frozen=True):
    """The drawing, the labels below it, and its values as rows."""

    drawing: "Markup"
    labels: tuple[str, ...]
    rows: tuple[PeriodRow, ...]
    unit: Unit

    @property
    def title(self) -> str:
        """What it shows."""
        return translated(TITLES[self.unit])


def score_rows(question: ScoreQuestion, scores: Scores) -> list[ScoreRow]:
    """A row for each score that there is, the best first."""
    choices = sorted(question.choices, key=lambda choice: choice.recode, reverse=True)
    return [ScoreRow(one.recode, one.text, scores.share_of(one.recode)) for one in choices]


def chart_over_time(
    periods: Sequence[Period], unit: Unit, satisfied: tuple[int, ...]
) -> ChartOverTime | None:
    """The share of satisfied in each period with its 95 % interval; ``None`` where nothing was answered."""
    if not periods:
        return None
    shares = {period.begins: period.scores.share_of(*satisfied) for period in periods}
    beginnings = _beginnings(periods[0].begins, periods[-1].begins, unit)
    drawing = share_over_time(
        [_point(shares[one], label_of(one, unit)) if one in shares else None for one in beginnings],
        name="csat-over-time",
        title=translated(TITLES[unit]),
        description=_description(periods, unit, satisfied),
    )
    middle = [beginnings[len(beginnings) // 2]] if len(beginnings) > 2 else []  # noqa: PLR2004 - first, middle, last
    last = beginnings[-1:] if len(beginnings) > 1 else []
    return ChartOverTime(
        drawing=drawing,
        labels=tuple(label_of(one, unit) for one in (beginnings[0], *middle, *last)),
        rows=tuple(
            PeriodRow(label_of(one.begins, unit), shares[one.begins], one.scores.average)
            for one in reversed(periods)
        ),
        unit=unit,
    )


def label_of(begins: date, unit: Unit) -> str:
    """A period in words: ``24 Nov 2026``, ``Nov 2026``; a week by its first day."""
    return month(begins) if unit == "month" else day(begins)


def _beginnings(first: date, last: date, unit: Unit) -> list[date]:
    """The first day of each period from the first to the last, those without answers too."""
    found = [first]
    while found[-1] < last:
        length = {"day": 1, "week": 7, "month": DAYS_OF_A_LONG_MONTH}[unit]
        found.append(beginning_of(unit, found[-1] + timedelta(days=length)))
    return found


def _point(share: Share, label: str) -> Point | None:
    value, interval = share.value, share.interval
    if value is None or interval is None:
        return None
    words = _(
        "%(label)s: %(share)s (%(low)s to %(high)s), %(of)s answered",
        label=label,
        share=percent(value),
        low=percent(interval.low),
        high=percent(interval.high),
        of=share.of,
    )
    return Point(value, interval.low, interval.high, words)


def _description(periods: Sequence[Period], unit: Unit, satisfied: tuple[int, ...]) -> str:
    first, last = (one.scores.share_of(*satisfied) for one in (periods[0], periods[-1]))
    begins, ends = (label_of(one.begins, unit) for one in (periods[0], periods[-1]))
    return _(
        "%(first)s from %(begins)s, %(last)s from %(ends)s. The same values stand in the table below.",
        first=percent(first.value or 0),
        begins=begins,
        last=percent(last.value or 0),
        ends=ends,
    )
