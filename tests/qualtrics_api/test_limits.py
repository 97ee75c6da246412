"""Qualtrics' limits, kept by our own service."""

from typing import Any

import pytest

from afterword.qualtrics_api import limits
from afterword.qualtrics_api.answers import Refused
from afterword.qualtrics_api.limits import Limits

SUBSCRIPTIONS = "/API/v3/eventsubscriptions"


def test_a_minute_takes_so_many_calls_and_the_next_as_many_again() -> None:
    now = 0.0
    counting = Limits(clock=lambda: now)
    for _ in range(2):
        for _ in range(120):
            counting.check(SUBSCRIPTIONS)
            counting.count(SUBSCRIPTIONS)
        now += 20.5
        with pytest.raises(Refused, match="120 a minute for event subscriptions") as caught:
            counting.check(SUBSCRIPTIONS)
        assert caught.value.headers == {"Retry-After": "40"}
        counting.check("/API/v3/surveys")
        counting.count("/API/v3/surveys")
        now += 39.5
    for _ in range(3000):
        counting.count("/API/v3/whoami")
    with pytest.raises(Refused, match="3000 a minute for everything"):
        counting.check("/API/v3/surveys")


@pytest.mark.asyncio(loop_scope="session")
async def test_a_call_too_many_is_told_when_to_come_back(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.PER_MINUTE, "event subscriptions", 0)
    answer = await api.afterword.send("GET", SUBSCRIPTIONS, headers={"X-API-TOKEN": api.token})
    assert answer.status == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert b'"httpStatus":"429 - Too Many Requests"' in answer._body
    await api.get("/surveys")


@pytest.mark.asyncio(loop_scope="session")
async def test_who_has_no_token_uses_up_nothing_of_what_others_may(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.PER_MINUTE, "event subscriptions", 1000)
    before = await api.afterword.send("GET", SUBSCRIPTIONS, headers={"X-API-TOKEN": api.token})
    counted: list[str] = []
    monkeypatch.setattr(Limits, "count", lambda _, path: counted.append(path))
    stranger = await api.afterword.send("GET", SUBSCRIPTIONS, headers={"X-API-TOKEN": "x" * 40})
    assert (before.status, stranger.status, counted) == (200, 401, [])
