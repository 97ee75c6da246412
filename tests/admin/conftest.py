"""The web interface, served over HTTP, with an owner who can sign in and runs to look at."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest_asyncio
from litestar import Litestar
from sqlalchemy import insert, select
from yarl import URL

from afterword.accounts.people import Person, add_person
from afterword.admin.routes import admin_routes
from afterword.settings import Settings
from afterword.store import tables
from afterword.store.database import Database
from afterword.web_errors import exception_handlers
from afterword.workflows.definitions import Definition, JsonEvent, Task, add_workflow

PASSWORD = "a long password for tests"


class Browser:
    """A browser without scripts: keeps cookies, fills in forms."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        self.http = http
        self.address = URL(address)

    async def get(self, address: str, *, follow: bool = True) -> tuple[aiohttp.ClientResponse, str]:
        async with self.http.get(address, allow_redirects=follow) as answer:
            return answer, await answer.text()

    async def send(
        self, address: str, form: dict[str, str], *, token: str | None = None, follow: bool = True
    ) -> tuple[aiohttp.ClientResponse, str]:
        token = await self.form_token() if token is None else token
        data = {"_csrf_token": token, **form}
        async with self.http.post(address, data=data, allow_redirects=follow) as answer:
            return answer, await answer.text()

    async def form_token(self) -> str:
        """The token that the forms of this browser carry."""
        _, page = await self.get("/workflows/runs")
        found = re.search(r'name="_csrf_token" value="([0-9a-f]+)"', page)
        assert found is not None
        return found[1]

    async def sign_in(
        self, email: str, password: str = PASSWORD, *, going_to: str = "", follow: bool = False
    ) -> tuple[aiohttp.ClientResponse, str]:
        form = {"email": email, "password": password, "next": going_to}
        return await self.send("/sign-in", form, follow=follow)

    def bring_session(self, session_id: str) -> None:
        """Show this id from now on."""
        self.http.cookie_jar.update_cookies({"afterword_session": session_id}, self.address)

    def session_cookie(self) -> str | None:
        return next((c.value for c in self.http.cookie_jar if c.key == "afterword_session"), None)


@pytest_asyncio.fixture
async def site(database: Database, serve: Callable[[Litestar], Awaitable[str]]) -> str:
    """The address of the web interface."""
    return await serve(
        Litestar(
            route_handlers=admin_routes(database, Settings.load({}), csrf_secret="a secret of the tests"),
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


TASKS = (Task("T1", "distribute-survey", "Distribute survey"), Task("T2", "other", "Tell <Gladly>"))
BODY = (
    '{"customerId":"C1","customerFirstName":"Ada","conversationId":"V1","note":"<script>alert(1)</script>"}'
)


class Past:
    """Puts what happened into the database."""

    def __init__(self, database: Database, workflow_id: str) -> None:
        self.database = database
        self.workflow_id = workflow_id

    async def event(self, body: str = BODY, **values: object) -> int:
        async with self.database.transaction() as connection:
            event_id = await connection.scalar(
                insert(tables.event)
                .values(
                    {
                        "origin": "json-event/E",
                        "type": "JSON Event",
                        "body": body,
                        "status": "matched",
                        **values,
                    }
                )
                .returning(tables.event.c.id)
            )
        return int(event_id or 0)

    async def run(self, event_id: int | None = None, **values: object) -> int:
        event_id = await self.event() if event_id is None else event_id
        async with self.database.transaction() as connection:
            run_id = await connection.scalar(
                insert(tables.run)
                .values({"workflow_id": self.workflow_id, "revision": 1, "event_id": event_id, **values})
                .returning(tables.run.c.id)
            )
        return int(run_id or 0)

    async def attempt(self, run_id: int, **values: object) -> None:
        async with self.database.transaction() as connection:
            moment = await connection.scalar(select(tables.run.c.started_at).where(tables.run.c.id == run_id))
            await connection.execute(
                insert(tables.task_attempt).values(
                    {
                        "run_id": run_id,
                        "position": 0,
                        "attempt": 1,
                        "status": "succeeded",
                        "input": {},
                        "output": {},
                        "started_at": moment,
                        "finished_at": moment,
                        **values,
                    }
                )
            )


@pytest_asyncio.fixture
async def past(database: Database) -> Past:
    async with database.transaction() as connection:
        workflow_id = await add_workflow(
            connection, name="Ask <everybody>", definition=Definition(JsonEvent("E"), TASKS)
        )
    return Past(database, workflow_id)
