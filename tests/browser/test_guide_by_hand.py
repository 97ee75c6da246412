"""The vendors' guide from its first step to its last, by hand: no template, and the set-up only for who asks."""

import pytest
from playwright.async_api import Browser, ViewportSize, expect
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.somebody import DESKTOP, PHONE, Somebody

WAYS = {"at a desk, with scripts": (DESKTOP, True), "on a phone, without scripts": (PHONE, False)}
FIELDS = (
    "customerId",
    "conversationId",
    "customerFirstName",
    "customerLastNames",
    "customerEmailAddress",
    "agentId",
    "inboxId",
)
EMBEDDED = ("customerId", "conversationId", "agentId", "inboxId")
DECLARED = ("InboxId", "AgentId", "ConversationId", "CustomerId")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("window", "scripts"), WAYS.values(), ids=WAYS)
async def test_the_guide_is_done_by_hand_from_its_first_step_to_its_last(
    browser: Browser, welcome_link: str, sandbox: Sandbox, *, window: ViewportSize, scripts: bool
) -> None:
    address = f"me@by-hand-{'with' if scripts else 'without'}-scripts.example"
    async with Somebody(browser, sandbox, window, scripts=scripts) as her:
        await her.become_owner(welcome_link, address)
        await before_you_start(her)
        endpoint = await create_a_qualtrics_workflow(her)
        await add_the_embedded_data_to_the_survey(her)
        await add_the_app(her, endpoint)
        desk = await her.closes_conversation("Olive Owner", address)
        await connect_qualtrics_to_gladly(her)
        await her.answers_the_mail("How was it?", "Done by hand")
        await her.sees(desk.locator("li.activity", has_text="CSAT Score: 5").filter(has_text="Done by hand"))
        await filter_the_results(her)
        await look_at_run_history(her)


async def before_you_start(her: Somebody) -> None:
    """Pre-requisites: a Gladly user with API access, and somebody who asks."""
    await her.follow("Settings")
    await her.follow("Connected accounts")
    await her.follow("Add Gladly")
    await her.fill(
        {
            "Address": her.sandbox.url,
            "User name": her.sandbox.username,
            "API token": her.sandbox.api_token,
        }
    )
    await her.press("Try it and save")
    await her.follow("Home")
    await her.follow("Set-up, step by step")
    await her.follow("Choose who asks")
    await her.press("Let Afterword ask")
    await expect(her.page.get_by_role("link", name="Next: Mail")).to_be_visible()


async def create_a_qualtrics_workflow(her: Somebody) -> str:
    """Steps 1 to 12; answers the JSON event's address."""
    page = her.page
    await her.follow("Workflows")
    await her.follow("Create a Workflow")
    await her.follow("Started when an event is received")
    await her.follow("JSON Event")
    await page.get_by_label("Name (optional)").fill("Gladly Triggered Survey")
    await her.press("Create the Workflow")
    endpoint = await page.get_by_text("urlTokenId=").first.inner_text()
    await her.follow("Go on to its Workflow")
    await page.get_by_text("Edit the event and its conditions").click()
    for number, name in enumerate(FIELDS):
        await her.press("Add to JSON fields")
        await page.locator(f'[name="event.fields[{number}].name"]').fill(name)
        await page.locator(f'[name="event.fields[{number}].path"]').fill(f"$.{name}")
    await page.get_by_label("Search").fill("XM")
    await her.press("Add the Task XM Directory: Distribute survey")
    for label, field, name in (
        ("First Name", "first_name", "customerFirstName"),
        ("Last Name", "last_name", "customerLastNames"),
        ("Email", "email", "customerEmailAddress"),
    ):
        written = page.locator(f'[name$="configuration.{field}"]')
        await written.fill("" if her.scripts else f"~{{aedj://{name}}}")  # what is offered is chosen anew
        if her.scripts:
            await page.get_by_role("button", name=f"Piped Text for {label}").first.click()
            await page.get_by_role("button", name=f"~{{aedj://{name}}}", exact=True).click()
    await page.locator('[name$="configuration.mailing_list"]').select_option(index=1)
    await page.locator('[name$="configuration.survey"]').select_option(index=1)
    for number, name in enumerate(EMBEDDED):
        await her.press("Add to Embedded data")
        await page.locator(f'[name$="embedded_data[{number}].field"]').fill(name)
        await page.locator(f'[name$="embedded_data[{number}].value"]').fill(f"~{{aedj://{name}}}")
    await page.get_by_label("Subject", exact=True).fill("How was it?")
    await her.press("Save")
    await expect(page.get_by_role("status")).to_contain_text("Saved")
    await her.press("Turn it on")
    await expect(page.get_by_role("button", name="Turn it off")).to_be_visible()
    return endpoint


