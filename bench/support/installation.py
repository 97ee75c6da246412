"""An installation to measure: a database with an owner, a token and a JSON Event endpoint, and workers for it."""

import contextlib
import uuid
from collections.abc import AsyncIterator

import msgspec

from afterword.accounts.api_tokens import add_api_token
from afterword.accounts.people import add_person
from afterword.accounts.secrets import SecretBox, check_secret_key
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.identifiers import new_id
from afterword.store.migrations import migrate
from afterword.workflows.starting.endpoints import add_endpoint
from support.servers import python


class Endpoint(msgspec.Struct, frozen=True):
    """A JSON Event endpoint: its id, its path, and the headers that it asks for."""

    id: str
    path: str
    headers: dict[str, str]


def environment_of(settings: Settings, **more: str) -> dict[str, str]:
    """The environment in which a process of ours works on this installation."""
    return {
        "AFTERWORD_DATA_DIR": str(settings.data_dir),
        "AFTERWORD_DATABASE_URL": str(settings.database_url),
        "AFTERWORD_WEB_PORT": str(settings.web_port),
        **more,
    }


@contextlib.asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Database]:
    """The installation's database, brought up to date."""
    url = str(settings.database_url)
    await migrate(url)
    database = await Database.connect(url, name="afterword bench", pool_size=2)
    try:
        yield database
    finally:
        await database.close()


async def add_json_event_endpoint(settings: Settings, database: Database) -> Endpoint:
    """Make an owner with an API token, and an endpoint of theirs."""
    box = SecretBox.open(settings)
    url_token, endpoint_id = str(uuid.uuid4()), new_id("OC")
    async with database.transaction() as connection:
        await check_secret_key(connection, box)
        owner = await add_person(connection, email="owner@bench.example", name="Owner", role="owner")
        api_token = await add_api_token(connection, owner.id, "bench")
        await add_endpoint(connection, box, endpoint_id=endpoint_id, person_id=owner.id, url_token=url_token)
    path = f"/inbound-event/v1/events/json/triggers?urlTokenId={url_token}"
    return Endpoint(endpoint_id, path, {"content-type": "application/json", "x-api-token": api_token})


@contextlib.asynccontextmanager
async def workers(environment: dict[str, str], count: int) -> AsyncIterator[None]:
    """So many worker processes."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(python(["-m", "afterword", "worker"], environment))
        yield
