"""The calls of the API: what is asked, and how answers are read in all the forms that they come in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from afterword.outcomes import Outcome
from afterword.outgoing.calls import Caller
from afterword.qualtrics import envelope, errors
from afterword.qualtrics.client import QualtricsClient

if TYPE_CHECKING:
    from tests.conftest import OpenBudget, StandIn

SURVEY, RESPONSE, TOKEN = "SV_3qZrV0sT9bLkHyN", "R_2dyzFvPqhjcWXoE", "token-Secret"
CALLS: dict[str, Callable[[QualtricsClient], Awaitable[object]]] = {
    "GET /API/v3/whoami": lambda client: client.whoami(),
    "GET /API/v3/surveys": lambda client: client.surveys(),
    "GET /API/v3/surveys/{id}": lambda client: client.survey(SURVEY),
    "GET /API/v3/survey-definitions/{id}/flow": lambda client: client.flow(SURVEY),
    "GET /API/v3/surveys/{id}/responses/{id}": lambda client: client.response(SURVEY, RESPONSE),
    "GET /API/v3/eventsubscriptions": lambda client: client.event_subscriptions(),
    "POST /API/v3/eventsubscriptions": lambda client: client.create_event_subscription(
        "t", "https://a", "key-Secret"
    ),
    "DELETE /API/v3/eventsubscriptions/{id}": lambda client: client.delete_event_subscription("SUB_1"),
}


@pytest.fixture
async def client(open_budget: "OpenBudget", stand_in: "StandIn") -> AsyncIterator[QualtricsClient]:
    client = QualtricsClient(
        stand_in.url, TOKEN, budget=open_budget, brand_id="acme", caller=Caller(total_seconds=0.5)
    )
    yield client
    await client.close()


def good(stand_in: "StandIn", result: object, **more: Any) -> None:
    stand_in.answer(200, msgspec.json.encode(envelope.success(result, **more)))


def asked(stand_in: "StandIn") -> list[str]:
    return [f"{request.method} {request.raw_path}" for request, _ in stand_in.requests]


async def refused(call: Awaitable[object]) -> Outcome:
    with pytest.raises(Outcome) as caught:
        await call
    assert "Secret" not in f"{caught.value} {caught.value.reason}"
    return caught.value


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "refusal",
    [
        (400, "ATP_2", "qualtrics-wrong-credentials"),
        (400, "QVAL_7", "qualtrics-not-found"),
        (400, "QVAL_1", "qualtrics-bad-event"),
        (401, "DCD_7", "qualtrics-wrong-credentials"),
        (403, "MSTC_3", "qualtrics-missing-permission"),
        (404, "ESSG_2", "qualtrics-not-found"),
        (404, None, "qualtrics-not-found"),
        (413, None, "qualtrics-too-large"),
        (429, None, "qualtrics-rate-limited"),
        (500, "X_1", "qualtrics-unavailable"),
        (302, None, "qualtrics-unexpected-answer"),
    ],
)
async def test_each_refusal_of_each_call_is_told_as_what_it_means(
    client: QualtricsClient, stand_in: "StandIn", name: str, refusal: tuple[int, str | None, str]
) -> None:
    status, error_code, code = refusal
    words = f"no {TOKEN} and {'key-Secret' if name.startswith('POST') else 'nothing'}"
    stand_in.answer(status, msgspec.json.encode(envelope.failure(status, words, error_code)))
    outcome = await refused(CALLS[name](client))
    assert outcome.reason.code == code
    assert name in outcome.reason.words
    assert stand_in.requests[0][0].headers["X-API-TOKEN"] == TOKEN


@pytest.mark.parametrize("name", [name for name in CALLS if not name.startswith("DELETE")])
@pytest.mark.parametrize(
    "body", ["", "<html>", '{"meta":{}}', '{"result":null}', '{"result":5}', "[" * 9999, "\xff"]
)
async def test_an_answer_that_cannot_be_read_is_told(
    client: QualtricsClient, stand_in: "StandIn", name: str, body: str
) -> None:
    stand_in.answer(200, body.encode("latin-1"))
    assert isinstance(await refused(CALLS[name](client)), errors.QualtricsUnreadable)


@pytest.mark.parametrize("name", CALLS)
async def test_an_answer_that_does_not_come_is_told(
    client: QualtricsClient, stand_in: "StandIn", name: str
) -> None:
    stand_in.hang()
    assert isinstance(await refused(CALLS[name](client)), errors.QualtricsTimedOut)


async def test_what_qualtrics_remarks_on_the_data_centre_is_told(
    client: QualtricsClient, stand_in: "StandIn"
) -> None:
    notice = "Request proxied. For faster response times, use this host instead: fra1.qualtrics.com"
    good(stand_in, {"userId": "UR_1"}, notice=notice)
    whoami = await client.whoami()
    assert (whoami.notice, whoami.brand_id) == (notice, None)


async def test_every_page_of_a_list_is_read_with_the_token_going_nowhere_else(
    client: QualtricsClient, stand_in: "StandIn"
) -> None:
    survey = {"id": SURVEY, "name": "CSAT", "isActive": True, "lastModified": "2026-11-23T10:00:00Z"}
    elsewhere = "https://elsewhere.example/API/v3/surveys?skipToken=a%2Fb&pageSize=1"
    good(stand_in, {"elements": [survey, {"name": "no id"}, None], "nextPage": elsewhere})
    good(stand_in, {"elements": [survey | {"isActive": "false"}], "nextPage": f"{stand_in.url}/x?offset=200"})
    good(stand_in, {"elements": []})
    found = await client.surveys()
    assert [(one.id, one.is_active) for one in found] == [(SURVEY, True), (SURVEY, False)]
    assert asked(stand_in) == [
        "GET /API/v3/surveys?offset=0",
        "GET /API/v3/surveys?skipToken=a%2Fb&pageSize=1",
        "GET /API/v3/surveys?offset=200",
    ]


@pytest.mark.parametrize("next_page", ["", "None", "https://x/API/v3/surveys", "https://x/?offset=0"])
async def test_a_list_that_names_itself_as_its_next_page_ends(
    client: QualtricsClient, stand_in: "StandIn", next_page: str
) -> None:
    good(stand_in, {"elements": {}, "nextPage": next_page})
    assert await client.surveys() == []
    assert len(stand_in.requests) == 1


async def test_a_response_is_told_with_the_json_that_it_was_read_from(
    client: QualtricsClient, stand_in: "StandIn"
) -> None:
    stand_in.answer(200, f'{{"meta":{{}},"result": {{"responseId":"{RESPONSE}", "values" : {{"QID1":5}} }}}}')
    response, text = await client.response(SURVEY, RESPONSE)
    assert response.values == {"QID1": 5}
    assert text == f'{{"responseId":"{RESPONSE}", "values" : {{"QID1":5}} }}'
    assert asked(stand_in) == [f"GET /API/v3/surveys/{SURVEY}/responses/{RESPONSE}"]


async def test_an_id_cannot_lead_to_another_address(client: QualtricsClient, stand_in: "StandIn") -> None:
    stand_in.answer(404)
    await refused(client.response("../../whoami?x=", "R/1\r\n"))
    assert asked(stand_in) == ["GET /API/v3/surveys/------whoami-x-/responses/R-1--"]


async def test_a_subscription_is_signed_and_not_encrypted(
    client: QualtricsClient, stand_in: "StandIn"
) -> None:
    good(stand_in, {"id": "SUB_1"})
    good(stand_in, msgspec.UNSET)
    topic = f"surveyengine.completedResponse.{SURVEY}"
    assert (
        await client.create_event_subscription(topic, "https://afterword.example/x", "key-Secret") == "SUB_1"
    )
    await client.delete_event_subscription("SUB_1")
    assert msgspec.json.decode(stand_in.requests[0][1]) == {
        "topics": topic,
        "publicationUrl": "https://afterword.example/x",
        "encrypt": False,
        "sharedKey": "key-Secret",
    }
    assert asked(stand_in) == ["POST /API/v3/eventsubscriptions", "DELETE /API/v3/eventsubscriptions/SUB_1"]


async def test_calls_share_the_brands_budget_and_some_have_a_narrower_one_beside_it(
    client: QualtricsClient, stand_in: "StandIn", open_budget: "OpenBudget"
) -> None:
    stand_in.answer(429, "", Retry_After="9")
    await refused(client.response(SURVEY, RESPONSE))
    await refused(client.survey(SURVEY))
    assert [(name, round(rate, 2)) for name, rate, _ in open_budget.turns] == [
        ("qualtrics/acme", 48.0),
        ("qualtrics/acme/responses", 3.84),
        ("qualtrics/acme", 48.0),
    ]
    assert open_budget.holds == [("qualtrics/acme/responses", 9), ("qualtrics/acme", 9)]
