"""From nothing to the first answer, without a terminal: an installation of one's own, a real browser, the sandbox."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect
from tests.fixtures.sandbox import Sandbox

from afterword.demo.ports import Ports

PHONE = ViewportSize(width=390, height=844)
ADDRESS = "me@first-setup.example"
LINK = re.compile(r"make the owner: (http://\S+)")


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


async def test_somebody_who_has_never_seen_a_terminal_gets_the_first_answer(
    browser: Browser, welcome_link: str, sandbox: Sandbox
) -> None:
    context = await browser.new_context(viewport=PHONE)
    page = await context.new_page()
    await page.goto(welcome_link)
    for label, text in (
        ("Your name", "Olive"),
        ("Email address", ADDRESS),
        ("Password", "a long password of hers"),
    ):
        await page.get_by_label(label).fill(text)
    await page.get_by_role("button", name="Make me the owner").click()
    await page.get_by_role("link", name="Set Afterword up").click()

    await page.get_by_role("link", name="Begin").click()
    await page.get_by_label("Address").fill(sandbox.url)
    await page.get_by_label("User name").fill(sandbox.username)
    await page.get_by_label("API token").fill(sandbox.api_token)
    await page.get_by_role("button", name="Connect Gladly").click()
    await expect(page.get_by_text("works, and its webhook too; last proof")).to_be_visible()
    await page.get_by_role("link", name="Next: Choose who asks").click()
    await page.get_by_role("button", name="Let Afterword ask").click()
    await page.get_by_role("link", name="Next: Mail").click()
    await page.get_by_role("button", name="Send a test message").click()
    await expect(page.get_by_text("The mail server took one")).to_be_visible()
    assert sandbox.mails(ADDRESS)[0]["subject"] == "Mail from Afterword works"
    await page.get_by_role("link", name="Next: What to ask").click()
    await page.get_by_role("link", name="Next: Make the Workflows").click()
    await page.get_by_role("button", name="Make the guide's Workflows").click()
    await page.get_by_role("link", name="Next: Who is to be asked").click()
    await page.get_by_label("At most one survey per Customer in").fill("30")
    await page.get_by_role("button", name="Save these rules").click()
    await expect(page.get_by_text("Saved. The rules hold")).to_be_visible()
    await page.get_by_role("button", name="Count with these rules").click()
    await expect(page.get_by_role("status")).to_contain_text("Reading what was closed")
    await page.get_by_role("link", name="Next: Where the answer goes").click()
    await expect(page.get_by_text("CSAT Score: 5")).to_be_visible()
    await page.get_by_role("link", name="Next: Try it yourself").click()
    await page.get_by_role("button", name="Switch on for this address alone").click()

    _, conversation_id = sandbox.new_customer("Olive Owner", ADDRESS)
    closed = {"status": {"value": "CLOSED", "force": True}}
    sandbox.api("PATCH", f"/api/v1/conversations/{conversation_id}", closed)
    await seen(page, "The mail was delivered")
    await answer(await context.new_page(), sandbox)
    await seen(page, "The answer stands on the Customer's Timeline")
    wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide

    await page.reload()
    await page.get_by_role("link", name="Next: Switch on").click()
    await page.get_by_role("button", name="Switch on for all Customers").click()
    await page.get_by_role("link", name="See how it goes").click()
    await expect(page.get_by_text("Kind & quick")).to_be_visible()
    await context.close()


async def seen(page: Page, words: str) -> None:
    """A check is ticked off, without loading the page again."""
    await expect(page.get_by_role("listitem").filter(has_text=words).locator(".mark.good")).to_be_visible(
        timeout=20_000
    )


async def answer(page: Page, sandbox: Sandbox) -> None:
    """Click the best score in the mail, add a comment, send it."""
    texts: list[Any] = [mail["text"] for mail in sandbox.mails(ADDRESS)]
    links = re.findall(r"http://\S+/jfe/form/\S+score=5", "\n".join(texts))
    await page.goto(links[0])
    await page.get_by_role("textbox").fill("Kind & quick")
    await page.get_by_role("button").click()
    await expect(page.get_by_text("Thank you!")).to_be_visible()
    await page.close()
