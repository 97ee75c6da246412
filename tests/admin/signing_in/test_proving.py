"""Who changes how people come in proves once more who they are; what was typed goes on from there."""

import re

from tests.admin.signing_in.test_codes import secret_in
from tests.fixtures.admin_pages import PASSWORD, Browser
from tests.fixtures.workflow_forms import form_in

from afterword.accounts.people import Person, add_person, find_person_by_email
from afterword.admin.signing_in.kept_forms import PROOF
from afterword.store.database import Database

TOKENS, PEOPLE, CODES = "/settings/tokens", "/settings/people", "/account/codes"
ASKED = "Please prove who you are"
TOKEN = re.compile(r'class="secret">([A-Za-z0-9]{40})<')


async def a_while_later(database: Database) -> None:
    await database.pool.execute("UPDATE person_session SET proved_at = now() - interval '16 minutes'")


async def known(database: Database) -> Person:
    async with database.transaction() as connection:
        return await add_person(
            connection, email="m@example.org", name="M", role="manager", password=PASSWORD
        )


async def test_the_form_goes_on_with_the_password_and_nothing_is_lost(
    signed_in: Browser, database: Database
) -> None:
    await a_while_later(database)
    form = {"name": "CRM <1>", "scope": "read:runs"}
    answer, page = await signed_in.send(TOKENS, form)
    assert answer.status == 403
    assert ASKED in page
    assert "/sign-in/open-id" not in page
    fields = dict(form_in(page, "proof-form").pairs)
    answer, page = await signed_in.send(TOKENS, {**fields, PROOF: "not the password"})
    assert answer.status == 422
    assert 'aria-describedby="problem"' in page
    assert "not the password" not in page
    assert not TOKEN.search(page)
    again = dict(form_in(page, "proof-form").pairs)
    assert {name: again[name] for name in form} == form
    _, page = await signed_in.send(TOKENS, {**again, PROOF: PASSWORD})
    assert TOKEN.search(page)
    assert "CRM &lt;1&gt;" in page
    _, page = await signed_in.send(TOKENS, form)  # it is not asked for again so soon
    assert TOKEN.search(page)


async def test_every_form_that_gives_a_way_in_asks_and_no_other(
    signed_in: Browser, owner: Person, database: Database
) -> None:
    person = await known(database)
    new_owner = {"email": "n@example.org", "name": "N", "role": "owner"}
    wanting = [
        (TOKENS, {"name": "x", "scope": "read:runs"}),
        (PEOPLE, new_owner),
        (f"{PEOPLE}/{person.id}", {"do": "role", "role": "owner"}),
        (f"{PEOPLE}/{person.id}", {"do": "link"}),
        (f"{PEOPLE}/{person.id}", {"do": "reset-codes"}),
        (CODES, {"code": "000000"}),
        (f"{CODES}/off", {"code": "000000"}),
        (f"{CODES}/recovery", {"code": "000000"}),
    ]
    free = [
        (PEOPLE, new_owner | {"role": "analyst"}),
        (f"{PEOPLE}/{person.id}", {"do": "role", "role": "analyst"}),
        (f"{PEOPLE}/{person.id}", {"do": "sign-out"}),
        ("/account/language", {"language": "en"}),
    ]
    await a_while_later(database)
    asked = [ASKED in (await signed_in.send(address, form))[1] for address, form in (*wanting, *free)]
    assert asked == [True] * len(wanting) + [False] * len(free)
    async with database.transaction() as connection:
        now = await find_person_by_email(connection, person.email)
    assert now is not None
    assert now.role == "analyst"


async def test_one_time_codes_are_shown_to_who_proved_it(signed_in: Browser, database: Database) -> None:
    await a_while_later(database)
    answer, page = await signed_in.get(CODES)
    assert (answer.status, ASKED in page) == (403, True)
    answer, page = await signed_in.send("/sign-in/anew", {"next": CODES, PROOF: PASSWORD})
    assert answer.url.path == CODES
    assert secret_in(page)


async def test_it_is_tried_ten_times_and_no_more(signed_in: Browser, database: Database) -> None:
    await a_while_later(database)
    form = {"name": "x", "scope": "read:runs"}
    tried = [(await signed_in.send(TOKENS, {**form, PROOF: "wrong"}))[0].status for _ in range(10)]
    assert tried == [422] * 10
    answer, page = await signed_in.send(TOKENS, {**form, PROOF: PASSWORD})
    assert answer.status == 429
    assert not TOKEN.search(page)


async def test_who_may_not_do_it_is_not_asked(browser: Browser, database: Database) -> None:
    person = await known(database)
    await browser.sign_in(person.email)
    await a_while_later(database)
    answer, page = await browser.send(PEOPLE, {"email": "n@example.org", "name": "N", "role": "owner"})
    assert (answer.status, ASKED in page) == (403, False)
