"""A survey's page in a real browser: what is typed is shown in the preview by itself."""

from playwright.async_api import Page
from tests.fixtures.site import Site


async def test_the_preview_follows_what_is_typed_and_back_leaves_the_page(
    owners_page: Page, site: Site
) -> None:
    await owners_page.goto(f"{site.url}/surveys/{site.survey_id}")
    preview = owners_page.frame_locator("iframe.phone:not([hidden])")
    await owners_page.get_by_label("Heading", exact=True).fill("Typed just now")
    await preview.get_by_role("heading", name="Typed just now").wait_for()
    await owners_page.get_by_role("button", name="Mail", exact=True).click()
    await preview.get_by_text("Not interested in surveys?").wait_for()
    await owners_page.get_by_label("Question 1").fill("Asked just now?")
    await preview.get_by_text("Asked just now?").last.wait_for()  # the first is for lists of mails
    await owners_page.go_back()
    await owners_page.wait_for_url(f"{site.url}/workflows/runs")
