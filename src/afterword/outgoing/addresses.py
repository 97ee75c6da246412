"""Which addresses may be called: checked when they are typed, and again when a name is resolved.

Somebody who may connect an account must not be able to make us call into the machine's own network: a name
that leads there is refused. Who really has a vendor's stand-in there writes the IP address itself, or
``localhost``. Never callable are link-local addresses (a cloud's secrets live at 169.254.169.254), multicast
and the unspecified address.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from afterword.translating import N_

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_ADDRESS = 2000
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
COMPATIBLE = ipaddress.IPv6Network("::/96")
"""IPv4 addresses written as IPv6 ones, as was done once; among them ``::`` and ``::1``, which are no such thing."""
ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$", re.IGNORECASE)
"""Hosts that systems read as an IPv4 address however it is written (2130706433, 127.1, 0x7f.1), and the HTTP library
hands to them without resolving a name. No name's last part is a number.
"""


class InvalidAddress(ValueError):
    """An address that cannot be called. The message names the field and what to write, never the address
    itself.
    """

    def __init__(self, field: str, words: str) -> None:
        super().__init__(f"{field}: {words}")
        self.field = field
        self.words = words


def parse_address(text: str, field: str) -> SplitResult:
    """Read an address: ``https``, or ``http`` to this machine; no user name, no fragment.

    Raises:
        InvalidAddress: it is none, or one that may not be called.
    """
    if len(text) > LONGEST_ADDRESS or not text.isascii() or any(not "!" <= letter <= "~" for letter in text):
        raise InvalidAddress(
            field, N_("write an address in plain letters, without spaces; one begins with https://")
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidAddress(field, N_("this is not an address; one begins with https://")) from None
    if "\\" in text or not host or port == 0 or parts.scheme not in ("https", "http"):
        raise InvalidAddress(field, N_("this is not an address; one begins with https://"))
    if "@" in parts.netloc:
        raise InvalidAddress(field, N_("leave the user name and password out of the address"))
    if "#" in text:
        raise InvalidAddress(field, N_("leave the part from # on out of the address"))
    if parts.scheme == "http" and not is_this_machine(host):
        raise InvalidAddress(field, N_("begin it with https://; http:// is for this machine only"))
    address = literal_address(host)
    if address is None and ENDS_IN_NUMBER.search(host):
        raise InvalidAddress(field, N_("write an IP address as four numbers from 0 to 255"))
    if address is not None and never_callable(address):
        raise InvalidAddress(field, N_("this IP address may not be called"))
    return parts


def is_this_machine(host: str) -> bool:
    """Whether a host literally is this machine: ``localhost`` (and names under it), 127.0.0.0/8, ``::1``."""
    address = literal_address(host)
    return is_localhost(host) if address is None else address.is_loopback


def is_localhost(host: str) -> bool:
    """Whether a name is ``localhost`` or under it, which nobody else can own."""
    return host.lower().rstrip(".").rpartition(".")[2] == "localhost"


def literal_address(host: str) -> IPAddress | None:
    """The IP address that a host is written as; ``None`` for a name."""
    try:
        return embedded(ipaddress.ip_address(host))
    except ValueError:
        return None


def never_callable(address: IPAddress) -> bool:
    """Whether nothing of ours ever calls it, whoever asks."""
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or str(address) == "255.255.255.255"
    )


def may_resolve_to(host: str, address: IPAddress, *, allow_private: bool) -> bool:
    """Whether a name may lead to an address: to a public one always, to a private one only where that is
    allowed.

    ``localhost`` leads to this machine and nowhere else.
    """
    address = embedded(address)
    if never_callable(address):
        return False
    if is_localhost(host):
        return address.is_loopback
    return allow_private or address.is_global


def embedded(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64 or (address in COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
