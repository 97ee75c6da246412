"""How a connected account is, in words: whether it answers, and whether its webhook works."""

from datetime import UTC, datetime

import pytest

from afterword.accounts.connected import AccountSummary, Delivery, Kind
from afterword.accounts.standing_store import Blocked
from afterword.outcomes import Reason
from afterword.webhook_keeping.health import health_of
from afterword.webhook_keeping.states import Known

NOW = datetime(2026, 11, 25, tzinfo=UTC)
REFUSED = Blocked("refused", NOW, "the token is not valid")
OFF = Known(state="off", since=NOW, reason=Reason("webhook-off", "it was switched off"), worked_at=NOW)
NOT_YET = Known(state="not-yet", since=NOW, reason=Reason("x", "Gladly refused it"))


def account(kind: Kind = "gladly", delivery: Delivery | None = "own") -> AccountSummary:
    return AccountSummary("GA_1", kind, "Acme", "https://acme.gladly.com", "a@b", "o", "u", delivery, NOW)


@pytest.mark.parametrize(
    ("which", "blocked", "webhook", "state", "words"),
    [
        (
            account(),
            None,
            Known(state="works", since=NOW, worked_at=NOW),
            "works",
            "works, and its webhook too",
        ),
        (account(), None, NOT_YET, "waits", "webhook not working yet"),
        (account(), None, None, "waits", "webhook not looked at yet"),
        (account(), None, OFF, "broken", "webhook off"),
        (account(), REFUSED, Known(state="works", since=NOW), "broken", "refuses the token"),
        (account(delivery="pull"), None, None, "works", "works; asked for closings, no webhook"),
        (account("qualtrics", None), None, None, "works", "works"),
        (account("qualtrics", None), Blocked("open", NOW, "no answer"), None, "broken", "does not answer"),
    ],
)
def test_it_is_told_in_a_state_and_words(
    which: AccountSummary, blocked: Blocked | None, webhook: Known | None, state: str, words: str
) -> None:
    found = health_of(which, blocked, webhook)
    assert (found.state, found.words) == (state, words)


def test_why_and_since_when_is_told() -> None:
    assert health_of(account(), REFUSED, OFF).because == "the token is not valid"
    off = health_of(account(), None, OFF)
    assert (off.because, off.since, off.seen_at) == ("it was switched off", NOW, NOW)
