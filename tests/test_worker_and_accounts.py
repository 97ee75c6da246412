"""A worker and a vendor over HTTP: down for a while, or refusing the token, with two hundred runs that need it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from tests.conftest import Eventually, StandIn
from tests.fixtures.workers import at_work

from afterword.accounts.gladly_accounts import GladlyAccount, add_gladly, change_gladly
from afterword.accounts.secrets import SecretBox
from afterword.accounts.standing import Policy
from afterword.alerts.recording import list_alerts
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.worker import Worker
from afterword.workflows.definitions import Definition, JsonEvent, JsonField, Task
from afterword.workflows.saving.workflows import add_workflow

RUNS = 200
A_SECOND = 50
SOON = Policy(first_probe=0.5, longest_pause_down=1.0, longest_pause_refused=1.0)


class Vendor:
    """Gladly's stand-in that can be down, or refuse a token; it remembers what it was asked and what it did."""

    def __init__(self, stand_in: StandIn) -> None:
        self.is_down = False
        self.token = "first-token"
        self.asked: list[float] = []
        self.done: list[tuple[float, str]] = []
        self.under_way = 0
        self.most_under_way = 0
        stand_in.answers.append(self.answer)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(time.monotonic())
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(0)
            return self._answer(request)
        finally:
            self.under_way -= 1

    def _answer(self, request: web.Request) -> web.Response:
        if self.is_down:
            return web.Response(status=503)
        if aiohttp.BasicAuth.decode(request.headers["Authorization"]).password != self.token:
            return web.Response(status=401)
        if request.method == "GET":
            return web.json_response([{"id": "t1", "name": "Refund"}])
        self.done.append((time.monotonic(), request.path))
        return web.Response(status=204)


class Scene:
    def __init__(self, database: Database, settings: Settings, account: GladlyAccount) -> None:
        self.database = database
        self.settings = settings
        self.box = SecretBox.open(settings)
        self.account = account

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        worker = Worker(self.settings, self.database, self.box)
        worker._accounts.availability.policy = SOON
        async with at_work(worker):
            yield

    async def make_events(self) -> None:
        await self.database.pool.execute(
            "INSERT INTO event (origin, type, body) SELECT 'json-event/OC_1', 'JSON Event', "
            "jsonb_build_object('conversationId', 'conv' || n)::text FROM generate_series(1, $1) AS n",
            RUNS,
        )

    async def counts(self) -> Counter[str]:
        rows = await self.database.pool.fetch(
            "SELECT status || CASE WHEN waiting_for IS NULL THEN '' ELSE ', held' END AS how, count(*) AS runs "
            "FROM run GROUP BY 1"
        )
        return Counter({row["how"]: row["runs"] for row in rows})

    async def all_are(self, how: str) -> bool:
        return await self.counts() == {how: RUNS}

    async def all_wait(self) -> bool:
        """Held, but for one that may be probing."""
        return (await self.counts())["waiting, held"] >= RUNS - 1


@pytest_asyncio.fixture
async def scene(database: Database, stand_in: StandIn, tmp_path: Path) -> Scene:
    settings = Settings.load({}, data_dir=tmp_path, gladly_requests_per_second=A_SECOND, retry_time_scale=0.1)
    async with database.transaction() as connection:
        account = await add_gladly(
            connection,
            SecretBox.open(settings),
            name="Support",
            base_url=stand_in.url,
            username="api",
            api_token="first-token",
            delivery="none",
        )
        fields = (JsonField("conversationId", "$.conversationId"),)
        configuration = {
            "account": account.id,
            "conversation_id": "~{aedj://conversationId}",
            "topics": ["Refund"],
        }
        definition = Definition(
            JsonEvent("OC_1", fields), (Task("T-1", "gladly-add-topics", "Topics", configuration),)
        )
        await add_workflow(connection, name="Test", definition=definition)
    return Scene(database, settings, account)


@pytest.fixture
def vendor(stand_in: StandIn) -> Vendor:
    return Vendor(stand_in)


def keep_the_limit(moments: list[float]) -> bool:
    """Whether calls that were all due at once took as long as the limit has them take.

    Not each second is looked at: on a busy machine calls that were granted one after the other arrive together. The
    first few are left out, of which one was a probe, long before the others.
    """
    together = sorted(moments)[10:]
    return together[-1] - together[0] >= (len(together) - 1) / A_SECOND - 1.0


async def test_while_a_vendor_is_down_all_runs_wait_and_then_each_is_done_once_within_the_limit(
    scene: Scene, vendor: Vendor, eventually: Eventually
) -> None:
    vendor.is_down = True
    await scene.make_events()
    async with scene.working():
        await eventually(scene.all_wait, within=40)
        used = await scene.database.pool.fetchval("SELECT max(attempt) FROM run")
        assert used <= 4
        asked, probes = len(vendor.asked), 3
        vendor.most_under_way = 0
        await eventually(lambda: len(vendor.asked) >= asked + probes, within=40)
        assert vendor.most_under_way == 1
        began, ended = vendor.asked[asked], vendor.asked[asked + probes - 1]
        assert ended - began >= (probes - 1) * 0.5 * 0.8
        assert await scene.all_wait()
        assert await scene.database.pool.fetchval("SELECT max(attempt) FROM run") == used
        vendor.is_down = False
        await eventually(lambda: scene.all_are("succeeded"), within=60)
    assert Counter(path for _, path in vendor.done) == {
        f"/api/v1/conversations/conv{n}/topics": 1 for n in range(1, RUNS + 1)
    }
    assert keep_the_limit([at for at, _ in vendor.done])


async def test_a_refused_token_fails_no_run_alerts_once_and_with_another_all_go_on(
    scene: Scene, vendor: Vendor, eventually: Eventually
) -> None:
    vendor.token = "second-token"
    await scene.make_events()
    async with scene.working():
        await eventually(scene.all_wait, within=40)
        assert len(vendor.asked) <= scene.settings.worker_concurrency + 20
        assert await scene.database.pool.fetchval("SELECT max(attempt) FROM run") == 0
        async with scene.database.transaction() as connection:
            await change_gladly(connection, scene.box, scene.account.id, api_token="second-token")
        await eventually(lambda: scene.all_are("succeeded"), within=60)
    assert len(vendor.done) == len({path for _, path in vendor.done}) == RUNS
    async with scene.database.pool.acquire() as connection:
        alerts = [(alert.kind, alert.count) for alert in await list_alerts(connection)]
    assert alerts == [("token-refused", 1)]
