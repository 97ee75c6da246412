"""Numbers of runs and events as they come in addresses."""

LONGEST = len(str(2**63)) - 1


def read_id(text: str) -> int | None:
    """The number, or ``None`` when that is none that a run or an event can have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST else None
