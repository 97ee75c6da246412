"""The tasks' services: real database, the sandbox as Gladly and as mail server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.fixtures.sandbox import Sandbox

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.qualtrics_accounts import add_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.directory.contacts import add_mailing_list
from afterword.distributions.sending import Mailer
from afterword.eligibility.ledger import Ledger
from afterword.sending.checking import BrakesCheck
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database
from afterword.store.tables import metadata
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.tasks.services import Services

Everything = Callable[..., Awaitable[dict[str, Any]]]


class Ready(msgspec.Struct, frozen=True, eq=False):
    """What is set up: the ids of the guide's things."""

    services: Services
    gladly: str
    qualtrics: str
    survey: str
    mailing_list: str
    faulty_gladly: str
    box: SecretBox


@pytest_asyncio.fixture
async def ready(database: Database, sandbox: Sandbox, stand_in: Any, tmp_path: Path) -> AsyncIterator[Ready]:
    """Everything connected; JSON events go to the stand-in, and so do calls of the Gladly account that is faulty."""
    settings = Settings.load(
        {},
        data_dir=tmp_path,
        smtp_port=sandbox.smtp_port,
        smtp_security="none",
        public_url="http://afterword.example",
        mail_from="survey@afterword.example",
        allow_private_addresses=True,
        gladly_requests_per_second=1000,
        qualtrics_requests_per_minute=60000,
    )
    box = SecretBox.open(settings)
    async with database.transaction() as connection:
        gladly = await add_gladly(
            connection,
            box,
            name="Test",
            base_url=sandbox.url,
            username=sandbox.username,
            api_token=sandbox.api_token,
        )
        faulty = await add_gladly(
            connection,
            box,
            name="Faulty",
            base_url=stand_in.url,
            username="api.user@faulty.example",
            api_token="token-of-the-faulty",
        )
        qualtrics = await add_qualtrics(
            connection,
            box,
            name="Test",
            api_token="T" * 40,
            json_event_url=f"{stand_in.url}/inbound-event/v1/events/json/triggers?urlTokenId=secret",
        )
        survey = await add_survey(connection, name="CSAT", definition=csat_survey())
        mailing_list = await add_mailing_list(connection, name="Asked")
    accounts = ConnectedAccounts(database, box, RateBudget(database.pool), settings)
    services = Services(
        database, settings, accounts, Mailer(settings), Ledger(database), BrakesCheck(database, settings)
    )
    yield Ready(services, gladly.id, qualtrics.id, survey, mailing_list, faulty.id, box)
    await accounts.close()


@pytest.fixture
def everything(ready: Ready, sandbox: Sandbox, stand_in: Any) -> Everything:
    """``await everything(customer, …)``: what a rehearsal must leave as it is.

    Every row of our own tables, the mails, what came to the stand-in besides questions, and these customers' timelines.
    """

    async def look(*customers: str) -> dict[str, Any]:
        tables = [table.name for table in metadata.sorted_tables if table.name != "rate_budget"]
        pool = ready.services.database.pool
        rows = {name: await pool.fetch(f"SELECT * FROM {name} ORDER BY 1") for name in tables}  # noqa: S608
        mails = [mail["id"] for mail in sandbox.mails()]
        written = [
            request.method for request, _ in stand_in.requests if request.method not in {"GET", "HEAD"}
        ]
        timelines = {
            customer: sandbox.control("GET", f"customers/{customer}/timeline") for customer in customers
        }
        return {**rows, "mails": mails, "written": written, **timelines}

    return look
