"""The set-up's steps of who is to be asked and where the answer goes, and the guide's two parts with their states."""

import re

import aiohttp
import pytest
from tests.admin.setting_up.test_setup import (  # noqa: F401 - fixtures
    afterword,
    no_webhook_left,
    owners_browser,
    send_seen,
)
from tests.fixtures.admin_pages import Browser
from tests.fixtures.afterword_web import Afterword
from tests.fixtures.sandbox import Sandbox

from afterword.surveys.definitions import get_survey
from afterword.surveys.responses import record_response


@pytest.fixture
async def made(
    owners_browser: Browser,  # noqa: F811
    afterword: Afterword,  # noqa: F811
    sandbox: Sandbox,
    no_webhook_left: None,  # noqa: F811
) -> Browser:
    """A browser in which the guide's Workflows were made, with Afterword's own survey service."""
    account = {"address": sandbox.url, "username": sandbox.username, "api_token": sandbox.api_token}
    for step, typed in [("gladly", account), ("surveys", {"who": "own"}), ("workflows", {})]:
        answer, _ = await owners_browser.send(f"/setup/{step}", typed)
        assert answer.status == 200, afterword.logged[-3:]
    return owners_browser


def parts(body: str) -> list[str]:
    """The states of the guide's two parts."""
    listed = body.partition('<ol class="cards parts">')[2].partition("</ol>")[0]
    return re.findall(r'<span class="badge \w+">([\w ]+)</span>', listed)


async def revision(browser: Browser) -> str:
    _, body = await browser.get("/setup/whom")
    found = re.search(r'name="revision" value="(\d+)"', body)
    assert found is not None
    return found[1]


async def saved_rules(afterword: Afterword) -> list[str]:  # noqa: F811
    rows = await afterword.database.pool.fetch(
        "SELECT task->'configuration'->'eligibility'->>'once_in_days' AS days FROM workflow "
        "JOIN workflow_revision ON workflow_id = workflow.id AND number = current_revision, "
        "jsonb_array_elements(definition->'tasks') AS task WHERE task->>'type' = 'send-json-event'"
    )
    return [row["days"] for row in rows]


async def test_rules_are_saved_and_counted_and_two_people_do_not_overwrite_each_other(
    made: Browser,
    afterword: Afterword,  # noqa: F811
) -> None:
    pool = afterword.database.pool
    begun = await pool.fetchrow("SELECT state, wanted FROM preview")
    assert begun is not None
    assert (begun["state"], begun["wanted"]) == ("reading", "{}")

    seen = await revision(made)
    answer, body = await made.send("/setup/whom", {"do": "save", "revision": seen, "once_in_days": "many"})
    assert answer.status == 422
    assert 'id="error-once_in_days"' in body
    assert 'value="many"' in body
    answer, body = await made.send("/setup/whom", {"do": "count", "revision": seen, "once_in_days": "7"})
    assert answer.status == 200
    assert 'data-live="/workflows/runs/stream?of=preview"' in body
    assert 'name="once_in_days" value="7"' in body
    wanted = await pool.fetchval("SELECT wanted->>'once_in_days' FROM preview WHERE version = 2")
    assert float(wanted) == 7
    assert await saved_rules(afterword) == [None]

    _, body = await made.send("/setup/whom", {"do": "save", "revision": seen, "once_in_days": "30"})
    assert "Saved. The rules hold from the next closing on." in body
    assert await saved_rules(afterword) == ["30.0"]
    answer, body = await made.send("/setup/whom", {"do": "save", "revision": seen, "once_in_days": "14"})
    assert answer.status == 422
    assert "Somebody else saved other rules meanwhile" in body
    assert re.search(r"Saved now:</strong> 30", body)
    assert await saved_rules(afterword) == ["30.0"]
    again = await revision(made)
    await made.send("/setup/whom", {"do": "save", "revision": again, "once_in_days": "14"})
    assert await saved_rules(afterword) == ["14.0"]

    now = await revision(made)
    await send_seen(made, "try", {"email": "me@example.org"})
    await made.send("/setup/whom", {"do": "save", "revision": now, "once_in_days": "21"})
    assert await saved_rules(afterword) == ["21.0"], "a change of something else is no conflict"
    _, body = await made.get("/setup")
    assert "By 2 rules" in body


async def test_part_two_is_tried_with_an_earlier_response(
    made: Browser,
    afterword: Afterword,  # noqa: F811
    sandbox: Sandbox,
) -> None:
    _, body = await made.get("/setup")
    assert parts(body) == ["Not started", "Not started"]
    _, body = await made.get("/setup/answer")
    assert "CSAT Score: 5" in body
    assert "No Response came yet" in body
    _, body = await made.send("/setup/answer", {"do": "own", "score": "1", "comment": "<i>No</i>"})
    assert '<option value="1" selected>' in body
    assert "CSAT Score: 1" in body
    assert "Customer Feedback: &lt;i&gt;No&lt;/i&gt;" in body
    customer_id, conversation_id = sandbox.new_customer("Ada", "ada@earlier.example")
    pool = afterword.database.pool
    async with afterword.database.transaction() as connection:
        survey = await get_survey(connection, await pool.fetchval("SELECT id FROM survey"))
        assert survey is not None
        await record_response(
            connection,
            survey,
            invitation_id="I_1",
            answers={"QID1": 2, "QID2_TEXT": "Slow <b>"},
            embedded_data={"CustomerId": customer_id, "ConversationId": conversation_id},
        )
    await pool.execute(
        "UPDATE event SET status = 'ignored', reason_code = 'workflow-was-off', reason_words = 'off'"
    )
    event_id = str(await pool.fetchval("SELECT id FROM event WHERE origin LIKE 'survey/%'"))
    _, body = await made.get("/setup/answer")
    assert "score 2" in body

    answer, body = await made.send("/setup/answer", {"do": "rehearse", "event": event_id})
    assert answer.status == 200, body
    assert "CSAT Score: 2" in body
    assert "Customer Feedback: Slow &lt;b&gt;" in body
    assert "Would be done" in body
    assert await pool.fetchval("SELECT count(*) FROM run") == 0
    for wrong in ("", "999", "x"):
        answer, body = await made.send("/setup/answer", {"do": "rehearse", "event": wrong})
        assert answer.status == 422
        assert "Choose one of the earlier Responses." in body

    for _ in range(2):
        answer, body = await made.send("/setup/answer", {"do": "post", "event": event_id})
        assert "it is under way" in body
    run = await pool.fetchrow("SELECT id, event_id FROM run")
    assert run is not None
    assert str(run["event_id"]) == event_id
    _, body = await made.get("/setup")
    assert parts(body) == ["Not started", "Not yet"]
    await pool.execute("UPDATE run SET status = 'failed', reason_words = 'Gladly has no such customer'")
    _, body = await made.get("/setup")
    assert parts(body) == ["Not started", "Broken"]
    assert "Gladly has no such customer" in body
    await pool.execute("UPDATE run SET status = 'succeeded', finished_at = now()")
    _, body = await made.get("/setup")
    assert parts(body) == ["Not started", "Works"]


async def test_only_who_may_set_up_may_change_rules(afterword: Afterword) -> None:  # noqa: F811
    async with aiohttp.ClientSession(afterword.url) as http:
        browser = Browser(http, afterword.url)
        answer, _ = await browser.get("/setup/whom", follow=False)
        assert answer.status == 303
