"""What mail can be addressed to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.directory.contacts import mail_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@example.com", "a@example.com"),
        (" a@Example.COM ", "a@example.com"),
        ("first.last+tag@mail.example.co.uk", "first.last+tag@mail.example.co.uk"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("someone@customers.test", "someone@customers.test"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_taken_in_the_form_that_every_mail_server_takes(text: str, address: str) -> None:
    assert mail_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "@example.com",
        "a@",
        "a@.",
        "a@example.com, b@example.com",
        "A <a@example.com>",
        "a@example.com\r\nBcc: b@example.com",
        "a b@example.com",
        "a@exa mple.com",
        "a" * 250 + "@example.com",
        "a@@example.com",
        "用户@example.com",
    ],
)
def test_what_is_not_one_bare_address_is_refused(text: str) -> None:
    assert mail_address(text) is None


@given(st.text())
def test_no_text_makes_it_fail_and_what_it_takes_is_one_line_of_ascii(text: str) -> None:
    address = mail_address(text)
    assert address is None or (address.isascii() and address.isprintable())
