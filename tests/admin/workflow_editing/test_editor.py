"""The editor of a Workflow: one form that loses nothing, whose buttons work without scripts, and that saves once."""

import re
from collections.abc import Callable

import pytest
from tests.fixtures.admin_pages import PASSWORD, Browser
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.workflow_forms import EMAIL, Editor, Ids, form_in

from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.people import Person, add_person
from afterword.accounts.secrets import SecretBox
from afterword.store.database import Database
from afterword.surveys.definitions import SurveyDefinition, add_survey, csat_survey
from afterword.workflows.definitions import Definition, JsonEvent, Schedule, SurveyResponse, Task
from afterword.workflows.saving.listing import list_workflows
from afterword.workflows.saving.workflows import add_workflow, delete_workflow, save_revision

ANCHOR = str.maketrans({"[": "-", "]": "", ".": "-"})
"""How a path stands in the id of its field."""


async def test_the_page_tells_what_the_workflow_does_from_event_to_last_task(
    editor: Editor, ids: Ids
) -> None:
    page = editor.page
    assert editor.status == 200
    assert "Ask &lt;all&gt;" in page
    assert "3 values are read from it" in page
    assert page.index("JSON Event") < page.index("A contact, embedded data") < page.index("Add a task")
    assert re.search(r"Survey:</span> CSAT &lt;1&gt;", page)
    assert 'style="' not in page
    assert "<script>" not in page
    assert ids["list"] in page


async def test_saved_as_it_is_nothing_changes_and_what_is_typed_is_saved_as_a_revision(
    editor: Editor, ids: Ids
) -> None:
    before = await editor.saved()
    await editor.press("enter")
    assert "Nothing was changed" in editor.page
    assert await editor.saved() == before
    path = "tasks[0].configuration"
    await editor.press(
        "save", {f"{path}.subject": "How was it, ${m://FirstName}?", f"{path}.delay_seconds": "3600"}
    )
    assert "Saved as revision 2" in editor.page
    after = await editor.saved()
    assert after.revision == 2
    assert after.definition.tasks[0].configuration == {
        **before.definition.tasks[0].configuration,
        "subject": "How was it, ${m://FirstName}?",
        "delay_seconds": 3600,
    }
    entry = await editor.database.pool.fetchrow(
        "SELECT actor, what FROM audit_entry WHERE kind = 'workflow' ORDER BY id DESC LIMIT 1"
    )
    assert entry is not None
    assert (entry["actor"], entry["what"]) == ("Olivia Owner", "saved")


async def test_save_pressed_too_early_names_all_that_is_missing_and_goes_to_the_first(editor: Editor) -> None:
    before = await editor.saved()
    await editor.press("add-task:email-notification")
    wrong = {
        "tasks[0].configuration.email": " ",
        "tasks[0].configuration.delay_seconds": "soon",
        "tasks[1].configuration.message": "Kept <as typed>",
    }
    await editor.press("save", wrong)
    assert editor.status == 422
    assert "4 things are missing or wrong" in editor.page
    summary = re.findall(r'<li><a href="#([^"]+)">([^<]+)</a>: ([^<]+)</li>', editor.page)
    assert summary == [
        ("tasks-0-configuration-email", "Ask, Email", "This is missing"),
        (
            "tasks-0-configuration-delay_seconds",
            "Ask, When: delay in seconds",
            "“soon” is not a number; write it as 24",
        ),
        ("tasks-1-configuration-to", "Email notification, To", "This is missing"),
        ("tasks-1-configuration-subject", "Email notification, Subject", "This is missing"),
    ]
    for anchor, _, _ in summary:
        assert f'id="{anchor}"' in editor.page
    assert re.findall(r'<input id="([^"]+)"[^>]* autofocus', editor.page) == ["tasks-0-configuration-email"]
    assert re.search(
        r'aria-describedby="[^"]*tasks-1-configuration-subject-error" aria-invalid="true"', editor.page
    )
    fields = editor.fields()
    assert fields["tasks[0].configuration.delay_seconds"] == "soon"
    assert fields["tasks[1].configuration.message"] == "Kept <as typed>"
    assert await editor.saved() == before


