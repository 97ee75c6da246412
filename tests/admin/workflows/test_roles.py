"""Every page of workflows and JSON events but the editor's, and every form of it, by every role."""

import re
from collections.abc import Callable
from typing import get_args

from sqlalchemy import insert
from tests.fixtures.admin_pages import PASSWORD, Browser

from afterword.accounts.people import Role, add_person
from afterword.accounts.secrets import SecretBox
from afterword.events.models import json_event_origin
from afterword.store import tables
from afterword.store.database import Database
from afterword.workflows.definitions import JsonEvent
from afterword.workflows.saving.guide import Guide
from afterword.workflows.starting.endpoints import get_endpoint

EDITORS = {"owner", "administrator", "manager"}
READS = ("/workflows", "/workflows/json-events", "/workflows/json-events/{endpoint}", "/workflows/{ask}/test")
READ_BY_EDITORS = (
    "/workflows/new",
    "/workflows/new/event",
    "/workflows/new/conversation-closed",
    "/workflows/new/json-event",
    "/workflows/new/survey-response",
    "/workflows/new/schedule",
    "/workflows/new/tell",
    "/workflows/new/ask",
    "/workflows/new/answer",
    "/workflows/{ask}/run",
    "/workflows/{ask}/earlier",
)
CHANGED_BY_EDITORS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/workflows/switch", {"workflow": "OC_none", "on": "yes"}),
    ("/workflows/new/conversation-closed", {}),
    ("/workflows/new/json-event", {}),
    ("/workflows/new/survey-response", {}),
    ("/workflows/new/schedule", {}),
    ("/workflows/new/tell", {}),
    ("/workflows/new/ask", {}),
    ("/workflows/new/answer", {}),
    ("/workflows/json-events/{endpoint}", {"do": "anything"}),
    ("/workflows/{ask}/test", {}),
    ("/workflows/{ask}/run", {}),
    ("/workflows/{ask}/earlier", {}),
)
"""Forms that are refused for what is in them, if for nothing else."""


async def test_each_role_sees_and_changes_what_it_may(
    open_browser: Callable[[], Browser], database: Database, guide: Guide, box: SecretBox
) -> None:
    assert guide.ask is not None
    assert isinstance(guide.ask.definition.event, JsonEvent)
    endpoint_id = guide.ask.definition.event.endpoint
    ids = {"ask": guide.ask.id, "endpoint": endpoint_id}
    await captured_sample(database, endpoint_id)
    async with database.transaction() as connection:
        endpoint = await get_endpoint(connection, box, endpoint_id, public_url="")
    secret = endpoint.address.partition("?")[2]
    for role in get_args(Role):
        email = f"{role}@example.org"
        async with database.transaction() as connection:
            await add_person(connection, email=email, name="R", role=role, password=PASSWORD)
        browser = open_browser()
        answer, _ = await browser.sign_in(email)
        if answer.status != 303:  # who holds tokens alone signs in nowhere
            assert role == "api_user"
            continue
        may = role in EDITORS
        for path in READS:
            answer, page = await browser.get(path.format(**ids))
            assert answer.status == 200, (role, path)
            buttons = re.findall(r'<form[^>]* method="post"', page)
            assert may or len(buttons) <= 1 or path.endswith("/test"), (role, path)  # signing out
            assert (secret in page) == (may and path.endswith("{endpoint}")), (role, path)
            assert ("C-secret" in page) == (may and path.endswith("{endpoint}")), (role, path)
        for path in READ_BY_EDITORS:
            answer, page = await browser.get(path.format(**ids))
            assert answer.status == (200 if may else 403), (role, path)
        token = await browser.form_token()
        for path, form in CHANGED_BY_EDITORS:
            answer, _ = await browser.send(path.format(**ids), form, token=token)
            assert answer.status in ({200, 409, 422} if may else {403}), (role, path, answer.status)


async def test_accounts_are_connected_by_those_alone_who_may_connect(
    browser: Browser, database: Database, gladly_id: str
) -> None:
    async with database.transaction() as connection:
        await add_person(connection, email="m@example.org", name="M", role="manager", password=PASSWORD)
    await browser.sign_in("m@example.org")
    _, page = await browser.get("/workflows/new/tell")
    assert "connected now" not in page
    answer, page = await browser.send("/workflows/new/tell", {"account": gladly_id, "sends_to": "own"})
    assert answer.status == 422
    assert "Owners and administrators connect accounts." in page


async def captured_sample(database: Database, endpoint_id: str) -> None:
    """A sample that a customer's id is in."""
    await database.pool.execute(
        "UPDATE json_event_endpoint SET capturing_since = now(), capturing_after_event = 0 WHERE id = $1",
        endpoint_id,
    )
    async with database.transaction() as connection:
        await connection.execute(
            insert(tables.event).values(
                origin=json_event_origin(endpoint_id),
                type="JSON Event",
                body='{"customerId": "C-secret"}',
                status="ignored",
            )
        )
