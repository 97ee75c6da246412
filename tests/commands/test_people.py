"""``afterword people``, as whoever runs the installation calls it."""

from datetime import timedelta
from typing import Any

import pyotp
from tests.commands.conftest import Call, json_of

from afterword.accounts.audit import list_entries
from afterword.accounts.one_time_codes import has_codes, new_secret, set_up
from afterword.accounts.people import find_person_by_email
from afterword.accounts.secrets import SecretBox
from afterword.accounts.sessions import begin_session
from afterword.accounts.welcome import come_in
from afterword.store.database import Database


async def people(call: Call, *arguments: str) -> Any:
    return await call(*arguments, group="people")


async def test_the_first_owner_gets_a_link_and_nobody_after(call: Call, database: Database) -> None:
    assert "Nobody is here yet" in (await people(call, "list")).output
    link = (await people(call, "link", "--first-owner")).output.strip()
    async with database.transaction() as connection:
        await come_in(
            connection, link.partition("code=")[2], password="a long password", email="o@x.org", name="O"
        )
    assert (await people(call, "link", "--first-owner")).output == ""
    refused = await people(call, "link")
    assert refused.exit_code == 1
    assert "say whose link" in str(refused.exception)


async def test_somebody_is_added_changed_and_removed(
    call: Call, endpoint_id: str, database: Database
) -> None:
    assert endpoint_id
    added = (await people(call, "add", "ada@x.org", "--name", "Ada", "--role", "api_user")).output
    assert "Ada is an API user now." in added
    assert "/welcome?code=" in added
    assert "Ada is a manager now." in (await people(call, "role", "ADA@x.org", "manager")).output
    listed = json_of(await people(call, "list", "--json"))
    assert [(one["name"], one["role"], one["has_password"]) for one in listed] == [
        ("Ada", "manager", False),
        ("Olive", "owner", False),
    ]
    assert "may not come in any more" in (await people(call, "remove", "ada@x.org")).output
    async with database.transaction() as connection:
        entries = await list_entries(connection, kind="person", limit=4)
    assert [(one.actor, one.what, one.subject) for one in entries] == [
        ("Command line", what, "Ada")
        for what in ("removed", "changed", "sent a link to choose a password", "added")
    ]
    for arguments in (
        ("remove", "ada@x.org"),
        ("remove", "o@example.com"),
        ("role", "o@example.com", "boss"),
    ):
        assert (await people(call, *arguments)).exit_code == 1


async def test_who_is_locked_out_is_let_in_again_and_sessions_end(
    call: Call, endpoint_id: str, box: SecretBox, database: Database
) -> None:
    assert endpoint_id
    secret = new_secret()
    async with database.transaction() as connection:
        olive = await find_person_by_email(connection, "o@example.com")
        assert olive is not None
        await set_up(connection, box, olive.id, secret=secret, code=pyotp.TOTP(secret).now())
        await begin_session(
            connection,
            olive.id,
            by="password",
            browser="",
            network="",
            lasts=timedelta(days=1),
            idle=timedelta(days=1),
        )
    assert "one-time codes" in (await people(call, "list")).output
    for told in ("by password alone", "has no one-time codes"):
        assert told in (await people(call, "reset-codes", "o@example.com")).output
    for told in ("1 session of Olive ended", "0 sessions of Olive ended"):
        assert told in (await people(call, "sign-out", "o@example.com")).output
    async with database.transaction() as connection:
        assert not await has_codes(connection, olive.id)
        entries = await list_entries(connection, kind="person", limit=2)
    assert [one.what for one in entries] == ["signed out", "rid of one-time codes"]
