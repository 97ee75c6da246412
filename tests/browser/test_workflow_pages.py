"""Workflows in a real browser: made step by step, and fields picked from a sample that is shown as it comes."""

from playwright.async_api import Page, ViewportSize
from sqlalchemy import insert
from tests.fixtures.site import Site

from afterword.store import tables
from afterword.workflows.definitions import JsonEvent, JsonField
from afterword.workflows.saving.listing import get_workflow

NARROWEST = ViewportSize(width=320, height=700)
SAMPLE = (
    '{"order": {"id": 4711, "note": "a-word-that-is-much-longer-than-a-telephone-is-wide-and-has-no-spaces"}}'
)


async def test_a_json_event_is_made_and_its_fields_are_picked_from_a_sample(
    owners_page: Page, site: Site
) -> None:
    page = owners_page
    await page.goto(f"{site.url}/workflows")
    await page.get_by_role("link", name="Create a Workflow").click()
    await page.get_by_role("link", name="Started when an event is received").click()
    await page.get_by_role("link", name="JSON Event").click()
    await page.get_by_label("Name").fill("From the shop")
    await page.get_by_role("button", name="Create the Workflow").click()
    await page.get_by_text("“From the shop” is made").wait_for()
    workflow_id = page.url.rpartition("made=")[2]
    await page.get_by_role("button", name="Wait for a sample request").click()
    await page.get_by_text("Send one sample request").wait_for()
    async with site.database.transaction() as connection:
        await connection.execute(
            insert(tables.event).values(
                origin=f"json-event/{workflow_id}", type="JSON Event", body=SAMPLE, status="ignored"
            )
        )
    await page.get_by_label("Use $.order.id").check()  # without a reload
    await page.get_by_label("Name of $.order.id").fill("number")
    await page.get_by_role("button", name="Add them to “From the shop”").click()
    await page.get_by_text("The fields were added").wait_for()
    async with site.database.transaction() as connection:
        event = (await get_workflow(connection, workflow_id)).definition.event
    assert event == JsonEvent(workflow_id, (JsonField("number", "$.order.id"),))
    await page.set_viewport_size(NARROWEST)
    for path in (
        f"/workflows/json-events/{workflow_id}",
        "/workflows/json-events",
        "/workflows",
        "/workflows/new",
        "/workflows/new/schedule",
        f"/workflows/{workflow_id}/test",
        f"/workflows/{workflow_id}/run",
        f"/workflows/{workflow_id}/earlier",
    ):
        await page.goto(site.url + path)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
