"""A watch is asked before a call and told after it, and what it says goes before what the call says."""

import pytest

from afterword.outcomes import Outcome, Permanent, Reason, Retry
from afterword.outgoing.watching import watched

HELD = Retry(Reason("account-down", "it is down"), tried=False, waiting_for="account/GA_1")
FAILED = Permanent(Reason("gladly-not-found", "there is none"))


class Notes:
    def __init__(self, *, before: Exception | None = None, after: Exception | None = None) -> None:
        self.heard: list[object] = []
        self._before, self._after = before, after

    async def before(self, call: str, /) -> bool:
        self.heard.append(call)
        if self._before is not None:
            raise self._before
        return True

    async def after(self, call: str, error: Outcome | None, /, *, is_probe: bool) -> None:
        self.heard += [call, error, is_probe]
        if self._after is not None:
            raise self._after


async def answer() -> str:
    return "answer"


async def fail() -> str:
    raise FAILED


async def test_a_call_is_told_of_before_and_after() -> None:
    notes = Notes()
    assert await watched(notes, "GET /x", answer) == "answer"
    assert notes.heard == ["GET /x", "GET /x", None, True]


async def test_a_call_that_makes_no_sense_now_is_not_made() -> None:
    notes = Notes(before=HELD)
    with pytest.raises(Retry) as held:
        await watched(notes, "GET /x", fail)
    assert held.value is HELD
    assert notes.heard == ["GET /x"]


async def test_the_watch_hears_of_a_failure_and_may_put_another_in_its_place() -> None:
    notes = Notes()
    with pytest.raises(Permanent):
        await watched(notes, "GET /x", fail)
    assert notes.heard[2] is FAILED
    with pytest.raises(Retry) as held:
        await watched(Notes(after=HELD), "GET /x", fail)
    assert held.value is HELD