async def test_tasks_are_found_added_moved_and_removed_and_nothing_typed_is_lost(editor: Editor) -> None:
    await editor.press("pick:", {"q": "timeline", "tasks[0].label": "Typed"})
    assert [one for one in form_in(editor.page).buttons if one.startswith("add-task:")] == [
        "add-task:gladly-timeline-event"
    ]
    await editor.press("enter", {"q": "topics"})
    assert [one for one in form_in(editor.page).buttons if one.startswith("add-task:")] == [
        "add-task:gladly-add-topics"
    ]
    await editor.press("pick:", {"q": ""})
    await editor.press("add-task:add-contact")
    fields = editor.fields()
    assert fields["tasks[1].id"] == "T-2"
    assert fields["tasks[1].configuration.email"] == EMAIL
    assert fields["tasks[1].configuration.mailing_list"] == fields["tasks[0].configuration.mailing_list"]
    assert "not saved yet" in editor.page
    await editor.press("up:tasks[1]")
    assert [editor.fields()[f"tasks[{number}].label"] for number in (0, 1)] == [
        "XM Directory: Add contact",
        "Typed",
    ]
    assert (await editor.saved()).revision == 1
    await editor.press("save")
    assert [task.id for task in (await editor.saved()).definition.tasks] == ["T-2", "T-1"]
    await editor.press("remove:tasks[0]")
    await editor.press("save")
    assert [task.label for task in (await editor.saved()).definition.tasks] == ["Typed"]


async def test_a_new_distribute_survey_starts_with_a_good_subject_and_message(
    editor: Editor, ids: Ids
) -> None:
    await editor.press("add-task:distribute-survey")
    fields = editor.fields()
    path = "tasks[1].configuration"
    assert fields[f"{path}.subject"] == "How did we do?"
    assert "${l://SurveyLink" in fields[f"{path}.message"]
    assert fields[f"{path}.survey"] == ids["survey"]
    assert fields[f"{path}.embedded_data[0].value"] == "~{aedj://customerId}"
    await editor.press("save")
    saved = (await editor.saved()).definition.tasks[1].configuration
    assert "subject" not in saved
    assert saved["email"] == EMAIL


async def test_rows_are_added_and_removed_and_empty_ones_are_left_out(editor: Editor) -> None:
    path = "tasks[0].configuration.embedded_data"
    await editor.press(f"add-row:{path}")
    await editor.press(f"add-row:{path}", {f"{path}[0].field": "Plan", f"{path}[0].value": "gold"})
    await editor.press(f"add-row:{path}", {f"{path}[1].field": "Shop", f"{path}[1].value": "de"})
    await editor.press(f"remove:{path}[0]")
    await editor.press("save")
    saved = (await editor.saved()).definition.tasks[0].configuration
    assert saved["embedded_data"] == [{"field": "Shop", "value": "de"}]


async def test_conditions_are_made_row_by_row_in_groups(editor: Editor) -> None:
    await editor.press("add-condition:conditions")
    await editor.press("add-condition:tasks[0].conditions")
    typed = {
        "conditions[0].field": "~{aedj://inboxId}",
        "conditions[0].operator": "is one of",
        "conditions[0].value": "returns",
        "tasks[0].conditions[0].field": "~{aedj://customerId}",
    }
    await editor.press("add-group:tasks[0].conditions", typed)
    more = {
        "conditions[0].value": "returns\r\norders",
        "tasks[0].conditions[0].operator": "is not empty",
        "tasks[0].conditions[1].conditions[0].field": "~{aedj://inboxId}",
        "tasks[0].conditions[1].conditions[0].operator": "equals",
    }
    await editor.press("save", more)
    assert editor.status == 422
    assert editor.page.count('class="error"') == 1
    await editor.press("save", {"tasks[0].conditions[1].conditions[0].value": "vip"})
    definition = (await editor.saved()).definition
    assert definition.conditions is not None
    assert definition.conditions.conditions[0].values == ("returns", "orders")  # type: ignore[union-attr]
    of_task = definition.tasks[0].conditions
    assert of_task is not None
    assert [type(one).__name__ for one in of_task.conditions] == ["Comparison", "Group"]
    assert "Only if" in editor.page
    await editor.press("remove:conditions[0]")
    await editor.press("save")
    assert (await editor.saved()).definition.conditions is None


