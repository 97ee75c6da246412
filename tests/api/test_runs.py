"""Run history as JSON, for programs."""

from typing import Any

import msgspec
import pytest

from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.saving.workflows import add_workflow

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUNS = "/api/v1/runs"


async def have_runs(afterword: Any, number: int, name: str = "One") -> str:
    """A workflow with so many runs, each of a conversation of its own; every third one failed."""
    async with afterword.database.transaction() as connection:
        workflow_id = await add_workflow(
            connection,
            name=name,
            definition=Definition(ConversationClosed("GA_1"), (Task("T-1", "send-json-event", "Send"),)),
        )
    await afterword.database.pool.execute(
        """
        WITH events AS (
            INSERT INTO event (origin, type, body, conversation_id, status)
            SELECT 'gladly/GA_1', 'CONVERSATION/CLOSED', '{}', $2 || number, 'matched'
            FROM generate_series(1, $3::int) AS number RETURNING id, conversation_id
        )
        INSERT INTO run (workflow_id, revision, event_id, conversation_id, status)
        SELECT $1, 1, id, conversation_id, CASE WHEN id % 3 = 0 THEN 'failed' ELSE 'succeeded' END FROM events
        """,
        workflow_id,
        f"{name}-",
        number,
    )
    return workflow_id


async def ask(afterword: Any, query: str = "", status: int = 200) -> dict[str, Any]:
    answer = await afterword.send("GET", RUNS + query, headers={"X-API-TOKEN": afterword.api_token})
    assert answer.status == status, await answer.text()
    kind = "application/json" if status == 200 else "application/problem+json"
    assert answer.content_type == kind
    told: dict[str, Any] = msgspec.json.decode(answer._body)
    return told


def ids(page: dict[str, Any]) -> list[int]:
    return [run["id"] for run in page["runs"]]


async def test_pages_follow_each_other_without_a_gap_and_end(afterword: Any) -> None:
    await have_runs(afterword, 10)
    every = ids(await ask(afterword))
    assert every == sorted(every, reverse=True)
    assert len(every) == 10
    for limit in (1, 3, 5, 10):
        found: list[int] = []
        page = await ask(afterword, f"?limit={limit}")
        while True:
            found += ids(page)
            assert page["runs"], "a page that is not the first has something on it"
            if page["next_before"] is None:
                break
            page = await ask(afterword, f"?limit={limit}&before={page['next_before']}")
        assert found == every


async def test_filters_choose(afterword: Any) -> None:
    one, two = await have_runs(afterword, 6, "One"), await have_runs(afterword, 3, "Two")
    assert {run["workflow_id"] for run in (await ask(afterword, f"?workflow={two}"))["runs"]} == {two}
    assert len(ids(await ask(afterword, f"?workflow={one}"))) == 6
    failed = (await ask(afterword, "?status=failed"))["runs"]
    assert {run["status"] for run in failed} == {"failed"}
    assert len(failed) == 3
    (only,) = (await ask(afterword, "?conversation=Two-2"))["runs"]
    assert only["conversation_id"] == "Two-2"
    assert ids(await ask(afterword, f"?conversation=Two-2&workflow={one}")) == []


async def test_nothing_is_an_empty_page(afterword: Any) -> None:
    assert await ask(afterword) == {"runs": [], "next_before": None}
    assert await ask(afterword, f"?before={2**80}") == {"runs": [], "next_before": None}


async def test_one_run_is_told_with_its_event_and_tasks(afterword: Any) -> None:
    await have_runs(afterword, 1)
    (run_id,) = ids(await ask(afterword))
    told = await ask(afterword, f"/{run_id}")
    assert told["run"]["id"] == run_id
    assert told["event"]["body"] == "{}"
    assert [task["id"] for task in told["tasks"]] == ["T-1"]


@pytest.mark.parametrize("run_id", ["0", "-1", "999999999", str(2**80), "x", "%00", "1.0"])
async def test_a_run_that_there_is_not_is_not_found(afterword: Any, run_id: str) -> None:
    assert (await ask(afterword, f"/{run_id}", 404))["title"] == "Not Found"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("?status=odd", "status"),
        ("?limit=0", "limit"),
        ("?limit=201", "limit"),
        ("?limit=many", "limit"),
        ("?before=x", "before"),
        ("?before=0", "before"),
        (f"?before=-{10**30}", "before"),
        ("?workflow=%00", "workflow"),
        ("?workflow=", "workflow"),
        ("?conversation=%00", "conversation"),
        ("?conversation=" + "x" * 201, "conversation"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused_by_name(afterword: Any, query: str, named: str) -> None:
    assert named in (await ask(afterword, query, 400))["detail"]


async def test_a_bearer_token_is_as_good(afterword: Any) -> None:
    for authorization in (f"Bearer {afterword.api_token}", f"bearer  {afterword.api_token}"):
        answer = await afterword.send("GET", RUNS, headers={"Authorization": authorization})
        assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-TOKEN": ""},
        {"X-API-TOKEN": "x" * 40},
        {"X-API-TOKEN": "\xff"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic b2xpdmU6eA=="},
    ],
)
async def test_without_a_token_nothing_is_told(afterword: Any, headers: dict[str, str]) -> None:
    """Not even whether the question made sense."""
    for path in (RUNS, f"{RUNS}/1", f"{RUNS}?limit=0"):
        answer = await afterword.send("GET", path, headers=headers)
        assert answer.status == 401, path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        assert msgspec.json.decode(answer._body)["title"] == "Unauthorized"
