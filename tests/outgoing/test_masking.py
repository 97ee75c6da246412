import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.outgoing.masking import masked


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("jane@customer.example is taken", "••• is taken"),
        ("customer <jane.doe+x@customer.example>", "customer <•••>"),
        ("call +1 (555) 010-0199 now", "call ••• now"),
        ("mobile 15550100199 exists", "mobile ••• exists"),
        ("<html><style>p {}</style><body><h1>502 Bad\n Gateway</h1></body></html>", "502 Bad Gateway"),
        ("conversation v1 does not exist", "conversation v1 does not exist"),
        ("id 550e8400-e29b-41d4-a716-446655440000 gone", "id 550e8400-e29b-41d4-a716-446655440000 gone"),
        ("limit is 25000", "limit is 25000"),
        ("token token-Secret is bad", "token ••• is bad"),
        ("a\x00b\x1b[31m", "a b [31m"),
    ],
)
def test_what_others_say_is_made_fit_for_an_error(words: str, expected: str) -> None:
    assert masked(words, ["token-Secret"]) == expected


@given(
    words=st.text() | st.text(min_size=1).map(lambda text: text * 3000),
    secret=st.text(min_size=4, max_size=20),
)
def test_it_is_one_short_line_without_the_secret(words: str, secret: str) -> None:
    line = masked(f"{secret} {words}", [secret])
    assert len(line) <= 500
    assert line.isprintable()
    assert secret not in line or secret in "•••"
