"""People come in by links, are invited, given roles and removed, each as far as a role may."""

from collections.abc import Callable

import pytest
from sqlalchemy import insert
from tests.fixtures.admin_pages import PASSWORD, Browser

from afterword.accounts.api_tokens import add_api_token, find_bearer
from afterword.accounts.audit import list_entries
from afterword.accounts.people import (
    Person,
    Role,
    add_person,
    add_service_account,
    find_person_by_email,
    find_service_account,
)
from afterword.accounts.welcome import new_link
from afterword.store.database import Database
from afterword.store.tables import json_event_endpoint

NEW = {"email": "new@example.org", "name": "Nora <New>", "role": "manager"}
CHOSEN = "another long password"


async def add(database: Database, email: str, role: Role) -> Person:
    async with database.transaction() as connection:
        return await add_person(connection, email=email, name=role, role=role, password=PASSWORD)


async def link_for(database: Database, person_id: str | None) -> str:
    async with database.transaction() as connection:
        return await new_link(connection, person_id, "")


async def role_of(database: Database, email: str) -> str | None:
    async with database.transaction() as connection:
        person = await find_person_by_email(connection, email)
    return None if person is None else person.role


def code_of(link: str) -> str:
    return link.partition("code=")[2]


async def test_the_first_one_becomes_the_owner_and_is_signed_in(browser: Browser, database: Database) -> None:
    link = await link_for(database, None)
    answer, page = await browser.get(link)
    assert answer.status == 200
    assert "this installation will be yours" in page
    form = {"code": code_of(link), "name": "Olive", "email": "olive@example.org", "password": "short"}
    answer, page = await browser.send("/welcome", form)
    assert answer.status == 422
    assert 'id="error-password" role="alert">A password has 12 to 1024 characters.' in page
    assert 'value="Olive"' in page
    answer, page = await browser.send("/welcome", form | {"password": CHOSEN})
    assert answer.url.path == "/"
    assert "Olive" in page
    answer, _ = await browser.send("/welcome", form | {"password": CHOSEN})
    assert answer.url.path == "/", "a second click of the same form"
    answer, _ = await browser.send("/welcome", form | {"password": f"{CHOSEN}, and wrong"})
    assert answer.status == 410
    answer, page = await browser.get(link)
    assert answer.status == 410
    assert "This link is not valid" in page


async def test_a_new_password_ends_the_sessions_of_before(
    signed_in: Browser, owner: Person, database: Database, open_browser: Callable[[], Browser]
) -> None:
    other = open_browser()
    link = await link_for(database, owner.id)
    answer, _ = await other.send("/welcome", {"code": code_of(link), "password": "short"})
    assert answer.status == 422, "and the link is still good"
    answer, _ = await other.send("/welcome", {"code": code_of(link), "password": CHOSEN})
    assert answer.url.path == "/"
    async with database.transaction() as connection:
        (chose,) = await list_entries(connection, kind="person", limit=1)
    assert (chose.actor_id, chose.after) == (owner.id, {"password": "replaced"})
    answer, _ = await signed_in.get("/workflows/runs")
    assert answer.url.path == "/sign-in"
    answer, _ = await signed_in.sign_in(owner.email, CHOSEN)
    assert answer.status == 303


async def test_somebody_is_invited_and_the_link_is_shown_where_no_mail_goes_out(
    signed_in: Browser, database: Database
) -> None:
    answer, page = await signed_in.send("/settings/people", NEW)
    assert answer.status == 200
    assert "could not be sent" in page
    assert "/welcome?code=" in page
    assert "Nora &lt;New&gt;" in page
    assert await role_of(database, NEW["email"]) == "manager"
    answer, page = await signed_in.send("/settings/people", NEW)
    assert answer.status == 422
    assert 'id="error-email" role="alert">new@example.org is already in use.' in page
    service = {"service": "CRM", "service_role": "analyst"}
    await signed_in.send("/settings/people/services", service)
    answer, page = await signed_in.send("/settings/people/services", service)
    assert answer.status == 422
    assert 'id="error-service" role="alert">There is a service account CRM already.' in page


async def test_roles_are_given_and_people_removed(signed_in: Browser, database: Database) -> None:
    known = await add(database, "m@example.org", "manager")
    await signed_in.send(f"/settings/people/{known.id}", {"do": "role", "role": "analyst"})
    assert await role_of(database, "m@example.org") == "analyst"
    await signed_in.send(f"/settings/people/{known.id}", {"do": "remove"})
    assert await role_of(database, "m@example.org") is None
    answer, page = await signed_in.send(f"/settings/people/{known.id}", {"do": "remove"})
    assert answer.status == 422
    assert "removed this person meanwhile" in page


