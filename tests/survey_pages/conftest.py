"""The respondent's pages, served over HTTP, and invitations to open."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest_asyncio
from litestar import Litestar
from tests.fixtures.respondents import Respondents

from afterword.directory.contacts import add_mailing_list
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.survey_pages.routes import survey_page_routes
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.web_errors import exception_handlers


@pytest_asyncio.fixture
async def respondents(
    database: Database, serve: Callable[[Litestar], Awaitable[str]]
) -> AsyncIterator[Respondents]:
    async with database.transaction() as connection:
        survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
        list_id = await add_mailing_list(connection, name="Customers")
    address = await serve(
        Litestar(
            route_handlers=survey_page_routes(database, Settings.load({})),
            exception_handlers=exception_handlers,
            openapi_config=None,
            logging_config=None,
        )
    )
    async with aiohttp.ClientSession(address) as http:
        yield Respondents(database, http, survey_id, list_id)
