"""A worker is killed between any two steps of sending a survey: each is sent once and none is lost."""

import signal

import pytest
from tests.conftest import Eventually
from tests.faults.conftest import Installation
from tests.faults.dying_worker import MOMENTS

CUSTOMERS = 12


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_when(installation: Installation, eventually: Eventually, moment: str) -> None:
    await installation.survey_workflow()
    people = installation.people(CUSTOMERS)
    await installation.ask(people)
    dying = installation.worker_that_dies(moment)
    await eventually(lambda: dying.poll() is not None)
    assert dying.returncode == -signal.SIGKILL

    async def all_succeeded() -> bool:
        return await installation.statuses() == {"succeeded": CUSTOMERS}

    async with installation.worker_here():
        await eventually(all_succeeded)
    assert sorted(address for address, _ in installation.message_ids()) == sorted(people)
    done = await installation.database.pool.fetch(
        "SELECT run_id, array_agg(position ORDER BY position) AS done FROM task_attempt "
        "WHERE status = 'succeeded' GROUP BY 1"
    )
    assert [row["done"] for row in done] == [[0, 1]] * CUSTOMERS
    counts = await installation.database.pool.fetchrow(
        "SELECT (SELECT count(*) FROM invitation), (SELECT count(*) FROM contact), "
        "(SELECT count(*) FROM mailing_list_contact)"
    )
    assert counts is not None
    assert tuple(counts) == (CUSTOMERS, CUSTOMERS, 2 * CUSTOMERS)
