"""One response as client programs of Qualtrics' read it."""

import time
from typing import Any

import pytest

from afterword.surveys.definitions import add_survey, csat_survey

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMMENT = "Quick,\n<b>kind</b> & ✓"


async def test_a_response_is_told_as_it_was_answered(api: Any) -> None:
    response_id = await api.respond(QID1="4", QID2=COMMENT, shown_at="now")
    response = await api.get(f"/surveys/{api.survey_id}/responses/{response_id}")
    assert len(response_id) == 17
    assert response["responseId"] == response_id
    values = response["values"]
    dates = {name: values.pop(name) for name in ("startDate", "endDate", "recordedDate")}
    assert values.pop("duration") >= 0
    assert values == {
        "status": 0,
        "progress": 100,
        "finished": 1,
        "_recordId": response_id,
        "distributionChannel": "email",
        "userLanguage": "EN",
        "recipientFirstName": "Ada",
        "recipientLastName": "Lovelace",
        "recipientEmail": "ada@example.org",
        "QID1": 4,
        "QID2_TEXT": COMMENT,
        "CustomerId": "C1",
        "ConversationId": "V1",
    }
    assert dates["startDate"] <= dates["endDate"]
    assert dates["endDate"] == dates["recordedDate"][:19] + "Z"
    assert len(dates["recordedDate"]) == len("2026-11-23T10:00:00.123Z")
    assert response["labels"] == {"status": "IP Address", "finished": "True", "QID1": "Happy"}
    assert response["displayedFields"] == ["QID1", "QID2_TEXT"]
    assert response["displayedValues"] == {"QID1": [1, 2, 3, 4, 5]}


async def test_a_response_that_its_respondent_changed_is_told_as_it_is_now_and_subscribers_are_told_again(
    api: Any, subscriber: Any
) -> None:
    await api.subscribe(subscriber.url, sharedKey="k" * 16)
    response_id = await api.respond(QID1="4")
    assert await api.respond(QID1="5", QID2=COMMENT, seen_version="1") == response_id
    values = (await api.get(f"/surveys/{api.survey_id}/responses/{response_id}"))["values"]
    assert (values["QID1"], values["QID2_TEXT"], values["finished"]) == (5, COMMENT, 1)
    before = len(subscriber.bodies)
    await api.deliver()
    told = [body for body in subscriber.bodies[before:] if response_id.encode() in body]
    assert len(told) == 2


async def test_what_is_not_known_is_left_out(api: Any) -> None:
    """A comment that was not written, and when the page was shown if the form does not tell, or tells nonsense."""
    now = int(time.time())
    for number, shown_at in enumerate(["", "soon", str(now + 1000), str(now - 10**6), "9" * 400, "-1"]):
        response_id = await api.respond(f"p{number}@example.org", QID1="1", shown_at=shown_at)
        values = (await api.get(f"/surveys/{api.survey_id}/responses/{response_id}"))["values"]
        assert not {"QID2_TEXT", "startDate", "duration", "ipAddress"} & set(values), shown_at
        assert values["QID1"] == 1


async def test_embedded_data_is_told_as_far_as_the_flow_declares_it(api: Any) -> None:
    """As with Qualtrics: without the element the answers come back without the values."""
    response_id = await api.respond()
    address = f"/surveys/{api.survey_id}/responses/{response_id}"
    path = f"/survey-definitions/{api.survey_id}/flow"
    assert "Undeclared" not in (await api.get(address))["values"]
    flow = await api.get(path)
    flow["Flow"][0]["EmbeddedData"] = [{"Field": "Undeclared"}]
    await api.call("PUT", path, flow)
    values = (await api.get(address))["values"]
    assert values["Undeclared"] == "x"
    assert "CustomerId" not in values


async def test_a_response_of_another_survey_is_not_found_here(api: Any) -> None:
    response_id = await api.respond()
    async with api.afterword.database.transaction() as connection:
        other = await add_survey(connection, name="Other", definition=csat_survey())
    for address in (
        f"/surveys/{other}/responses/{response_id}",
        f"/surveys/{api.survey_id}/responses/R_aaaaaaaaaaaaaaa",
        f"/surveys/{api.survey_id}/responses/x%00",
        f"/surveys/{api.survey_id}/responses/{'x' * 5000}",
    ):
        status, code, message = await api.refused("GET", address)
        assert (status, code) == (404, "QMST_2.2")
        assert len(message) < 200


async def test_the_page_carries_when_it_was_first_shown_through_a_mistake(api: Any) -> None:
    invitation = await api.respondents.invite()
    link = api.respondents.link(invitation)
    async with api.respondents.http.post(link, data={"QID1": "9", "shown_at": "1700000000"}) as again:
        assert again.status == 422
        assert 'name="shown_at" value="1700000000"' in await again.text()
    async with api.respondents.http.get(link) as page:
        assert f'name="shown_at" value="{int(time.time())}'[:-2] in await page.text()


async def test_preview_test_and_imported_responses_are_told_apart(api: Any) -> None:
    response_id = await api.respond()
    address = f"/surveys/{api.survey_id}/responses/{response_id}"
    for kind, status, label in [
        ("preview", 1, "Survey Preview"),
        ("test", 2, "Survey Test"),
        ("imported", 4, "Imported"),
    ]:
        await api.afterword.database.pool.execute("UPDATE response SET kind = $1", kind)
        response = await api.get(address)
        assert (response["values"]["status"], response["labels"]["status"]) == (status, label)
    await api.afterword.database.pool.execute("UPDATE response SET kind = 'partial'")
    response = await api.get(address)
    assert (response["values"]["finished"], response["labels"]["finished"]) == (0, "False")
    assert "endDate" not in response["values"]
    await api.afterword.database.pool.execute("UPDATE response SET kind = 'test'")
    counts = (await api.get(f"/surveys/{api.survey_id}"))["responseCounts"]
    assert counts == {"auditable": 0, "generated": 1, "deleted": 0}