async def test_the_second_of_two_is_told_what_the_first_changed_and_may_save_over_it_knowingly(
    editor: Editor, owner: Person
) -> None:
    now = await editor.saved()
    task = now.definition.tasks[0]
    theirs = Definition(
        now.definition.event,
        (Task("T-1", task.type, "First's", task.configuration),),
    )
    async with editor.database.transaction() as connection:
        await save_revision(
            connection, editor.id, theirs, person_id=owner.id, expected_revision=1, check=None
        )
    await editor.press("add-condition:conditions", {"tasks[0].label": "Second's"})
    await editor.press("remove:conditions[0]")
    await editor.press("save")
    assert editor.status == 409
    assert "Olivia Owner saved revision 2 meanwhile" in editor.page
    assert "<ins>First&#39;s</ins>" in editor.page
    assert "<ins>Second&#39;s</ins>" in editor.page
    assert editor.fields()["tasks[0].label"] == "Second's"
    assert (await editor.saved()).definition.tasks[0].label == "First's"
    await editor.press("save")
    assert (await editor.saved()).definition.tasks[0].label == "Second's"


async def test_what_was_typed_of_a_workflow_that_was_deleted_meanwhile_is_saved_as_a_new_one(
    editor: Editor, owner: Person
) -> None:
    async with editor.database.transaction() as connection:
        await delete_workflow(connection, editor.id)
    await editor.press("save", {"tasks[0].label": "Typed after"})
    assert editor.status == 409
    assert "deleted this Workflow meanwhile. Nothing of yours is lost" in editor.page
    await editor.press("add-condition:conditions")
    await editor.press("remove:conditions[0]")
    await editor.press("save-new", {"tasks[0].configuration.subject": "~{aedj://nobody}"})
    assert editor.status == 422
    await editor.press("save-new", {"tasks[0].configuration.subject": "How was it?"})
    assert "Saved as revision 1." in editor.page
    async with editor.database.transaction() as connection:
        (made,) = await list_workflows(connection)
    assert made.id != editor.id
    assert (made.is_on, made.owner_id) == (False, owner.id)
    assert made.definition.tasks[0].label == "Typed after"
    assert made.definition.tasks[0].configuration["subject"] == "How was it?"
    event = made.definition.event
    assert isinstance(event, JsonEvent)
    assert event.endpoint.startswith("OC_")  # the address went with the other
    assert len(event.fields) == 3


async def test_a_gladly_account_is_added_in_place_without_losing_the_form(
    editor: Editor, sandbox: Sandbox
) -> None:
    await editor.press("add-task:gladly-timeline-event")
    path = "tasks[1].configuration.account"
    typed = {
        f"connect.address:{path}": sandbox.url,
        f"connect.username:{path}": sandbox.username,
        f"connect.api_token:{path}": "wrong",
        "tasks[0].label": "Typed before",
    }
    await editor.press(f"connect:{path}", typed)
    assert editor.status == 422
    assert "Gladly does not accept this user name" in editor.page
    assert editor.fields()[f"connect.address:{path}"] == sandbox.url
    assert editor.fields()["tasks[0].label"] == "Typed before"
    await editor.press(f"connect:{path}", {f"connect.api_token:{path}": sandbox.api_token})
    assert "is connected, and chosen here" in editor.page
    assert sandbox.api_token not in editor.page
    fields = editor.fields()
    assert fields[path].startswith("GA_")
    assert fields["tasks[0].label"] == "Typed before"
    await editor.press(f"connect:{path}", typed | {f"connect.api_token:{path}": sandbox.api_token, path: ""})
    assert "was connected already" in editor.page
    assert editor.fields()[path] == fields[path]


