"""Configurations as they are for one run: piped text in every shape of field, made harmless for its place."""

from typing import Annotated, Any, Literal

import msgspec
import pytest

from afterword.outcomes import Permanent
from afterword.piped_text import Source
from afterword.tasks.contract import Piped
from afterword.workflows.values.configuration import configure
from afterword.workflows.values.outputs import outputs_source


class Line(msgspec.Struct, frozen=True):
    name: str
    value: Annotated[str, Piped()]


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    plain: str = "${aedj://x}"
    text: Annotated[str, Piped()] = ""
    maybe: Annotated[str | None, Piped()] = None
    several: Annotated[tuple[str, ...], Piped()] = ()
    within: tuple[Annotated[str, Piped("header")], ...] = ()
    by_name: Annotated[dict[str, str], Piped("header")] = {}
    lines: tuple[Line, ...] = ()
    line: Line | None = None
    html: Annotated[str, Piped("html")] = ""
    url: Annotated[str, Piped("url")] = ""
    body_type: Literal["json", "form", "text"] = "json"
    body: Annotated[str, Piped(chosen_by="body_type")] = ""
    letter: Annotated[str, Piped(of="invitation")] = ""


class EverythingTask:
    configuration = Everything


VALUE = '<"&\n${aedj://x}'
SOURCES: tuple[Source, ...] = (
    lambda pipe: {"x": VALUE, "n": "5", "dots": ".."}.get(pipe.path) if pipe.scheme == "aedj" else None,
)
X = "~{aedj://x}"


def configured(**saved: Any) -> Everything:
    made = configure(EverythingTask(), saved, SOURCES)  # type: ignore[arg-type]
    assert isinstance(made, Everything)
    return made


def test_every_shape_of_field_is_filled_in_and_others_are_left() -> None:
    made = configured(
        text=X,
        maybe=X,
        several=[X, "b"],
        within=[X],
        by_name={"A": X},
        lines=[{"name": X, "value": X}],
        line={"name": "n", "value": X},
        letter=X,
    )
    one_line = VALUE.replace("\n", " ")
    assert (made.text, made.maybe, made.several) == (VALUE, VALUE, (VALUE, "b"))
    assert (made.within, made.by_name) == ((one_line,), {"A": one_line})
    assert (made.lines, made.line) == ((Line(X, VALUE),), Line("n", VALUE))
    assert (made.plain, made.letter) == ("${aedj://x}", X)
    assert configured().maybe is None


def test_a_value_is_made_harmless_for_where_its_field_goes() -> None:
    assert configured(html=f"<p>{X}</p>").html == "<p>&lt;&quot;&amp;\n${aedj://x}</p>"
    assert (
        configured(url=f"https://a.example/{X}").url
        == "https://a.example/%3C%22%26%0A%24%7Baedj%3A%2F%2Fx%7D"
    )


def test_a_body_is_made_for_the_type_that_was_chosen() -> None:
    body = f'{{"a": "{X}", "n": ~{{aedj://n}}}}'
    assert msgspec.json.decode(configured(body=body).body) == {"a": VALUE, "n": 5}
    assert configured(body=f"a={X}", body_type="form").body == "a=%3C%22%26%0A%24%7Baedj%3A%2F%2Fx%7D"
    assert configured(body=X, body_type="text").body == VALUE


@pytest.mark.parametrize(
    ("saved", "code"),
    [
        ({"text": 5}, "configuration-invalid"),
        ({"text": "~{aedj://y}"}, "piped-text-unknown"),
        ({"url": "https://~{aedj://x}/"}, "piped-text-unfit"),
        ({"url": "https://a.example/~{aedj://dots}/b"}, "piped-text-unfit"),
        ({"html": "<p ~{aedj://x}>"}, "piped-text-unfit"),
    ],
)
def test_what_cannot_be_made_fails_for_good_with_its_reason(saved: dict[str, Any], code: str) -> None:
    with pytest.raises(Permanent) as caught:
        configured(**saved)
    assert caught.value.reason.code == code
    assert VALUE not in caught.value.reason.words


def test_outputs_of_earlier_tasks_are_found_by_path_and_by_name() -> None:
    outputs = {"T-1": {"itemId": "i1", "Key with space": "k", "list": [{"a": 1}, {"a": 2}], "none": None}}
    sources = (outputs_source(outputs, {"T-1", "T-2"}),)

    def text(pipe: str, field: str = "text") -> str:
        made = configure(EverythingTask(), {field: pipe}, sources)  # type: ignore[arg-type]
        return str(getattr(made, field))

    assert text("~{ch://T-1/$.itemId}") == text("~{ch://T-1/itemId}") == "i1"
    assert text('~{ch://T-1/$["Key with space"]}') == text("~{ch://T-1/Key%20with%20space}") == "k"
    assert text("~{ch://T-1/$.list[?(@.a > 1)].a}") == "2"
    assert text("~{ch://T-1/$.list}") == '[{"a":1},{"a":2}]'
    assert text('{"l": ~{ch://T-1/$.list}}', "body") == '{"l": [{"a":1},{"a":2}]}'
    assert text("~{ch://T-1/$.none?d=-}") == text("~{ch://T-2/$.itemId?d=-}") == "-"
    for unknown in ("~{ch://T-3/$.itemId}", "~{ch://T-1}", "~{ch://T-1/$.[}"):
        with pytest.raises(Permanent):
            text(unknown)
