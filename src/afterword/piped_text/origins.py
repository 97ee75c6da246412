"""Whether an address says itself where it leads."""

import re

_ORIGIN = re.compile(r"https?://[^/?#\\\s@]+[/?#]", re.IGNORECASE)


def has_fixed_origin(beginning: str) -> bool:
    """Whether scheme and host end within this beginning, so that nothing after it can change them."""
    return _ORIGIN.match(beginning) is not None
