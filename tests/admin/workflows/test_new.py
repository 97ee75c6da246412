"""A new workflow: asked for step by step, or from a template; what is wrong is told at its field."""

import html
import re

import msgspec
from sqlalchemy import func, insert, select
from tests.fixtures.admin_pages import Browser

from afterword.accounts.people import Person
from afterword.accounts.qualtrics_accounts import add_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.store import tables
from afterword.store.database import Database
from afterword.surveys.definitions import add_survey, csat_survey
from afterword.surveys.outlines import OutlinedChoice, OutlinedQuestion, SurveyOutline
from afterword.workflows.definitions import ConversationClosed, JsonEvent, Schedule, SurveyResponse
from afterword.workflows.saving.guide import find_guide
from afterword.workflows.saving.listing import Workflow, get_workflow
from afterword.workflows.starting.endpoints import list_endpoints

KINDS = ("conversation-closed", "json-event", "survey-response", "schedule", "tell", "ask", "answer")


async def made(browser: Browser, database: Database, kind: str, **form: str) -> Workflow:
    answer, page = await browser.send(f"/workflows/new/{kind}", form, follow=False)
    assert answer.status == 303, page
    found = re.search(r"OC_\w+$", answer.headers["Location"])
    assert found is not None
    async with database.transaction() as connection:
        return await get_workflow(connection, found[0])


async def refused(browser: Browser, kind: str, **form: str) -> str:
    answer, page = await browser.send(f"/workflows/new/{kind}", form)
    assert answer.status == 422, page
    return html.unescape(page)


def error_at(page: str, field: str) -> str:
    found = re.search(rf'id="error-{field}"[^>]*>([^<]*)<', page)
    return found[1] if found else ""


async def counted(database: Database) -> tuple[int | None, ...]:
    async with database.transaction() as connection:
        those = (tables.workflow, tables.json_event_endpoint, tables.survey, tables.mailing_list)
        return tuple([await connection.scalar(select(func.count()).select_from(one)) for one in those])


async def test_it_asks_first_what_starts_it_and_without_gladly_leads_to_where_that_is_connected(
    signed_in: Browser,
) -> None:
    _, page = await signed_in.get("/workflows/new")
    assert page.index("Started when an event is received") < page.index("Started on a schedule")
    for kind in ("event", "schedule", "tell", "ask", "answer"):
        assert f'href="/workflows/new/{kind}"' in page
    _, page = await signed_in.get("/workflows/new/event")
    for kind in ("conversation-closed", "json-event", "survey-response"):
        assert f'href="/workflows/new/{kind}"' in page
    answer, _ = await signed_in.get("/workflows/new/anything")
    assert answer.status == 404
    _, page = await signed_in.get("/workflows/new/survey-response")
    ticked = re.findall(r'name="kinds" value="(\w+)"( checked)?', page)
    assert [kind for kind, checked in ticked if checked] == ["created"]
    assert len(ticked) > 4
    for kind in ("conversation-closed", "tell", "answer"):
        _, page = await signed_in.get(f"/workflows/new/{kind}")
        assert f'href="/settings/accounts/add/gladly?next=/workflows/new/{kind}"' in page
    _, page = await signed_in.get("/settings/accounts/add/gladly?next=/workflows/new/tell")
    assert 'name="next" value="/workflows/new/tell"' in page


async def test_each_kind_is_saved_off_without_a_task_and_named_by_its_event(
    signed_in: Browser, database: Database, gladly_id: str, owner: Person
) -> None:
    async with database.transaction() as connection:
        survey_id = await add_survey(connection, name="After support", definition=csat_survey())
    closed = await made(signed_in, database, "conversation-closed", account=gladly_id)
    assert closed.definition.event == ConversationClosed(gladly_id)
    assert closed.name == "Gladly conversation closed (Acme)"
    assert (closed.is_on, closed.definition.tasks, closed.owner_id) == (False, (), owner.id)
    response = await made(
        signed_in, database, "survey-response", survey=survey_id, kinds="updated", name="  Answers "
    )
    assert response.definition.event == SurveyResponse(survey_id, None, ("updated",))
    assert (response.name, response.survey_id) == ("Answers", survey_id)
    scheduled = await made(signed_in, database, "schedule", cron="0 9 * * 1-5", time_zone="Europe/Berlin")
    assert scheduled.definition.event == Schedule("0 9 * * 1-5", "Europe/Berlin")
    assert scheduled.name == "On Monday through Friday at 09:00 (Europe/Berlin)"


