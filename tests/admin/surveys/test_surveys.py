"""A survey's texts are changed on a page, with a preview, and by two people at once nothing is overwritten silently."""

import json
import re
from collections.abc import Callable, Mapping
from html import unescape

import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser

from afterword.accounts.people import Role, add_person
from afterword.store.database import Database
from afterword.surveys.definitions import Survey, add_survey, csat_survey, get_survey


@pytest.fixture
async def survey_id(database: Database) -> str:
    async with database.transaction() as connection:
        return await add_survey(connection, name="CSAT", definition=csat_survey())


async def stored(database: Database, survey_id: str) -> Survey:
    async with database.transaction() as connection:
        survey = await get_survey(connection, survey_id)
    assert survey is not None
    return survey


def form_in(page: str) -> dict[str, str]:
    """The form as a browser sends it when nothing was typed."""
    fields = {
        name: unescape(value)
        for name, value in re.findall(r'<input [^>]*name="([^"]+)" value="([^"]*)"', page)
    }
    areas = re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    return fields | {name: unescape(text) for name, text in areas}


async def test_it_is_saved_as_it_is_typed_and_nothing_else_changes(
    signed_in: Browser, database: Database, survey_id: str
) -> None:
    before = await stored(database, survey_id)
    _, page = await signed_in.get(f"/surveys/{survey_id}")
    form = form_in(page)
    reply, page = await signed_in.send(f"/surveys/{survey_id}", form)
    assert "Saved." in page
    unchanged = await stored(database, survey_id)
    assert unchanged.definition == before.definition
    assert unchanged.is_active
    typed = {
        "text.title": "Wie war's, 👩\u200d🚀?",
        "choice.QID1.5": "Sehr <gut>",
        "embedded_data": "InboxId\r\nPlan\r\n",
    }
    form = form_in(page) | typed
    form.pop("is_active")
    reply, page = await signed_in.send(f"/surveys/{survey_id}", form)
    assert reply.status == 200
    after = await stored(database, survey_id)
    question = after.definition.score_question()
    assert question is not None
    assert after.definition.texts.title == "Wie war's, 👩\u200d🚀?"
    assert question.choices[-1].text == "Sehr <gut>"
    assert after.definition.embedded_data == ("InboxId", "Plan")
    assert not after.is_active
    entry = await database.pool.fetchrow("SELECT actor, what, after FROM audit_entry WHERE kind = 'survey'")
    assert entry is not None
    assert entry["actor"] == "Olivia Owner"
    assert json.loads(entry["after"])["title"] == "Wie war's, 👩\u200d🚀?"


async def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept(
    signed_in: Browser, database: Database, survey_id: str
) -> None:
    before = await stored(database, survey_id)
    _, page = await signed_in.get(f"/surveys/{survey_id}")
    wrong = {
        "text.title": "",
        "changeable_hours": "often",
        "embedded_data": "Plan\nplan",
        "text.thanks": "Kept",
    }
    reply, page = await signed_in.send(f"/surveys/{survey_id}", form_in(page) | wrong)
    assert reply.status == 422
    for name in ("text.title", "changeable_hours", "embedded_data"):
        assert f'id="{name}-error"' in page
        assert f'{name}-error" aria-invalid="true"' in page
    kept = form_in(page)
    assert {name: kept[name].strip() for name in wrong} == wrong
    assert await stored(database, survey_id) == before


async def test_the_second_of_two_is_told_what_the_first_saved_and_may_put_theirs_in_its_place(
    signed_in: Browser, database: Database, survey_id: str
) -> None:
    _, page = await signed_in.get(f"/surveys/{survey_id}")
    first, second = (form_in(page) | {"text.title": title} for title in ("First's", "Second's"))
    await signed_in.send(f"/surveys/{survey_id}", first)
    reply, page = await signed_in.send(f"/surveys/{survey_id}", second)
    assert reply.status == 409
    assert "Somebody else saved this survey meanwhile" in page
    assert page.count("Saved meanwhile:") == 1
    assert (await stored(database, survey_id)).definition.texts.title == "First's"
    reply, _ = await signed_in.send(f"/surveys/{survey_id}", form_in(page))
    assert (await stored(database, survey_id)).definition.texts.title == "Second's"


async def test_the_previews_show_what_is_typed_run_nothing_and_store_nothing(
    signed_in: Browser, database: Database, survey_id: str
) -> None:
    before = await stored(database, survey_id)
    _, page = await signed_in.get(f"/surveys/{survey_id}")
    typed = {"text.title": "Typed <title>", "text.thanks": "Typed thanks", "question.QID1": "Typed question?"}
    form = form_in(page) | typed
    for show, told in (
        ("page", "Typed &lt;title&gt;"),
        ("thanks", "Typed thanks"),
        ("mail", "Typed question?"),
    ):
        reply, preview = await signed_in.send(f"/surveys/{survey_id}/preview", form | {"show": show})
        assert reply.status == 200
        assert told in preview
        policy = reply.headers["Content-Security-Policy"]
        assert "script-src" not in policy
        assert policy.endswith("frame-ancestors 'self'; sandbox")
    assert await stored(database, survey_id) == before


async def test_a_test_mail_that_does_not_go_out_loses_nothing_that_was_typed(
    signed_in: Browser, survey_id: str
) -> None:
    _, page = await signed_in.get(f"/surveys/{survey_id}")
    form = form_in(page) | {"text.title": "Typed"}
    reply, page = await signed_in.send(f"/surveys/{survey_id}/test-mail", form)
    assert reply.status == 502
    assert "could not be sent" in page
    assert form_in(page)["text.title"] == "Typed"


ROLES: Mapping[Role, bool] = {
    "owner": True,
    "administrator": True,
    "manager": True,
    "analyst": False,
    "api_user": False,
}
"""Whether a role may change a survey."""


async def test_each_role_may_look_and_only_some_may_change(
    open_browser: Callable[[], Browser], database: Database, survey_id: str
) -> None:
    for role, may in ROLES.items():
        browser, email = open_browser(), f"{role}@example.org"
        async with database.transaction() as connection:
            await add_person(connection, email=email, name="R", role=role, password=PASSWORD)
        await browser.sign_in(email)
        for address in ("/surveys", f"/surveys/{survey_id}", f"/surveys/{survey_id}/preview"):
            reply, page = await browser.get(address)
            assert (role, address, reply.status) == (role, address, 200)
        _, page = await browser.get(f"/surveys/{survey_id}")
        assert (">Save</button>" in page) == may
        for action in ("", "/preview", "/test-mail"):
            reply, _ = await browser.send(f"/surveys/{survey_id}{action}", form_in(page) | {"name": role})
            assert (role, action, reply.status == 403) == (role, action, not may)
        assert ((await stored(database, survey_id)).name == role) == may


async def test_nobody_looks_without_signing_in_and_no_survey_is_told_so(
    browser: Browser, signed_in: Browser, open_browser: Callable[[], Browser], survey_id: str
) -> None:
    reply, _ = await open_browser().get(f"/surveys/{survey_id}")
    assert reply.url.path == "/sign-in"
    reply, page = await signed_in.get("/surveys/SV_x")
    assert reply.status == 404
    assert "There is no such survey" in page
