"""The sandbox's desktop and settings in a real browser: live, narrow and wide, and without scripts."""

import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

if TYPE_CHECKING:
    from tests.fixtures.sandbox import Sandbox

WIDTHS = (320, 390, 768, 1000, 1280)
SURVEY = {"type": "CUSTOMER_ACTIVITY", "activityType": "SURVEY", "sourceName": "Afterword"}


@pytest.fixture
def customer(sandbox: "Sandbox") -> tuple[str, str]:
    return sandbox.new_customer("Jane Doe", f"jane.{uuid.uuid4().hex}@customer.example")


@pytest_asyncio.fixture
async def desk(context: BrowserContext) -> AsyncIterator[Page]:
    """A page that fails the test for an error of ours, or a script or style that its policy blocks."""
    complaints: list[str] = []
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and "status of" not in message.text
            else None
        ),
    )
    yield page
    await page.close()
    assert complaints == []


def add_card(sandbox: "Sandbox", customer_id: str, **content: object) -> None:
    path = f"/api/v1/customers/{customer_id}/conversation-items"
    sandbox.api("POST", path, {"content": SURVEY | content})


async def test_what_happens_elsewhere_appears_and_what_is_in_use_stays(
    desk: Page, sandbox: "Sandbox", customer: tuple[str, str]
) -> None:
    add_card(sandbox, customer[0], title="Long", body="word " * 300)
    await desk.goto(f"{sandbox.url}/customers/{customer[0]}")
    await desk.evaluate("window.never_reloaded = true")
    await desk.get_by_text("Show all").click()
    await desk.get_by_label("Message").fill("half a sen")
    add_card(sandbox, customer[0], title="CSAT Score: 5", body="Customer Feedback: <b>great</b>")
    card = desk.locator("li.activity", has_text="CSAT Score: 5")
    await expect(card).to_be_visible()
    await expect(card.get_by_text("great")).to_be_visible()
    await expect(desk.get_by_text("word word").first).to_be_visible()
    await expect(desk.get_by_label("Message")).to_have_value("half a sen")

    await desk.get_by_label("Add a topic").focus()
    sandbox.api(
        "PATCH", f"/api/v1/conversations/{customer[1]}", {"status": {"value": "CLOSED", "force": True}}
    )
    await expect(desk.get_by_text("closed the conversation")).to_be_visible()
    await expect(desk.get_by_label("Add a topic")).to_be_visible()
    await desk.get_by_label("Message").focus()
    await expect(desk.get_by_role("button", name="Reopen conversation")).to_be_visible()
    assert await desk.evaluate("window.never_reloaded")


async def test_a_list_and_a_webhook_show_what_comes_without_a_reload(
    desk: Page, sandbox: "Sandbox", customer: tuple[str, str]
) -> None:
    email = f"nell.{uuid.uuid4().hex}@customer.example"
    await desk.goto(f"{sandbox.url}/?q={email}")
    sandbox.new_customer("Nell Newcomer", email)
    await expect(desk.get_by_text("Nell Newcomer")).to_be_visible()

    hook = f"{sandbox.mail_url}/messages?{uuid.uuid4().hex}"
    body = {"url": hook, "events": ["CONVERSATION/CLOSED"], "name": "Refused"}
    sandbox.api("POST", "/api/v1/webhooks", body)
    (webhook,) = [each for each in sandbox.api("GET", "/api/v1/webhooks") if each["url"] == hook]
    await desk.goto(f"{sandbox.url}/settings/webhooks/{webhook['id']}")
    sandbox.api("PATCH", f"/api/v1/webhooks/{webhook['id']}", {"events": ["CONVERSATION/REOPENED"]})
    await expect(desk.get_by_text("Disabled").first).to_be_visible()
    await desk.get_by_role("button", name="Send PING and enable").click()
    await expect(desk.get_by_role("alert")).to_contain_text("must answer PING with status 200")
    await desk.get_by_role("button", name="Delete").click()
    await expect(desk.get_by_text(hook)).to_have_count(0)


