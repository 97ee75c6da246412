"""Gladly's addresses: which hosts are Gladly's."""

import re

from afterword.outgoing.addresses import InvalidAddress, is_this_machine, literal_address, parse_address
from afterword.translating import N_

GLADLY_DOMAINS = (".gladly.com", ".gladly.qa")
"""Production and ``{org}.us-uat.gladly.com``; the vendor's own sandboxes."""
NAME = re.compile(r"[A-Za-z0-9-]{1,63}(\.us-uat)?")
HOST = re.compile(r"https://[A-Za-z0-9.-]+(?=[/?#]|$)")


def check_base_address(text: str, field: str = "base_address") -> str:
    """Check the address of a Gladly organization and answer it without a slash at its end.

    Gladly's own hosts over https; or, for a stand-in of Gladly's, this machine or a host written as an IP
    address. So an API token cannot be sent to a host that merely looks like Gladly.

    An organization's name alone will do. Of an address of Gladly's own whatever stands behind the host is left out, so
    that one copied from a browser will do, too.

    Raises:
        InvalidAddress: it is none; ``field`` is in its message.
    """
    text = _with_host(text.strip())
    if (found := HOST.match(text)) and found[0].lower().endswith(GLADLY_DOMAINS):
        text = found[0]
    parts = parse_address(text, field)
    host = (parts.hostname or "").rstrip(".")
    is_gladly = host.endswith(GLADLY_DOMAINS) and parts.scheme == "https"
    if not (is_gladly or is_this_machine(host) or literal_address(host) is not None):
        raise InvalidAddress(
            field,
            N_("this is not a Gladly address; write https://ORGANIZATION.gladly.com (a sandbox: .gladly.qa)"),
        )
    if parts.path.strip("/") or parts.query or "?" in text:
        raise InvalidAddress(field, N_("leave out everything behind the host, such as /api/v1"))
    return f"{parts.scheme}://{parts.netloc}"


def _with_host(text: str) -> str:
    """The address for a host of Gladly's without ``https://``, or for an organization's name; else what it was."""
    if text.lower().partition("/")[0].endswith(GLADLY_DOMAINS):
        return f"https://{text}"
    return f"https://{text.lower()}{GLADLY_DOMAINS[0]}" if NAME.fullmatch(text) else text
