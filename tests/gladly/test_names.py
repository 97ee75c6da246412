import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.gladly.names import ADDRESS, INVISIBLE, WEB_ADDRESS, split_name

CASES = [
    ("Jane Doe", "Jane", "Doe"),
    ("Jane", "Jane", ""),
    ("Gabriel García Márquez", "Gabriel", "García Márquez"),
    ("  Jane \t Doe\n", "Jane", "Doe"),
    ("Jane\x00Doe", "Jane", "Doe"),
    ("Jan van der Berg", "Jan", "van der Berg"),
    ("van der Berg", "", "van der Berg"),
    ("de la Cruz", "", "de la Cruz"),
    ("bin Salman", "", "bin Salman"),
    ("von Neumann", "", "von Neumann"),
    ("Van Morrison", "Van", "Morrison"),
    ("van", "van", ""),
    ("Doe, Jane", "Jane", "Doe"),
    ("de la Cruz, Juana Inés", "Juana Inés", "de la Cruz"),
    ("Jane Doe, PhD", "Jane", "Doe PhD"),
    ("Smith, Jr., John", "John", "Smith Jr."),
    ("Acme, Inc.", "Acme", "Inc."),
    (", Jane", "Jane", ""),
    ("Doe,", "Doe", ""),
    (",,,", "", ",,,"),
    ("Dr. Jane Doe", "Dr. Jane", "Doe"),
    ("Prof. Dr. Anna Schmidt", "Prof. Dr. Anna", "Schmidt"),
    ("Mr Smith", "Mr Smith", ""),
    ("山田太郎", "山田太郎", ""),
    ("山田 太郎", "太郎", "山田"),
    ("山田\u3000太郎", "太郎", "山田"),
    ("김 민준", "민준", "김"),
    ("王小明", "王小明", ""),
    ("ジョン スミス", "ジョン", "スミス"),
    ("ジョン・スミス", "ジョン・スミス", ""),
    ("สมชาย ใจดี", "สมชาย", "ใจดี"),
    ("محمد بن سلمان", "محمد", "بن سلمان"),
    ("jane@customer.example", "", ""),
    ("Jane Doe <jane@customer.example>", "Jane", "Doe"),
    ("Jane Doe (jane@customer.example)", "Jane", "Doe"),
    ("mailto:jane@customer.example", "", ""),
    ("jane@customer", "", ""),
    ("https://prize.example/win", "", ""),
    ("Jane Doe (see https://prize.example/win)", "Jane", "Doe (see"),
    ("WWW.prize.example Jane", "Jane", ""),
    ('"Doe, Jane" <jane@customer.example>', "Jane", "Doe"),
    ('William "Bob" Smith', "William", '"Bob" Smith'),
    ("\u202eJane\u200b Doe\u2069", "Jane", "Doe"),
    ("Mr. and Mrs. Smith", "Mr. and Mrs. Smith", ""),
    ("Jane and John Doe", "Jane", "and John Doe"),
    ("สมชายใจดี", "สมชายใจดี", ""),
    ("Łukasz Żółć", "Łukasz", "Żółć"),
    ("O'Brien, Sinéad", "Sinéad", "O'Brien"),
    ("Иван Иванович Иванов", "Иван", "Иванович Иванов"),
    ("山田太郎 様", "山田太郎", "様"),
    ("山田 太郎 様", "太郎", "山田 様"),
    ("김민준 님", "김민준", "님"),
    ("🎉", "", "🎉"),
    ("🎉 Jane Doe", "🎉 Jane", "Doe"),
    ("Jane 👩‍👧 Doe", "Jane", "👩‍👧 Doe"),
    ("+1 555 0100", "", "+1 555 0100"),
    ("", "", ""),
    (" \u3000 ", "", ""),
]


@pytest.mark.parametrize(("name", "first", "last"), CASES)
def test_a_name_is_split(name: str, first: str, last: str) -> None:
    assert split_name(name) == (first, last)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Nagy János", "János", "Nagy"),
        ("Nguyen Van An", "Van An", "Nguyen"),
        ("Jane", "Jane", ""),
        ("Doe, Jane", "Jane", "Doe"),
        ("山田 太郎", "太郎", "山田"),
        ("van der Berg Jan", "Jan", "van der Berg"),
        ("van der Berg", "", "van der Berg"),
        ("Dr. Nagy János", "János", "Dr. Nagy"),
        ("Mr Smith", "Mr Smith", ""),
        ("Jane 🎉", "Jane 🎉", ""),
    ],
)
def test_a_name_with_the_family_name_first_is_split(name: str, first: str, last: str) -> None:
    assert split_name(name, family_name_first=True) == (first, last)


NAME_LIKE = st.lists(
    st.sampled_from([case[0] for case in CASES] + ["van", "Dr.", "Jr.", ",", "\uff0c", "🎉", "太郎"])
    | st.text(),
    max_size=4,
).map(" ".join)


def words(text: str) -> list[str]:
    seen = INVISIBLE.sub("", re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text)).replace("mailto:", " ")
    without_addresses = re.sub(r'["“”]', " ", ADDRESS.sub(" ", WEB_ADDRESS.sub(" ", seen)))
    return sorted(re.sub(r"[,，、،]", " ", without_addresses).split())  # noqa: RUF001


@given(name=NAME_LIKE, family_name_first=st.booleans())
def test_no_word_is_lost_or_invented(name: str, family_name_first: bool) -> None:
    first, last = split_name(name, family_name_first)
    assert words(f"{first} {last}") == words(name)


@given(name=NAME_LIKE, family_name_first=st.booleans())
def test_white_space_changes_nothing(name: str, family_name_first: bool) -> None:
    spread = f" {name} ".replace(" ", "\u3000\t ")
    assert split_name(spread, family_name_first) == split_name(name, family_name_first)


@given(name=NAME_LIKE, family_name_first=st.booleans())
def test_a_first_name_can_always_be_said(name: str, family_name_first: bool) -> None:
    first, _ = split_name(name, family_name_first)
    assert not first or any(character.isalpha() for character in first)
    assert "@" not in first or not ADDRESS.search(first)


@given(
    first=st.sampled_from(["Jane", "Dr. Anna", "🎉 Li"]),
    last=st.sampled_from(["Doe", "van der Berg", "De La Cruz"]),
)
def test_a_name_that_was_split_is_split_the_same_again(first: str, last: str) -> None:
    assert split_name(f"{first} {last}") == (first, last)
