"""Every fault at every call of both workflows of the guide: exactly one outcome, as promised."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Eventually
from tests.faults.whole_way import (
    ASKED,
    IMPATIENT_SECONDS,
    WHOLE,
    Fault,
    Outcome,
    be_impatient,
    make_haste,
    whole_way,
)
from tests.fixtures.sandbox import Sandbox

AWAY: dict[str, Fault] = {
    "429": {"effect": "answer", "status": 429},
    "429-with-its-time": {"effect": "answer", "status": 429, "retryAfter": 1},
    "500": {"effect": "answer", "status": 500},
    "503": {"effect": "answer", "status": 503},
    "500-after-the-work": {"effect": "answer", "status": 500, "when": "after"},
    "dropped-before-the-work": {"effect": "drop", "when": "before"},
    "dropped-after-the-work": {"effect": "drop", "when": "after"},
    "hangs-before-the-work": {"effect": "hang", "seconds": IMPATIENT_SECONDS + 1, "when": "before"},
    "hangs-after-the-work": {"effect": "hang", "seconds": IMPATIENT_SECONDS + 1, "when": "after"},
    "html": {"effect": "garble", "when": "after"},
    "401": {"effect": "answer", "status": 401},
}
"""What passes: the call is made again, and everything comes out whole."""
AWAY_AT_GLADLY: dict[str, Fault] = {
    "dropped-midway": {"effect": "drop", "when": "midway"},
    "bytes": {"effect": "garble", "form": "bytes", "when": "after"},
    "half-an-answer": {"effect": "garble", "form": "truncated", "when": "after"},
    "an-empty-answer": {"effect": "garble", "form": "empty", "when": "after"},
    "403": {"effect": "answer", "status": 403},
}
PASSES: dict[str, dict[str, Fault]] = {
    "profile": AWAY | AWAY_AT_GLADLY,
    "conversation": {name: AWAY[name] for name in ("503", "dropped-after-the-work", "html")},
    "event": {name: fault for name, fault in AWAY.items() if name != "429"},  # that holds all for seconds
    "mail": {
        "421": {"at": "recipient", "says": "421 4.3.2 try again later"},
        "451": {"at": "data", "says": "451 4.3.0 try again later"},
        "dropped-before-it-was-taken": {"at": "before"},
        "dropped-after-it-was-taken": {"at": "after"},
    },
    "item": {
        **AWAY,
        **AWAY_AT_GLADLY,
        "409-for-it-is-there": {"effect": "answer", "status": 409, "when": "after"},
    },
}


def refused(status: int) -> Fault:
    return {"effect": "answer", "status": status}


STOPS: dict[str, dict[str, tuple[Fault, str]]] = {
    "profile": {
        "404": (refused(404), "gladly-customer-gone"),
        "400": (refused(400), "gladly-invalid"),
    },
    "conversation": {"404": (refused(404), "gladly-not-found")},
    "event": {
        "400": (refused(400), "qualtrics-bad-event"),
        "404": (refused(404), "qualtrics-unknown-endpoint"),
        "413": (refused(413), "qualtrics-event-too-large"),
    },
    "mail": {
        "550": ({"at": "recipient", "says": "550 5.1.1 no such mailbox"}, "mail-recipient-refused"),
        "554": ({"at": "data", "says": "554 5.7.1 not wanted"}, "mail-refused"),
    },
    "item": {
        "404": (refused(404), "gladly-customer-gone"),
        "400": (refused(400), "gladly-invalid"),
    },
}
"""What does not pass by itself: the run fails with its reason, and nothing comes after it."""
STOPPED_AT = {"profile": "tell", "conversation": "tell", "event": "tell", "mail": "ask", "item": "post"}


def stopped(call: str, code: str) -> Outcome:
    """All that came before it is done, it failed, and nothing comes after it."""
    runs: dict[str, str] = {}
    for workflow in ASKED:
        if workflow == STOPPED_AT[call]:
            runs[workflow] = f"failed {code}"
            break
        runs[workflow] = "succeeded"
    return Outcome(runs, mails=1 if call == "item" else 0)


def name_of(call: str, fault: str) -> str:
    return f"{call}.{fault}"


@pytest.mark.timeout(180)
async def test_every_fault_at_every_call_ends_as_promised(
    start_afterword: Any,
    sandbox: Sandbox,
    tmp_path: Path,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_haste(monkeypatch)
    be_impatient(monkeypatch)
    faults = {
        name_of(call, name): (call, fault) for call, named in PASSES.items() for name, fault in named.items()
    }
    expected = dict.fromkeys(faults, WHOLE)
    for call, stopping in STOPS.items():
        for name, (fault, code) in stopping.items():
            faults[name_of(call, name)] = (call, fault)
            expected[name_of(call, name)] = stopped(call, code)
    async with whole_way(
        start_afterword,
        sandbox,
        tmp_path,
        f"{uuid.uuid4().hex}.example",
        gladly_requests_per_second=1000,
        retry_time_scale=0.001,
    ) as way:
        await way.know(list(faults))
        for name, (call, fault) in faults.items():
            way.let_go_wrong(name, call, fault)
        looked_up = frozenset(name for name, (call, _) in faults.items() if call == "conversation")
        await way.close(without_assignee=looked_up)
        async with way.working():
            await eventually(way.is_settled, within=90)
            await way.answer()
            await eventually(way.is_settled, within=90)
        assert await way.outcomes() == expected
        assert all(fault["struck"] == 1 for fault in sandbox.control("GET", "faults"))
        assert not way.door.faults
        assert not way.post_office.faults
        sandbox.control("DELETE", "faults")
