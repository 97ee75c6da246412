"""Whether a vendor can reach us: what can be told of our public address without trying."""

from urllib.parse import urlsplit

from afterword.outgoing.addresses import is_this_machine, literal_address
from afterword.translating import N_, translated
from afterword.translating import gettext as _

PRIVATE_NAMES = (".local", ".internal", ".lan", ".home.arpa", ".localdomain", ".intranet")


class AddressNotReachable(ValueError):
    """A vendor could not reach us at our public address; the message says what to set."""


def check_reachable(public_url: str, vendor: str, base_url: str) -> None:
    """Refuse an address that a vendor cannot call, or that a secret may not be sent to.

    ``base_url`` is where the vendor is: one on this machine reaches everything.

    Raises:
        AddressNotReachable: it is this machine's own, or one of a private network, or not https.
    """
    if is_this_machine(urlsplit(base_url).hostname or ""):
        return
    parts = urlsplit(public_url)
    host = (parts.hostname or "").rstrip(".")
    if is_this_machine(host):
        raise AddressNotReachable(
            _(
                "%(vendor)s cannot reach %(public_url)s, which is this machine's own address. %(what)s",
                vendor=vendor,
                public_url=public_url,
                what=translated(_SET),
            )
        )
    if parts.scheme != "https":
        raise AddressNotReachable(
            _(
                "What %(vendor)s tells would go to %(public_url)s unencrypted. Set AFTERWORD_PUBLIC_URL to "
                "an https address.",
                vendor=vendor,
                public_url=public_url,
            )
        )
    address = literal_address(host)
    if (address is not None and not address.is_global) or (address is None and _is_private_name(host)):
        raise AddressNotReachable(
            _(
                "%(vendor)s cannot reach %(public_url)s, which is an address of a private network. %(what)s",
                vendor=vendor,
                public_url=public_url,
                what=translated(_SET),
            )
        )


_SET = N_("Set AFTERWORD_PUBLIC_URL to the https address under which Afterword is reached from outside.")


def _is_private_name(host: str) -> bool:
    return "." not in host or host.lower().endswith(PRIVATE_NAMES)
