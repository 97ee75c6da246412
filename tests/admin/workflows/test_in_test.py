"""In test, on a page: saved as a revision, mistakes at their field, and two who edit at once."""

import html

from tests.fixtures.admin_pages import Browser

from afterword.sending.brakes import Brakes
from afterword.store.database import Database
from afterword.workflows.saving.guide import Guide
from afterword.workflows.saving.listing import get_workflow


async def save(browser: Browser, workflow_id: str, **form: str) -> tuple[int, str]:
    answer, page = await browser.send(f"/workflows/{workflow_id}/test", {"revision": "1", **form})
    return answer.status, html.unescape(page)


async def brakes_of(database: Database, workflow_id: str) -> tuple[Brakes, int]:
    async with database.transaction() as connection:
        workflow = await get_workflow(connection, workflow_id)
    return workflow.definition.brakes, workflow.revision


async def test_a_workflow_is_put_in_test_and_the_list_says_so(
    signed_in: Browser, database: Database, guide: Guide
) -> None:
    assert guide.ask is not None
    typed = "Ada@company.example\r\n\r\n@company.example, ada@x.example\r\n"
    status, page = await save(
        signed_in, guide.ask.id, in_test="yes", allowed=typed, invitations_per_hour="50"
    )
    assert (status, "Saved." in page) == (200, True)
    allowed = ("Ada@company.example", "@company.example", "ada@x.example")
    brakes = Brakes(in_test=True, allowed=allowed, invitations_per_hour=50)
    assert await brakes_of(database, guide.ask.id) == (brakes, 2)
    _, page = await signed_in.get("/workflows")
    assert f'href="/workflows/{guide.ask.id}/test">In test</a>' in page
    await save(signed_in, guide.ask.id, revision="2", allowed="\n".join(allowed))
    assert await brakes_of(database, guide.ask.id) == (Brakes(allowed=allowed), 3)


async def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_stays(
    signed_in: Browser, database: Database, guide: Guide
) -> None:
    assert guide.ask is not None
    for form, words in (
        ({"allowed": "ada@x.example\nnobody"}, "“nobody” is no address and no domain"),
        ({"allowed": "\n".join(f"{n}@x.example" for n in range(201))}, "There are 201 entries; 200"),
        ({"allowed": f"{'x' * 400}@x.example"}, "An address has 320 characters at most."),
        ({"invitations_per_hour": "0"}, "Write a whole number from 1 to 1,000,000, or nothing."),
        ({"invitations_per_hour": "many"}, "Write a whole number"),
    ):
        status, page = await save(signed_in, guide.ask.id, in_test="yes", **form)
        assert (status, words in page) == (422, True), words
        assert next(iter(form.values())).splitlines()[0] in page
        assert 'name="in_test" value="yes" checked' in page
    assert await brakes_of(database, guide.ask.id) == (Brakes(), 1)


async def test_the_second_of_two_is_told_what_changed_and_may_save_over_it(
    signed_in: Browser, database: Database, guide: Guide
) -> None:
    assert guide.ask is not None
    await save(signed_in, guide.ask.id, in_test="yes", allowed="first@x.example")
    status, page = await save(signed_in, guide.ask.id, allowed="second@x.example")
    assert status == 409
    assert "Saved meanwhile: first@x.example" in page
    assert "Saved meanwhile: in test" in page
    assert "Olivia Owner saved revision 2 meanwhile" in page
    assert 'name="revision" value="2"' in page
    assert "second@x.example</textarea>" in page
    status, _ = await save(signed_in, guide.ask.id, revision="2", allowed="second@x.example")
    assert status == 200
    assert await brakes_of(database, guide.ask.id) == (Brakes(allowed=("second@x.example",)), 3)
