"""Rich content of an administrator's own: what Gladly documents, within its length, and nothing broken by a cut."""

from hypothesis import given
from hypothesis import strategies as st

from afterword.gladly.markup import has_markup, plain, rich_markup
from afterword.gladly.texts import length, rich_content

PIECES = st.sampled_from(
    [
        "<b>",
        "</b>",
        "<a href='https://x.example/?a=1&b=2'>",
        "</a>",
        "<ul><li>",
        "</li></ul>",
        "&amp;",
        "<br>",
        "😀",
    ]
)
BODIES = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=30).map("".join)


def test_what_gladly_documents_stays_and_all_else_goes() -> None:
    body = (
        '<h1>Score</h1><p style="color:red">5</p><div style="margin:1px;color:red">x</div>'
        '<script>alert(1)</script><img src="https://x.example/a.png" onerror="alert(1)">'
        '<a href="javascript:alert(1)" target="_blank">y</a><video></video>'
    )
    assert rich_markup(body) == (
        '<h1>Score</h1><p>5</p><div style="margin:1px">x</div>'
        '<img src="https://x.example/a.png"><a target="_blank">y</a>'
    )


def test_a_cut_closes_what_is_open_and_splits_nothing() -> None:
    assert rich_markup("<b>" + "x" * 100 + "</b>", 20) == "<b>xxxxxxxxxxxx…</b>"
    assert rich_markup("a &amp;&amp;&amp;&amp;", 14) == "a &amp;&amp;…"
    assert rich_markup("fine 😀😀😀", 8) == "fine 😀…"


@given(body=BODIES, limit=st.integers(1, 60))
def test_it_is_never_longer_than_it_may_be_and_is_the_same_when_made_again(body: str, limit: int) -> None:
    made = rich_markup(body, limit)
    assert length(made) <= limit
    assert rich_markup(made, limit) == made


@given(text=st.text(max_size=60))
def test_a_text_without_markup_is_read_back_as_it_was_written(text: str) -> None:
    escaped = rich_content(text)
    assert not has_markup(escaped)
    assert rich_content(plain(escaped)) == escaped
