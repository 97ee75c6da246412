"""The page of sending: the one switch, what is held and the tests, with a button for each decision."""

from collections.abc import Callable

import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser, Past

from afterword.accounts.people import Role, add_person
from afterword.store.database import Database

PAGE = "/workflows/sending"


async def hold(past: Past, runs: int) -> None:
    """So many invitations of the workflow are held."""
    for _ in range(runs):
        await past.run(status="waiting", waiting_for=f"sending/{past.workflow_id}", due_at=None)
    await past.database.pool.execute(
        "INSERT INTO sending_hold (workflow_id, most, usual) VALUES ($1, 200, 40)", past.workflow_id
    )


async def statuses(database: Database) -> list[str]:
    rows = await database.pool.fetch("SELECT concat_ws(' ', status, reason_code) AS how FROM run ORDER BY id")
    return [row["how"] for row in rows]


async def test_sending_is_paused_with_a_reason_and_resumed(signed_in: Browser, past: Past) -> None:
    answer, body = await signed_in.get(PAGE)
    assert answer.status == 200
    assert "Sending is on" in body
    _, body = await signed_in.send(f"{PAGE}/pause", {"why": "wrong <text>"})
    assert "All sending is paused" in body
    assert "by Olivia Owner: wrong &lt;text&gt;" in body
    await past.run(status="waiting", waiting_for="sending", due_at=None, reason_code="sending-paused")
    _, body = await signed_in.get(PAGE)
    assert "1 run waits for it" in body
    _, body = await signed_in.send(f"{PAGE}/resume", {})
    assert "Sending is on" in body


async def test_held_invitations_are_let_go_by_one_button(
    signed_in: Browser, past: Past, database: Database
) -> None:
    await hold(past, 3)
    _, body = await signed_in.get(PAGE)
    assert "Ask &lt;everybody&gt;" in body
    assert "more than 200 invitations in an hour, when about 40 are usual" in body
    assert "Let them go" in body
    _, body = await signed_in.send(f"{PAGE}/{past.workflow_id}/release", {})
    assert "Nothing is held" in body
    assert await database.pool.fetchval("SELECT count(*) FROM sending_permit") == 3
    _, body = await signed_in.get("/settings/audit?kind=sending")
    assert "let go" in body
    assert "Invitations held: 3" in body


async def test_or_cancelled_by_another_and_deciding_twice_does_no_harm(
    signed_in: Browser, past: Past, database: Database
) -> None:
    await hold(past, 2)
    await signed_in.send(f"{PAGE}/{past.workflow_id}/cancel", {})
    answer, _ = await signed_in.send(f"{PAGE}/{past.workflow_id}/release", {})
    assert answer.status == 200
    assert await statuses(database) == ["cancelled held-invitation-cancelled"] * 2


@pytest.mark.parametrize("role", ["analyst", "api_user"])
async def test_other_roles_look_and_do_not_decide(
    open_browser: Callable[[], Browser], past: Past, database: Database, role: Role
) -> None:
    async with database.transaction() as connection:
        await add_person(connection, email="ann@example.org", name="Ann", role=role, password=PASSWORD)
    browser = open_browser()
    await browser.sign_in("ann@example.org")
    await hold(past, 1)
    _, body = await browser.get(PAGE)
    assert "Ask &lt;everybody&gt;" in body
    assert '<form method="post" action="/workflows/sending' not in body
    for path in ("pause", "resume", f"{past.workflow_id}/release", f"{past.workflow_id}/cancel"):
        answer, _ = await browser.send(f"{PAGE}/{path}", {})
        assert answer.status == 403
    assert await statuses(database) == ["waiting"]


async def test_a_run_of_a_workflow_in_test_says_so(
    signed_in: Browser, past: Past, database: Database
) -> None:
    run_id = await past.run()
    _, body = await signed_in.get(f"/workflows/runs/{run_id}")
    assert "in test" not in body
    await database.pool.execute(
        """UPDATE workflow_revision SET definition = definition || '{"brakes": {"in_test": true}}'"""
    )
    _, body = await signed_in.get(f"/workflows/runs/{run_id}")
    assert 'revision 1, <a href="/workflows/sending">in test</a>' in body


async def test_a_held_run_tells_what_it_waits_for(signed_in: Browser, past: Past) -> None:
    await hold(past, 1)
    _, body = await signed_in.get("/workflows/runs")
    assert "somebody lets it go" in body
    await past.run(status="waiting", waiting_for="sending", due_at=None)
    _, body = await signed_in.get("/workflows/runs")
    assert "sending is resumed" in body
