"""``afterword accounts`` and ``afterword qualtrics``, as people and programs call them: on our own survey service,
which answers as a Qualtrics does, over HTTP.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from tests.fixtures.qualtrics_api import KEY
from typer.testing import CliRunner, Result

from afterword.accounts.connected import list_accounts
from afterword.accounts.connecting import Connector
from afterword.accounts.qualtrics_accounts import get_qualtrics
from afterword.accounts.subscribing import notification_address, subscribe
from afterword.cli import app
from afterword.commands import asking
from afterword.qualtrics.flows import read_flow
from afterword.qualtrics.webhooks import SECRET_HEADER
from afterword.workflows.definitions import Definition, SurveyResponse
from afterword.workflows.saving.known import read_known
from afterword.workflows.saving.workflows import add_workflow

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON_EVENT_URL = "https://fra1.qualtrics.com/inbound-event/v1/events/json/triggers?urlTokenId=Secret"


class Command:
    """The command on an installation whose survey service is its own Qualtrics."""

    def __init__(self, api: Any, folder: Path) -> None:
        self.api = api
        self.database = api.afterword.database
        self.environment = {
            "AFTERWORD_DATABASE_URL": self.database.url,
            "AFTERWORD_DATA_DIR": str(folder),
            "AFTERWORD_SECRET_KEY": KEY,
            "AFTERWORD_PUBLIC_URL": api.afterword.url,
        }

    async def __call__(self, *words: str, typed: str | None = None, **more: str) -> Result:
        environment = self.environment | more
        result = await asyncio.to_thread(CliRunner().invoke, app, [*words], input=typed, env=environment)
        for secret in self.api.afterword.secrets:
            assert secret not in result.output.replace(SECRET_HEADER, "")
        return result

    async def refused(self, *words: str, typed: str | None = None, **more: str) -> str:
        """A call that ends in one line; gives it."""
        result = await self(*words, typed=typed, **more)
        assert result.exit_code == 1, result.output
        return str(result.exception)

    async def json(self, *words: str, typed: str | None = None, **more: str) -> Any:
        result = await self(*words, "--json", typed=typed, **more)
        return msgspec.json.decode(result.stdout)

    async def connect(self, token: str | None = None, *words: str) -> str:
        """Connect the service; answers the account's id."""
        added = await self.json(
            "accounts",
            "add",
            "qualtrics",
            "--address",
            self.api.afterword.url,
            *words,
            typed=token or self.api.token,
        )
        return str(added["id"])

    async def subscriptions(self) -> list[tuple[str, str]]:
        """(id, address) of what is subscribed to at the service."""
        found = await self.api.get("/eventsubscriptions")
        return [(one["id"], one["publicationUrl"]) for one in found["elements"]]


@pytest_asyncio.fixture(loop_scope="session")
async def another_brand() -> AsyncIterator[str]:
    """The address of a Qualtrics where every token is one of another brand."""

    async def whoami(_: web.Request) -> web.Response:
        return web.json_response({"result": {"userId": "UR_1", "brandId": "another"}, "meta": {}})

    application = web.Application()
    application.router.add_get("/API/v3/whoami", whoami)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def command(api: Any, tmp_path: Path) -> AsyncIterator[Command]:
    yield Command(api, tmp_path)
    await api.afterword.database.pool.execute(
        "DELETE FROM connected_account WHERE name <> 'Acme'; DELETE FROM event_subscription"
    )


async def test_an_account_is_tried_then_saved_and_told_by_its_brand(command: Command) -> None:
    added = await command(
        "accounts", "add", "qualtrics", "--address", command.api.afterword.url, typed=command.api.token
    )
    assert added.exit_code == 0, added.output
    assert "Connected 'afterword'" in added.output
    listed = await command.json("accounts", "list")
    (account,) = [one for one in listed if one["kind"] == "qualtrics"]
    assert (account["name"], account["organization_id"]) == ("afterword", "afterword")
    assert account["user_id"] == command.api.afterword.owner_id
    verified = await command("accounts", "verify", account["id"])
    assert (verified.exit_code, "works" in verified.output) == (0, True)
    again = await command.refused(
        "accounts",
        "add",
        "qualtrics",
        "--address",
        command.api.afterword.url,
        "--name",
        "Again",
        typed=command.api.token,
    )
    assert "connected already" in again
    assert len([one for one in await command.json("accounts", "list") if one["kind"] == "qualtrics"]) == 1


