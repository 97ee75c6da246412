"""Many closings at once while Gladly is in trouble: all reach their outcome, and nothing is done twice.

Here the limit is a hundred times Gladly's, waits between attempts are a thousandth of ours (a hundredth still makes the
unluckiest wait for a minute), and there are as many closings as take a few seconds. ``bench/full/storm.py`` has a
thousand, with the real limit and the real waits.
"""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Eventually
from tests.faults.whole_way import WHOLE, make_haste, whole_way
from tests.fixtures.sandbox import Sandbox

CLOSINGS = 80
ERRORS, HANG_UPS = 0.20, 0.05


@pytest.mark.timeout(180)
async def test_many_closings_while_gladly_errs_and_hangs_up_after_doing_the_work(
    start_afterword: Any,
    sandbox: Sandbox,
    tmp_path: Path,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_haste(monkeypatch)
    async with whole_way(
        start_afterword,
        sandbox,
        tmp_path,
        f"{uuid.uuid4().hex}.example",
        gladly_requests_per_second=1000,
        retry_time_scale=0.001,
    ) as way:
        people = [f"p{number}" for number in range(CLOSINGS)]
        await way.know(people)
        with (
            sandbox.fault("answer", status=503, probability=ERRORS, seed=1) as errors,
            sandbox.fault("drop", when="after", probability=HANG_UPS, seed=2) as hang_ups,
        ):
            await way.close()
            async with way.working():
                await eventually(way.is_settled, within=90)
                await way.answer()
                await eventually(way.is_settled, within=90)
            struck = await asyncio.to_thread(lambda: (errors(), hang_ups()))
        assert min(struck) > 0
        assert await way.outcomes() == dict.fromkeys(people, WHOLE)
        too_many = await way.database.pool.fetchval(
            "SELECT count(*) FROM task_attempt WHERE reason_code = 'gladly-rate-limited'"
        )
        assert too_many == 0
