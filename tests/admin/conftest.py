"""The web interface, served over HTTP, with an owner who can sign in and runs to look at."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
import pytest_asyncio
from litestar import Litestar
from tests.fixtures.admin_pages import PASSWORD, TASKS, Browser, Past

from afterword.accounts.people import Person, add_person
from afterword.accounts.secrets import SecretBox
from afterword.admin.routes import admin_routes
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.web_errors import exception_handlers
from afterword.workflows.definitions import Definition, JsonEvent
from afterword.workflows.saving.workflows import add_workflow

KEY = "a key for the tests, long enough to be one"


@pytest.fixture
def site_settings() -> Settings:
    """The installation's settings; a test overrides this fixture, or asks for it by parameters."""
    return Settings.load({})


@pytest_asyncio.fixture
async def site(
    database: Database, site_settings: Settings, serve: Callable[[Litestar], Awaitable[str]]
) -> str:
    """The address of the web interface."""
    return await serve(
        Litestar(
            route_handlers=admin_routes(
                database, site_settings, csrf_secret="a secret of the tests", box=SecretBox([KEY])
            ),
            exception_handlers=exception_handlers,
            openapi_config=None,
            logging_config=None,
        )
    )


@pytest_asyncio.fixture
async def open_browser(site: str) -> AsyncIterator[Callable[[], Browser]]:
    """Each call opens a browser of its own."""
    sessions: list[aiohttp.ClientSession] = []

    def open_one() -> Browser:
        sessions.append(aiohttp.ClientSession(site, cookie_jar=aiohttp.CookieJar(unsafe=True)))
        return Browser(sessions[-1], site)

    yield open_one
    for session in sessions:
        await session.close()


@pytest_asyncio.fixture
async def owner(database: Database) -> Person:
    async with database.transaction() as connection:
        return await add_person(
            connection, email="olivia@example.org", name="Olivia Owner", role="owner", password=PASSWORD
        )


@pytest_asyncio.fixture
async def browser(open_browser: Callable[[], Browser]) -> Browser:
    """A browser in which nobody is signed in."""
    return open_browser()


@pytest_asyncio.fixture
async def signed_in(browser: Browser, owner: Person) -> Browser:
    """A browser in which the owner is signed in."""
    answer, _ = await browser.sign_in(owner.email)
    assert answer.status == 303
    return browser


@pytest_asyncio.fixture
async def past(database: Database) -> Past:
    async with database.transaction() as connection:
        workflow_id = await add_workflow(
            connection, name="Ask <everybody>", definition=Definition(JsonEvent("E"), TASKS)
        )
    return Past(database, workflow_id)
