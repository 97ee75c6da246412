"""The web interface with the pages that connect accounts, and accounts to look at."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from litestar import Litestar

from afterword.accounts.connected import add_gladly, add_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.admin.routes import admin_routes
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.tasks.planning import PlanningTasks
from afterword.web_errors import exception_handlers

GLADLY_TOKEN, QUALTRICS_TOKEN = "gladly-token-of-the-tests", "qualtrics-token-of-the-tests"
JSON_EVENT = "https://fra1.qualtrics.com/inbound-event/v1/events/json/triggers?urlTokenId=secret-of-the-tests"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"AFTERWORD_GLADLY_REQUESTS_PER_SECOND": "1000"}, data_dir=tmp_path)


@pytest.fixture
def box(settings: Settings) -> SecretBox:
    return SecretBox.open(settings)


@pytest_asyncio.fixture
async def site(
    database: Database, serve: Callable[[Litestar], Awaitable[str]], settings: Settings, box: SecretBox
) -> AsyncIterator[str]:
    """The address of the web interface."""
    planning = PlanningTasks(settings, database, box)
    routes = admin_routes(database, settings, csrf_secret="a secret of the tests", box=box, planning=planning)
    yield await serve(
        Litestar(
            route_handlers=routes,
            exception_handlers=exception_handlers,
            openapi_config=None,
            logging_config=None,
        )
    )
    await planning.close()


@pytest_asyncio.fixture
async def gladly_id(database: Database, box: SecretBox) -> str:
    """A Gladly account that nobody answers for."""
    async with database.transaction() as connection:
        account = await add_gladly(
            connection,
            box,
            name="Acme",
            base_url="http://127.0.0.1:1",
            username="api@acme.example",
            api_token=GLADLY_TOKEN,
            delivery="none",
        )
    return account.id


@pytest_asyncio.fixture
async def qualtrics_id(database: Database, box: SecretBox) -> str:
    """A Qualtrics account that nobody answers for."""
    async with database.transaction() as connection:
        account = await add_qualtrics(
            connection,
            box,
            name="Acme",
            base_url="http://127.0.0.1:1",
            api_token=QUALTRICS_TOKEN,
            json_event_url=JSON_EVENT,
        )
    return account.id