async def test_the_guides_prerequisites_are_practised_on_a_phone(
    browser: Browser, sandbox: "Sandbox"
) -> None:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=False, has_touch=True
    )
    page, email = await context.new_page(), f"qualtrics.{uuid.uuid4().hex}@juniperandpine.example"
    await page.goto(sandbox.url)
    await page.get_by_role("link", name="Settings").tap()
    await page.get_by_role("link", name="Add user").tap()
    await page.get_by_label("Name").fill("Qualtrics Integration")
    await page.get_by_label("Email address").fill(email)
    await page.get_by_label("API User").check()
    await page.get_by_role("button", name="Add user").tap()
    await page.get_by_role("link", name="API tokens").tap()
    await page.get_by_label("User", exact=True).select_option(label=f"Qualtrics Integration ({email})")
    await page.get_by_role("button", name="Create token").tap()
    token = await page.locator(".secret").inner_text()
    assert len(token) > 30
    await page.goto(f"{sandbox.url}/settings/api-tokens")
    await expect(page.get_by_text(token)).to_have_count(0)
    await context.close()


async def test_a_conversation_is_worked_through_without_scripts(browser: Browser, sandbox: "Sandbox") -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(sandbox.url)
    await page.get_by_text("A new customer writes").click()
    await page.get_by_label("Name", exact=True).fill("Ada Walk-In")
    await page.get_by_label("Email address").fill(f"ada.{uuid.uuid4().hex}@mail.example")
    await page.get_by_label("What they write").fill("Where is my parcel?")
    await page.get_by_role("button", name="Write in").click()
    await page.get_by_label("You are").select_option(label="Tom Brennan")
    await page.get_by_role("button", name="Change").click()
    await page.get_by_text("Assign", exact=True).first.click()
    await page.get_by_label("To whom").select_option(label="Ingrid Solberg")
    await page.get_by_role("button", name="Assign").click()
    await page.get_by_label("Add a topic").select_option(label="Return: Refund")
    await page.get_by_role("button", name="Add", exact=True).click()
    await page.get_by_label("Message").fill("It is on its way.")
    await page.get_by_role("button", name="Send as the agent").click()
    await expect(page.locator(".outbound")).to_contain_text("Tom Brennan")
    await page.get_by_text("New task").click()
    await page.get_by_label("What is to be done").fill("Ring the depot")
    await page.get_by_role("button", name="Add task").click()
    await page.get_by_role("button", name="Close the task: Ring the depot").click()
    await page.get_by_role("button", name="Close conversation").click()
    await expect(page.get_by_role("button", name="Reopen conversation")).to_be_visible()
    await expect(page.locator("#timeline")).to_contain_text("Tom Brennan closed the conversation")
    await context.close()


async def test_no_page_is_wider_than_its_window(
    desk: Page, sandbox: "Sandbox", customer: tuple[str, str]
) -> None:
    long = "W" * 90
    add_card(
        sandbox,
        customer[0],
        title=long,
        body=f"<table><tr><td>{long * 9}</td></tr></table>",
        sourceName="W" * 50,
    )
    sandbox.api("PATCH", f"/api/v1/customer-profiles/{customer[0]}", {"name": long, "address": long * 3})
    hook = {
        "url": f"https://hooks.example/{uuid.uuid4().hex}/{long * 3}",
        "events": ["CONVERSATION/CLOSED"],
        "name": long,
    }
    sandbox.api("POST", "/api/v1/webhooks", hook)
    (webhook,) = [each["id"] for each in sandbox.api("GET", "/api/v1/webhooks") if each["url"] == hook["url"]]
    agent = sandbox.api("GET", "/api/v1/agents")[0]["id"]
    too_wide: list[tuple[str, int, int]] = []
    with sandbox.fault("answer", path=f"/api/v1/{long}/*", seed=123456789):
        for path in (
            f"/?q={long}",
            f"/customers/{customer[0]}",
            "/settings/users",
            f"/settings/users/{agent}",
            "/settings/api-tokens",
            "/settings/webhooks",
            f"/settings/webhooks/{webhook}",
            "/settings/behaviour",
            "/settings/faults",
        ):
            await desk.goto(sandbox.url + path)
            for width in WIDTHS:
                await desk.set_viewport_size({"width": width, "height": 800})
                wider_by = await desk.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                if wider_by:
                    too_wide.append((path, width, wider_by))
    assert too_wide == []
    sandbox.api("DELETE", f"/api/v1/webhooks/{webhook}")
