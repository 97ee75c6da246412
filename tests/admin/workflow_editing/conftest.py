"""The web interface with the task types that there are, and a Workflow to edit."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from litestar import Litestar
from tests.fixtures.admin_pages import Browser
from tests.fixtures.workflow_forms import EMAIL, Editor, Ids

from afterword.accounts.people import Person
from afterword.accounts.secrets import SecretBox
from afterword.admin.routes import admin_routes
from afterword.directory.contacts import add_mailing_list
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.tasks.planning import PlanningTasks
from afterword.web_errors import exception_handlers
from afterword.workflows.definitions import Definition, JsonEvent, JsonField, Task
from afterword.workflows.saving.workflows import add_workflow


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    return SecretBox.open(Settings.load({}, data_dir=tmp_path))


@pytest_asyncio.fixture
async def site(
    database: Database, serve: Callable[[Litestar], Awaitable[str]], tmp_path: Path, box: SecretBox
) -> AsyncIterator[str]:
    """The address of the web interface, with the task types that there are."""
    settings = Settings.load({"AFTERWORD_GLADLY_REQUESTS_PER_SECOND": "1000"}, data_dir=tmp_path)
    planning = PlanningTasks(settings, database, box)
    routes = admin_routes(database, settings, csrf_secret="a secret of the tests", box=box, planning=planning)
    app = Litestar(
        route_handlers=routes, exception_handlers=exception_handlers, openapi_config=None, logging_config=None
    )
    yield await serve(app)
    await planning.close()


@pytest_asyncio.fixture
async def ids(database: Database, owner: Person) -> Ids:
    """A survey, a mailing list, and a Workflow that is off and distributes the one to the other."""
    async with database.transaction() as connection:
        survey = await add_survey(connection, name="CSAT <1>", definition=csat_survey())
        mailing_list = await add_mailing_list(connection, name="Customers")
        definition = Definition(
            JsonEvent(
                "E1",
                tuple(
                    JsonField(name, f"$.{name}") for name in ("customerId", "customerEmailAddress", "inboxId")
                ),
            ),
            (
                Task(
                    "T-1",
                    "distribute-survey",
                    "Ask",
                    {"mailing_list": mailing_list, "email": EMAIL, "survey": survey},
                ),
            ),
        )
        workflow = await add_workflow(
            connection, name="Ask <all>", definition=definition, is_on=False, owner_id=owner.id
        )
    return {"survey": survey, "list": mailing_list, "workflow": workflow}


@pytest_asyncio.fixture
async def editor(signed_in: Browser, database: Database, ids: Ids) -> Editor:
    return await Editor(signed_in, database, ids["workflow"]).open()
