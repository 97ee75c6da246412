"""Every page there is, with everything on it that can be: axe finds nothing, light or dark, and it fits 320 px."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize
from tests.fixtures.addresses import MISTYPED, NO_PAGES, PLACEHOLDER, Mistyped, addresses
from tests.fixtures.everything import make_everything
from tests.fixtures.site import PASSWORD, Site

from afterword.accounts.secrets import SecretBox

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
IS_NOT_THERE = re.compile(
    r"/(nothing-here|welcome|sign-in/code|sign-in/open-id(/callback)?|sign-in/kept/nothing|jfe/form/[^/?]+)$"
)
"""Pages that say so, with 404 or 410."""
AT_ONCE = 2
NARROW, WIDE = ViewportSize(width=320, height=800), ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
PICTURES = Path(os.environ["AFTERWORD_STATES"]) if "AFTERWORD_STATES" in os.environ else None
"""Where pictures go, of every page and state, for somebody to look at; ``make states`` says so."""
LANGUAGE = os.environ.get("AFTERWORD_STATES_LANGUAGE", "en")
"""What the pages of the pictures speak."""
PLACED = re.compile(r"_\w{12,}|/R_\w+")
RUN_AXE = """async options => (await axe.run(document, options)).violations.map(one => ({
    id: one.id, help: one.help, places: one.nodes.slice(0, 3).map(node => node.target.join(" ")),
}))"""
FILL_IN = """([action, typed, button]) => {
    const form = [...document.forms].find(one => new URL(one.action).pathname === action)
    for (const [name, value] of Object.entries(typed)) {
        const field = form.elements[name]
        for (const one of field instanceof RadioNodeList ? field : [field]) one.value = value
    }
    form.noValidate = true
    form.requestSubmit(button ? form.querySelector(`button[name=do][value=${button}]`) : undefined)
}"""
only_for_pictures = pytest.mark.skipif(PICTURES is None, reason="only for pictures to look at: make states")


class Look:
    """What is wrong with the pages that were looked at; each once, whatever leads there."""

    def __init__(self, url: str, state: str = "full") -> None:
        self._url = url
        self._state = state
        self._seen: set[str] = set()
        self.wrong: list[str] = []

    async def at(self, page: Page, address: str) -> None:
        """Look at one page, narrow and wide, light and dark."""
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size(NARROW)
        answer = await page.goto(f"{self._url}{address}", wait_until="domcontentloaded")
        if answer is None or page.url in self._seen:
            return
        self._seen.add(page.url)
        if (answer.status >= 400) != bool(IS_NOT_THERE.search(page.url)):
            self.wrong.append(f"{address}: answers {answer.status}")
        await self._whole(page, address)

    async def at_mistakes(self, page: Page, address: str, action: str, mistyped: Mistyped) -> None:
        """Send a form with mistakes, and look at what comes back."""
        await page.set_viewport_size(NARROW)
        await page.goto(f"{self._url}{address}", wait_until="domcontentloaded")
        async with page.expect_navigation(wait_until="domcontentloaded") as navigation:
            await page.evaluate(FILL_IN, [action, mistyped.typed, mistyped.button])
        answer = await navigation.value
        if answer is None or answer.status not in {400, 422}:
            self.wrong.append(f"{action}: {mistyped.typed} is taken")
        await self._whole(page, f"{action} {' '.join(mistyped.typed)}")

    async def _whole(self, page: Page, address: str) -> None:
        await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        await self._fits(page, address, NARROW)
        await self._pictures(page, address, PHONE, "phone")
        await page.set_viewport_size(WIDE)
        await self._fits(page, address, WIDE)
        await page.evaluate(AXE_SCRIPT)
        await self._axe(page, address, {"type": "tag", "values": TAGS})
        await self._pictures(page, address, WIDE, "wide")
        await page.emulate_media(color_scheme="dark")
        await self._axe(page, f"{address}, dark", {"type": "rule", "values": ["color-contrast"]})

    async def _pictures(self, page: Page, address: str, window: ViewportSize, of: str) -> None:
        if PICTURES is None:
            return
        await page.set_viewport_size(window)
        name = re.sub(r"\W+", "-", PLACED.sub("", address)).strip("-") or "home"
        for scheme in ("dark", "light"):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await page.screenshot(path=PICTURES / f"{name}.{self._state}.{of}.{scheme}.png", full_page=True)

    async def _fits(self, page: Page, address: str, window: ViewportSize) -> None:
        wide = await page.evaluate("document.scrollingElement.scrollWidth")
        if wide > window["width"]:
            self.wrong.append(f"{address}: {wide} pixels wide where there are {window['width']}")

    async def _axe(self, page: Page, what: str, rules: dict[str, Any]) -> None:
        options = {"runOnly": rules, "resultTypes": ["violations"], "preload": False, "iframes": False}
        for one in await page.evaluate(RUN_AXE, options):
            self.wrong.append(f"{what}: {one['id']}: {one['help']}: {'; '.join(one['places'])}")


@pytest_asyncio.fixture
async def signed_in(browser: Browser, site: Site) -> AsyncIterator[BrowserContext]:
    """A window in which the owner is signed in; the pages speak the language of the pictures."""
    context = await browser.new_context(locale=LANGUAGE)
    page = await context.new_page()
    await page.goto(f"{site.url}/sign-in")
    await page.locator("#email").fill("olivia@example.org")
    await page.locator("#password").fill(PASSWORD)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await page.close()
    yield context
    await context.close()


@pytest.mark.timeout(600)
@only_for_pictures
async def test_pages_of_an_installation_with_nothing_in_it(signed_in: BrowserContext, site: Site) -> None:
    for table in ("workflow", "survey"):
        await site.database.pool.execute(f"TRUNCATE {table} CASCADE")
    look, page = Look(site.url, "empty"), await signed_in.new_page()
    for path in sorted(site.pages):
        if not NO_PAGES.search(path) and not PLACEHOLDER.search(path):
            await look.at(page, path)
    assert look.wrong == [], "\n".join(look.wrong)


@pytest.mark.timeout(600)
@only_for_pictures
async def test_forms_with_mistakes_in_them(signed_in: BrowserContext, site: Site) -> None:
    made = await make_everything(site, SecretBox(["a key for the tests, long enough to be one"]))
    look, page = Look(site.url, "wrong"), await signed_in.new_page()
    for mistyped in MISTYPED:
        await look.at_mistakes(page, *mistyped.at(made), mistyped)
    assert look.wrong == [], "\n".join(look.wrong)


@pytest.mark.timeout(900 if PICTURES else 300)
async def test_axe_finds_nothing_on_any_page_and_none_is_wider_than_a_phone(
    signed_in: BrowserContext, site: Site
) -> None:
    made = await make_everything(site, SecretBox(["a key for the tests, long enough to be one"]))
    remaining = iter(addresses(site.pages, made))
    look = Look(site.url)

    async def one_after_another() -> None:
        page = await signed_in.new_page()
        for address in remaining:
            await look.at(page, address)

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    assert look.wrong == [], "\n".join(look.wrong)
