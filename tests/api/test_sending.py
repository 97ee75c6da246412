"""Brakes as JSON, for programs."""

from typing import Any

import msgspec
import pytest
import pytest_asyncio

from afterword.accounts.audit import list_entries
from afterword.sending.brakes import Brakes
from afterword.workflows.definitions import ConversationClosed, Definition
from afterword.workflows.saving.workflows import add_workflow

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def call(afterword: Any, method: str, path: str = "", body: object = None, **how: Any) -> Any:
    headers = {"X-API-TOKEN": how.get("token", afterword.api_token)}
    answer = await afterword.send(method, f"/api/v1/sending{path}", body, headers=headers)
    assert answer.status == how.get("status", 200), await answer.text()
    return msgspec.json.decode(answer._body)


@pytest_asyncio.fixture(loop_scope="session")
async def workflow_id(afterword: Any) -> str:
    await afterword.database.pool.execute(
        "TRUNCATE sending_pause, sending_hold, sending_hour, sending_permit"
    )
    definition = Definition(
        ConversationClosed("GA_1"), (), brakes=Brakes(in_test=True, allowed=("@team.example",))
    )
    async with afterword.database.transaction() as connection:
        return await add_workflow(connection, name="Ask", definition=definition, is_on=False)


async def test_sending_is_paused_and_resumed(afterword: Any, workflow_id: str) -> None:
    told = await call(afterword, "GET")
    assert (told["pause"], told["held_back"]) == (None, [])
    assert told["in_test"] == [
        {"workflow_id": workflow_id, "workflow": "Ask", "is_on": False, "allowed": ["@team.example"]}
    ]
    told = await call(afterword, "POST", "/pause", {"why": "a storm"})
    assert (told["pause"]["by"], told["pause"]["why"]) == ("Olive van Owner", "a storm")
    assert (await call(afterword, "POST", "/resume"))["pause"] is None
    async with afterword.database.transaction() as connection:
        resumed, paused = await list_entries(connection, kind="sending", limit=2)
    assert (resumed.what, paused.what, paused.after) == ("resumed", "paused", {"why": "a storm"})
    assert (paused.actor, paused.door) == ("Olive van Owner", "API")


async def test_held_invitations_are_let_go_and_then_there_are_none(afterword: Any, workflow_id: str) -> None:
    await afterword.database.pool.execute(
        "INSERT INTO sending_hold (workflow_id, most) VALUES ($1, 5)", workflow_id
    )
    (held,) = (await call(afterword, "GET"))["held_back"]
    assert (held["workflow"], held["runs"], held["most"], held["usual"]) == ("Ask", 0, 5, None)
    told = await call(afterword, "POST", f"/held/{workflow_id}/release")
    assert told["held_back"] == []
    await call(afterword, "POST", f"/held/{workflow_id}/cancel", status=404)


@pytest.mark.parametrize("path", ["/pause", "/resume", "/held/OC_1/release", "/held/OC_1/cancel"])
async def test_who_may_not_decide_is_refused_and_sees_no_addresses(
    afterword: Any, workflow_id: str, path: str
) -> None:
    await call(afterword, "POST", path, token=afterword.other_token, status=403)
    told = await call(afterword, "GET", token=afterword.other_token)
    assert told["in_test"][0]["allowed"] == ["(hidden)"]
    assert told["pause"] is None


@pytest.mark.parametrize("body", [{"why": 1}, {"because": "x"}, {"why": "x" * 501}, []])
async def test_a_body_that_is_none_is_refused_by_name(afterword: Any, workflow_id: str, body: object) -> None:
    await call(afterword, "POST", "/pause", body, status=400)
    assert (await call(afterword, "GET"))["pause"] is None
