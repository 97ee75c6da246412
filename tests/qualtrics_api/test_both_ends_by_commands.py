"""An administrator connects Afterword's own survey service like a Qualtrics account, with the commands alone."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

pytestmark = pytest.mark.asyncio(loop_scope="session")

Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest_asyncio.fixture(loop_scope="session")
async def run(api: Any, tmp_path: Path) -> AsyncIterator[Run]:
    """``await run("qualtrics", …)``: the exit status, and what was printed."""

    async def command(*arguments: str, typed: str = "") -> tuple[int, str]:
        status, printed = await api.command(tmp_path, *arguments, typed=typed)
        return status, printed

    yield command
    await api.afterword.database.pool.execute("DELETE FROM connected_account WHERE name <> 'Acme'")


async def connect(run: Run, api: Any, token: str) -> None:
    address = ("--address", api.afterword.url, "--name", "Ourselves", "--token-file", "-")
    status, said = await run("accounts", "add", "qualtrics", *address, typed=f"{token}\n")
    assert status == 0, said


async def test_a_response_is_told_after_adding_the_account_and_subscribing(run: Run, api: Any) -> None:
    await connect(run, api, api.token)
    assert api.survey_id in (await run("qualtrics", "surveys"))[1]
    for _ in range(2):  # doing it again changes nothing
        status, said = await run("qualtrics", "subscribe", api.survey_id)
        assert status == 0, said
    (subscription,) = (await api.get("/eventsubscriptions"))["elements"]
    assert subscription["topics"] == f"surveyengine.completedResponse.{api.survey_id}"
    response_id = await api.respond()
    await api.deliver()
    told = await api.afterword.database.pool.fetch("SELECT * FROM event WHERE origin LIKE 'qualtrics/%'")
    assert [response_id in event["body"] for event in told] == [True]
    status, said = await run("qualtrics", "unsubscribe", api.survey_id)
    assert status == 0, said
    assert (await api.get("/eventsubscriptions"))["elements"] == []


async def test_a_token_of_no_administrator_is_told_so_and_a_flow_that_lacks_the_customer_too(
    run: Run, api: Any
) -> None:
    await connect(run, api, api.afterword.other_token)
    status, said = await run("qualtrics", "subscribe", api.survey_id)
    assert status != 0
    assert "administrator" in said
    path = f"/survey-definitions/{api.survey_id}/flow"
    flow = await api.get(path)
    await api.call("PUT", path, {**flow, "Flow": flow["Flow"][1:]})
    status, said = await run("qualtrics", "subscribe", api.survey_id)
    assert status != 0
    assert "CustomerId and ConversationId" in said
    assert '"Type": "EmbeddedData"' in said
    assert (await api.get("/eventsubscriptions"))["elements"] == []
