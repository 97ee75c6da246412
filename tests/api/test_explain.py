"""Explain, for programs."""

from typing import Any

import msgspec
import pytest

from afterword.workflows.explaining.models import Explanation

shared = pytest.mark.asyncio(loop_scope="session")


async def asked(afterword: Any, query: str, token: str | None = None) -> tuple[int, Any]:
    headers = {"X-API-TOKEN": afterword.api_token if token is None else token}
    answer = await afterword.send("GET", f"/api/v1/explain?{query}", headers=headers)
    assert answer.headers["Cache-Control"] == "no-store" or answer.status != 200
    return answer.status, msgspec.json.decode(answer._body)


async def an_answered_closing(afterword: Any) -> None:
    event = await afterword.database.pool.fetchval(
        "INSERT INTO event (origin, type, body, conversation_id, status) "
        "VALUES ('gladly/GA_1', 'CONVERSATION/CLOSED', '{}', 'conv1', 'matched') RETURNING id"
    )
    run = await afterword.database.pool.fetchval(
        "INSERT INTO run (workflow_id, revision, event_id, status, conversation_id, customer_id, outputs) "
        "VALUES ('OC_1', 1, $1, 'succeeded', 'conv1', 'cust1', "
        '\'{"T-1": {"customerId": "cust1", "customerFirstName": "Ada"}}\') RETURNING id',
        event,
    )
    await afterword.database.pool.execute(
        "INSERT INTO task_attempt (run_id, position, attempt, status, input, output, started_at, finished_at) "
        "VALUES ($1, 0, 1, 'succeeded', '{\"email\": \"ada@x.org\"}', "
        '\'{"sent": {"to": "ada@x.org", "subject": "Hi"}}\', now(), now())',
        run,
    )


@shared
async def test_a_story_comes_as_data_and_in_sentences(afterword: Any) -> None:
    await an_answered_closing(afterword)
    status, told = await asked(afterword, "what=ada@x.org")
    assert status == 200
    explanation = msgspec.convert(told, Explanation)
    assert (explanation.kind, len(explanation.stories)) == ("email", 1)
    story = explanation.stories[0]
    assert story.conversation_id == "conv1"
    assert "a mail went to ada@x.org" in told["stories"][0]["sentences"][-1]["words"]
    assert story.events[0].runs[0].tasks[0].attempts[0].sent["to"] == "ada@x.org"


@shared
async def test_a_role_that_may_not_see_customers_gets_the_story_without_them(afterword: Any) -> None:
    await an_answered_closing(afterword)
    status, told = await asked(afterword, "what=conv1", afterword.other_token)
    assert status == 200
    assert "ada@x.org" not in str(told)
    assert "a mail went to (hidden)" in str(told)


@shared
async def test_what_is_not_known_is_404_with_what_to_do(afterword: Any) -> None:
    status, told = await asked(afterword, "what=conv9")
    assert status == 404
    assert "check the webhook" in told["detail"]


@shared
@pytest.mark.parametrize(
    "query", ["", "what=", "what=" + "x" * 401, "what=a&limit=0", "what=a&limit=51", "what=a&limit=x"]
)
async def test_a_question_that_cannot_be_one_is_refused(afterword: Any, query: str) -> None:
    status, told = await asked(afterword, query)
    assert status == 400
    assert "what" in told["detail"] or "limit" in told["detail"]


@shared
async def test_nobody_gets_an_answer_without_a_token(afterword: Any) -> None:
    status, _ = await asked(afterword, "what=conv1", "wrong")
    assert status == 401
