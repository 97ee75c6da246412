"""JSON events on pages: their address, who may send, and fields that are picked from a sample."""

import html
import re

import pytest_asyncio
from sqlalchemy import insert
from tests.fixtures.admin_pages import Browser

from afterword.accounts.api_tokens import Bearer, find_bearer
from afterword.accounts.audit import list_entries
from afterword.accounts.people import Person
from afterword.accounts.qualtrics_accounts import get_qualtrics
from afterword.accounts.secrets import SecretBox
from afterword.events.models import json_event_origin
from afterword.store import tables
from afterword.store.database import Database
from afterword.workflows.definitions import Definition, JsonEvent, JsonField
from afterword.workflows.saving.guide import Guide, find_own_service
from afterword.workflows.saving.listing import get_workflow
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.starting.endpoints import endpoint_at, get_endpoint, list_endpoints, make_endpoint

SAMPLE = '{"customer": {"id": "C1", "note": "<b>"}, "score": 5}'


@pytest_asyncio.fixture
async def endpoint(database: Database, box: SecretBox, owner: Person) -> str:
    async with database.transaction() as connection:
        return await make_endpoint(connection, box, person_id=owner.id)


async def arrive(database: Database, endpoint_id: str, body: str = SAMPLE, **values: object) -> int:
    async with database.transaction() as connection:
        event_id = await connection.scalar(
            insert(tables.event)
            .values(
                {
                    "origin": json_event_origin(endpoint_id),
                    "type": "JSON Event",
                    "body": body,
                    "status": "ignored",
                    "reason_code": "no-workflow",
                    "reason_words": "no workflow starts with it",
                    **values,
                }
            )
            .returning(tables.event.c.id)
        )
    return int(event_id or 0)


async def do(browser: Browser, endpoint_id: str, what: str, **form: str) -> tuple[int, str]:
    answer, page = await browser.send(f"/workflows/json-events/{endpoint_id}", {"do": what, **form})
    return answer.status, html.unescape(page)


async def address_of(database: Database, box: SecretBox, endpoint_id: str) -> str:
    async with database.transaction() as connection:
        return (await get_endpoint(connection, box, endpoint_id, public_url="https://x.example")).address


async def workflow_with(database: Database, endpoint_id: str, *fields: JsonField) -> str:
    async with database.transaction() as connection:
        event = JsonEvent(endpoint_id, fields)
        return await add_workflow(connection, name="Theirs", definition=Definition(event, ()), is_on=False)


async def test_each_is_listed_with_what_it_starts(
    signed_in: Browser, database: Database, endpoint: str, box: SecretBox, owner: Person
) -> None:
    await workflow_with(database, endpoint)
    async with database.transaction() as connection:
        unused = await make_endpoint(connection, box, person_id=owner.id)
    _, page = await signed_in.get("/workflows/json-events")
    assert page.index(unused) < page.index(endpoint)
    assert "no Workflow yet" in page
    assert "Theirs" in page
    assert f"API token of {owner.name}" in page
    answer, _ = await signed_in.get("/workflows/json-events/OC_none")
    assert answer.status == 404


async def test_its_address_is_regenerated_and_our_own_service_is_given_the_new_one(
    signed_in: Browser, database: Database, box: SecretBox, guide: Guide
) -> None:
    async with database.transaction() as connection:
        own = await find_own_service(connection, box)
    assert own is not None
    before = await address_of(database, box, own.endpoint_id)
    status, page = await do(signed_in, own.endpoint_id, "regenerate")
    assert status == 200
    assert "Afterword's own survey service was given the new one." in page
    after = await address_of(database, box, own.endpoint_id)
    assert after != before
    assert after.partition("?")[2] in page
    async with database.transaction() as connection:
        account = await get_qualtrics(connection, box, own.account_id)
        assert await endpoint_at(connection, before) is None
        told = await list_entries(connection, subject_id=own.endpoint_id)
    assert account is not None
    assert (account.json_event_url or "").partition("?")[2] == after.partition("?")[2]
    assert (told[0].what, told[0].after) == ("changed", {"address": "replaced"})


