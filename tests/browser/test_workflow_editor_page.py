"""The editor of a Workflow in a real browser: handier with scripts, and whole without them."""

from playwright.async_api import Browser, Dialog, Page, expect
from tests.fixtures.site import PASSWORD, Site

from afterword.workflows.definitions import Definition, JsonEvent, JsonField, Task
from afterword.workflows.saving.listing import get_workflow
from afterword.workflows.saving.workflows import add_workflow


async def workflow_of(site: Site) -> str:
    """A Workflow that is off, whose Task lacks nothing."""
    configuration = {
        "mailing_list": site.list_id,
        "email": "~{aedj://email}",
        "survey": site.survey_id,
    }
    event = JsonEvent("E2", (JsonField("email", "$.email"), JsonField("orderId", "$.orderId")))
    task = Task("T-1", "distribute-survey", "Ask", configuration)
    async with site.database.transaction() as connection:
        return await add_workflow(
            connection, name="x" * 190, definition=Definition(event, (task,)), is_on=False
        )


async def test_values_go_in_at_the_cursor_tasks_are_filtered_and_who_leaves_is_warned(
    owners_page: Page, site: Site
) -> None:
    page, workflow_id = owners_page, await workflow_of(site)
    await page.set_viewport_size({"width": 320, "height": 800})
    await page.goto(f"{site.url}/workflows/{workflow_id}")
    await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    wider_by = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wider_by) == 0
    subject = page.get_by_label("Subject", exact=True)
    await subject.fill("About : how was it?")
    await subject.evaluate("field => field.setSelectionRange(6, 6)")
    await page.get_by_role("button", name="Piped Text for Subject").click()
    await page.get_by_role("button", name="~{aedj://orderId}").click()
    await expect(subject).to_have_value("About ~{aedj://orderId}: how was it?")
    await expect(subject).to_be_focused()
    await page.get_by_label("Search").fill("timeline")
    await expect(page.locator("#task-types li:visible")).to_have_count(1)

    asked: list[str] = []

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.accept()

    page.on("dialog", stay)
    await page.get_by_role("link", name="Revisions").click()
    await page.wait_for_url("**/revisions")
    assert asked == ["beforeunload"]


async def test_without_scripts_a_task_is_added_and_save_goes_to_what_is_missing(
    browser: Browser, site: Site
) -> None:
    workflow_id = await workflow_of(site)
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{site.url}/workflows/{workflow_id}")
    await page.get_by_label("Email address").fill("olivia@example.org")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_text("+ Add a task").click()
    await page.get_by_role("button", name="Add the Task Email notification").click()
    subject = page.locator("#tasks-1-configuration-subject")
    await subject.fill("Asked")
    await page.keyboard.press("Enter")
    to = page.locator("#tasks-1-configuration-to")
    await expect(to).to_be_focused()
    await expect(page.get_by_role("alert")).to_contain_text("Email notification, To: This is missing")
    await to.fill("service@example.org")
    await page.get_by_role("button", name="Save").first.click()
    await expect(page.get_by_role("status")).to_contain_text("Saved as revision 2.")
    async with site.database.transaction() as connection:
        saved = (await get_workflow(connection, workflow_id)).definition.tasks[1]
    assert saved.configuration == {"to": ["service@example.org"], "subject": "Asked"}
    await context.close()
