"""Afterword connected to itself as to a Qualtrics account: our survey service on one end, all that reads a real
Qualtrics on the other, and nothing but HTTP between them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.fixtures.qualtrics_api import KEY
from tests.fixtures.sandbox import Sandbox

from afterword.accounts.clients import ConnectedAccounts
from afterword.accounts.gladly_accounts import add_gladly
from afterword.accounts.qualtrics_accounts import QualtricsAccount, add_qualtrics
from afterword.events.models import survey_origin
from afterword.piped_text import render
from afterword.settings import Settings
from afterword.store.budgets import RateBudget
from afterword.surveys.definitions import get_survey
from afterword.surveys.outlines import AnsweredSurvey, answered_survey
from afterword.surveys.piped import response_source
from afterword.surveys.responses import get_response
from afterword.worker import Worker
from afterword.workflows.definitions import Definition, SurveyResponse, Task
from afterword.workflows.saving.workflows import add_workflow
from afterword.workflows.values.qualtrics_responses import QualtricsResponses

pytestmark = pytest.mark.asyncio(loop_scope="session")

PIPES = (
    "${q://QID1/SelectedChoicesRecode}",
    "${q://QID1/ChoiceGroup/SelectedChoices}",
    "${q://QID1/QuestionText}",
    "${q://QID2/ChoiceTextEntryValue}",
    "${e://Field/CustomerId}",
    "${e://Field/conversationid}",
    "${e://Field/ResponseID}",
    "${rm://Field/ResponseID}",
    "${e://Field/Q_CHL}",
    "${e://Field/Q_Language}",
)
COMMENT = "Quick,\n<b>kind</b> & ✓"


class BothEnds:
    """An account of ours with ourselves."""

    def __init__(self, api: Any, account: QualtricsAccount, settings: Settings) -> None:
        self.api = api
        self.account = account
        self.settings = settings
        self.database = api.afterword.database
        self.accounts = ConnectedAccounts(self.database, api.box, RateBudget(self.database.pool), settings)
        self.address = f"{api.afterword.url}/webhooks/qualtrics/{account.id}"

    async def subscribe(self) -> str:
        client = (await self.accounts.qualtrics(self.account.id)).client
        topic = f"surveyengine.completedResponse.{self.api.survey_id}"
        return await client.create_event_subscription(
            topic, self.address, self.account.notification_secrets[0]
        )

    async def events(self) -> list[dict[str, Any]]:
        """The events that came in from the account."""
        origin = survey_origin(self.api.survey_id, self.account.id)
        rows = await self.database.pool.fetch("SELECT * FROM event WHERE origin = $1 ORDER BY id", origin)
        return [dict(row) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def ends(api: Any, tmp_path: Path) -> AsyncIterator[BothEnds]:
    settings = Settings.load({}, data_dir=tmp_path, secret_key=KEY, public_url=api.afterword.url)
    async with api.afterword.database.transaction() as connection:
        account = await add_qualtrics(
            connection, api.box, name="Ourselves", api_token=api.token, base_url=api.afterword.url
        )
    both = BothEnds(api, account, settings)
    yield both
    await both.accounts.close()
    await api.afterword.database.pool.execute("DELETE FROM connected_account WHERE name <> 'Acme'")


@asynccontextmanager
async def working(ends: BothEnds) -> AsyncIterator[None]:
    """A worker that works until the block ends."""
    stop = asyncio.Event()
    worker = asyncio.create_task(Worker(ends.settings, ends.database, ends.api.box).run(stop))
    try:
        yield
    finally:
        stop.set()
        await worker


def filled_in(answered: AnsweredSurvey) -> dict[str, str]:
    source = response_source(answered)
    return {pipe: render(pipe, source) for pipe in PIPES}


async def test_an_answer_arrives_signed_as_one_event_and_is_read_back_as_it_was_given(
    ends: BothEnds, api: Any
) -> None:
    await ends.subscribe()
    assert await ends.events() == []  # that the address was tried is no event
    response_id = await api.respond(QID1="4", QID2=COMMENT, shown_at="now")
    await api.deliver()
    assert await api.untold() == []
    (event,) = await ends.events()
    assert (event["type"], event["status"]) == ("Survey Response", "received")
    assert msgspec.json.decode(event["body"])["responseId"] == response_id
    wanted = SurveyResponse(survey=api.survey_id, account=ends.account.id)
    fetched = await QualtricsResponses(ends.database, ends.accounts).read_response(wanted, event["body"])
    async with ends.database.transaction() as connection:
        survey = await get_survey(connection, api.survey_id)
        response = await get_response(connection, response_id)
    assert survey is not None
    assert response is not None
    own = filled_in(answered_survey(survey, response))
    assert filled_in(fetched) == own
    assert own["${q://QID1/ChoiceGroup/SelectedChoices}"] == "Happy"
    assert own["${q://QID2/ChoiceTextEntryValue}"] == COMMENT
    assert own["${e://Field/CustomerId}"] == "C1"
    assert "" not in own.values()


async def test_a_delivery_that_comes_again_is_a_redelivery_of_the_one_event(
    ends: BothEnds, api: Any, subscriber: Any
) -> None:
    await ends.subscribe()
    await api.subscribe(subscriber.url, sharedKey=ends.account.notification_secrets[0])
    await api.respond()
    await api.deliver()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    path = f"/webhooks/qualtrics/{ends.account.id}"
    for _ in range(3):
        again = await api.afterword.send("POST", path, subscriber.bodies[-1], headers=form)
        assert again.status == 200
    assert [event["status"] for event in await ends.events()] == ["received", *["redelivered"] * 3]
    forged = subscriber.bodies[-1].replace(b"Complete", b"Partial")
    assert forged != subscriber.bodies[-1]
    assert (await api.afterword.send("POST", path, forged, headers=form)).status == 401
    assert len(await ends.events()) == 4


async def test_a_subscription_with_another_key_is_refused_by_the_address_that_it_would_call(
    ends: BothEnds, api: Any
) -> None:
    body = {"topics": "*", "publicationUrl": ends.address, "sharedKey": "not the account's"}
    status, _, message = await api.refused("POST", "/eventsubscriptions", body)
    assert status == 400
    assert "POST was answered with 401" in message


async def test_without_the_flows_declaration_the_answer_comes_back_without_the_customer(
    ends: BothEnds, api: Any
) -> None:
    """As with a real Qualtrics; what the flow lacks can be found out before, and be sent."""
    client = (await ends.accounts.qualtrics(ends.account.id)).client
    path = f"/survey-definitions/{api.survey_id}/flow"
    flow = await api.get(path)
    await api.call("PUT", path, {**flow, "Flow": flow["Flow"][1:]})
    assert (await client.flow(api.survey_id)).missing(["customerId"]) == ["customerId"]
    response_id = await api.respond()
    response, _ = await client.response(api.survey_id, response_id)
    assert "CustomerId" not in response.values
    await api.call("PUT", path, flow)
    assert (await client.flow(api.survey_id)).missing(["customerId"]) == []


async def test_an_answer_goes_the_whole_way_to_gladlys_timeline(
    ends: BothEnds, api: Any, sandbox: Sandbox, eventually: Any
) -> None:
    """Survey page, outbox, signed delivery, event, run, response fetched, one card: by a worker, over HTTP."""
    customer, conversation = sandbox.new_customer("Ada", "ada@both-ends.example")
    async with ends.database.transaction() as connection:
        gladly = await add_gladly(
            connection,
            api.box,
            name="Sandbox",
            base_url=sandbox.url,
            username=sandbox.username,
            api_token=sandbox.api_token,
            delivery="none",
        )
        card = {
            "account": gladly.id,
            "customer_id": "${e://Field/CustomerId}",
            "title": "CSAT Score: ${q://QID1/SelectedChoicesRecode}",
            "body": "Customer Feedback: ${q://QID2/ChoiceTextEntryValue}",
        }
        await add_workflow(
            connection,
            name="Send Survey Response to Gladly",
            definition=Definition(
                event=SurveyResponse(survey=api.survey_id, account=ends.account.id),
                tasks=(Task("T-1", "gladly-timeline-event", "Gladly: timeline event", card),),
            ),
        )
    await ends.subscribe()

    async def ended() -> list[str]:
        rows = await ends.database.pool.fetch("SELECT status FROM run WHERE finished_at IS NOT NULL")
        return [row["status"] for row in rows]

    async with working(ends):
        ids = {"customerid": customer, "conversationId": conversation}
        await api.respond("ada@both-ends.example", ids, QID1="5", QID2="Quick and kind")
        assert await eventually(ended, within=60) == ["succeeded"]
    items = sandbox.control("GET", f"customers/{customer}/timeline")
    (activity,) = [one["content"] for one in items if one["content"]["type"] == "CUSTOMER_ACTIVITY"]
    assert (activity["title"], activity["body"]) == ("CSAT Score: 5", "Customer Feedback: Quick and kind")
    assert [event["status"] for event in await ends.events()] == ["matched"]
