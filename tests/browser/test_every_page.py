"""Every page there is, with everything on it that can be: axe finds nothing, light or dark, and it fits 320 px."""

import asyncio
import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.async_api import BrowserContext, Page, ViewportSize
from tests.fixtures.everything import make_everything
from tests.fixtures.site import Site

from afterword.accounts.secrets import SecretBox
from afterword.admin.setting_up.steps import TITLES
from afterword.admin.workflows.new import TITLES as WORKFLOW_TITLES

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NO_PAGES = re.compile(r"^/static/|/stream$|\.csv$|/preview$")
"""What no browser shows by itself."""
KNOWN: Mapping[str, Sequence[str]] = {
    "step_id": list(TITLES),
    "kept_id": ["nothing"],
    "/settings/accounts/add/{kind:str}": ["gladly", "qualtrics"],
    "/workflows/new/{kind:str}": [kind for kind in WORKFLOW_TITLES if kind != "event"],
}
"""What stands in placeholders, besides ids. A new placeholder has to be entered here, or in ``make_everything``."""
MORE = (
    "/?days=28",
    "/results/{survey_id:str}?period=all&score=1",
    "/workflows/explain?q=R_1",
    "/jfe/form/{survey_id:str}?Q_DL={link_token:str}&Q_CHL=email",
    "/nothing-here",
)
IS_NOT_THERE = re.compile(
    r"/(nothing-here|welcome|sign-in/code|sign-in/open-id(/callback)?|sign-in/kept/nothing|jfe/form/[^/?]+)$"
)
"""Pages that say so, with 404 or 410."""
AT_ONCE = 2
NARROW, WIDE = ViewportSize(width=320, height=800), ViewportSize(width=1280, height=800)
PICTURES = Path(os.environ["AFTERWORD_STATES"]) if "AFTERWORD_STATES" in os.environ else None
"""Where pictures go, of every page and state, for somebody to look at; ``make states`` says so."""
PLACED = re.compile(r"_\w{12,}|/R_\w+")
PLACEHOLDER = re.compile(r"{(\w+):\w+}")
RUN_AXE = """async options => (await axe.run(document, options)).violations.map(one => ({
    id: one.id, help: one.help, places: one.nodes.slice(0, 3).map(node => node.target.join(" ")),
}))"""


def filled_in(path: str, known: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The addresses of a path: one for each value of what stands in it, there or everywhere."""
    names = PLACEHOLDER.findall(path)
    for values in itertools.product(*(known.get(path) or known[name] for name in names)):
        yield PLACEHOLDER.sub(r"{\1}", path).format_map(dict(zip(names, values, strict=True)))


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
        await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        await self._fits(page, address, NARROW)
        await self._picture(page, address, "narrow")
        await page.set_viewport_size(WIDE)
        await self._fits(page, address, WIDE)
        await page.evaluate(AXE_SCRIPT)
        await self._axe(page, address, {"type": "tag", "values": TAGS})
        await self._picture(page, address, "wide")
        await page.emulate_media(color_scheme="dark")
        await self._axe(page, f"{address}, dark", {"type": "rule", "values": ["color-contrast"]})

    async def _picture(self, page: Page, address: str, window: str) -> None:
        if PICTURES is not None:
            name = re.sub(r"\W+", "-", PLACED.sub("", address)).strip("-") or "home"
            await page.screenshot(path=PICTURES / f"{name}.{self._state}.{window}.png", full_page=True)

    async def _fits(self, page: Page, address: str, window: ViewportSize) -> None:
        wide = await page.evaluate("document.scrollingElement.scrollWidth")
        if wide > window["width"]:
            self.wrong.append(f"{address}: {wide} pixels wide where there are {window['width']}")

    async def _axe(self, page: Page, what: str, rules: dict[str, Any]) -> None:
        options = {"runOnly": rules, "resultTypes": ["violations"], "preload": False, "iframes": False}
        for one in await page.evaluate(RUN_AXE, options):
            self.wrong.append(f"{what}: {one['id']}: {one['help']}: {'; '.join(one['places'])}")


@pytest.mark.timeout(300)
@pytest.mark.skipif(PICTURES is None, reason="only for pictures to look at: make states")
async def test_pages_of_an_installation_with_nothing_in_it(
    owners_page: Page, context: BrowserContext, site: Site
) -> None:
    for table in ("workflow", "survey"):
        await site.database.pool.execute(f"TRUNCATE {table} CASCADE")
    look, page = Look(site.url, "empty"), await context.new_page()
    for path in sorted(site.pages):
        if not NO_PAGES.search(path) and not PLACEHOLDER.search(path):
            await look.at(page, path)
    assert look.wrong == [], "\n".join(look.wrong)


@pytest.mark.timeout(300)
async def test_axe_finds_nothing_on_any_page_and_none_is_wider_than_a_phone(
    owners_page: Page, context: BrowserContext, site: Site
) -> None:
    made = await make_everything(site, SecretBox(["a key for the tests, long enough to be one"]))
    wanted = [path for path in (*sorted(site.pages), *MORE) if not NO_PAGES.search(path)]
    addresses = iter([address for path in wanted for address in filled_in(path, {**made, **KNOWN})])
    look = Look(site.url)

    async def one_after_another() -> None:
        page = await context.new_page()
        for address in addresses:
            await look.at(page, address)

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    assert look.wrong == [], "\n".join(look.wrong)
