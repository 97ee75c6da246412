"""JSON events as they are set up: the address from the first moment on, changed at once, captured, run later."""

from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.secrets import SecretBox
from afterword.store.queue import RunQueue
from afterword.workflows.definitions import Definition, JsonEvent, JsonField, Task
from afterword.workflows.saving.listing import get_workflow
from afterword.workflows.saving.workflows import add_workflow, delete_workflow, save_revision, turn_on
from afterword.workflows.starting.capture import captured, pick, switch_capture
from afterword.workflows.starting.endpoints import (
    EndpointSettings,
    NoSuchEndpoint,
    get_endpoint,
    make_endpoint,
    regenerate_address,
    require_authentication,
)
from afterword.workflows.starting.feeding import feed, kept_events
from afterword.workflows.starting.matching import Inbox

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE = 3.0
"""Seconds: less than a process remembers an endpoint that nobody tells it of."""


class Made:
    """A JSON event that was just made, and those who set it up."""

    def __init__(self, afterword: Any, endpoint_id: str) -> None:
        self.afterword, self.id = afterword, endpoint_id
        self.box = SecretBox(["one key of the tests that is long enough"])

    async def settings(self) -> EndpointSettings:
        async with self.afterword.database.transaction() as connection:
            return await get_endpoint(connection, self.box, self.id, public_url=self.afterword.url)

    async def send(self, body: object, *, address: str | None = None, token: bool = True) -> int:
        address = address or (await self.settings()).address
        headers = {"X-API-TOKEN": self.afterword.api_token} if token else {}
        path = address.removeprefix(self.afterword.url)
        answer = await self.afterword.send("POST", path, body, headers=headers)
        return int(answer.status)

    async def drain(self) -> None:
        await Inbox(self.afterword.database, RunQueue(self.afterword.database)).drain()


@pytest_asyncio.fixture(loop_scope="session")
async def made(afterword: Any) -> Made:
    async with afterword.database.transaction() as connection:
        endpoint_id = await make_endpoint(
            connection,
            SecretBox(["one key of the tests that is long enough"]),
            person_id=afterword.owner_id,
        )
    return Made(afterword, endpoint_id)


async def workflow(connection: AsyncConnection, made: Made) -> str:
    return await add_workflow(connection, definition=Definition(JsonEvent(made.id), ()), is_on=False)


async def test_the_address_takes_events_before_anything_else_is_there_and_they_are_run_later(
    afterword: Any, made: Made
) -> None:
    assert await made.send({"who": "first"}) == 200
    await made.drain()
    async with afterword.database.transaction() as connection:
        workflow_id = await workflow(connection, made)
    assert await made.send({"who": "second"}) == 200
    await made.drain()
    reasons = [event["reason_code"] for event in await afterword.events()]
    assert reasons == ["no-workflow", "workflow-had-no-task"]
    fields = (JsonField("who", "$.who"),)
    definition = Definition(JsonEvent(made.id, fields), (Task("T-1", "scripted", "One"),))
    async with afterword.database.transaction() as connection:
        await save_revision(
            connection, workflow_id, definition, person_id=None, expected_revision=1, check=None
        )
    assert await made.send({"who": "third"}) == 200
    await made.drain()
    assert [event["reason_code"] for event in await afterword.events()][2] == "workflow-was-off"
    async with afterword.database.transaction() as connection:
        await turn_on(connection, workflow_id, check=None)
        kept = await kept_events(connection, await get_workflow(connection, workflow_id))
        queue = RunQueue(afterword.database)
        outcome = await feed(connection, queue, workflow_id, [event.id for event in kept])
    assert len(outcome.runs) == 3
    assert {status for _, status in await afterword.told()} == {"matched"}


async def test_a_regenerated_address_takes_events_and_the_old_one_stops_at_once(
    afterword: Any, made: Made, eventually: Any
) -> None:
    old = (await made.settings()).address
    assert await made.send({}, address=old) == 200
    async with afterword.database.transaction() as connection:
        await regenerate_address(connection, made.box, made.id)
    new = (await made.settings()).address
    assert new != old
    assert await made.send({}, address=new) == 200

    async def has_stopped() -> bool:
        return await made.send({}, address=old) == 404

    await eventually(has_stopped, within=AT_ONCE)


async def test_authentication_is_switched_off_and_on_at_once(
    afterword: Any, made: Made, eventually: Any
) -> None:
    assert (await made.settings()).authentication_required
    assert await made.send({}, token=False) == 401
    for required, status in ((False, 200), (True, 401)):
        async with afterword.database.transaction() as connection:
            await require_authentication(connection, made.id, required=required)

        async def answers(wanted: int = status) -> bool:
            return await made.send({}, token=False) == wanted

        await eventually(answers, within=AT_ONCE)


async def test_the_address_of_a_deleted_workflow_is_no_more(
    afterword: Any, made: Made, eventually: Any
) -> None:
    async with afterword.database.transaction() as connection:
        first, second = await workflow(connection, made), await workflow(connection, made)
    address = (await made.settings()).address
    async with afterword.database.transaction() as connection:
        await delete_workflow(connection, first)
    assert await made.send({}, address=address) == 200
    async with afterword.database.transaction() as connection:
        await delete_workflow(connection, second)

    async def is_gone() -> bool:
        return await made.send({}, address=address) == 404

    await eventually(is_gone, within=AT_ONCE)
    with pytest.raises(NoSuchEndpoint, match=made.id):
        await made.settings()


async def test_fields_are_picked_from_one_sample_request(afterword: Any, made: Made) -> None:
    assert await made.send({"before": 1}) == 200
    async with afterword.database.transaction() as connection:
        assert await captured(connection, made.id) is None
        await switch_capture(connection, made.id, on=True)
        assert await captured(connection, made.id) is None
    assert (await made.settings()).capturing_since is not None
    await afterword.post_event({"elsewhere": 1})
    assert await made.send({"customer": {"full name": "Ada"}}) == 200
    assert await made.send({"after": 1}) == 200
    async with afterword.database.transaction() as connection:
        sample = await captured(connection, made.id)
        assert sample is not None
        assert [(one.name, one.path, one.value) for one in sample.fields] == [
            ("fullName", "$.customer['full name']", "Ada")
        ]
        assert pick((), [JsonField(one.name, one.path) for one in sample.fields]) == (
            JsonField("fullName", "$.customer['full name']"),
        )
        await switch_capture(connection, made.id, on=False)
        assert await captured(connection, made.id) is None
    assert len(await afterword.events()) == 4


async def test_what_is_not_there_is_said_to_be_not_there(afterword: Any, made: Made) -> None:
    async with afterword.database.transaction() as connection:
        for attempt in (
            regenerate_address(connection, made.box, "OC_nobody"),
            require_authentication(connection, "OC_nobody", required=False),
            switch_capture(connection, "OC_nobody", on=True),
            captured(connection, "OC_nobody"),
        ):
            with pytest.raises(NoSuchEndpoint, match="OC_nobody"):
                await attempt
