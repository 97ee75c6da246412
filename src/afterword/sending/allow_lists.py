"""Allow-lists: whom a workflow that is in test may write to. Pure."""

import functools
from collections.abc import Iterable

from afterword.directory.contacts import mail_address


def is_allowed(allowed: Iterable[str], address: str) -> bool:
    """Tell whether an address stands on the list, by itself or by its domain, without regard to case.

    A domain stands for itself alone, not for those below it.
    """
    usable = mail_address(address)
    if usable is None:
        return False
    wanted = usable.casefold()
    domain = "@" + wanted.rpartition("@")[2]
    return any(known(entry) in {wanted, domain} for entry in allowed)


@functools.lru_cache(maxsize=1024)
def known(entry: str) -> str | None:
    """An entry as it is compared: an address or ``@domain``, in small letters; ``None`` when it is neither."""
    entry = entry.strip()
    if entry.startswith("@"):
        address = mail_address(f"anybody{entry}")
        return None if address is None else "@" + address.casefold().rpartition("@")[2]
    address = mail_address(entry)
    return None if address is None else address.casefold()
