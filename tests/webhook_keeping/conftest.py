"""What the tests of webhooks share: the web half really served, Gladly's sandbox, and one account between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest_asyncio
from tests.fixtures.qualtrics_api import KEY
from tests.fixtures.sandbox import Sandbox

from afterword.accounts.connecting import Connector
from afterword.accounts.gladly_accounts import GladlyAccount, add_gladly, change_gladly, get_gladly
from afterword.accounts.secrets import SecretBox
from afterword.gladly.client import GladlyClient
from afterword.gladly.models import Webhook, WebhookSettings
from afterword.settings import Settings
from afterword.webhook_keeping.keeping import WebhookKeeping
from afterword.webhook_keeping.states import Known, read_states


class Scene:
    """An account of the sandbox's organization, connected to a web half that is served."""

    def __init__(self, afterword: Any, sandbox: Sandbox) -> None:
        self.afterword = afterword
        self.database = afterword.database
        self.sandbox = sandbox
        self.box = SecretBox([KEY])
        self.settings = self.settings_at(afterword.url)
        self.account_id = ""

    def settings_at(self, public_url: str) -> Settings:
        return Settings.load({}, public_url=public_url, secret_key=KEY, gladly_requests_per_second=1000)

    async def connect(self, **more: Any) -> GladlyAccount:
        async with self.database.transaction() as connection:
            account = await add_gladly(
                connection,
                self.box,
                name="Sandbox",
                base_url=self.sandbox.url,
                username=self.sandbox.username,
                api_token=self.sandbox.api_token,
                **more,
            )
        self.account_id = account.id
        return account

    async def account(self) -> GladlyAccount:
        async with self.database.transaction() as connection:
            found = await get_gladly(connection, self.box, self.account_id)
        assert found is not None
        return found

    async def change(self, **changes: Any) -> GladlyAccount:
        async with self.database.transaction() as connection:
            return await change_gladly(connection, self.box, self.account_id, **changes)

    @asynccontextmanager
    async def gladly(self) -> AsyncIterator[GladlyClient]:
        account = await self.account()
        async with Connector(self.settings, self.database, self.box).gladly_client(account) as client:
            yield client

    async def keep(self, *, public_url: str | None = None) -> Known | None:
        keeping = WebhookKeeping(self.database, self.box, public_url=public_url or self.afterword.url)
        async with self.gladly() as client:
            return await keeping.keep(self.account_id, client)

    async def works(self) -> Known:
        known = await self.keep()
        assert known is not None
        assert (known.state, known.reason) == ("works", None)
        return known

    async def remove(self) -> str | None:
        keeping = WebhookKeeping(self.database, self.box, public_url=self.afterword.url)
        async with self.gladly() as client:
            return await keeping.remove(await self.account(), client)

    async def known(self) -> Known | None:
        async with self.database.transaction() as connection:
            return (await read_states(connection)).get(self.account_id)

    async def webhooks(self) -> list[Webhook]:
        async with self.gladly() as client:
            return await client.webhooks()

    async def webhook(self) -> Webhook:
        """The only one there is."""
        (only,) = await self.webhooks()
        return only

    async def meddle(self, **changes: Any) -> None:
        """Somebody changes the webhook in Gladly's settings."""
        async with self.gladly() as client:
            await client.update_webhook((await self.webhook()).id, WebhookSettings(**changes))

    async def delete(self) -> None:
        """Somebody deletes it there."""
        webhook_id = (await self.webhook()).id
        async with self.gladly() as client:
            await client.disable_webhook(webhook_id)
            await client.delete_webhook(webhook_id)

    async def close_a_conversation(self) -> str:
        """A customer writes, an agent closes; answers the conversation."""
        _, conversation_id = self.sandbox.new_customer("Ada King", f"{id(object())}@example.org")
        closed = {"status": {"value": "CLOSED", "force": True}}
        self.sandbox.api("PATCH", f"/api/v1/conversations/{conversation_id}", closed)
        return conversation_id

    async def told(self) -> list[str]:
        """The types of the events that arrived, in order."""
        origin = f"gladly/{self.account_id}"
        rows = await self.database.pool.fetch("SELECT type FROM event WHERE origin = $1 ORDER BY id", origin)
        return [row["type"] for row in rows]

    async def closings(self) -> set[str]:
        """The conversations whose closing arrived."""
        rows = await self.database.pool.fetch(
            "SELECT conversation_id FROM event WHERE type = 'CONVERSATION/CLOSED' AND origin = $1",
            f"gladly/{self.account_id}",
        )
        return {row["conversation_id"] for row in rows}

    async def alerts(self) -> list[str]:
        rows = await self.database.pool.fetch(
            "SELECT kind FROM alert WHERE subject = $1 ORDER BY id", f"account/{self.account_id}"
        )
        return [row["kind"] for row in rows]

    async def gaps(self) -> list[asyncpg.Record]:
        gaps: list[asyncpg.Record] = await self.database.pool.fetch(
            "SELECT * FROM event_gap WHERE origin = $1 ORDER BY id", f"gladly/{self.account_id}"
        )
        return gaps


@pytest_asyncio.fixture(loop_scope="session")
async def scene(afterword: Any, sandbox: Sandbox) -> AsyncIterator[Scene]:
    sandbox.delete_webhooks()
    scene = Scene(afterword, sandbox)
    await scene.connect()
    yield scene
    await scene.database.pool.execute(
        "DELETE FROM connected_account WHERE name <> 'Acme'; TRUNCATE event_gap; TRUNCATE alert CASCADE"
    )
    sandbox.delete_webhooks()
