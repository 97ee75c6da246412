"""The agent desktop, used as a browser without JavaScript does: pages read, forms sent."""

import re
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword_sandbox.pages.rich_content import sanitize

FORM = re.compile(r'<form method="post" action="([^"]+)">')


async def page(gladly: aiohttp.ClientSession, path: str) -> str:
    async with gladly.get(path) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        return await answer.text()


async def test_the_customers_are_listed_and_found(gladly: aiohttp.ClientSession, write: Any) -> None:
    everyone = await page(gladly, "/")
    for words in ("佐藤 由紀", "Wulandari", "Unnamed customer", "no email address", "Nobody yet"):
        assert words in everyone
    opened = await write(email="needle_50%@mail.example")
    for wanted in ("NEEDLE", "50%25", "edle_"):
        found = await page(gladly, f"/?q={wanted}")
        assert f"/customers/{opened.customer_id}" in found
        assert "Wulandari" not in found
    for wanted in ("edleX5", "%25%25", "<b>"):
        assert "Nobody found" in await page(gladly, f"/?q={wanted}")


async def test_the_close_button_closes_and_the_reopen_button_reopens(
    gladly: aiohttp.ClientSession, write: Any, hear: Any, eventually: Any
) -> None:
    receiver = await hear("CONVERSATION/CLOSED", "CONVERSATION/REOPENED")
    opened = await write("Please help <b>me</b>")
    path = f"/customers/{opened.customer_id}"
    before = await page(gladly, path)
    assert "Please help &lt;b&gt;me&lt;/b&gt;" in before
    for button, status in (("Close conversation", "CLOSED"), ("Reopen conversation", "OPEN")):
        html = await page(gladly, path)
        assert button in html
        (action,) = [found for found in FORM.findall(html) if found.endswith(("/close", "/reopen"))]
        async with gladly.post(action, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, path)
        async with gladly.get(f"/api/v1/conversations/{opened.conversation_id}") as answer:
            assert (await answer.json())["status"] == status
    assert "closed the conversation" in await page(gladly, path)
    await eventually(lambda: len(receiver.events()) == 2)
    assert {event["initiator"]["type"] for event in receiver.events()} == {"AGENT"}


async def test_a_closing_that_is_refused_says_why_and_changes_nothing(start_sandbox: Any, write: Any) -> None:
    sandbox = start_sandbox()
    async with sandbox.client() as gladly:
        await gladly.patch("/_sandbox/settings", json={"topicsRequired": True})
        opened = await write(client=gladly)
        async with gladly.post(f"/conversations/{opened.conversation_id}/close") as answer:
            assert answer.status == 400
            html = await answer.text()
    assert "topics are required before closing of conversation" in html
    assert "Close conversation" in html


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({}, 303),
    ],
)
async def test_another_site_can_press_no_button(
    gladly: aiohttp.ClientSession, write: Any, headers: dict[str, str], status: int
) -> None:
    opened = await write()
    async with gladly.post(
        f"/conversations/{opened.conversation_id}/close", headers=headers, allow_redirects=False
    ) as answer:
        assert answer.status == status
    async with gladly.get(f"/api/v1/conversations/{opened.conversation_id}") as answer:
        assert (await answer.json())["status"] == ("CLOSED" if status == 303 else "OPEN")


@pytest.mark.parametrize("path", ["/", "/customers/x", "/static/style.css"])
async def test_a_foreign_host_name_is_shown_nothing(gladly: aiohttp.ClientSession, path: str) -> None:
    async with gladly.get(path, headers={"Host": "rebound.example"}) as answer:
        assert answer.status == 421


@pytest.mark.parametrize(
    "path", ["/customers/nobody", "/static/none.css", "/static/..%2fdesktop.py", "/nothing"]
)
async def test_what_is_not_there_is_said(gladly: aiohttp.ClientSession, path: str) -> None:
    async with gladly.get(path) as answer:
        assert answer.status == 404
        assert "Traceback" not in await answer.text()


async def test_an_activity_is_shown_as_a_card_with_only_the_allowed_markup(
    gladly: aiohttp.ClientSession, write: Any
) -> None:
    opened = await write()
    content = {
        "type": "CUSTOMER_ACTIVITY",
        "activityType": "SURVEY",
        "title": "CSAT Score: 5 <i>",
        "sourceName": "Qualtrics",
        "body": "<p onclick='x()'>Customer Feedback: <b>great</b></p><script>alert(1)</script>"
        "<a href='javascript:alert(1)'>bad</a><img src='/conversations/x/close'>",
        "link": {"url": "https://survey.example/r/1?a=1&b=2", "text": "See the response"},
    }
    path = f"/api/v1/customers/{opened.customer_id}/conversation-items"
    async with gladly.post(path, json={"content": content}) as answer:
        assert answer.status == 200
    html = await page(gladly, f"/customers/{opened.customer_id}")
    assert "<h3>CSAT Score: 5 &lt;i&gt;</h3>" in html
    assert "<p>Customer Feedback: <b>great</b></p>" in html
    assert 'href="https://survey.example/r/1?a=1&amp;b=2"' in html
    for forbidden in ("onclick", "alert(1)", "/conversations/x/close"):
        assert forbidden not in html


async def test_an_open_page_hears_of_a_new_card(gladly: aiohttp.ClientSession, write: Any) -> None:
    opened = await write()
    async with gladly.get(f"/customers/{opened.customer_id}/changes") as stream:
        assert await stream.content.readline() == b": watching\n"
        await write("And another thing", email=opened.email)
        assert await stream.content.readuntil(b"data: changed\n")


async def test_a_merged_customers_page_is_the_others(gladly: aiohttp.ClientSession, write: Any) -> None:
    source, destination = await write(), await write()
    merge = {"sourceCustomerId": source.customer_id, "destinationCustomerId": destination.customer_id}
    await gladly.post("/_sandbox/merges", json=merge)
    async with gladly.get(f"/customers/{source.customer_id}") as answer:
        assert answer.url.path == f"/customers/{destination.customer_id}"


class Markup(HTMLParser):
    """Collects the tags and attributes of a piece of HTML as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, str] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update({name: value or "" for name, value in attrs})


PIECES = [
    "<script>",
    "</script>",
    "<svg onload=x>",
    "<a href='java\tscript:x'>",
    "<img src=x onerror=x>",
    "<p style='position:fixed'>",
    "<iframe src=x>",
    "&lt;script&gt;",
    "text",
    "<b>",
    "<!--",
    "\"'",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_no_markup_gets_a_script_through(body: str) -> None:
    shown = Markup(sanitize(body))
    assert shown.tags <= {"a", "img", "p", "b"}
    assert set(shown.attributes) <= {"target", "rel"}
