"""The pages under Settings in a real browser: they fit a narrow window, and tell what is wrong at its field."""

from playwright.async_api import Page, expect
from tests.fixtures.site import Site

from afterword.accounts.audit import audit
from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.secrets import SecretBox

PAGES = ("", "/accounts", "/accounts/add/gladly", "/apps", "/extensions", "/tokens", "/audit", "/people")
LONG = "x" * 190


async def connected(site: Site) -> str:
    async with site.database.transaction() as connection:
        account = await add_gladly(
            connection,
            SecretBox(["a key for the tests, long enough to be one"]),
            name=LONG,
            base_url="http://127.0.0.1:1",
            username=f"{LONG}@example.org",
            api_token="token",
            delivery="none",
        )
        await audit(
            connection, "workflow", "renamed", ("OC_1", LONG), before={"name": ""}, after={"name": LONG}
        )
    return account.id


async def test_no_page_is_wider_than_its_window(owners_page: Page, site: Site) -> None:
    account_id = await connected(site)
    await owners_page.set_viewport_size({"width": 320, "height": 800})
    for path in (*PAGES, f"/accounts/{account_id}"):
        await owners_page.goto(f"{site.url}/settings{path}")
        await expect(owners_page.get_by_role("heading", level=1)).to_be_visible()
        await owners_page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        wider_by = await owners_page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wider_by == 0, path


async def test_what_is_wrong_with_a_form_is_told_at_its_field(owners_page: Page, site: Site) -> None:
    await owners_page.goto(f"{site.url}/settings/accounts/add/gladly")
    await owners_page.get_by_label("Address", exact=True).fill("https://example.com")
    await owners_page.get_by_label("User name").fill("api@acme.example")
    await owners_page.get_by_label("API token").fill("token")
    await owners_page.keyboard.press("Enter")
    address = owners_page.get_by_label("Address", exact=True)
    await expect(address).to_have_value("https://example.com")
    await expect(address).to_have_attribute("aria-invalid", "true")
    await expect(owners_page.get_by_role("alert")).to_contain_text("This is not a Gladly address")
