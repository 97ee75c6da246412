"""Whatever the value, the result has the shape that the text has without it: HTML, header, JSON, address, form."""

import email
import json
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from html.parser import HTMLParser
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from afterword.piped_text import Json, Place, Source, UnfitValue, author_mistake, escaping, fill

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    "--><b>",
    "a\r\nBcc: all@example.com",
    "a\nb",
    "=?utf-8?q?x=0D=0ABcc:_a@b.c?=",
    '", "admin": true, "x": "',
    "\\",
    '\\"',
    "null, 1",
    "}{",
    "../../admin",
    "..",
    ".",
    "//evil.example",
    "@evil.example",
    "?a=b&c=d#e",
    "%2e%2e/",
    "${e://Field/Secret}",
    "~{ch://T-1/$.secret}",
    "\x00\x1b\x7f",
    "\u2028\u202e\u0085",
    "\ud800",
    "javascript:alert(1)",
]
values = st.one_of(st.sampled_from(HOSTILE), st.text(), st.text(alphabet="<>\"'&=?/.\\{}$~:#%@\r\n a1"))


def giving(value: str) -> Source:
    return lambda pipe: value if pipe.scheme == "e" else None


def filled(template: str, place: Place, value: str) -> str:
    return fill(template, place, giving(value))


class Shape(HTMLParser):
    """Tags and names of attributes in order, the values and the text beside."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[object] = []
        self.values: list[str | None] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, [name for name, _ in attrs]))
        self.values += [value for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, _: str) -> None:
        self.tags.append("comment")

    def handle_decl(self, _: str) -> None:
        self.tags.append("declaration")

    def handle_pi(self, _: str) -> None:
        self.tags.append("instruction")


HTML = """<p class="a">Hi ${e://Field/X},</p><b title='${e://Field/X}' lang="en">x</b><!-- c -->
<a href="https://example.com/${e://Field/X}?q=${e://Field/X}">1 < 2 ${e://Field/X}</a>"""


@given(values)
def test_no_value_makes_markup(value: str) -> None:
    shape = Shape(filled(HTML, "html", value))
    assert shape.tags == Shape(HTML).tags
    harmless = escaping.text(value).replace("\r\n", "\n").replace("\r", "\n")
    assert harmless in shape.text.replace("\r\n", "\n").replace("\r", "\n")
    address = urlsplit(next(found for found in shape.values if found and found.startswith("https:")))
    assert address.hostname == "example.com"
    assert address.fragment == ""


@pytest.mark.parametrize(
    "template",
    [
        "<${e://Field/X}>",
        "<p ${e://Field/X}=1>",
        "<p title=${e://Field/X}>",
        "<p onclick='f(${e://Field/X})'>",
        '<p style="color: ${e://Field/X}">',
        "<script>var a = '${e://Field/X}'</script>",
        "<style>p { color: ${e://Field/X} }</style>",
        "<!-- ${e://Field/X} -->",
        '<a href="${e://Field/X}">',
        '<a href="https://${e://Field/X}/">',
        '<iframe srcdoc="${e://Field/X}">',
        '<p title="${e://Field/X}',
        "<p title=${e://Field/X}",
        "a <b ${e://Field/X}",
    ],
)
def test_html_has_places_where_no_value_may_go(template: str) -> None:
    assert author_mistake(template, "html") is not None
    with pytest.raises(UnfitValue):
        filled(template, "html", "x")


def test_a_link_may_be_an_address_in_html() -> None:
    assert author_mistake('<a href="${l://SurveyURL}">', "html") is None


@pytest.mark.parametrize("written", ["👩\u200d🚀", "می\u200cشود", "\u200eA\u200f"])
def test_a_header_keeps_what_joins_letters(written: str) -> None:
    assert filled("${e://Field/X}!", "header", written) == f"{written}!"
    assert filled("${e://Field/X}!", "header", f"\u202e{written}\u2066") == f"{written}!"


@given(values)
def test_no_value_breaks_out_of_a_header(value: str) -> None:
    subject = filled("About ${e://Field/X} =${e://Field/X}", "header", value)
    assert not set(subject) & {chr(code) for code in (*range(32), 127)}
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = subject
    message["To"] = "a@example.com"
    message.set_content("body")
    read = email.message_from_bytes(message.as_bytes(), policy=policy.default)
    assert read.keys() == message.keys()
    assert read["Bcc"] is None


JSON = '{"name": "Hi ${e://Field/X}!", "bare": ${e://Field/X}, "list": [${e://Field/X}, "\\\\", "${e://Field/X}"]}'


@given(values)
def test_no_value_changes_the_structure_of_json(value: str) -> None:
    read = json.loads(filled(JSON, "json", value))
    clean = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if not any("\ud800" <= character <= "\udfff" for character in value):
        assert read["name"] == f"Hi {clean}!"
        assert read["list"][2] == clean
    assert list(read) == ["name", "bare", "list"]
    assert len(read["list"]) == 3
    assert not isinstance(read["bare"], dict | list)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("5", "5"),
        ("-1.5e3", "-1.5e3"),
        ("true", "true"),
        ("null", "null"),
        ("007", '"007"'),
        ("NaN", '"NaN"'),
        ("٣", '"٣"'),
        ("", '""'),
        ('{"a": 1}', '"{\\"a\\": 1}"'),
        (Json('{"a": 1}'), '{"a": 1}'),
    ],
)
def test_a_value_without_quotes_in_json_is_a_number_or_a_word_or_text(value: str, written: str) -> None:
    assert filled('{"x": ${e://Field/X}}', "json", value) == f'{{"x": {written}}}'


