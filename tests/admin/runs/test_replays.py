"""The pages of problems and replays: what failed by its cause, one button, and how far it is."""

from collections.abc import Callable

import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser, Past

from afterword.accounts.people import Role, add_person
from afterword.outcomes import Reason
from afterword.store.database import Database
from afterword.store.queue import RunQueue
from afterword.workflows.running.problems import Failure, record_failures
from afterword.workflows.running.replays import ReplaysKeeper


async def failed_runs(past: Past, count: int) -> list[int]:
    """So many runs that failed with one cause."""
    run_ids = [await past.run(await past.event(), status="failed") for _ in range(count)]
    why = Reason("because", "it is <so>")
    async with past.database.pool.acquire() as connection, connection.transaction():
        await record_failures(
            connection, [Failure(run_id, past.workflow_id, "T1", why) for run_id in run_ids]
        )
    return run_ids


async def test_without_failures_the_page_says_that_there_is_no_problem(signed_in: Browser) -> None:
    answer, body = await signed_in.get("/workflows/problems")
    assert answer.status == 200
    assert "No problem" in body


async def test_failures_with_one_cause_are_one_line_with_one_button(signed_in: Browser, past: Past) -> None:
    await failed_runs(past, 3)
    _, body = await signed_in.get("/workflows/problems")
    assert body.count("<tr id=") == 1
    assert "It is &lt;so&gt;." in body
    assert "Replay them all" in body


async def test_the_button_replays_them_all_and_shows_the_progress(
    signed_in: Browser, past: Past, database: Database
) -> None:
    await failed_runs(past, 3)
    problem = await database.pool.fetchval("SELECT id FROM problem")
    answer, body = await signed_in.send("/workflows/replays", {"problem": str(problem)})
    assert answer.url.path == "/workflows/replays/1"
    assert "0 of 3 runs done again" in body
    assert 'http-equiv="refresh"' in body
    await ReplaysKeeper(database, RunQueue(database)).tick()
    _, body = await signed_in.get("/workflows/replays/1")
    assert "3 under way, 0 queued" in body
    await database.pool.execute("UPDATE run SET status = 'succeeded'")
    await ReplaysKeeper(database, RunQueue(database)).tick()
    _, body = await signed_in.get("/workflows/replays/1")
    assert "3 of 3 runs done again" in body
    assert 'http-equiv="refresh"' not in body


async def test_a_replay_can_be_stopped(signed_in: Browser, past: Past) -> None:
    (run_id,) = await failed_runs(past, 1)
    await signed_in.send("/workflows/replays", {"run": str(run_id), "from": "start"})
    _, body = await signed_in.send("/workflows/replays/1/stop", {})
    assert "Stopped" in body
    assert "1 left as they were" in body
    _, body = await signed_in.get("/settings/audit?kind=replay")
    assert body.index("Replay 1</a>: stopped") < body.index("Replay 1</a>: started")
    assert f"What: run {run_id}" in body


async def test_a_run_is_cancelled(signed_in: Browser, past: Past, database: Database) -> None:
    run_id = await past.run(await past.event(), status="waiting")
    answer, _ = await signed_in.send(f"/workflows/runs/{run_id}/cancel", {})
    assert answer.status == 200
    row = await database.pool.fetchrow("SELECT status, reason_code FROM run WHERE id = $1", run_id)
    assert row is not None
    assert tuple(row) == ("cancelled", "cancelled-by-person")


@pytest.mark.parametrize("form", [{"problem": "nonsense"}, {"problem": "99"}, {"run": ""}, {"run": "-1"}])
async def test_what_is_not_there_cannot_be_replayed(signed_in: Browser, form: dict[str, str]) -> None:
    answer, _ = await signed_in.send("/workflows/replays", form)
    assert answer.status in {400, 404}


@pytest.mark.parametrize(("role", "may"), [("manager", True), ("analyst", False), ("api_user", False)])
async def test_who_only_looks_has_no_button_and_is_refused(
    open_browser: Callable[[], Browser], past: Past, database: Database, role: Role, *, may: bool
) -> None:
    (run_id,) = await failed_runs(past, 1)
    async with database.transaction() as connection:
        await add_person(connection, email="p@example.org", name="P", role=role, password=PASSWORD)
    browser = open_browser()
    await browser.sign_in("p@example.org")
    _, body = await browser.get("/workflows/problems")
    assert ("Replay it" in body) is may
    for address, form in (
        ("/workflows/replays", {"run": str(run_id)}),
        (f"/workflows/runs/{run_id}/cancel", {}),
    ):
        answer, _ = await browser.send(address, form)
        assert (answer.status == 403) is not may


async def test_a_form_from_elsewhere_starts_nothing(
    signed_in: Browser, past: Past, database: Database
) -> None:
    (run_id,) = await failed_runs(past, 1)
    answer, _ = await signed_in.send("/workflows/replays", {"run": str(run_id)}, token="0" * 64)
    assert answer.status == 403
    assert await database.pool.fetchval("SELECT count(*) FROM replay") == 0
