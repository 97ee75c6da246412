"""Gladly's addresses: which hosts are Gladly's."""

from afterword.outgoing.addresses import InvalidAddress, is_this_machine, literal_address, parse_address
from afterword.translating import N_

GLADLY_DOMAINS = (".gladly.com", ".gladly.qa")
"""Production and ``{org}.us-uat.gladly.com``; the vendor's own sandboxes."""


def check_base_address(text: str, field: str = "base_address") -> str:
    """Check the address of a Gladly organization and answer it without a slash at its end.

    Gladly's own hosts over https; or, for a stand-in of Gladly's, this machine or a host written as an IP
    address. So an API token cannot be sent to a host that merely looks like Gladly.

    Raises:
        InvalidAddress: it is none; ``field`` is in its message.
    """
    parts = parse_address(text.strip(), field)
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