async def test_authentication_is_switched_and_a_token_is_shown_once(
    signed_in: Browser, database: Database, endpoint: str, owner: Person
) -> None:
    _, page = await do(signed_in, endpoint, "token")
    token = re.search(r'id="token">(\w{40})<', page)
    assert token is not None
    async with database.transaction() as connection:
        assert await find_bearer(connection, token[1]) == Bearer(owner, frozenset({"write:json_events"}))
    _, page = await signed_in.get(f"/workflows/json-events/{endpoint}")
    assert token[1] not in page
    _, page = await do(signed_in, endpoint, "authentication", required="no")
    assert "The address alone, which nobody can guess, lets events in." in page
    async with database.transaction() as connection:
        (listed,) = await list_endpoints(connection)
        (entry, _) = await list_entries(connection, subject_id=endpoint)
    assert not listed.authentication_required
    assert (entry.before, entry.after) == ({"authentication": True}, {"authentication": False})


async def test_a_sample_is_waited_for_and_shown_and_ticked_fields_are_added(
    signed_in: Browser, database: Database, endpoint: str, owner: Person
) -> None:
    workflow_id = await workflow_with(database, endpoint, JsonField("score", "$.score"))
    _, page = await do(signed_in, endpoint, "capture", on="yes")
    assert "curl 'http://" in page
    assert 'id="sample" aria-labelledby="sample-heading" data-live="/workflows/runs/stream"' in page
    await arrive(database, endpoint)
    _, page = await signed_in.get(f"/workflows/json-events/{endpoint}")
    assert "data-live" not in page
    assert '<td class="whole">&lt;b&gt;</td>' in page
    assert re.findall(r'name="field" value="([^"]+)"', page) == ["$.customer.id", "$.customer.note"]
    form = {
        "workflow": workflow_id,
        "path-0": "$.customer.id",
        "name-0": "customer  Id",
        "field": "$.customer.id",
    }
    status, page = await do(signed_in, endpoint, "pick", **form)
    assert (status, "The fields were added to “Theirs”." in page) == (200, True)
    async with database.transaction() as connection:
        workflow = await get_workflow(connection, workflow_id)
    event = workflow.definition.event
    assert isinstance(event, JsonEvent)
    assert event.fields == (JsonField("score", "$.score"), JsonField("customer Id", "$.customer.id"))
    assert workflow.revision == 2


async def test_a_field_that_is_there_is_not_replaced_and_mistakes_are_told(
    signed_in: Browser, database: Database, endpoint: str
) -> None:
    workflow_id = await workflow_with(database, endpoint, JsonField("Id", "$.other"))
    await do(signed_in, endpoint, "capture", on="yes")
    await arrive(database, endpoint)
    form = {"workflow": workflow_id, "path-0": "$.customer.id", "field": "$.customer.id"}
    for more, words in (
        ({"name-0": "id"}, "there already: id ($.other)"),
        ({"name-0": "{}"}, "A JSON field's name has 1 to 200 characters"),
        ({"name-0": "x", "field": ""}, "Tick the fields"),
        ({"name-0": "x", "workflow": "OC_none"}, "There is no such Workflow, or it was deleted."),
    ):
        status, page = await do(signed_in, endpoint, "pick", **(form | more))
        assert (status, words in page) == (422, True), words
        assert f'value="{more["name-0"]}"' in page
    async with database.transaction() as connection:
        assert (await get_workflow(connection, workflow_id)).revision == 1


async def test_events_that_came_before_a_workflow_are_kept_and_lead_to_being_run(
    signed_in: Browser, database: Database, endpoint: str
) -> None:
    event_id = await arrive(database, endpoint)
    await arrive(database, endpoint, status="matched", reason_code=None)
    _, page = await signed_in.get(f"/workflows/json-events/{endpoint}")
    assert re.findall(r'<tr id="event-(\d+)">', page) == [str(event_id)]
    assert f'href="/workflows/new/json-event?endpoint={endpoint}"' in page
    workflow_id = await workflow_with(database, endpoint)
    _, page = await signed_in.get(f"/workflows/json-events/{endpoint}")
    assert f'href="/workflows/{workflow_id}/run?event={event_id}"' in page


async def test_one_that_starts_nothing_is_removed_another_is_not(
    signed_in: Browser, database: Database, endpoint: str
) -> None:
    workflow_id = await workflow_with(database, endpoint)
    status, page = await do(signed_in, endpoint, "remove")
    assert (status, "A Workflow starts with it; delete that first." in page) == (422, True)
    await database.pool.execute("UPDATE workflow SET deleted_at = now() WHERE id = $1", workflow_id)
    status, page = await do(signed_in, endpoint, "remove")
    assert "There is no JSON event yet" in page
    assert page.count('href="/workflows/new/json-event"') == 1
