"""From nothing to the first answer, without a terminal: an installation of one's own, a real browser, the sandbox."""

import re

import pytest
from playwright.async_api import Browser, ViewportSize, expect
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.somebody import DESKTOP, PHONE, Somebody

WAYS = {"on a phone": (PHONE, True), "at a desk, without scripts": (DESKTOP, False)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("window", "scripts"), WAYS.values(), ids=WAYS)
async def test_somebody_who_has_never_seen_a_terminal_gets_the_first_answer(
    browser: Browser, welcome_link: str, sandbox: Sandbox, *, window: ViewportSize, scripts: bool
) -> None:
    address = f"me@{'with' if scripts else 'without'}-scripts.example"
    async with Somebody(browser, sandbox, window, scripts=scripts) as her:
        await her.become_owner(welcome_link, address)
        await her.follow("Set Afterword up")
        await set_up(her, address)
        await try_it(her, address)
        await her.press("Switch on for all Customers")
        await her.follow("See how it goes")
        await expect(her.page.get_by_text("Kind & quick")).to_be_visible()


async def set_up(her: Somebody, address: str) -> None:
    """The wizard's steps, one after the other."""
    page, sandbox = her.page, her.sandbox
    await her.follow("Begin")
    await page.get_by_label("Address").fill(sandbox.url)
    await page.get_by_label("User name").fill(sandbox.username)
    await page.get_by_label("API token").fill(sandbox.api_token)
    await her.press("Connect Gladly")
    await her.sees(page.get_by_text("works, and its webhook too; last proof"))
    await her.follow("Next: Choose who asks")
    await her.press("Let Afterword ask")
    await her.follow("Next: Mail")
    await her.press("Send a test message")
    await expect(page.get_by_text("The mail server took one")).to_be_visible()
    assert sandbox.mails(address)[0]["subject"] == "Mail from Afterword works"
    await her.follow("Next: What to ask")
    await her.follow("Next: Make the Workflows")
    await her.press("Make the guide's Workflows")
    await her.follow("Next: Who is to be asked")
    await page.get_by_label("At most one survey per Customer in").fill("30")
    await her.press("Save these rules")
    await expect(page.get_by_text("Saved. The rules hold")).to_be_visible()
    await her.press("Count with these rules")
    told = "Reading what was closed|Looking at|was closed in the last week|Of last week's"
    await her.sees(page.get_by_text(re.compile(told)).first)  # it goes on while she does
    await her.follow("Next: Where the answer goes")
    await expect(page.get_by_text("CSAT Score: 5")).to_be_visible()
    await her.follow("Next: Try it yourself")


async def try_it(her: Somebody, address: str) -> None:
    """A Conversation of one's own is closed at the desk, and the checks are ticked off."""
    page = her.page
    await her.press("Switch on for this address alone")
    desk = await her.closes_conversation("Olive Owner", address)
    checks = page.get_by_role("listitem")
    await her.sees(checks.filter(has_text="The mail was delivered").locator(".mark.good"))
    await her.answers_the_mail("How did we do?", "Kind & quick")
    await her.sees(
        checks.filter(has_text="The answer stands on the Customer's Timeline").locator(".mark.good")
    )
    await her.sees(desk.locator("li.activity", has_text="CSAT Score: 5").filter(has_text="Kind & quick"))
    if her.scripts:
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    await page.reload()
    await her.follow("Next: Switch on")
