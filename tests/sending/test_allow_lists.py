"""Allow-lists: an address stands on one by itself or by its domain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.sending.allow_lists import is_allowed, known

LIST = ("Ada@Acme.example", "@team.example", " @Büro.example ")


@pytest.mark.parametrize(
    "address",
    ["ada@acme.example", "ADA@acme.EXAMPLE", " ada@acme.example", "anybody@team.example", "x@büro.example"],
)
def test_who_is_written_to(address: str) -> None:
    assert is_allowed(LIST, address)


@pytest.mark.parametrize(
    "address",
    [
        "bob@acme.example",
        "ada@acme.example.evil",
        "x@sub.team.example",
        "team.example",
        "@team.example",
        "a@b@team.example",
        "",
    ],
)
def test_who_is_not(address: str) -> None:
    assert not is_allowed(LIST, address)


def test_nobody_stands_on_an_empty_list() -> None:
    assert not is_allowed((), "ada@acme.example")


@pytest.mark.parametrize("entry", ["acme.example", "@", "@@acme.example", "Ada <ada@acme.example>", "*", ""])
def test_what_is_neither_an_address_nor_a_domain_is_none(entry: str) -> None:
    assert known(entry) is None


@given(st.text(max_size=40))
def test_no_entry_allows_what_it_does_not_name(entry: str) -> None:
    allowed = is_allowed([entry], "somebody@customers.example")
    assert allowed == (known(entry) in {"somebody@customers.example", "@customers.example"})
