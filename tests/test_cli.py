"""The command ``afterword``: what is typed wrongly is told in a line or two, and nobody sees a stack trace."""

import sys

import pytest

from afterword import cli


@pytest.mark.parametrize(
    ("typed", "status", "told"),
    [
        (["explain", "caf\udce9"], 1, r"not text in UTF-8: caf\udce9"),
        (["backfill", "stop", "9" * 20], 2, "less than or equal to"),
        (["audit-log", "--before", "9" * 20], 2, "less than or equal to"),
        (["no-such-command"], 2, "no-such-command"),
    ],
)
def test_what_is_typed_wrongly_is_told(
    typed: list[str],
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["afterword", *typed])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == status
    assert told in capsys.readouterr().err
