"""The JSONPath compliance test suite, whole: what RFC 9535 says a path finds, and what it says is no path.

``jsonpath_compliance/`` holds the suite as its authors publish it, with their licence.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from afterword.workflows.values.fields import InvalidPath, compile_path

SUITE = json.loads((Path(__file__).parent / "jsonpath_compliance" / "cts.json").read_text())["tests"]


def named(test: dict[str, Any]) -> str:
    return str(test["name"])


def is_invalid(test: dict[str, Any]) -> bool:
    return bool(test.get("invalid_selector"))


def test_the_suite_is_whole() -> None:
    assert len(SUITE) == 687


@pytest.mark.parametrize("test", [test for test in SUITE if not is_invalid(test)], ids=named)
def test_a_path_finds_what_the_standard_says(test: dict[str, Any]) -> None:
    found = compile_path(test["selector"]).findall(test["document"])
    assert found in test.get("results", [test.get("result")])


@pytest.mark.parametrize("test", [test for test in SUITE if is_invalid(test)], ids=named)
def test_what_the_standard_refuses_is_refused(test: dict[str, Any]) -> None:
    with pytest.raises(InvalidPath):
        compile_path(test["selector"])
