"""The guide's set-up, put in: accounts, survey, mailing list, three workflows. Doing it again changes nothing."""

import asyncio
import sys
from urllib.parse import urlencode

import aiohttp
import msgspec
import stamina
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.api_tokens import add_api_token
from afterword.accounts.connected import find_by_name
from afterword.accounts.connecting import Connector
from afterword.accounts.gladly_accounts import add_gladly, change_gladly, get_gladly
from afterword.accounts.people import add_person, add_service_account
from afterword.accounts.qualtrics_accounts import add_qualtrics, move_qualtrics
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.demo.credentials import GLADLY_USERNAME, OWNER_EMAIL, Credentials, credentials_of
from afterword.demo.seeded import Seeded
from afterword.directory.contacts import add_mailing_list
from afterword.gladly.webhooks import BasicCredentials, WebhookCredentials
from afterword.log import configure_logging
from afterword.outcomes import ConfigurationError
from afterword.settings import Settings
from afterword.store import tables
from afterword.store.database import Database
from afterword.store.identifiers import derived_id
from afterword.store.migrations import migrate
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.webhook_keeping.keeping import WebhookKeeping
from afterword.workflows.saving.guide import (
    APP_EMAIL,
    APP_NAME,
    MAILING_LIST_NAME,
    SURVEY_NAME,
    OwnService,
    make_guide,
)
from afterword.workflows.starting.endpoints import add_endpoint

ACCOUNT = "Demo"
WEB_STARTS_WITHIN_SECONDS = 30.0
ENDPOINT_ID = derived_id("OC", "demo endpoint")


class Addresses(msgspec.Struct, frozen=True):
    """Where the demo's parts are; its ports may differ from one start to the next."""

    afterword: str
    gladly: str


async def seed(database: Database, box: SecretBox, credentials: Credentials, addresses: Addresses) -> Seeded:
    """Put the set-up in, or bring its addresses up to date, in one transaction."""
    query = urlencode({"urlTokenId": credentials.url_token_id})
    json_event_url = f"{addresses.afterword}/inbound-event/v1/events/json/triggers?{query}"
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        account = await find_by_name(connection, "gladly", ACCOUNT)
        qualtrics = await find_by_name(connection, "qualtrics", ACCOUNT)
        if account is not None and qualtrics is not None:
            await change_gladly(connection, box, account.id, base_url=addresses.gladly, delivery="own")
            await move_qualtrics(connection, box, qualtrics.id, json_event_url)
            survey_id = await connection.scalar(
                select(tables.survey.c.id).where(tables.survey.c.name == SURVEY_NAME).limit(1)
            )
            return Seeded(account.id, str(survey_id), json_event_url)
        return await _first(connection, box, credentials, addresses, json_event_url)


async def _first(
    connection: AsyncConnection,
    box: SecretBox,
    credentials: Credentials,
    addresses: Addresses,
    json_event_url: str,
) -> Seeded:
    owner = await add_person(
        connection,
        email=OWNER_EMAIL,
        name="Olive Owner",
        role="owner",
        password=credentials.owner_password,
    )
    # Programs that try the demo subscribe to events with this token, which takes an administrator's.
    app = await add_service_account(connection, email=APP_EMAIL, name=APP_NAME, role="administrator")
    await add_api_token(connection, app.id, APP_NAME, token=credentials.qualtrics_api_token)
    gladly = await add_gladly(
        connection,
        box,
        name=ACCOUNT,
        base_url=addresses.gladly,
        username=GLADLY_USERNAME,
        api_token=credentials.gladly_api_token,
        webhook=WebhookCredentials(
            (BasicCredentials(credentials.webhook_username, credentials.webhook_password),)
        ),
    )
    qualtrics = await add_qualtrics(
        connection,
        box,
        name=ACCOUNT,
        api_token=credentials.qualtrics_api_token,
        json_event_url=json_event_url,
    )
    await add_endpoint(
        connection, box, endpoint_id=ENDPOINT_ID, person_id=app.id, url_token=credentials.url_token_id
    )
    survey_id = await add_survey(connection, name=SURVEY_NAME, definition=csat_survey(), owner_id=owner.id)
    await add_mailing_list(connection, name=MAILING_LIST_NAME)
    await make_guide(
        connection,
        gladly_account_id=gladly.id,
        own=OwnService(account_id=qualtrics.id, endpoint_id=ENDPOINT_ID),
        is_on=True,
        at_once=True,
    )
    return Seeded(gladly.id, survey_id, json_event_url)


async def _keep_webhook(settings: Settings, database: Database, box: SecretBox, account_id: str) -> None:
    """Have Gladly tell us of closings: one webhook, however often the demo starts."""
    async with database.transaction() as connection:
        account = await get_gladly(connection, box, account_id)
    if account is None:
        raise ConfigurationError("The demo's Gladly account is gone.")
    async with Connector(settings, database, box).gladly_client(account) as client:
        known = await WebhookKeeping(database, box, public_url=settings.public_url).keep(account_id, client)
    if known is None or known.state != "works":
        raise ConfigurationError(f"The webhook does not work: {known and known.because}")


@stamina.retry(
    on=(aiohttp.ClientError, OSError),
    attempts=None,
    timeout=WEB_STARTS_WITHIN_SECONDS,
    wait_initial=0.02,
    wait_max=0.1,
    wait_jitter=0.02,
)
async def _until_it_answers(address: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        answer.raise_for_status()


async def _main(sandbox_url: str) -> None:
    settings = Settings.load()
    configure_logging("warning")
    url = str(settings.database_url)
    await migrate(url)
    database = await Database.connect(url, name="afterword demo", pool_size=2)
    box = SecretBox.open(settings)
    credentials = credentials_of(settings.data_dir)
    seeded = await seed(database, box, credentials, Addresses(settings.public_url, sandbox_url))
    await _until_it_answers(f"{settings.public_url}/health")
    await _until_it_answers(f"{sandbox_url}/_sandbox/health")
    await _keep_webhook(settings, database, box, seeded.gladly_account_id)
    await database.close()
    sys.stdout.write(msgspec.json.encode(seeded).decode())


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
