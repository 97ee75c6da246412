"""Charts say what they show to whoever cannot see them, and hold nothing that a page's policy forbids."""

from xml.etree import ElementTree as ET

from afterword.pages.charts import HEIGHT, WIDTH, Point, bar, share_over_time


def drawn(*points: Point | None) -> ET.Element:
    chart = share_over_time(points, name="c", title="CSAT <over> time", description="Up & down")
    return ET.fromstring(str(chart))  # noqa: S314 - our own


def test_a_chart_has_a_title_and_a_description_and_no_style_of_its_own() -> None:
    chart = drawn(Point(0.5, 0.2, 0.8, "Monday: 50 %"))
    assert chart.get("role") == "img"
    assert chart.get("aria-labelledby") == "c-title c-description"
    assert [chart.findtext("title"), chart.findtext("desc")] == ["CSAT <over> time", "Up & down"]
    assert all("style" not in element.attrib for element in chart.iter())


def test_each_point_stands_in_its_place_with_its_interval_and_a_gap_breaks_the_line() -> None:
    point = Point(0.75, 0.5, 1.0, "p")
    chart = drawn(point, None, point, point)
    line = next(path for path in chart.iter("path") if path.get("class") == "line")
    assert line.get("d") == "M125.0 60.0M625.0 60.0L875.0 60.0"
    intervals = [path.get("d") for path in chart.iter("path") if path.get("class") == "interval"]
    assert intervals[0] == f"M{WIDTH / 8} {HEIGHT / 2}V0.0"
    assert [one.text for one in chart.iter("title")] == ["CSAT <over> time", "p", "p", "p"]


def test_a_chart_of_nothing_is_empty_and_a_bar_is_as_long_as_its_share() -> None:
    assert [path for path in drawn().iter("path") if path.get("class") != "grid"] == []
    assert 'width="42.00"' in bar(0.42)