@pytest.mark.parametrize("role", ["manager", "analyst", "api_user"])
async def test_other_roles_look_and_change_nothing(
    browser: Browser, database: Database, owner: Person, role: Role
) -> None:
    await add(database, "r@example.org", role)
    await browser.sign_in("r@example.org")
    _, page = await browser.get("/settings/people")
    assert owner.email in page
    assert "Invite somebody" not in page
    service = {"service": "CRM", "service_role": "api_user"}
    for address, form in (
        ("/settings/people", NEW),
        ("/settings/people/services", service),
        *(
            (f"/settings/people/{owner.id}", {"do": do})
            for do in ("remove", "sign-out", "reset-codes", "link")
        ),
    ):
        answer, _ = await browser.send(address, form)
        assert answer.status == 403
    assert await role_of(database, NEW["email"]) is None


async def test_an_administrator_makes_and_unmakes_no_owner(
    browser: Browser, database: Database, owner: Person
) -> None:
    await add(database, "a@example.org", "administrator")
    await browser.sign_in("a@example.org")
    for address, form in (
        ("/settings/people", {**NEW, "role": "owner"}),
        (f"/settings/people/{owner.id}", {"do": "role", "role": "manager"}),
        (f"/settings/people/{owner.id}", {"do": "remove"}),
        (f"/settings/people/{owner.id}", {"do": "link"}),
    ):
        answer, page = await browser.send(address, form)
        assert answer.status == 422
        assert "by owners alone" in page
    assert await role_of(database, owner.email) == "owner"


async def test_what_hangs_on_somebody_is_told_before_and_goes_over_to_a_service_account(
    signed_in: Browser, database: Database
) -> None:
    known = await add(database, "m@example.org", "manager")
    async with database.transaction() as connection:
        token = await add_api_token(connection, known.id, "the till")
        values = {"id": "OC_1", "person_id": known.id, "url_token_sha256": b"x", "url_token": b"x"}
        await connection.execute(insert(json_event_endpoint).values(values))
    _, page = await signed_in.get("/settings/people")
    assert "Programs use these API tokens: the till. A JSON event is reached with them." in page
    assert "Make a service account first" in page
    answer, page = await signed_in.send(f"/settings/people/{known.id}", {"do": "remove"})
    assert answer.status == 422
    assert "Hand these over to a service account." in page
    for name, told in (("CRM", "CRM</b>"), ("crm", "There is a service account crm already.")):
        _, page = await signed_in.send(
            "/settings/people/services", {"service": name, "service_role": "analyst"}
        )
        assert told in page
    assert "They go on as those of CRM" in page
    async with database.transaction() as connection:
        service = await find_service_account(connection, "CRM")
    assert service is not None
    answer, _ = await signed_in.send(
        f"/settings/people/{known.id}", {"do": "remove", "heir": known.id, "version": "1"}
    )
    assert answer.status == 422
    answer, _ = await signed_in.send(
        f"/settings/people/{known.id}", {"do": "remove", "heir": service.id, "version": "1"}
    )
    assert answer.status == 200
    assert await role_of(database, "m@example.org") is None
    async with database.transaction() as connection:
        bearer = await find_bearer(connection, token)
        (last, *_) = await list_entries(connection, kind="token", limit=1)
    assert bearer is not None
    assert bearer.person == service
    assert (last.what, last.after) == ("handed over", {"of": "CRM"})


async def test_nobody_signs_in_as_a_service_account(signed_in: Browser, database: Database) -> None:
    async with database.transaction() as connection:
        service = await add_service_account(connection, name="CRM", role="manager")
    for form in ({"do": "link"}, {"do": "role", "role": "owner"}):
        answer, _ = await signed_in.send(f"/settings/people/{service.id}", form)
        assert answer.status == 422
    answer, page = await signed_in.send(
        "/settings/people/services", {"service": "App", "service_role": "owner"}
    )
    assert answer.status == 422
    assert "A service account cannot be an owner." in page
    assert 'value="App"' in page


async def test_the_second_of_two_is_told_what_the_first_changed(
    signed_in: Browser, database: Database
) -> None:
    known = await add(database, "m@example.org", "manager")
    address = f"/settings/people/{known.id}"
    _, page = await signed_in.get("/settings/people")
    assert 'name="version" value="1"' in page
    await signed_in.send(address, {"do": "role", "role": "analyst", "version": "1"})
    for form in ({"do": "role", "role": "administrator"}, {"do": "remove"}):
        answer, page = await signed_in.send(address, {**form, "version": "1"})
        assert answer.status == 409
        assert "Olivia Owner changed this person meanwhile (role manager → analyst)" in page
    assert await role_of(database, "m@example.org") == "analyst"
    await signed_in.send(address, {"do": "role", "role": "administrator", "version": "2"})
    assert await role_of(database, "m@example.org") == "administrator"