async def test_it_is_turned_on_and_off_and_what_is_not_saved_stays(editor: Editor) -> None:
    await editor.press("on", {"tasks[0].label": "Typed"})
    assert "Save first" in editor.page
    assert not (await editor.saved()).is_on
    await editor.press("save")
    await editor.press("on")
    assert (await editor.saved()).is_on
    assert "It is on." in editor.page
    await editor.press("off", {"tasks[0].label": "Typed later"})
    assert not (await editor.saved()).is_on
    assert editor.fields()["tasks[0].label"] == "Typed later"


async def test_piped_text_is_offered_with_a_value_of_the_newest_event(editor: Editor) -> None:
    event = await editor.database.pool.fetchval(
        "INSERT INTO event (origin, type, body, status) VALUES ('json-event/E1', 'JSON Event', $1, 'matched') "
        "RETURNING id",
        '{"customerId": "C <7>", "customerEmailAddress": "ada@example.org"}',
    )
    await editor.database.pool.execute(
        "INSERT INTO run (workflow_id, revision, event_id) VALUES ($1, 1, $2)", editor.id, event
    )
    await editor.open()
    lists = dict(
        re.findall(r'<div popover class="names" id="([^"]+)">(.*?)</ul></div>', editor.page, re.DOTALL)
    )
    assert set(lists) == {"names-event", "names-0-run", "names-0-invitation"}
    assert "C &lt;7&gt;" in lists["names-0-run"]
    assert "${l://SurveyLink}" in lists["names-0-invitation"]
    assert "${l://SurveyLink}" not in lists["names-0-run"]
    asked = set(re.findall(r'popovertarget="(names-[^"]+)" aria-label', editor.page))
    assert asked <= set(lists)


@pytest.mark.parametrize(
    "event", [Schedule("0 9 * * 1-5", "Europe/Berlin"), SurveyResponse("SV_x", None, ("created",))]
)
async def test_other_events_have_fields_of_their_own(
    signed_in: Browser, database: Database, ids: Ids, event: Schedule | SurveyResponse
) -> None:
    async with database.transaction() as connection:
        workflow = await add_workflow(connection, definition=Definition(event, ()), is_on=False)
    editor = await Editor(signed_in, database, workflow).open()
    if isinstance(event, Schedule):
        assert "On Monday through Friday at 09:00" in editor.page
        await editor.press("save", {"event.cron": "every day"})
        assert editor.status == 422
        await editor.press("save", {"event.cron": "0 10 * * *"})
        assert (await editor.saved()).definition.event == Schedule("0 10 * * *", "Europe/Berlin")
    else:
        assert "(not found)" in editor.page
        await editor.press("save", {"event.survey": ids["survey"]})
        assert (await editor.saved()).definition.event == SurveyResponse(ids["survey"])


async def test_another_survey_is_chosen_and_its_own_questions_are_known_at_once(
    signed_in: Browser, database: Database, ids: Ids
) -> None:
    score = "${q://QID1/SelectedChoicesRecode}"
    task = Task("T-1", "email-notification", "Tell", {"to": ["a@example.org"], "subject": score})
    async with database.transaction() as connection:
        bare = await add_survey(
            connection, name="Bare", definition=SurveyDefinition(questions=(), texts=csat_survey().texts)
        )
        definition = Definition(SurveyResponse(bare), (task,))
        workflow = await add_workflow(connection, definition=definition, is_on=False)
    editor = await Editor(signed_in, database, workflow).open()
    await editor.press("save", {"tasks[0].label": "Told"})
    assert editor.status == 422
    await editor.press("save", {"event.survey": ids["survey"]})
    assert editor.status == 200
    assert score in editor.page


async def test_what_is_written_as_json_is_kept_as_typed_until_it_is_right(
    signed_in: Browser, database: Database
) -> None:
    task = Task("T-1", "of-another-package", "Theirs", {"a": [1, {"b": None}]})
    async with database.transaction() as connection:
        definition = Definition(JsonEvent("E3"), (task,))
        workflow = await add_workflow(connection, definition=definition, is_on=False)
    editor = await Editor(signed_in, database, workflow).open()
    path = "tasks[0].configuration"
    for typed, told in (
        ("{a", "This is not JSON"),
        ("[1]", "A group of fields"),
        (r'{"a": "\u0000"}', "no database takes"),
    ):
        await editor.press("save", {path: typed})
        assert editor.status == 422
        assert told in editor.page
        assert editor.fields()[path] == typed
    await editor.press("remove:tasks[0]")
    await editor.press("save")
    assert (await editor.saved()).definition.tasks == ()


