"""Task types on a page, each with a switch; one that is off is in no Workflow that is on."""

import pytest
import pytest_asyncio
from tests.fixtures.admin_pages import Browser

from afterword.accounts.secrets import SecretBox
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.tasks.planning import PlanningTasks
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.refusals import InvalidDefinition
from afterword.workflows.saving.workflows import Check, add_workflow, turn_on

EXTENSIONS = "/settings/extensions"
TELL = "send-json-event"


async def test_all_are_listed_on_with_their_package(signed_in: Browser) -> None:
    _, page = await signed_in.get(EXTENSIONS)
    assert 'id="gladly-timeline-event"' in page
    assert "afterword 0." in page
    assert ">Off<" not in page


@pytest_asyncio.fixture
async def check(database: Database, settings: Settings, box: SecretBox) -> Check:
    return check_on_saving(PlanningTasks(settings, database, box).types)


async def test_one_that_is_off_is_not_turned_on_in_a_workflow(
    signed_in: Browser, database: Database, check: Check, gladly_id: str, qualtrics_id: str
) -> None:
    configuration = {"gladly_account": gladly_id, "qualtrics_account": qualtrics_id}
    definition = Definition(ConversationClosed(gladly_id), (Task("T-1", TELL, "Tell", configuration),))
    async with database.transaction() as connection:
        workflow_id = await add_workflow(
            connection, name="Tell <it>", definition=definition, is_on=False, check=check
        )
    answer, page = await signed_in.send(f"{EXTENSIONS}/{TELL}", {"on": "no"})
    assert answer.status == 200
    assert page.count(">Off<") == 1
    with pytest.raises(InvalidDefinition, match="switched off under Settings"):
        async with database.transaction() as connection:
            await turn_on(connection, workflow_id, check=check)
    await signed_in.send(f"{EXTENSIONS}/{TELL}", {"on": "yes"})
    async with database.transaction() as connection:
        await turn_on(connection, workflow_id, check=check)
    answer, page = await signed_in.send(f"{EXTENSIONS}/{TELL}", {"on": "no"})
    assert answer.status == 422
    assert "is used by “Tell &lt;it&gt;”. Turn that Workflow off first" in page
    assert ">Off<" not in page


async def test_one_that_is_not_installed_has_no_switch(signed_in: Browser) -> None:
    answer, _ = await signed_in.send(f"{EXTENSIONS}/nothing", {"on": "no"})
    assert answer.status == 404
