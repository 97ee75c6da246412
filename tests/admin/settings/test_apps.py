"""*Add App: Qualtrics*, by the two fields of the vendors' guide."""

from tests.conftest import StandIn
from tests.fixtures.admin_pages import Browser

from afterword.accounts.connected import list_accounts
from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.secrets import SecretBox
from afterword.store.database import Database
from afterword.workflows.definitions import ConversationClosed
from afterword.workflows.saving.listing import list_workflows

APPS = "/settings/apps"
ADD = f"{APPS}/add/qualtrics"
WHOAMI = (
    '{"result": {"brandId": "acme", "userId": "UR_1", "userName": "api", "accountType": "UT_BRANDADMIN"}}'
)


def endpoint(stand_in: StandIn) -> str:
    return f"{stand_in.url}/inbound-event/v1/events/json/triggers?urlTokenId=abc"


async def test_without_gladly_the_page_says_what_to_do_first(signed_in: Browser) -> None:
    _, page = await signed_in.get(APPS)
    assert "Connect Gladly first" in page


async def test_two_fields_make_the_account_and_the_workflow(
    signed_in: Browser, database: Database, stand_in: StandIn, gladly_id: str
) -> None:
    _, page = await signed_in.get(APPS)
    assert "No app yet" in page
    answer, page = await signed_in.send(ADD, {"api_token": "t", "json_event_url": "nonsense"})
    assert answer.status == 422
    assert 'id="error-json_event_url"' in page
    stand_in.answer(401, '{"meta": {"httpStatus": "401 - Unauthorized"}}')
    stand_in.answer(200, WHOAMI, Content_Type="application/json")
    form = {"api_token": "t", "json_event_url": endpoint(stand_in)}
    answer, page = await signed_in.send(ADD, form)
    assert answer.status == 422
    assert 'id="error-api_token"' in page
    answer, page = await signed_in.send(ADD, form)
    assert answer.url.path == APPS
    assert "Gladly Qualtrics App: tell that a conversation was closed" in page
    async with database.transaction() as connection:
        (workflow,) = await list_workflows(connection)
        kinds = [one.kind for one in await list_accounts(connection)]
    assert workflow.is_on
    assert workflow.definition.event == ConversationClosed(gladly_id)
    assert kinds == ["gladly", "qualtrics"]
    answer, page = await signed_in.send(ADD, form)
    assert answer.status == 422
    assert "The app is there already" in page


async def test_with_two_gladly_accounts_it_asks_which(
    signed_in: Browser, database: Database, box: SecretBox, stand_in: StandIn, gladly_id: str
) -> None:
    async with database.transaction() as connection:
        await add_gladly(
            connection, box, name="Other", base_url="http://127.0.0.1:2", username="u", api_token="t"
        )
    stand_in.answer(200, WHOAMI, Content_Type="application/json")
    form = {"api_token": "t", "json_event_url": endpoint(stand_in)}
    answer, page = await signed_in.send(ADD, form)
    assert answer.status == 422
    assert "Choose the Gladly account." in page
    answer, page = await signed_in.send(ADD, form | {"gladly_account": gladly_id})
    assert answer.url.path == APPS
