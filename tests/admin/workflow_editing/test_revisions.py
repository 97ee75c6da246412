"""Revisions of a Workflow on a page: who saved what, any two compared, an earlier one restored."""

import msgspec
from tests.fixtures.admin_pages import PASSWORD
from tests.fixtures.workflow_forms import Editor, Ids

from afterword.accounts.people import add_person
from afterword.sending.brakes import Brakes
from afterword.workflows.saving.workflows import save_revision


async def revise(editor: Editor, *labels: str) -> None:
    """Save a revision with each of these labels."""
    for label in labels:
        await editor.press("save", {"tasks[0].label": label})
        assert editor.status == 200


async def test_each_is_listed_with_who_when_and_what_it_changed_and_any_two_are_compared(
    editor: Editor,
) -> None:
    address = f"{editor.address}/revisions"
    _, page = await editor.browser.get(address)
    assert "The first one." in page
    assert "Compare" not in page
    await revise(editor, "Second <label>", "Third")
    _, page = await editor.browser.get(address)
    assert page.index("Revision 3") < page.index("Revision 2")
    assert page.count("Olivia Owner, ") == 3
    assert "Changed: task “Third” (T-1), label" in page
    _, page = await editor.browser.get(f"{address}?before=1&after=2")
    assert "<del>Ask</del>" in page
    assert "<ins>Second &lt;label&gt;</ins>" in page
    _, page = await editor.browser.get(f"{address}?before=2&after=2")
    assert "They say the same." in page
    answer, _ = await editor.browser.get(f"{address}?before=1&after=9")
    assert answer.status == 404


async def test_each_leads_to_its_runs(editor: Editor) -> None:
    await revise(editor, "Second")
    _, page = await editor.browser.get(f"{editor.address}/revisions")
    workflow_id = editor.address.rpartition("/")[2]
    its_runs = f"/workflows/runs?workflow={workflow_id}&amp;revision=2"
    assert its_runs in page
    answer, page = await editor.browser.get(its_runs.replace("&amp;", "&"))
    assert answer.status == 200
    assert 'name="revision" value="2"' in page
    answer, page = await editor.browser.get("/workflows/runs?workflow=&revision=2")
    assert answer.status == 200
    assert 'name="revision"' not in page


async def test_an_earlier_one_is_restored_as_a_new_one_and_not_over_one_that_nobody_saw(
    editor: Editor,
) -> None:
    address = f"{editor.address}/revisions"
    await revise(editor, "Second")
    answer, page = await editor.browser.send(address, {"restore": "1", "revision": "1"})
    assert answer.status == 409
    assert "Olivia Owner saved revision 2 meanwhile" in page
    assert (await editor.saved()).revision == 2
    _, page = await editor.browser.send(address, {"restore": "1", "revision": "2"})
    assert "It says again what revision 1 said." in page
    assert "restored from revision 1" in page
    now = await editor.saved()
    assert (now.revision, now.definition.tasks[0].label) == (3, "Ask")
    for made_up in ("9", "x", "99999999999"):
        answer, _ = await editor.browser.send(address, {"restore": made_up, "revision": "3"})
        assert answer.status == 404


async def test_one_that_would_end_a_test_is_restored_only_by_who_says_so(editor: Editor) -> None:
    now = await editor.saved()
    in_test = msgspec.structs.replace(now.definition, brakes=Brakes(in_test=True))
    async with editor.database.transaction() as connection:
        await save_revision(connection, editor.id, in_test, person_id=None, expected_revision=1, check=None)
    address = f"{editor.address}/revisions"
    answer, page = await editor.browser.send(address, {"restore": "1", "revision": "2"})
    assert answer.status == 409
    assert "it writes to everybody" in page
    assert (await editor.saved()).definition.brakes.in_test
    await editor.browser.send(address, {"restore": "1", "revision": "2", "sure": "yes"})
    assert not (await editor.saved()).definition.brakes.in_test


async def test_one_that_needs_what_is_gone_is_not_restored_and_says_what(editor: Editor, ids: Ids) -> None:
    await revise(editor, "Second")
    await editor.database.pool.execute("DELETE FROM mailing_list")
    answer, page = await editor.browser.send(f"{editor.address}/revisions", {"restore": "1", "revision": "2"})
    assert answer.status == 422
    assert f"there is no mailing list “{ids['list']}”" in page
    assert (await editor.saved()).revision == 2


async def test_name_owner_and_survey_are_set_and_two_who_set_them_overwrite_nothing(
    editor: Editor, ids: Ids
) -> None:
    address = f"{editor.address}/settings"
    async with editor.database.transaction() as connection:
        other = await add_person(
            connection, email="max@example.org", name="Max", role="manager", password=PASSWORD
        )
    now = await editor.saved()
    was = {"was.name": now.name, "was.owner": now.owner_id or "", "was.survey": ""}
    answer, page = await editor.browser.send(
        address, was | {"name": "Ask  all", "owner": other.id, "survey": ids["survey"]}
    )
    assert "Saved." in page
    after = await editor.saved()
    assert (after.name, after.owner, after.survey_id) == ("Ask all", "Max", ids["survey"])
    entries = await editor.database.pool.fetch(
        "SELECT what FROM audit_entry WHERE kind = 'workflow' ORDER BY id DESC LIMIT 3"
    )
    assert {entry["what"] for entry in entries} == {"renamed", "given to", "listed under"}
    late = was | {"name": "Mine", "owner": now.owner_id or "", "survey": ""}
    answer, page = await editor.browser.send(address, late)
    assert answer.status == 409
    assert "meanwhile, to “Ask all”" in page
    assert "meanwhile, to “Max”" in page
    assert 'value="Mine"' in page
    assert (await editor.saved()).name == "Ask all"
    seen = {"was.name": "Ask all", "was.owner": other.id, "was.survey": ids["survey"]}
    answer, page = await editor.browser.send(address, seen | {"name": " ", "owner": "", "survey": ""})
    assert answer.status == 422
    assert "has 1 to 200 characters" in page
    answer, page = await editor.browser.send(
        address, seen | {"name": "Ask all", "owner": "nobody", "survey": ""}
    )
    assert answer.status == 422


async def test_it_is_deleted_after_telling_what_becomes_of_its_runs(editor: Editor) -> None:
    event = await editor.database.pool.fetchval(
        "INSERT INTO event (origin, type, body, status) VALUES ('json-event/E1', 'JSON Event', '{}', 'matched') "
        "RETURNING id"
    )
    await editor.database.pool.execute(
        "INSERT INTO run (workflow_id, revision, event_id, status) VALUES ($1, 1, $2, 'waiting')",
        editor.id,
        event,
    )
    _, page = await editor.browser.get(f"{editor.address}/delete")
    assert "1 Run that is under way or waits is cancelled." in page
    assert "answers 404" in page
    answer, _ = await editor.browser.send(f"{editor.address}/delete", {})
    assert answer.url.path == "/workflows"
    answer, _ = await editor.browser.get(editor.address)
    assert answer.status == 404
    answer, _ = await editor.browser.send(f"{editor.address}/delete", {})
    assert answer.status == 404
