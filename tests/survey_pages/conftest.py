"""The respondent's pages, served over HTTP, and invitations to open."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest_asyncio
from litestar import Litestar
from sqlalchemy import func, select, update

from afterword.directory.contacts import add_mailing_list, add_to_list
from afterword.distributions.invitations import Invitation, Letter, invite
from afterword.settings import Settings
from afterword.store import tables
from afterword.store.database import Database
from afterword.survey_pages.routes import survey_page_routes
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.web_errors import exception_handlers


class Respondents:
    """The pages as a browser without scripts sees them, and what they leave in the database."""

    def __init__(self, database: Database, http: aiohttp.ClientSession, survey_id: str, list_id: str) -> None:
        self.database = database
        self.http = http
        self.survey_id = survey_id
        self.list_id = list_id

    async def invite(
        self, email: str = "ada@example.org", embedded_data: dict[str, str] | None = None
    ) -> Invitation:
        async with self.database.transaction() as connection:
            listed = await add_to_list(
                connection, self.list_id, email=email, first_name="Ada", last_name="Lovelace"
            )
            invitation, _ = await invite(
                connection,
                key=email,
                survey_id=self.survey_id,
                mailing_list_id=self.list_id,
                listed=listed,
                letter=Letter("Acme", "How did we do?", "Hi"),
                embedded_data=embedded_data or {},
                fields={},
                delay_seconds=0,
            )
        return invitation

    def link(self, invitation: Invitation, **more: str) -> str:
        query = "".join(f"&{name}={value}" for name, value in more.items())
        return f"/jfe/form/{self.survey_id}?Q_DL={invitation.link_token}&Q_CHL=email{query}"

    async def responses(self) -> list[dict[str, Any]]:
        async with self.database.transaction() as connection:
            rows = await connection.execute(select(tables.response))
            return [dict(row) for row in rows.mappings()]

    async def event_count(self) -> int:
        async with self.database.transaction() as connection:
            return int(await connection.scalar(select(func.count()).select_from(tables.event)) or 0)

    async def close_survey(self) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(update(tables.survey).values(is_active=False))

    async def has_opted_out(self, invitation: Invitation) -> bool:
        async with self.database.transaction() as connection:
            moment = await connection.scalar(
                select(tables.contact.c.opted_out_at).where(tables.contact.c.id == invitation.contact_id)
            )
        return moment is not None


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
