import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect
from tests.fixtures.site import Site

PHONE = ViewportSize(width=390, height=844)
NARROW = ViewportSize(width=320, height=640)


@pytest.mark.parametrize("scripts", [True, False])
async def test_on_a_phone_the_score_of_the_mail_is_sent_with_a_comment(
    browser: Browser, site: Site, scripts: bool
) -> None:
    context = await browser.new_context(viewport=PHONE, has_touch=True, java_script_enabled=scripts)
    page = await context.new_page()
    await page.goto(f"{await site.link()}&score=4")
    await expect(page.get_by_label("4 Happy")).to_be_checked()
    await page.get_by_label("5 Very happy").tap(force=True)
    await expect(page.get_by_label("4 Happy")).not_to_be_checked()
    await page.get_by_label("What is the main reason").fill("Quick\nand kind")
    await page.get_by_role("button").tap()
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert await site.responses() == ['{"QID1": 5, "QID2_TEXT": "Quick\\nand kind"}']
    await page.go_back()
    await page.reload()
    await expect(page.get_by_text("You can change it here for another 24 hours.")).to_be_visible()
    await expect(page.get_by_label("What is the main reason")).to_have_value("Quick\nand kind")
    await context.close()


@pytest.mark.parametrize("scripts", [True, False])
async def test_who_sent_a_score_alone_adds_a_comment_in_the_one_box_of_the_thank_you(
    browser: Browser, site: Site, scripts: bool
) -> None:
    context = await browser.new_context(viewport=NARROW, java_script_enabled=scripts)
    page = await context.new_page()
    await page.goto(f"{await site.link()}&score=4")
    await page.get_by_role("button").click()
    box = page.get_by_label("Anything to add?")
    await expect(box).to_have_accessible_description("What is the main reason for your score?")
    if scripts:
        assert await page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    await box.fill("Quick")
    await page.get_by_role("button", name="Add this").click()
    await expect(box).to_have_count(0)
    assert await site.responses() == ['{"QID1": 4, "QID2_TEXT": "Quick"}']
    await page.get_by_role("link", name="Change my answer").click()
    await page.get_by_label("5 Very happy").check(force=True)
    await page.get_by_role("button").click()
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert await site.responses() == ['{"QID1": 5, "QID2_TEXT": "Quick"}']
    await context.close()


async def test_the_keyboard_is_enough(page: Page, site: Site) -> None:
    await page.goto(await site.link())
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_label("2 Unhappy")).to_be_checked()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert await site.responses() == ['{"QID1": 2}']


async def test_a_forgotten_score_is_pointed_at_and_the_comment_kept(page: Page, site: Site) -> None:
    await page.goto(await site.link())
    comment = page.get_by_label("What is the main reason")
    await comment.fill("I forgot the score")
    await page.get_by_role("button", name="Send my answer").click()
    first = page.get_by_label("1 Very unhappy")
    await expect(first).to_be_focused()
    await expect(first).to_have_accessible_description("Please choose one of the scores.")
    await expect(comment).to_have_value("I forgot the score")
    await page.get_by_label("3 So-so").check(force=True)
    await page.get_by_role("button", name="Send my answer").click()
    await expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()


async def test_the_way_out_of_surveys_is_one_button(page: Page, site: Site) -> None:
    await page.goto(await site.link())
    await page.get_by_role("link", name="No more surveys, please").click()
    await page.get_by_role("button", name="Stop sending me surveys").click()
    await expect(page.get_by_text("We will not send surveys to ada@example.org any more.")).to_be_visible()
