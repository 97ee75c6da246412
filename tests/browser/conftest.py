"""A real browser, and Afterword's pages for it to open."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.site import PASSWORD, Site

from afterword.demo.ports import Ports

EXECUTABLE = os.environ.get("AFTERWORD_BROWSER")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LINK = re.compile(r"make the owner: (http://\S+)")
DESKTOP = ViewportSize(width=1280, height=800)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not EXECUTABLE:
                item.add_marker(pytest.mark.skip(reason="AFTERWORD_BROWSER names no browser"))


@pytest.fixture
def site(whole_site: Site) -> Site:
    """The pages' address, and a past for them to show."""
    return whole_site


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=EXECUTABLE, args=QUIET)
        yield launched
        await launched.close()


@pytest_asyncio.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A desktop browser's window."""
    opened = await browser.new_context(viewport=DESKTOP)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def page(context: BrowserContext, site: Site) -> AsyncIterator[Page]:
    """A page; what it complains of (a blocked style or script, an error of our own) fails the test."""
    complaints: list[str] = []
    opened = await context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type in {"error", "warning"} and "status of" not in message.text
            else None
        ),
    )
    yield opened
    await opened.close()
    assert complaints == []


@pytest_asyncio.fixture
async def owners_page(page: Page, site: Site) -> Page:
    """A page of the owner's, who has signed in and sees run history."""
    await page.goto(f"{site.url}/workflows/runs")
    await page.get_by_label("Email address").fill("olivia@example.org")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{site.url}/workflows/runs")
    return page


@pytest.fixture
def welcome_link(tmp_path: Path, sandbox: Sandbox) -> Iterator[str]:
    """The link of a new installation, which runs with mail by the sandbox until the test ends."""
    port = Ports.free().web
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AFTERWORD_")}
    settings = {
        "AFTERWORD_WEB_PORT": str(port),
        "AFTERWORD_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "AFTERWORD_SMTP_PORT": str(sandbox.smtp_port),
        "AFTERWORD_SMTP_SECURITY": "none",
        "AFTERWORD_MAIL_FROM": "survey@first-setup.example",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "afterword", "up", "--data-dir", str(tmp_path / "data")],
        env={**inherited, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        while (found := LINK.search(said)) is None:
            line = process.stdout.readline()
            assert line, said
            said += line
        yield found[1]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
