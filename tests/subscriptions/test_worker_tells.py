"""A worker tells subscribers by itself."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.qualtrics_api import KEY, SHARED_KEY

from afterword.settings import Settings
from afterword.worker import Worker

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_worker_tells_of_a_response_and_tries_again(
    api: Any, subscriber: Any, eventually: Any, tmp_path: Path
) -> None:
    subscription_id = await api.subscribe(subscriber.url, sharedKey=SHARED_KEY)
    settings = Settings.load({}, data_dir=tmp_path, secret_key=KEY, retry_time_scale=0.01)
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(settings, api.afterword.database, api.box).run(stop))
    subscriber.status = 503
    await api.respond()
    await eventually(lambda: len(subscriber.told) == 2)
    subscriber.status = 200
    await eventually(api.untold_nothing)
    stop.set()
    await working
    assert subscriber.told[-1] == subscriber.told[0]
    assert (await api.get(f"/eventsubscriptions/{subscription_id}"))["successfulCalls"] == 1
