"""Numbers of runs, events and revisions as they come in addresses and forms."""

LARGEST_REVISION = 2**31 - 1
LONGEST = len(str(2**63)) - 1


def read_id(text: str) -> int | None:
    """The number, or ``None`` when that is none that a run or an event can have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST else None


def read_revision(text: str) -> int | None:
    """The number, or ``None`` when that is none that a revision can have."""
    number = read_id(text.strip())
    return number if number is not None and 0 < number <= LARGEST_REVISION else None