async def test_a_json_event_gets_its_address_at_once_or_takes_one_that_is_there(
    signed_in: Browser, database: Database
) -> None:
    answer, _ = await signed_in.send("/workflows/new/json-event", {"endpoint": "new"}, follow=False)
    place, _, workflow_id = answer.headers["Location"].partition("?made=")
    assert place == f"/workflows/json-events/{workflow_id}"
    other = await made(signed_in, database, "json-event", endpoint=workflow_id)
    assert other.definition.event == JsonEvent(workflow_id)
    async with database.transaction() as connection:
        (endpoint,) = await list_endpoints(connection)
    assert [one.id for one in endpoint.workflows] == sorted([workflow_id, other.id], key=lambda one: one)


WRONG: list[tuple[str, dict[str, str], str, str]] = [
    ("conversation-closed", {}, "account", "Choose a Gladly account."),
    ("conversation-closed", {"account": "GA_gone"}, "account", "It is not there any more."),
    ("json-event", {}, "endpoint", "Choose an address."),
    ("json-event", {"endpoint": "new", "person": "P_x"}, "person", "Choose yourself or an API user."),
    ("survey-response", {"survey": "\x00"}, "survey", "Choose a Survey."),
    ("survey-response", {"survey": "new"}, "kinds", "tick “created”"),
    ("schedule", {"cron": "at nine", "time_zone": "UTC"}, "cron", "has 2 fields"),
    ("schedule", {"cron": "0 9 * * *", "time_zone": "Berlin"}, "time_zone", "is no time zone"),
    ("schedule", {"cron": "0 9 * * *", "time_zone": "UTC", "name": "x" * 201}, "name", "1 to 200"),
    ("tell", {"account": "GA_gone", "sends_to": "own"}, "account", "It is not there any more."),
    ("ask", {"survey": "new", "endpoint": "new"}, "mailing_list", "Choose a Mailing List."),
]


async def test_what_is_wrong_is_told_at_its_field_what_was_typed_stays_and_nothing_is_made(
    signed_in: Browser, database: Database, gladly_id: str
) -> None:
    before = await counted(database)
    for kind, form, field, words in WRONG:
        page = await refused(signed_in, kind, **{"name": "Typed <name>", **form})
        assert words in error_at(page, field), form
        assert form.get("name", "Typed <name>") in page
    assert await counted(database) == before


async def test_a_schedule_says_what_it_means_before_it_is_saved(
    signed_in: Browser, database: Database
) -> None:
    form = {"cron": "30 8 * * 1", "time_zone": "Europe/Berlin", "do": "look", "name": "Mondays"}
    answer, page = await signed_in.send("/workflows/new/schedule", form)
    assert answer.status == 200
    assert "On Monday at 08:30 (Europe/Berlin)" in page
    assert len(re.findall(r"Mon \d+ \w+ \d+, 08:30", page)) == 3
    assert 'value="Mondays"' in page
    _, page = await signed_in.send("/workflows/new/schedule", form | {"example": "0 * * * *"})
    assert "Every hour (Europe/Berlin)" in page
    assert (await counted(database))[0] == 0


