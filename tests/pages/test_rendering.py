from pathlib import Path

import jinja2
import pytest

from afterword.pages import error_page
from afterword.pages.rendering import PAGE_HEADERS, Templates


def test_an_error_page_says_what_happened_and_escapes_it() -> None:
    page = error_page(404, "Not <Found>", 'There is no "x" & y')
    assert "<title>Not &lt;Found&gt;</title>" in page
    assert "<h1>Not &lt;Found&gt;</h1>" in page
    assert "There is no &#34;x&#34; &amp; y" in page


def test_an_error_page_without_a_message_still_has_words() -> None:
    assert "<p></p>" not in error_page(500, "Internal Server Error", "")


def test_an_error_page_leads_home_those_whose_home_is_here() -> None:
    assert 'href="/"' in error_page(404, "Not Found", "", leads_home=True)
    assert 'href="/"' not in error_page(404, "Not Found", "")


def test_a_missing_value_is_an_error_and_not_a_gap(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text("{{ forgotten }}")
    with pytest.raises(jinja2.UndefinedError, match="forgotten"):
        Templates(tmp_path).text("one.html", {})


def test_a_door_lays_its_templates_over_the_shared_ones(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text('{% extends "base.html" %}{% block content %}{{ told }}{% endblock %}')
    answer = Templates(tmp_path).page("one.html", {"told": "<b>"}, status=418, headers={"X-More": "1"})
    assert answer.status_code == 418
    assert "&lt;b&gt;" in answer.content
    assert answer.headers == {**PAGE_HEADERS, "X-More": "1"}


def test_nothing_comes_from_elsewhere() -> None:
    policy = PAGE_HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
