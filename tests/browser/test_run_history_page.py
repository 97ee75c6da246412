import pytest
from playwright.async_api import Browser, Page, expect
from tests.fixtures.site import PASSWORD, Site

WIDTHS = (320, 390, 768, 870, 1280)


async def test_runs_appear_and_go_on_without_a_reload(owners_page: Page, site: Site) -> None:
    page = owners_page
    await expect(page.get_by_role("heading", name="Nothing has run yet")).to_be_visible()
    await page.evaluate("window.never_reloaded = true")
    run_id = await site.run()
    row = page.locator(f"#run-{run_id}")
    await expect(row).to_contain_text("Running")
    await expect(row).to_contain_text("0 of 1")
    await site.finish(run_id)
    await expect(row).to_contain_text("Succeeded")
    await expect(row).to_contain_text("1 of 1")
    assert await page.evaluate("window.never_reloaded")


async def test_one_run_is_opened_from_its_row_and_followed_to_its_end(owners_page: Page, site: Site) -> None:
    page = owners_page
    run_id = await site.run()
    await page.locator(f"#run-{run_id}").click()
    await expect(page).to_have_url(f"{site.url}/workflows/runs/{run_id}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Running")
    await page.get_by_text("Body, as received").click()
    await site.finish(run_id)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded")
    await expect(page.locator("pre")).to_be_visible()


async def test_a_chosen_filter_applies_at_once(owners_page: Page, site: Site) -> None:
    page = owners_page
    failed, succeeded = await site.run(status="failed"), await site.run(status="succeeded")
    await page.get_by_label("Failed").check()
    await expect(page.locator(f"#run-{succeeded}")).to_have_count(0)
    await expect(page.locator(f"#run-{failed}")).to_be_visible()
    await expect(page.get_by_label("Failed")).to_be_checked()
    await page.get_by_label("Succeeded").check()
    await expect(page.locator(f"#run-{succeeded}")).to_be_visible()
    await expect(page.locator(f"#run-{failed}")).to_be_visible()


async def test_without_scripts_everything_is_there(browser: Browser, site: Site) -> None:
    failed, succeeded = await site.run(status="failed"), await site.run(status="succeeded")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{site.url}/workflows/events")
    await page.get_by_label("Email address").fill("olivia@example.org")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(f"{site.url}/workflows/events")
    await page.get_by_role("link", name="Run history").click()
    await page.get_by_label("Failed").check()
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator(f"#run-{succeeded}")).to_have_count(0)
    await page.locator(f"#run-{failed} a").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Ask everybody")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in to Afterword")).to_be_visible()
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_is_wider_than_its_window(owners_page: Page, site: Site, scheme: str) -> None:
    page = owners_page
    long = "x" * 300
    run_id = await site.run(status="failed", reason_words=f"it failed, {long}", conversation_id=long)
    await site.database.pool.execute(
        "INSERT INTO sending_hold (workflow_id, most, usual) VALUES ($1, 200, 40)", site.workflow_id
    )
    link = await site.link()
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    addresses = (
        link,
        f"{site.url}/opt-out/nobody",
        f"{site.url}/workflows/runs",
        f"{site.url}/workflows/events",
        f"{site.url}/workflows/sending",
        f"{site.url}/workflows/runs/{run_id}",
        f"{site.url}/workflows/runs/0",
    )
    for address in addresses:
        await page.goto(address)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            wider_by = await page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wider_by == 0, (address, width)
