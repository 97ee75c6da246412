"""``afterword tokens``, ``audit-log`` and ``extensions``, as whoever runs the installation calls them."""

from tests.commands.conftest import Call, json_of

from afterword.accounts.api_tokens import find_bearer
from afterword.store.database import Database


async def test_a_token_is_made_for_a_service_account_listed_and_ended(call: Call, database: Database) -> None:
    assert "There is no token" in (await call("list", group="tokens")).output
    made = await call("add-service", "Acme CRM", group="people")
    assert "Acme CRM is an API user now." in made.output
    scopes = ("--scope", "read:metrics", "--scope", "read:runs")
    token = (await call("make", "till", "--for", "acme crm", *scopes, group="tokens")).output.strip()
    async with database.transaction() as connection:
        bearer = await find_bearer(connection, token)
    assert bearer is not None
    assert (bearer.person.name, bearer.scopes) == ("Acme CRM", frozenset({"read:runs", "read:metrics"}))
    (listed,) = json_of(await call("list", "--json", group="tokens"))
    assert listed["scopes"] == ["read:runs", "read:metrics"]
    assert token not in (await call("list", group="tokens")).output
    assert "lets nobody in" in (await call("end", listed["id"], group="tokens")).output
    for arguments in (
        ("end", listed["id"]),
        ("make", "till", "--for", "nobody@x.org"),
        ("make", "till", "--for", "Acme CRM", "--scope", "read:all"),
    ):
        assert (await call(*arguments, group="tokens")).exit_code == 1
    told = (await call("audit-log", "--kind", "token", group="")).output.splitlines()
    assert ["ended token till" in told[0], "added token till" in told[1]] == [True, True]
    assert "Command line (command)" in told[0]
    assert len(json_of(await call("audit-log", "--limit", "1", "--json", group=""))) == 1


async def test_nobody_signs_in_as_a_service_account(call: Call) -> None:
    await call("add-service", "Acme CRM", group="people")
    for arguments in (("link", "Acme CRM"), ("role", "Acme CRM", "owner"), ("add-service", "acme crm")):
        assert (await call(*arguments, group="people")).exit_code == 1, arguments
    assert "Acme CRM  (service account)" in (await call("list", group="people")).output


async def test_tokens_of_who_leaves_go_over_to_a_service_account(
    call: Call, endpoint_id: str, database: Database
) -> None:
    await call("add", "boss@x.org", "--name", "Bea", "--role", "owner", group="people")
    await call("add-service", "Acme CRM", group="people")
    token = (await call("make", "till", "--for", "o@example.com", group="tokens")).output.strip()
    removed = await call("remove", "o@example.com", "--tokens-to", "Acme CRM", group="people")
    assert "go on as those of Acme CRM" in removed.output
    async with database.transaction() as connection:
        bearer = await find_bearer(connection, token)
    assert bearer is not None
    assert bearer.person.name == "Acme CRM"
    owner = "SELECT person_id FROM json_event_endpoint WHERE id = $1"
    assert await database.pool.fetchval(owner, endpoint_id) == bearer.person.id


async def test_extensions_are_switched(call: Call) -> None:
    assert "is off" in (await call("off", "web-service", group="extensions")).output
    listed = {one["name"]: one["is_on"] for one in json_of(await call("list", "--json", group="extensions"))}
    assert [listed["web-service"], listed["distribute-survey"]] == [False, True]
    assert "off  web-service" in (await call("list", group="extensions")).output
    assert "is on" in (await call("on", "web-service", group="extensions")).output
    assert (await call("on", "no-such", group="extensions")).exit_code == 1