async def test_the_three_templates_make_the_guide_with_what_was_missing(
    signed_in: Browser, database: Database, gladly_id: str
) -> None:
    await made(signed_in, database, "tell", account=gladly_id, sends_to="own", name="Tell")
    async with database.transaction() as connection:
        (own,) = await list_endpoints(connection)
    _, page = await signed_in.get("/workflows/new/ask")
    assert f'<option value="{own.id}" selected>' in page
    new = {"survey": "new", "survey_name": "After support", "mailing_list": "new"}
    ask = await made(signed_in, database, "ask", endpoint=own.id, **new)
    survey = ask.definition.tasks[0].configuration["survey"]
    await made(signed_in, database, "answer", account=gladly_id, survey=survey, name="")
    async with database.transaction() as connection:
        guide = await find_guide(connection, gladly_id)
    assert [one.is_on for one in guide.workflows] == [False, False, False]
    for kind, one in zip(("tell", "ask", "answer"), guide.workflows, strict=True):
        _, page = await signed_in.get(f"/workflows/new/{kind}")
        assert f'<a href="/workflows/{one.id}">{one.name}</a> does this already.' in page
    for one in guide.workflows:  # turning on checks
        answer, page = await signed_in.send("/workflows/switch", {"workflow": one.id, "on": "yes"})
        assert answer.status == 200, page


async def lacking(database: Database) -> str:
    """A Survey that does not say who answered."""
    async with database.transaction() as connection:
        return await add_survey(connection, name="Anonymous", definition=csat_survey(embedded_data=()))


async def test_a_qualtrics_without_a_json_event_cannot_be_told(
    signed_in: Browser, database: Database, gladly_id: str, box: SecretBox
) -> None:
    async with database.transaction() as connection:
        account = await add_qualtrics(
            connection, box, name="Brand", base_url="http://127.0.0.1:1", api_token="a token of the tests"
        )
    page = await refused(signed_in, "tell", account=gladly_id, sends_to=account.id)
    assert "Brand has no JSON event endpoint yet" in error_at(page, "sends_to")


async def test_the_answers_template_reads_the_questions_of_the_chosen_survey(
    signed_in: Browser, database: Database, gladly_id: str, qualtrics_id: str
) -> None:
    page = await refused(signed_in, "answer", account=gladly_id, survey=await lacking(database))
    assert "does not have: e://Field/CustomerId is not known here" in error_at(page, "survey")
    outline = SurveyOutline(
        "SV_theirs",
        "Theirs",
        (
            OutlinedQuestion("QID7", "Why?"),
            OutlinedQuestion("QID9", "How?", "", (OutlinedChoice("1", "Bad", "1"),)),
        ),
        ("CustomerId",),
    )
    async with database.transaction() as connection:
        await connection.execute(
            insert(tables.qualtrics_survey).values(
                account_id=qualtrics_id,
                survey_id="SV_theirs",
                sha256=b"x",
                outline=msgspec.json.encode(outline).decode(),
            )
        )
    _, page = await signed_in.get("/workflows/new/answer")
    assert f'value="{qualtrics_id}/SV_theirs">Theirs (Acme)<' in page
    answer = await made(
        signed_in, database, "answer", account=gladly_id, survey=f"{qualtrics_id}/SV_theirs", name="x"
    )
    configuration = answer.definition.tasks[0].configuration
    assert configuration["title"] == "CSAT Score: ${q://QID9/SelectedChoicesRecode}"
    assert configuration["body"] == "Customer Feedback: ${q://QID7/ChoiceTextEntryValue}"


async def test_a_second_survey_of_the_same_name_is_not_made_unasked(
    signed_in: Browser, database: Database, gladly_id: str
) -> None:
    first = await made(signed_in, database, "survey-response", survey="new", kinds="created")
    _, page = await signed_in.get("/workflows/new/survey-response")
    assert f'<option value="{first.survey_id}" selected>' in page, "the one that is there is offered first"
    before = await counted(database)
    for name in ("", "customer SATISFACTION (csat)"):
        page = await refused(
            signed_in, "survey-response", survey="new", kinds="created", survey_name=name, name="Kept"
        )
        assert "already. Choose it above, or call the new one otherwise." in error_at(page, "survey_name")
        assert 'value="Kept"' in page
    assert await counted(database) == before
    other = await made(
        signed_in, database, "survey-response", survey="new", kinds="created", survey_name="After a return"
    )
    _, page = await signed_in.get("/workflows/new/answer")
    assert re.search(rf'<option value="{other.survey_id}"[^>]*>After a return</option>', page)
