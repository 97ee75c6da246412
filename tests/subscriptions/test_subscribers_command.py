"""``afterword subscribers``: what a subscriber could not be told is seen, and told again."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_was_given_up_is_listed_and_told_again_on_demand(
    api: Any, subscriber: Any, tmp_path: Path
) -> None:
    assert await api.command(tmp_path, "subscribers", "list") == (0, "Nobody subscribed.\n")
    subscription_id = await api.subscribe(f"{subscriber.url}?secret=Secret", "*")
    subscriber.status = 503
    await api.respond()
    await api.afterword.database.pool.execute("UPDATE event_delivery SET attempt = 9")
    await api.deliver()
    _, listed = await api.command(tmp_path, "subscribers", "list")
    assert subscription_id in listed
    assert "told 0, waiting 0, given up 1; last failure 20" in listed
    assert "answered with 503" in listed
    assert f"{subscriber.url}?…" in listed
    _, printed = await api.command(tmp_path, "subscribers", "list", "--json")
    (as_json,) = msgspec.json.decode(printed)
    assert (as_json["id"], as_json["given_up"]) == (subscription_id, 1)
    assert "Secret" not in listed + printed
    subscriber.status = 200
    retry = ("subscribers", "retry", subscription_id)
    assert await api.command(tmp_path, *retry) == (0, "1 will be told again.\n")
    await api.deliver()
    assert await api.untold() == []
    status, said = await api.command(tmp_path, *retry)
    assert status == 1
    assert "Nothing was given up" in said
