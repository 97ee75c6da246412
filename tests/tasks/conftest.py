"""The tasks' services: real database, the sandbox as Gladly and as mail server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
from tests.fixtures.sandbox import Sandbox

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.connected import WebhookCredentials, add_gladly, add_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.directory.contacts import add_mailing_list
from afterword.distributions.sending import Mailer
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.tasks.services import Services


class Ready(msgspec.Struct, frozen=True, eq=False):
    """What is set up: the ids of the guide's things."""

    services: Services
    gladly: str
    qualtrics: str
    survey: str
    mailing_list: str


@pytest_asyncio.fixture
async def ready(database: Database, sandbox: Sandbox, stand_in: Any, tmp_path: Path) -> AsyncIterator[Ready]:
    """Everything connected; JSON events go to the stand-in."""
    settings = Settings.load(
        {},
        data_dir=tmp_path,
        smtp_port=sandbox.smtp_port,
        smtp_security="none",
        public_url="http://afterword.example",
        mail_from="survey@afterword.example",
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
            webhook=WebhookCredentials(username="u", password="p"),
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
    services = Services(database, settings, accounts, Mailer(settings))
    yield Ready(services, gladly.id, qualtrics.id, survey, mailing_list)
    await accounts.close()
