"""Who did something in Gladly, as its events and items tell by ``initiator``: a type, and an id."""

from typing import Literal

Party = Literal["agent", "customer", "rule", "api", "gladly-ai", "gladly", "third", "unknown"]
"""*third*: somebody else in a thread of mails; *gladly*: Gladly itself; *unknown*: what Gladly may add."""

GLADLY_AI = "SIDEKICK_V2"
TYPES: dict[str, Party] = {
    "AGENT": "agent",
    "CUSTOMER": "customer",
    "AUTOMATION": "rule",
    "API": "api",
    "APPLICATION": "api",
    "SYSTEM": "gladly",
    "INTERNAL": "third",
    "EXTERNAL": "third",
}


def party(initiator_type: str | None, initiator_id: str | None = None) -> Party:
    """Who it was.

    Gladly's item documentation calls a program ``API`` and its reports ``APPLICATION``: which of them events bear is
    unsure, so both are read. Gladly AI writes as ``SYSTEM`` with an id of its own; that it closes so, too, is unsure.
    """
    who = TYPES.get((initiator_type or "").upper(), "unknown")
    return "gladly-ai" if who == "gladly" and initiator_id == GLADLY_AI else who