@pytest.mark.parametrize(
    ("address", "typed", "option"),
    [
        ("", "x" * 40, "--address: "),
        ("http://fra1.qualtrics.com", "x" * 40, "--address: "),
        ("http://127.0.0.1:1", "x" * 40, "--address: "),
        ("two words", "x" * 40, "--address: "),
        (None, "x" * 40, "API token: "),
        (None, "", "API token: "),
    ],
)
async def test_what_is_wrong_is_told_at_its_option_and_then_the_same_account_is_connected(
    command: Command, address: str | None, typed: str, option: str
) -> None:
    where = command.api.afterword.url if address is None else address
    words = await command.refused("accounts", "add", "qualtrics", "--address", where, typed=typed)
    assert words.startswith(option)
    assert await command.json("accounts", "list", "--json") is not None
    async with command.database.transaction() as connection:
        assert [one.kind for one in await list_accounts(connection)] == ["gladly"]
    assert (await command.connect()).startswith("QA_")


async def test_a_token_comes_from_a_file_or_standard_input_and_never_from_the_command_line(
    command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{command.api.token}\n")
    add = ("accounts", "add", "qualtrics", "--address", command.api.afterword.url)
    assert (await command(*add, "--token-file", str(file), "--name", "One")).exit_code == 0
    assert (await command("accounts", "remove", "One")).exit_code == 0
    assert (await command(*add, "--name", "Two", AFTERWORD_TOKEN_FILE=str(file))).exit_code == 0
    assert (await command("accounts", "remove", "Two")).exit_code == 0
    assert (await command(*add, "--token-file", "-", typed=command.api.token)).exit_code == 0
    assert "cannot be read" in await command.refused(*add, "--token-file", str(tmp_path / "none"))
    assert (await command(*add, "--token", command.api.token)).exit_code == 2


async def test_whoever_mistypes_a_token_is_asked_for_it_again(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "is_somebody_there", lambda: True)
    typed = f"{command.api.afterword.url}\n{'x' * 40}\n{command.api.token}\n"
    result = await command("accounts", "add", "qualtrics", typed=typed)
    assert result.exit_code == 0, result.output
    assert "API token: Qualtrics did not accept" in result.output
    assert "Connected 'afterword'" in result.output


async def test_a_json_event_is_optional_and_can_be_set_later(command: Command, tmp_path: Path) -> None:
    account_id = await command.connect()
    words = await command.refused(
        "accounts", "change", account_id, "--json-event-url", "https://x.example/Secret"
    )
    assert words.startswith("--json-event-url: ")
    file = tmp_path / "address"
    file.write_text(JSON_EVENT_URL + "\n")
    assert (await command("accounts", "change", account_id, "--json-event-url", f"@{file}")).exit_code == 0
    async with command.database.transaction() as connection:
        account = await get_qualtrics(connection, command.api.box, account_id)
    assert account is not None
    assert (account.json_event_url, account.base_url) == (JSON_EVENT_URL, command.api.afterword.url)
    assert "Say what to change" in await command.refused("accounts", "change", account_id)


async def test_a_rotation_takes_a_token_of_the_same_brand_alone(command: Command, another_brand: str) -> None:
    account_id = await command.connect()
    rotated = await command("accounts", "rotate", account_id, typed=command.api.afterword.other_token)
    assert rotated.exit_code == 0, rotated.output
    async with command.database.transaction() as connection:
        account = await get_qualtrics(connection, command.api.box, account_id)
    assert account is not None
    assert account.api_token == command.api.afterword.other_token
    assert "API token: " in await command.refused("accounts", "rotate", account_id, typed="x" * 40)
    words = await command.refused("accounts", "change", account_id, "--address", another_brand)
    assert "belongs to the brand another" in words
    await command.database.pool.execute(
        "UPDATE connected_account SET organization_id = 'another' WHERE id = $1", account_id
    )
    assert "brand afterword" in await command.refused(
        "accounts", "rotate", account_id, typed=command.api.token
    )


async def test_an_account_that_a_workflow_uses_is_not_removed_without_force(command: Command) -> None:
    account_id = await command.connect()
    await command("qualtrics", "subscribe", command.api.survey_id)
    async with command.database.transaction() as connection:
        await add_workflow(
            connection,
            name="Feedback to Gladly",
            definition=Definition(SurveyResponse(command.api.survey_id, account_id), ()),
            is_on=False,
        )
    assert "'Feedback to Gladly'" in await command.refused("accounts", "remove", account_id)
    removed = await command("accounts", "remove", account_id, "--force")
    assert removed.exit_code == 0
    for left in ("event subscription SUB_", f"/webhooks/qualtrics/{account_id}", "API token"):
        assert left in removed.output
    assert account_id not in (await command("accounts", "list")).output


async def test_verify_tries_every_account_and_tells_of_each(command: Command) -> None:
    await command.connect()
    move = "UPDATE connected_account SET base_url = $1 WHERE kind = 'gladly'"
    await command.database.pool.execute(move, "http://127.0.0.1:1")
    result = await command("accounts", "verify")
    told = await command.json("accounts", "verify")
    await command.database.pool.execute(move, "https://acme.gladly.com")
    assert result.exit_code == 1
    assert "Gladly cannot be reached there (the connection was refused)" in result.output
    assert [(one["name"], one["works"]) for one in told] == [("Acme", False), ("afterword", True)]


async def test_surveys_are_listed_with_their_ids(command: Command) -> None:
    assert "No Qualtrics account" in await command.refused("qualtrics", "surveys")
    await command.connect()
    listed = await command("qualtrics", "surveys")
    assert f"{command.api.survey_id}  active" in listed.output
    assert "(subscribed)" not in listed.output
    await command("qualtrics", "subscribe", command.api.survey_id)
    assert "(subscribed)" in (await command("qualtrics", "surveys")).output


async def test_subscribing_again_changes_nothing_and_what_is_stale_is_replaced(command: Command) -> None:
    account_id, survey = await command.connect(), command.api.survey_id
    address = f"{command.api.afterword.url}/webhooks/qualtrics/{account_id}"
    made = await command.json("qualtrics", "subscribe", survey)
    assert (made["subscribed"], made["is_new"], made["address"]) == (True, True, address)
    again = await command("qualtrics", "subscribe", survey)
    assert "Nothing to do" in again.output
    assert await command.subscriptions() == [(made["id"], address)]

    await command("accounts", "rotate", account_id, "--notification-secret")
    renewed = await command.json("qualtrics", "subscribe", survey)
    assert (renewed["is_new"], renewed["replaced"]) == (True, [made["id"]])
    assert await command.subscriptions() == [(renewed["id"], address)]

    await command.api.call("DELETE", f"/eventsubscriptions/{renewed['id']}")
    remade = await command.json("qualtrics", "subscribe", survey)
    assert (remade["is_new"], remade["replaced"]) == (True, [])

    await command.database.pool.execute("DELETE FROM qualtrics_subscription")
    found = await command.json("qualtrics", "subscribe", survey)
    assert found["replaced"] == [remade["id"]]
    assert await command.subscriptions() == [(found["id"], address)]

    gone = await command("qualtrics", "unsubscribe", survey)
    assert found["id"] in gone.output
    assert await command.subscriptions() == []
    assert "no subscription" in (await command("qualtrics", "unsubscribe", survey)).output


async def test_subscribing_many_times_at_once_makes_one_subscription(command: Command) -> None:
    account_id, database, box = await command.connect(), command.database, command.api.box
    async with database.transaction() as connection:
        account = await get_qualtrics(connection, box, account_id)
    assert account is not None
    address = notification_address(command.api.afterword.url, account_id)
    async with Connector(command.api.settings, database, box).qualtrics_client(account) as client:
        made = await asyncio.gather(
            *(subscribe(database, client, account, command.api.survey_id, address) for _ in range(3))
        )
    assert sorted(one.is_new for one in made) == [False, False, True]
    assert await command.subscriptions() == [(made[0].id, address)]


async def test_a_subscribed_response_arrives_as_one_event(command: Command) -> None:
    account_id = await command.connect()
    await command("qualtrics", "subscribe", command.api.survey_id)
    await command.api.respond()
    await command.api.deliver()
    rows = await command.database.pool.fetch("SELECT status FROM event WHERE origin LIKE 'qualtrics/%'")
    assert [row["status"] for row in rows] == ["received"]
    async with command.database.transaction() as connection:
        definition = Definition(SurveyResponse(command.api.survey_id, account_id), ())
        known = await read_known(connection, definition)
    assert "CustomerId" in known.account_surveys[account_id, command.api.survey_id].embedded_data


async def test_a_token_that_is_no_administrators_is_told_and_the_other_way_shown(command: Command) -> None:
    account_id = await command.connect(command.api.afterword.other_token)
    result = await command("qualtrics", "subscribe", command.api.survey_id)
    assert result.exit_code == 1
    assert "brand administrator" in result.output
    assert f"/webhooks/qualtrics/{account_id}" in result.output
    told = (await command.json("qualtrics", "subscribe", command.api.survey_id))["webService"]
    assert await command.subscriptions() == []
    body = told["body"].replace("${rm://Field/ResponseID}", "R_aaaaaaaaaaaaaaa").encode()
    headers = {told["headerName"]: told["headerValue"], "Content-Type": "application/json"}
    answer = await command.api.afterword.send(
        "POST", told["address"].removeprefix(command.api.afterword.url), body, headers=headers
    )
    assert answer.status == 200
    explained = await command("explain", "R_aaaaaaaaaaaaaaa")
    assert "(Response R_aaaaaaaaaaaaaaa)" in explained.output
    shown = await command.json("qualtrics", "subscribe", command.api.survey_id, "--web-service")
    assert shown["webService"] == told


async def test_a_flow_that_does_not_declare_whose_answer_it_is_is_refused_with_what_to_paste(
    command: Command,
) -> None:
    await command.connect()
    survey = command.api.survey_id
    path = f"/survey-definitions/{survey}/flow"
    flow = await command.api.get(path)
    await command.api.call("PUT", path, {**flow, "Flow": flow["Flow"][1:]})
    words = await command.refused("qualtrics", "subscribe", survey)
    assert "CustomerId and ConversationId" in words
    assert await command.subscriptions() == []
    element = msgspec.json.decode(words[words.index("{") :])
    await command.api.call("PUT", path, {**flow, "Flow": [element, *flow["Flow"][1:]]})
    assert read_flow(msgspec.json.encode(await command.api.get(path))).missing(["customerid"]) == []
    subscribed = await command("qualtrics", "subscribe", survey)
    assert subscribed.exit_code == 0, subscribed.output
    await command.api.call("PUT", path, flow)


@pytest.mark.parametrize(
    ("survey", "words"), [("CSAT", "is not a survey's id"), ("SV_aaaaaaaaaaaaaaa", "sees no survey")]
)
async def test_a_survey_that_is_not_there_is_told(command: Command, survey: str, words: str) -> None:
    await command.connect()
    assert words in await command.refused("qualtrics", "subscribe", survey)


@pytest.mark.parametrize(
    "public_url", ["http://127.0.0.1:8700", "http://localhost", "http://afterword.example"]
)
async def test_an_address_that_qualtrics_cannot_reach_is_told_before_anything_is_done(
    command: Command, public_url: str
) -> None:
    account_id = await command.connect()
    await command.database.pool.execute(
        "UPDATE connected_account SET base_url = 'https://fra1.qualtrics.com' WHERE id = $1", account_id
    )
    words = await command.refused(
        "qualtrics", "subscribe", command.api.survey_id, AFTERWORD_PUBLIC_URL=public_url
    )
    assert "AFTERWORD_PUBLIC_URL" in words


async def test_of_two_accounts_one_has_to_be_named(command: Command) -> None:
    first = await command.connect()
    second = await command.connect(command.api.afterword.other_token, "--name", "Another")
    words = await command.refused("qualtrics", "surveys")
    assert first in words
    assert second in words
    assert (await command("qualtrics", "surveys", "--account", "Another")).exit_code == 0
    assert "no Qualtrics account" in await command.refused("qualtrics", "surveys", "--account", "Third")
