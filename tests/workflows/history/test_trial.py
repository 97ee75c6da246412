"""The guide's checks after a try, of what became of the newest closing."""

from datetime import UTC, datetime

import pytest

from afterword.workflows.history.trial import TriedRun, checks_of

FOUND = {"T-1": {"customerEmailAddress": "ada@try.example"}}


def run(
    status: str, *, outputs: object = None, code: str | None = None, words: str | None = None
) -> TriedRun:
    return TriedRun(
        id=7,
        workflow_id="OC_1",
        status=status,
        conversation_id="c1",
        reason_code=code,
        reason_words=words,
        outputs=outputs if isinstance(outputs, dict) else {},
        started_at=datetime.now(UTC),
    )


def states(*runs: TriedRun | None, asks_itself: bool = True) -> list[str]:
    return [check.state for check in checks_of(*runs, asks_itself=asks_itself)]


@pytest.mark.parametrize(
    ("runs", "wanted"),
    [
        ((None, None, None), ["open", "open", "open", "open", "open"]),
        ((run("running"), None, None), ["open", "waits", "open", "open", "open"]),
        ((run("succeeded", outputs=FOUND), None, None), ["works", "works", "open", "open", "open"]),
        (
            (run("succeeded", outputs=FOUND), run("waiting"), None),
            ["works", "works", "waits", "open", "open"],
        ),
        (
            (run("succeeded", outputs=FOUND), run("succeeded"), run("failed", words="gone")),
            ["works", "works", "works", "works", "broken"],
        ),
        (
            (run("succeeded", outputs=FOUND), run("succeeded"), run("succeeded")),
            ["works", "works", "works", "works", "works"],
        ),
        (
            (
                run("skipped", code="customer-has-no-email", words="the customer has no email address"),
                None,
                None,
            ),
            ["broken", "broken", "open", "open", "open"],
        ),
    ],
)
def test_each_check_follows_its_run(runs: tuple[TriedRun | None, ...], wanted: list[str]) -> None:
    assert states(*runs) == wanted


def test_of_a_mail_that_qualtrics_sends_nothing_is_seen() -> None:
    checks = checks_of(run("succeeded", outputs=FOUND), None, run("succeeded"), asks_itself=False)
    assert [check.state for check in checks] == ["works", "works", "open", "works", "works"]
    assert "look into the mailbox" in checks[2].because


def test_what_keeps_it_is_told_with_the_run() -> None:
    failed = run("failed", words="Gladly refuses the token")
    check = checks_of(failed, None, None, asks_itself=True)[1]
    assert (check.state, check.because, check.run_id) == ("broken", "Gladly refuses the token", 7)
