"""A session that ends while somebody edits, and a proof that is asked for once more, in a real browser."""

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.async_api import Page, expect
from tests.browser.test_every_page import NARROW, RUN_AXE, TAGS
from tests.browser.test_workflow_editor_page import workflow_of
from tests.fixtures.site import PASSWORD, Site

from afterword.workflows.saving.listing import get_workflow


async def is_fine(page: Page) -> None:
    """Nothing for axe to find, and no wider than a phone."""
    assert await page.evaluate("document.scrollingElement.scrollWidth") <= NARROW["width"]
    await page.evaluate(AXE_SCRIPT)
    rules = {"type": "tag", "values": TAGS}
    found = await page.evaluate(RUN_AXE, {"runOnly": rules, "resultTypes": ["violations"], "preload": False})
    assert found == []


async def test_what_was_typed_is_there_after_signing_in_again_and_a_token_asks_for_the_password(
    owners_page: Page, site: Site
) -> None:
    page, workflow_id = owners_page, await workflow_of(site)
    await page.set_viewport_size(NARROW)
    await page.goto(f"{site.url}/workflows/{workflow_id}")
    await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    await page.get_by_label("Subject", exact=True).fill("Typed for an hour")
    await site.database.pool.execute("DELETE FROM person_session")
    await page.get_by_role("button", name="Save", exact=True).first.click()
    await expect(page.get_by_text("What you typed is kept for an hour")).to_be_visible()
    await is_fine(page)
    await page.get_by_label("Email address").fill("olivia@example.org")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="What you had typed")).to_be_visible()
    await page.get_by_text("All that it says").click()
    await is_fine(page)
    await page.get_by_role("button", name="Look at it in the editor first").click()
    await expect(page.get_by_label("Subject", exact=True)).to_have_value("Typed for an hour")
    await expect(page.get_by_text("not saved yet")).to_be_visible()
    await page.go_back()
    await page.get_by_role("button", name="Send it now").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved as revision 2")
    async with site.database.transaction() as connection:
        saved = await get_workflow(connection, workflow_id)
    assert saved.definition.tasks[0].configuration["subject"] == "Typed for an hour"

    await page.goto(f"{site.url}/settings/tokens")
    await page.get_by_label("What it is for").fill("CRM")
    await page.get_by_label("All that its person may").check()
    await site.database.pool.execute("UPDATE person_session SET proved_at = now() - interval '1 hour'")
    await page.context.clear_cookies(name="afterword_form")  # as when the browser was started anew
    await page.get_by_role("button", name="Make it").click()
    await expect(page.get_by_text("The page that you sent was too old")).to_be_visible()
    await is_fine(page)
    await page.get_by_role("button", name="Send it now").click()
    await expect(page.get_by_label("Your password")).to_be_focused()
    await is_fine(page)
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The new token.")).to_be_visible()