async def add_the_embedded_data_to_the_survey(her: Somebody) -> None:
    """Steps 13 and 14: what the Survey Flow declares, by which results are filtered."""
    page = her.page
    await her.follow("Surveys")
    await her.follow("Customer satisfaction (CSAT)")
    await page.get_by_label("Embedded Data, one name a line").fill("\n".join(DECLARED))
    await her.press("Save")
    await expect(page.get_by_role("status")).to_contain_text("Saved")


async def add_the_app(her: Somebody, endpoint: str) -> None:
    """Configure the Gladly Qualtrics App: an API token of Qualtrics, and the JSON event's address."""
    page = her.page
    await her.follow("Settings")
    await her.follow("API tokens")
    await her.fill({"What it is for": "Gladly Qualtrics App"})
    await page.get_by_label("All that its person may").check()
    await her.press("Make it")
    token = await page.locator("code.secret").inner_text()
    await her.follow("Settings")
    await her.follow("Apps")
    await her.follow("Add App")
    await her.fill({"Qualtrics API token": token, "JSON event endpoint": endpoint})
    await her.press("Add App")
    await expect(page.get_by_text("On", exact=True)).to_be_visible()


async def connect_qualtrics_to_gladly(her: Somebody) -> None:
    """The second part: a Workflow that is started by Responses and puts the card on the Timeline."""
    page = her.page
    await her.follow("Workflows")
    await her.follow("Create a Workflow")
    await her.follow("Started when an event is received")
    await her.follow("Survey Response")
    await page.get_by_label("Name (optional)").fill("Send Survey Response to Gladly")
    await page.get_by_label("Survey", exact=True).select_option(label="Customer satisfaction (CSAT)")
    await her.press("Create the Workflow")
    await page.get_by_label("Search").fill("Gladly: timeline")
    await her.press("Add the Task Gladly: timeline event")
    await page.locator('[name$="configuration.account"]').first.select_option(index=1)
    await her.press("Save")
    await expect(page.get_by_role("status")).to_contain_text("Saved")
    await her.press("Turn it on")
    await expect(page.get_by_role("button", name="Turn it off")).to_be_visible()


async def filter_the_results(her: Somebody) -> None:
    """Step 14: Results by Inbox and Agent, chosen by their names, by Conversation and by Customer."""
    page = her.page
    await her.follow("Results")
    answer = page.get_by_role("row").filter(has_text="Done by hand")
    await answer.get_by_role("link").click()
    data = page.locator("section[aria-labelledby=data] tr")
    ids = {
        name: await data.filter(has=page.get_by_role("rowheader", name=name, exact=True))
        .get_by_role("cell")
        .inner_text()
        for name in DECLARED
    }
    for label, name in (("Inbox", "InboxId"), ("Agent", "AgentId")):
        await her.follow("Results")
        await page.get_by_label(label, exact=True).select_option(value=ids[name])
        await her.press("Show")
        await page.wait_for_url(f"**{label.lower()}={ids[name]}**")
        await expect(answer).to_be_visible()
    for name in ("ConversationId", "CustomerId"):
        for value, found in ((ids[name], 1), ("nobody", 0)):
            await her.follow("Results")
            await page.locator("details.more-filters summary").click()
            await page.get_by_label(name, exact=True).fill(value)
            await her.press("Show")
            await page.wait_for_url(f"**={value}**")
            await expect(answer).to_have_count(found)


async def look_at_run_history(her: Somebody) -> None:
    """Each of the three Workflows ran."""
    page = her.page
    await her.follow("Run history")
    for name in ("Gladly Qualtrics App", "Gladly Triggered Survey", "Send Survey Response to Gladly"):
        await her.sees(page.get_by_role("row").filter(has_text=name).filter(has_text="succeeded").first)
