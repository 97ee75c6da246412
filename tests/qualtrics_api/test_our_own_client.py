"""Afterword's client for Qualtrics on Afterword's own survey service: both ends of the same facts, over HTTP."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update
from tests.fixtures.qualtrics_api import SHARED_KEY

from afterword.qualtrics.client import QualtricsClient
from afterword.qualtrics.errors import (
    QualtricsMissingPermission,
    QualtricsNotFound,
    QualtricsRateLimited,
    QualtricsWrongCredentials,
)
from afterword.qualtrics.webhooks import is_signed, read_form, read_message
from afterword.qualtrics_api import limits
from afterword.store import tables
from afterword.surveys.definitions import add_survey, csat_survey

pytestmark = pytest.mark.asyncio(loop_scope="session")

Client = Callable[[str], QualtricsClient]


@pytest_asyncio.fixture(loop_scope="session")
async def client_for(api: Any, open_budget: Any) -> AsyncIterator[Client]:
    """The client with one token or another."""
    clients: list[QualtricsClient] = []

    def make(token: str) -> QualtricsClient:
        clients.append(QualtricsClient(api.afterword.url, token, budget=open_budget))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def test_whoami_tells_whose_token_it_is_and_a_wrong_one_is_known(api: Any, client_for: Client) -> None:
    whoami = await client_for(api.token).whoami()
    assert (whoami.user_id, whoami.brand_id) == (api.afterword.owner_id, "afterword")
    assert whoami.account_type == "UT_BRANDADMIN"
    assert whoami.notice == ""
    assert (await client_for(api.afterword.other_token).whoami()).account_type == "UT_ANALYST"
    with pytest.raises(QualtricsWrongCredentials):
        await client_for("x" * 40).whoami()


async def test_every_survey_is_found_over_all_pages(api: Any, client_for: Client) -> None:
    async with api.afterword.database.transaction() as connection:
        new = [
            await add_survey(connection, name=f"Survey {number}", definition=csat_survey())
            for number in range(204)
        ]
        await connection.execute(
            update(tables.survey).values(is_active=False).where(tables.survey.c.id == new[0])
        )
    found = await client_for(api.token).surveys()
    assert sorted(survey.id for survey in found) == sorted([api.survey_id, *new])
    assert [survey.id for survey in found if not survey.is_active] == [new[0]]


async def test_a_survey_its_flow_and_a_response_are_read_as_they_are(api: Any, client_for: Client) -> None:
    client = client_for(api.token)
    survey = await client.survey(api.survey_id)
    score, comment = survey.questions["QID1"], survey.questions["QID2"]
    assert score.question_type is not None
    assert score.question_type.type == "MC"
    assert [choice.recode for choice in score.choices.values()] == ["1", "2", "3", "4", "5"]
    assert comment.choices == {}
    assert survey.embedded_data == ("CustomerId", "ConversationId", "AgentId", "InboxId")
    flow = await client.flow(api.survey_id)
    assert flow.always == survey.embedded_data
    assert flow.missing(["customerId", "orderId"]) == ["orderId"]
    response_id = await api.respond(QID1="2", QID2="Slow")
    response, text = await client.response(api.survey_id, response_id)
    assert response.values["QID1"] == 2
    assert response.values["QID2_TEXT"] == "Slow"
    assert response.labels["QID1"] == "Unhappy"
    assert json.loads(text)["responseId"] == response_id
    with pytest.raises(QualtricsNotFound):
        await client.response(api.survey_id, "R_aaaaaaaaaaaaaaa")
    with pytest.raises(QualtricsNotFound):
        await client.survey("SV_aaaaaaaaaaaaaaa")


async def test_subscribing_needs_an_administrators_token_and_what_is_delivered_is_signed(
    api: Any, client_for: Client, subscriber: Any
) -> None:
    client = client_for(api.token)
    topic = f"surveyengine.completedResponse.{api.survey_id}"
    with pytest.raises(QualtricsMissingPermission):
        await client_for(api.afterword.other_token).create_event_subscription(
            topic, subscriber.url, SHARED_KEY
        )
    subscription_id = await client.create_event_subscription(topic, subscriber.url, SHARED_KEY)
    (found,) = await client.event_subscriptions()
    assert (found.id, found.topics, found.publication_url) == (subscription_id, topic, subscriber.url)
    tried = read_form(subscriber.bodies[-1])
    assert is_signed(tried, [SHARED_KEY])
    assert read_message(tried).kind is None
    response_id = await api.respond()
    await api.deliver()
    form = read_form(subscriber.bodies[-1])
    assert is_signed(form, [SHARED_KEY])
    assert not is_signed(form, ["another key"])
    told = read_message(form)
    assert (told.survey_id, told.response_id, told.kind) == (api.survey_id, response_id, "created")
    response, _ = await client.response(api.survey_id, response_id)
    assert told.at is not None
    assert str(response.values["endDate"]) == told.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    await client.delete_event_subscription(subscription_id)
    assert await client.event_subscriptions() == []
    with pytest.raises(QualtricsNotFound):
        await client.delete_event_subscription(subscription_id)


async def test_a_limit_is_told_with_the_time_to_wait(
    api: Any, client_for: Client, open_budget: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.PER_MINUTE, "event subscriptions", 0)
    with pytest.raises(QualtricsRateLimited) as caught:
        await client_for(api.token).event_subscriptions()
    assert caught.value.after is not None
    assert 1 <= caught.value.after <= 60
    assert len(open_budget.holds) == 1
