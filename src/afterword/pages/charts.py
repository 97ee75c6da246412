"""Charts as SVG, drawn on the server: no script, no style of their own; ``results.css`` has their looks.

The drawing stretches with the page and so holds no words; those stand around it as HTML. Whoever cannot see it hears
its title and description, and finds the same values in a table beside it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, HEIGHT = 1000, 240
"""Units of the drawing; it is stretched to the place that there is."""


class Point(msgspec.Struct, frozen=True):
    """A value with where it may really be, each from 0 to 1; ``label`` is told when one points at it."""

    value: float
    low: float
    high: float
    label: str


def share_over_time(points: Sequence[Point | None], *, name: str, title: str, description: str) -> "Markup":
    """Shares from the left to the right at equal distances, each with its interval; ``None`` where there is none.

    ``name`` is an id that no other chart of the page has.
    """
    from markupsafe import Markup  # noqa: PLC0415

    step = WIDTH / max(1, len(points))
    marks = [_mark((index + 0.5) * step, point) for index, point in enumerate(points) if point is not None]
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" '
        'aria-labelledby="{name}-title {name}-description"><title id="{name}-title">{title}</title>'
        '<desc id="{name}-description">{description}</desc>{grid}{line}{marks}</svg>'
    ).format(
        width=WIDTH,
        height=HEIGHT,
        name=name,
        title=title,
        description=description,
        grid=_grid(),
        line=_line(points, step),
        marks=Markup("").join(marks),
    )


def bar(share: float) -> "Markup":
    """A bar of this share (0 to 1) of the place there is; it says nothing that does not stand beside it."""
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(
        '<svg class="bar-of" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{width}" height="1"/></svg>'
    ).format(width=f"{share * 100:.2f}")


def _y(share: float) -> str:
    return f"{(1 - share) * HEIGHT:.1f}"


def _grid() -> "Markup":
    from markupsafe import Markup  # noqa: PLC0415

    line = Markup('<path class="grid" d="M0 {y}H{width}"/>')
    return Markup("").join(line.format(y=_y(share), width=WIDTH) for share in (0, 0.25, 0.5, 0.75, 1))


def _line(points: Sequence[Point | None], step: float) -> "Markup":
    """Neighbours joined; where there is a gap, the line has one too."""
    from markupsafe import Markup  # noqa: PLC0415

    drawn, pen_is_down = [], False
    for index, point in enumerate(points):
        if point is not None:
            drawn.append(f"{'L' if pen_is_down else 'M'}{(index + 0.5) * step:.1f} {_y(point.value)}")
        pen_is_down = point is not None
    return Markup('<path class="line" d="{drawn}"/>').format(drawn="".join(drawn)) if drawn else Markup("")


def _mark(x: float, point: Point) -> "Markup":
    """A dot is a line of no length with round ends: those keep their shape however the drawing is stretched."""
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(
        '<g><title>{label}</title><path class="interval" d="M{x} {low}V{high}"/>'
        '<path class="dot" d="M{x} {y}h.01"/></g>'
    ).format(label=point.label, x=f"{x:.1f}", low=_y(point.low), high=_y(point.high), y=_y(point.value))