@pytest.mark.parametrize(
    "template", ['{"a": "\\${e://Field/X}"}', '{"a": ${e://Field/X}', "{a}", "{${e://Field/X}: 1}"]
)
def test_json_that_is_none_is_told_before_it_is_filled_in(template: str) -> None:
    assert author_mistake(template, "json") is not None


def test_a_backslash_before_a_value_does_not_let_it_out_of_its_string() -> None:
    with pytest.raises(UnfitValue):
        filled('{"a": "\\${e://Field/X}"}', "json", '", "admin": "')


ADDRESS = "https://api.example.com/customers/${e://Field/X}/orders?of=${e://Field/X}&page=1#top"


@given(values)
@example("..")
def test_no_value_has_an_address_lead_elsewhere(value: str) -> None:
    try:
        address = urlsplit(filled(ADDRESS, "url", value))
    except UnfitValue:
        assert value in {".", ".."}
        return
    assert (address.scheme, address.netloc, address.fragment) == ("https", "api.example.com", "top")
    parts = address.path.split("/")
    assert [parts[:2], parts[3:]] == [["", "customers"], ["orders"]]
    if not any("\ud800" <= character <= "\udfff" for character in value):
        assert unquote(parts[2]) == value
        assert parse_qsl(address.query, keep_blank_values=True) == [("of", value), ("page", "1")]


def test_dots_of_two_values_do_not_climb_either() -> None:
    with pytest.raises(UnfitValue):
        filled("https://h.example/a/${e://Field/X}${e://Field/X}/b", "url", ".")


@pytest.mark.parametrize(
    "template",
    [
        "${e://Field/X}",
        "https://${e://Field/X}/",
        "https://example.com${e://Field/X}",
        "https://example.com:${e://Field/X}/",
        "${e://Field/X}://example.com/",
        "https://user@${e://Field/X}/",
        "/path/${e://Field/X}",
    ],
)
def test_where_an_address_leads_is_no_matter_of_values(template: str) -> None:
    assert author_mistake(template, "url") is not None
    with pytest.raises(UnfitValue):
        filled(template, "url", "evil.example")


@given(values)
def test_no_value_adds_to_a_form(value: str) -> None:
    body = filled("a=${e://Field/X}&b=2", "form", value)
    read = parse_qsl(body, keep_blank_values=True, errors="replace")
    assert [name for name, _ in read] == ["a", "b"]
    assert read[1] == ("b", "2")


@given(values)
def test_plain_text_holds_no_control_characters_and_can_be_stored(value: str) -> None:
    text = filled("Hi ${e://Field/X}", "text", value)
    assert not set(text) & ({chr(code) for code in (*range(32), 127)} - set("\t\n\r"))
    text.encode()


@pytest.mark.parametrize("place", ["text", "header", "html", "json", "form"])
@given(value=values)
def test_no_value_is_read_as_piped_text_again(place: Place, value: str) -> None:
    asked: list[str] = []

    def source(pipe: object) -> str:
        asked.append(str(pipe))
        return value + "${e://Field/Secret}"

    fill('{"a": "${e://Field/X}"}' if place == "json" else "a ${e://Field/X}", place, source)
    assert asked == ["e://Field/X"]


@pytest.mark.parametrize(
    "escape", [escaping.text, escaping.header, escaping.html, escaping.json_string, escaping.url_component]
)
@given(value=st.text(alphabet="abcXYZ019 -._~"))
def test_harmless_text_is_still_readable(escape: Callable[[str], str], value: str) -> None:
    assert unquote(escape(value)).split() == value.split()
