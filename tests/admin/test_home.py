"""Home: how asking goes, what waits, what needs somebody, and how each connection is; for each role what it may see."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser, Past

from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.people import Person, Role, add_person
from afterword.accounts.secrets import SecretBox
from afterword.accounts.standing_store import credentials_of
from afterword.sending.brakes import Brakes
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.workflows.definitions import ConversationClosed, Definition, Task
from afterword.workflows.running.problems import COUNT
from afterword.workflows.saving.workflows import add_workflow, save_revision

KEY = "one key of the tests that is long enough"
ROLES: dict[Role, tuple[bool, bool, bool]] = {
    "owner": (True, True, True),
    "administrator": (True, True, True),
    "manager": (True, True, False),
    "analyst": (False, False, False),
    "api_user": (False, False, False),
}
"""Who reads comments, who decides, who sets up."""


async def answered(database: Database, score: int, comment: str) -> None:
    async with database.transaction() as connection:
        survey_id = await add_survey(connection, name="CSAT", definition=csat_survey())
    await database.pool.execute(
        "INSERT INTO response (id, survey_id, score, answers) "
        "VALUES ('R_1', $1, $2, jsonb_build_object('QID1', $2::int, 'QID2_TEXT', $3::text))",
        survey_id,
        score,
        comment,
    )


async def connect(database: Database) -> str:
    box = SecretBox.open(Settings.load({}, secret_key=KEY))
    async with database.transaction() as connection:
        account = await add_gladly(
            connection,
            box,
            name="Acme",
            base_url="https://acme.gladly.com",
            username="a@b.example",
            api_token="t",
        )
    return account.id


async def test_where_nothing_is_set_up_it_leads_to_the_set_up(signed_in: Browser) -> None:
    answer, body = await signed_in.get("/")
    assert answer.status == 200
    assert 'href="/setup">Set Afterword up</a>' in body
    assert "Nothing failed that stands open." in body
    assert "Nothing waits." in body
    assert "nothing to compare with yet" in body


async def test_until_customers_are_asked_it_leads_back_to_the_set_up(
    signed_in: Browser, database: Database
) -> None:
    account_id = await connect(database)
    _, body = await signed_in.get("/")
    assert 'href="/setup">Go on with the set-up</a>' in body
    tasks = (Task("T-1", "send-json-event", "Ask", {}),)
    in_test = Definition(ConversationClosed(account_id), tasks, brakes=Brakes(in_test=True))
    async with database.transaction() as connection:
        workflow_id = await add_workflow(connection, name="Ask", definition=in_test)
    _, body = await signed_in.get("/")
    assert "Nobody is asked yet" in body
    async with database.transaction() as connection:
        await save_revision(
            connection,
            workflow_id,
            Definition(in_test.event, tasks),
            person_id=None,
            expected_revision=1,
            check=None,
        )
    _, body = await signed_in.get("/")
    assert "Nobody is asked yet" not in body


@pytest.mark.parametrize("role", list(ROLES))
async def test_each_role_is_shown_what_it_may_see_and_do(
    open_browser: Callable[[], Browser], past: Past, database: Database, role: Role
) -> None:
    reads, decides, sets_up = ROLES[role]
    async with database.transaction() as connection:
        await add_person(connection, email="r@example.org", name="R", role=role, password=PASSWORD)
    await answered(database, 5, "Quick & <kind>")
    async with database.pool.acquire() as connection:
        await connection.fetch(COUNT, [past.workflow_id], ["T1"], ["mail-refused"], ["it is refused"], [3])
    browser = open_browser()
    await browser.sign_in("r@example.org")
    _, body = await browser.get("/")
    assert ("Quick &amp; &lt;kind&gt;" in body) is reads
    assert ("are not shown to your role" in body) is not reads
    assert "It is refused" in body
    assert ('action="/workflows/replays"' in body) is decides
    assert ('action="/workflows/sending/pause"' in body) is decides
    assert ('href="/setup"' in body) is sets_up


async def test_a_connection_that_is_broken_needs_somebody(signed_in: Browser, database: Database) -> None:
    account_id = await connect(database)
    _, body = await signed_in.get("/")
    assert "Nothing failed that stands open." in body
    async with database.transaction() as connection:
        credentials = await credentials_of(connection, account_id)
    await database.pool.execute(
        "INSERT INTO account_availability (account_id, state, credentials, since) VALUES ($1, 'refused', $2, now())",
        account_id,
        credentials,
    )
    _, body = await signed_in.get("/")
    needs = body.partition('id="needs"')[2].partition("</section>")[0]
    assert "Acme: refuses the token" in needs
    assert f'href="/settings/accounts/{account_id}">See to it' in needs


async def test_figures_are_of_the_period_that_is_chosen(signed_in: Browser, database: Database) -> None:
    await answered(database, 4, "Said elsewhere")
    _, body = await signed_in.get("/")
    assert "100 %" in body
    assert ", imported</small>" not in body
    await database.pool.execute("UPDATE response SET kind = 'imported'")
    _, body = await signed_in.get("/")
    assert ", imported</small>" in body, "what Afterword did not ask for is marked"
    assert "21 % to 100 % with 95 % certainty, of 1" in body
    await database.pool.execute("UPDATE response SET recorded_at = recorded_at - interval '3 days'")
    _, body = await signed_in.get("/")
    assert "with 95 % certainty" not in body
    _, body = await signed_in.get("/?days=7")
    assert "with 95 % certainty, of 1" in body
    answer, _ = await signed_in.get("/?days=nonsense")
    assert answer.status == 200


async def test_it_tells_what_waits_and_for_what(signed_in: Browser, past: Past, database: Database) -> None:
    account_id = await connect(database)
    await past.event(status="received")
    await past.run(status="waiting", due_at=datetime.now(UTC))
    for _ in range(2):
        await past.run(status="waiting", due_at=None, waiting_for=f"account/{account_id}")
    await past.run(status="waiting", due_at=None, waiting_for="account/GA_gone")
    await past.run(status="waiting", due_at=None, waiting_for="sending")
    _, body = await signed_in.get("/")
    assert "<b>1</b> event in the inbox" in body
    assert "<b>1</b> until a time" in body
    assert "<b>2</b> until Acme works again" in body
    assert "<b>1</b> until a connected account works again" in body
    assert "until sending is resumed" in body


async def test_each_connection_tells_how_it_is(signed_in: Browser, database: Database) -> None:
    account_id = await connect(database)
    _, body = await signed_in.get("/")
    assert "Webhook not looked at yet" in body
    await database.pool.execute(
        "INSERT INTO gladly_webhook (account_id, state, since, reason_code, reason_words) "
        "VALUES ($1, 'off', now(), 'webhook-deleted', 'it was deleted in Gladly')",
        account_id,
    )
    _, body = await signed_in.get("/")
    assert "Webhook off: it was deleted in Gladly" in body
    assert '<span class="badge bad">Broken</span>' in body


async def test_sending_is_paused_and_resumed_from_here(signed_in: Browser, owner: Person) -> None:
    await signed_in.send("/workflows/sending/pause", {"why": "a <mistake>"})
    _, body = await signed_in.get("/")
    assert "All sending is paused" in body
    assert f"by {owner.name}: a &lt;mistake&gt;" in body
    await signed_in.send("/workflows/sending/resume", {})
    _, body = await signed_in.get("/")
    assert "All sending is paused" not in body