async def test_a_form_that_was_made_up_changes_nothing(editor: Editor) -> None:
    before = await editor.saved()
    token = await editor.browser.form_token()
    for do in (
        "remove:tasks[9]",
        "up:tasks",
        "add-row:tasks[0].id",
        "add-task:nothing",
        "nothing:",
        "add-pair:x[1",
    ):
        form = dict(form_in(editor.page).pairs)
        answer, page = await editor.browser.send(editor.address, form | {"do": do}, token=token)
        assert answer.status == 422, do
        assert "not there any more" in page
    for revision in ("", "99999999999", "x"):
        form = {"do": "save", "revision": revision}
        answer, _ = await editor.browser.send(editor.address, form, token=token)
        assert answer.status == 409
    for kept in ("", "5", "{", '{"is": "group", "join": "all", "conditions": 5}'):
        form = {"rows:conditions": "99999", "is:conditions[0]": "kept", "kept:conditions[0]": kept}
        answer, _ = await editor.browser.send(editor.address, form | {"do": "save"}, token=token)
        assert answer.status == 422
    assert await editor.saved() == before


async def test_an_analyst_reads_what_it_does_and_what_its_tasks_are_told_without_a_form(
    browser: Browser, database: Database, ids: Ids
) -> None:
    async with database.transaction() as connection:
        await add_person(connection, email="a@example.org", name="A", role="analyst", password=PASSWORD)
    await browser.sign_in("a@example.org")
    editor = await Editor(browser, database, ids["workflow"]).open()
    assert "3 values are read from it" in editor.page
    assert EMAIL in editor.page
    assert form_in(editor.page).pairs == []
    _, page = await browser.get(f"{editor.address}/settings")
    assert "Olivia Owner" in page
    assert "Delete" not in page


async def test_only_who_connects_accounts_is_offered_to_and_no_workflow_is_told_so(
    open_browser: Callable[[], Browser], database: Database, ids: Ids, box: SecretBox
) -> None:
    browser = open_browser()
    async with database.transaction() as connection:
        await add_person(connection, email="m@example.org", name="M", role="manager", password=PASSWORD)
        await add_gladly(
            connection,
            box,
            name="Acme",
            base_url="http://127.0.0.1:1",
            username="u",
            api_token="t",
            delivery="none",
        )
    await browser.sign_in("m@example.org")
    editor = await Editor(browser, database, ids["workflow"]).open()
    await editor.press("add-task:gladly-timeline-event")
    assert "Add a user account" not in editor.page
    path = "tasks[1].configuration.account"
    answer, _ = await browser.send(editor.address, editor.fields() | {"do": f"connect:{path}"})
    assert answer.status == 403
    answer, page = await browser.get("/workflows/OC_none")
    assert answer.status == 404
    assert "There is no such Workflow, or it was deleted." in page


async def test_rules_are_called_as_in_the_set_up_and_what_cannot_be_is_told_in_words(editor: Editor) -> None:
    await editor.press("add-task:send-json-event")
    rules = "tasks[1].configuration.eligibility"
    assert "At most one survey per Customer in" in editor.page
    assert '<span class="unit">days</span>' in editor.page
    for choice in ("a rule of Gladly&#39;s", "Facebook Messenger", "the credited Agent"):
        assert choice in editor.page
    await editor.press("save", {f"{rules}.once_in_days": "400", f"{rules}.share_percent": "many"})
    assert editor.status == 422
    at_days = re.search(
        rf'id="{re.escape(rules.translate(ANCHOR))}-once_in_days-error">([^<]*)<', editor.page
    )
    assert at_days is not None
    assert at_days[1] == "Write a number of days, up to 366, or nothing."
    assert "Write a number above 0, up to 100, or nothing." in editor.page
