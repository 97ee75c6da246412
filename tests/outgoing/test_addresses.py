import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.outgoing.addresses import InvalidAddress, may_resolve_to, parse_address


@pytest.mark.parametrize(
    "text",
    [
        "https://acme.gladly.com",
        "https://acme.gladly.com:8443/a?b=c",
        "http://127.0.0.1:8701",
        "http://127.8.8.8",
        "http://[::1]:8701",
        "http://localhost:8701",
        "http://gladly.localhost",
        "https://10.0.0.5",
    ],
)
def test_an_address_is_read(text: str) -> None:
    assert parse_address(text, "address").geturl() == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "not an address"),
        ("acme.gladly.com", "not an address"),
        ("ftp://acme.gladly.com", "not an address"),
        ("https://", "not an address"),
        ("https://acme.gladly.com:99999", "not an address"),
        ("https://acme.gladly.com:0", "not an address"),
        ("https://[::1", "not an address"),
        ("https://acme.gladly.com\\@evil.example", "not an address"),
        ("https://user:secret@acme.gladly.com", "user name"),
        ("https://acme.gladly.com/#secret", "#"),
        ("http://acme.gladly.com", "https://"),
        ("http://10.0.0.5", "https://"),
        ("http://127.0.0.1.evil.example", "https://"),
        ("http://localhost.evil.example", "https://"),
        ("https://ac me.gladly.com", "spaces"),
        ("https://acme.gladly.com\n", "spaces"),
        ("https://ácme.gladly.com", "plain letters"),
        ("https://x/" + "y" * 2000, "plain letters"),
        ("https://169.254.169.254/latest", "may not be called"),
        ("https://[fe80::1]", "may not be called"),
        ("https://[::ffff:169.254.169.254]", "may not be called"),
        ("https://[64:ff9b::a9fe:a9fe]", "may not be called"),
        ("https://[::169.254.169.254]", "may not be called"),
        ("https://0.0.0.0", "may not be called"),
        ("https://2130706433", "four numbers"),
        ("https://127.1", "four numbers"),
        ("https://169.254.43518/latest", "four numbers"),
        ("https://0177.0.0.1", "four numbers"),
        ("https://0x7f.0.0.0x1", "four numbers"),
        ("https://127.0.0.1.", "four numbers"),
        ("https://[::]", "may not be called"),
        ("https://224.0.0.1", "may not be called"),
    ],
)
def test_what_may_not_be_called_is_refused_with_the_field_and_a_hint(text: str, hint: str) -> None:
    with pytest.raises(InvalidAddress, match=hint) as refused:
        parse_address(text, "base_address")
    assert str(refused.value).startswith("base_address: ")
    assert "secret" not in str(refused.value)


@given(text=st.text() | st.text().map("https://{}".format))
def test_anything_typed_is_read_or_refused(text: str) -> None:
    try:
        parts = parse_address(text, "address")
    except InvalidAddress:
        return
    assert parts.hostname
    assert parts.scheme in ("http", "https")


@pytest.mark.parametrize(
    ("host", "address", "private", "allowed"),
    [
        ("acme.gladly.com", "52.1.2.3", False, True),
        ("acme.gladly.com", "2600::1", False, True),
        ("acme.gladly.com", "10.0.0.5", False, False),
        ("acme.gladly.com", "127.0.0.1", False, False),
        ("acme.gladly.com", "100.64.0.1", False, False),
        ("acme.gladly.com", "::ffff:10.0.0.5", False, False),
        ("acme.gladly.com", "::10.0.0.5", False, False),
        ("acme.gladly.com", "fd00:ec2::254", False, False),
        ("sandbox.internal", "10.0.0.5", True, True),
        ("sandbox.internal", "127.0.0.1", True, True),
        ("sandbox.internal", "169.254.169.254", True, False),
        ("sandbox.internal", "fe80::1%1", True, False),
        ("sandbox.internal", "0.0.0.0", True, False),  # noqa: S104
        ("sandbox.internal", "ff02::1", True, False),
        ("localhost", "127.0.0.1", False, True),
        ("app.localhost", "::1", False, True),
        ("localhost", "10.0.0.5", True, False),
        ("localhost", "52.1.2.3", True, False),
    ],
)
def test_where_a_name_may_lead(host: str, address: str, private: bool, allowed: bool) -> None:
    assert may_resolve_to(host, ipaddress.ip_address(address), allow_private=private) is allowed
