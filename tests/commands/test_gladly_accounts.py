"""``afterword accounts`` for Gladly, as people and programs call it: on the sandbox, with a web half that is served."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from tests.conftest import StandIn
from tests.fixtures.qualtrics_api import KEY
from tests.fixtures.sandbox import Sandbox
from typer.testing import CliRunner, Result

from afterword.accounts.reaching import AddressNotReachable, check_reachable
from afterword.cli import app

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Command:
    """The command on an installation that the sandbox can reach."""

    def __init__(self, afterword: Any, sandbox: Sandbox, folder: Path) -> None:
        self.database = afterword.database
        self.sandbox = sandbox
        self.environment = {
            "AFTERWORD_DATABASE_URL": self.database.url,
            "AFTERWORD_DATA_DIR": str(folder),
            "AFTERWORD_SECRET_KEY": KEY,
            "AFTERWORD_PUBLIC_URL": afterword.url,
            "AFTERWORD_GLADLY_REQUESTS_PER_SECOND": "1000",
        }

    async def __call__(self, *words: str, typed: str | None = None, **more: str) -> Result:
        environment = self.environment | more
        return await asyncio.to_thread(
            CliRunner().invoke, app, ["accounts", *words], input=typed, env=environment
        )

    async def refused(self, *words: str, typed: str | None = None, **more: str) -> str:
        """A call that ends in one line; gives it."""
        result = await self(*words, typed=typed, **more)
        assert result.exit_code == 1, result.output
        return str(result.exception)

    async def add(self, *words: str, **more: str) -> Any:
        result = await self(*self.adding(), *words, "--json", typed=self.sandbox.api_token, **more)
        assert result.exit_code == 0, result.output
        return msgspec.json.decode(result.stdout)

    def adding(self, address: str | None = None) -> tuple[str, ...]:
        named = ("--username", self.sandbox.username, "--name", "Sandbox")
        return "add", "gladly", "--address", address or self.sandbox.url, *named

    def webhooks(self) -> Any:
        return self.sandbox.api("GET", "/api/v1/webhooks")

    async def make_by_hand(self, made: Any) -> None:
        """Somebody makes a webhook in Gladly's settings, which tries it: the web half is in this very process."""
        await asyncio.to_thread(self.sandbox.api, "POST", "/api/v1/webhooks", made)

    async def names(self) -> list[str]:
        rows = await self.database.pool.fetch("SELECT name FROM connected_account WHERE name <> 'Acme'")
        return [row["name"] for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def command(afterword: Any, sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Command]:
    sandbox.delete_webhooks()
    command = Command(afterword, sandbox, tmp_path)
    yield command
    await command.database.pool.execute("DELETE FROM connected_account WHERE name <> 'Acme'")
    sandbox.delete_webhooks()


@pytest_asyncio.fixture(loop_scope="session")
async def stand_in() -> AsyncIterator[StandIn]:
    """Something else at an address that is given for Gladly's."""
    server = StandIn()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


async def test_an_account_is_tried_saved_and_has_a_webhook_that_works(command: Command) -> None:
    added = await command(*command.adding(), typed=command.sandbox.api_token)
    assert "Connected 'Sandbox' (GA_" in added.output
    assert "The webhook works" in added.output
    (made,) = command.webhooks()
    assert (made["name"], made["enabled"]) == ("Afterword", True)
    assert "webhook: works" in (await command("list")).output
    verified = await command("verify", "Sandbox")
    assert verified.exit_code == 0
    assert "webhook: works" in verified.output
    assert "was left there" not in verified.output
    assert command.webhooks() == [made]
    assert "connected already" in await command.refused(*command.adding(), typed=command.sandbox.api_token)
    (acme, listed) = msgspec.json.decode((await command("list", "--json")).stdout)
    assert (listed["delivery"], listed["webhook"]["state"], acme["webhook"]) == ("own", "works", None)


async def test_what_is_wrong_is_told_in_words_and_nothing_is_saved(
    command: Command, stand_in: StandIn
) -> None:
    wrong_token = await command.refused(*command.adding(), typed="wrong")
    assert "API token: Gladly does not accept this user name with this token" in wrong_token
    with command.sandbox.fault("answer", status=403, path="/api/v1/organization"):
        no_api_user = await command.refused(*command.adding(), typed=command.sandbox.api_token)
    assert 'give that user the role "API User"' in no_api_user
    with command.sandbox.fault("answer", status=503, path="/api/v1/organization"):
        trouble = await command.refused(*command.adding(), typed=command.sandbox.api_token)
    assert trouble.startswith("Gladly has trouble at the moment; try again in a while (status 503")
    tls = command.sandbox.url.replace("http://", "https://")
    for address, words in [
        ("https://example.com", "--address: this is not a Gladly address"),
        ("http://127.0.0.1:1", "--address: Gladly cannot be reached there (the connection was refused)"),
        (tls, "--address: Gladly cannot be reached there (its certificate or encryption is not accepted)"),
    ]:
        assert words in await command.refused(*command.adding(address), typed="token")
    for status, body in [(200, "<html>Welcome</html>"), (404, "not here"), (302, "")]:
        stand_in.answer(status, body)
        refused = await command.refused(*command.adding(stand_in.url), typed="token")
        assert "--address: What answers there is not Gladly" in refused
    assert await command.names() == []


async def test_an_address_that_gladly_cannot_reach_is_told_and_the_account_saved_all_the_same(
    command: Command,
) -> None:
    nobody = {"AFTERWORD_PUBLIC_URL": "http://127.0.0.1:1"}
    added = await command(*command.adding(), typed=command.sandbox.api_token, **nobody)
    assert added.exit_code == 0
    assert "The webhook does not work yet: Gladly refused it" in added.output
    assert "http://127.0.0.1:1/webhooks/gladly/GA_" in added.output
    assert "`afterword worker` is not running" in added.output
    assert "`afterword web` is not running" not in added.output
    assert await command.names() == ["Sandbox"]
    assert command.webhooks() == []
    assert (await command("verify", "Sandbox", **nobody)).exit_code == 1
    assert (await command("verify", "Sandbox")).exit_code == 0
    assert len(command.webhooks()) == 1


async def test_a_shell_with_another_public_address_leaves_the_webhook_where_it_works_and_says_so(
    command: Command,
) -> None:
    await command.add()
    before = command.webhooks()
    elsewhere = {"AFTERWORD_PUBLIC_URL": "http://127.0.0.1:1"}
    verified = await command("verify", "Sandbox", **elsewhere)
    assert verified.exit_code == 0
    assert f"it leads to {before[0]['url']} and was left there" in verified.output
    assert "AFTERWORD_PUBLIC_URL is http://127.0.0.1:1 in this shell" in verified.output
    rotated = await command("rotate", "Sandbox", "--webhook-credentials", **elsewhere)
    assert "new credentials, at both ends" in rotated.output
    assert [webhook["url"] for webhook in command.webhooks()] == [before[0]["url"]]
    with command.sandbox.fault("answer", status=503, path="/api/v1/webhooks"):
        left = await command("remove", "Sandbox", **elsewhere)
    assert f"the webhook to {before[0]['url']}, which could not be taken away" in left.output


@pytest.mark.parametrize(
    ("public_url", "words"),
    [
        ("http://127.0.0.1:8700", "this machine's own address"),
        ("http://ask.example.com", "unencrypted"),
        ("https://10.1.2.3", "private network"),
        ("https://afterword.internal", "private network"),
        ("https://afterword", "private network"),
    ],
)
async def test_what_cannot_be_reached_from_outside_is_known_without_trying(
    public_url: str, words: str
) -> None:
    with pytest.raises(AddressNotReachable, match=words):
        check_reachable(public_url, "Gladly", "https://acme.gladly.com")
    check_reachable(public_url, "Gladly", "http://127.0.0.1:8701")
    check_reachable("https://ask.example.com", "Gladly", "https://acme.gladly.com")


async def test_a_webhook_made_by_hand_is_shown_with_all_that_is_to_be_entered(command: Command) -> None:
    shown = await command(*command.adding(), "--webhook", "by-hand", typed=command.sandbox.api_token)
    (account_id,) = [row["id"] for row in await _accounts(command)]
    url = f"{command.environment['AFTERWORD_PUBLIC_URL']}/webhooks/gladly/{account_id}"
    for told in (url, "CONVERSATION/CLOSED, CONVERSATION/REOPENED", "User name  afterword", "Password   "):
        assert told in shown.output
    assert command.webhooks() == []
    password = shown.output.partition("Password   ")[2].split()[0]
    made = {
        "url": url,
        "events": ["CONVERSATION/CLOSED", "CONVERSATION/REOPENED"],
        "credentials": {"username": "afterword", "password": password},
        "enabled": True,
    }
    await command.make_by_hand(made)
    assert "webhook made by hand: works" in (await command("verify", "Sandbox")).output
    again = await command("rotate", "Sandbox", "--webhook-credentials")
    assert "stays valid until the next is made" in again.output
    assert password not in again.output


async def test_a_webhook_may_prove_itself_by_a_header(command: Command) -> None:
    refused = await command.refused(
        *command.adding(), "--webhook-header", "X: bad", typed=command.sandbox.api_token
    )
    assert "--webhook-header: " in refused
    added = await command.add("--webhook", "by-hand", "--webhook-header", "X-Afterword-Token")
    header = added["webhook"]["header"]
    assert header["name"] == "X-Afterword-Token"
    assert "password" not in added["webhook"]
    made = {
        "url": added["webhook"]["url"],
        "events": added["webhook"]["events"],
        "headers": {header["name"]: header["value"]},
        "enabled": True,
    }
    await command.make_by_hand(made)
    assert (await command("verify", "Sandbox")).exit_code == 0


async def test_how_events_reach_us_can_be_changed_and_changed_back(command: Command) -> None:
    added = await command.add()
    assert "password" not in added["webhook"]
    by_hand = await command("change", "Sandbox", "--webhook", "by-hand")
    assert "The webhook works" in by_hand.output
    assert len(command.webhooks()) == 1
    assert "The webhook works" in (await command("change", "Sandbox", "--webhook", "own")).output
    for delivery in ("pull", "none"):
        assert "no webhook" in (await command("change", "Sandbox", "--webhook", delivery)).output
        assert command.webhooks() == []
        assert (await command("verify", "Sandbox")).exit_code == 0
    assert "The webhook works" in (await command("change", "Sandbox", "--webhook", "own")).output
    assert len(command.webhooks()) == 1
    assert "Say what to change" in await command.refused("change", "Sandbox")


async def test_an_account_is_reached_at_another_address_of_the_same_organization_alone(
    command: Command, stand_in: StandIn
) -> None:
    await command.add()
    moved = command.sandbox.url.replace("127.0.0.1", "localhost")
    assert (await command("change", "Sandbox", "--address", moved)).exit_code == 0
    stand_in.answer(200, '{"id": "another"}')
    other = await command.refused("change", "Sandbox", "--address", stand_in.url)
    assert "belongs to the organization another" in other
    assert [row["base_url"] for row in await _accounts(command)] == [moved]


async def test_credentials_are_changed_at_both_ends_and_never_end_those_that_gladly_has(
    command: Command,
) -> None:
    await command.add()
    changed = await command("rotate", "Sandbox", "--webhook-credentials")
    assert "new credentials, at both ends" in changed.output
    with command.sandbox.fault("answer", status=503, method="PATCH", path="/api/v1/webhooks/**"):
        for _ in range(2):
            waiting = await command("rotate", "Sandbox", "--webhook-credentials")
            assert "not in Gladly yet" in waiting.output
    assert (await command("verify", "Sandbox")).exit_code == 0
    _, conversation_id = command.sandbox.new_customer("Ada King", "ada@rotated.example")
    closed = {"status": {"value": "CLOSED", "force": True}}
    command.sandbox.api("PATCH", f"/api/v1/conversations/{conversation_id}", closed)
    assert (await command("rotate", "Sandbox", typed=command.sandbox.api_token)).exit_code == 0
    assert "API token: " in await command.refused("rotate", "Sandbox", typed="wrong")


async def test_a_removed_account_takes_its_webhook_along_and_says_what_is_left(command: Command) -> None:
    await command.add()
    removed = await command("remove", "Sandbox")
    assert command.webhooks() == []
    assert await command.names() == []
    assert "the API token of" in removed.output
    assert "the webhook to" not in removed.output
    added = await command.add()
    with command.sandbox.fault("answer", status=503, path="/api/v1/webhooks"):
        left = await command("remove", "Sandbox")
    assert f"the webhook to {added['webhook']['url']}, which could not be taken away" in left.output
    assert await command.names() == []


async def _accounts(command: Command) -> list[Any]:
    rows: list[Any] = await command.database.pool.fetch(
        "SELECT id, base_url FROM connected_account WHERE name = 'Sandbox'"
    )
    return rows
