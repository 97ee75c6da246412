"""Subscribers are told of responses: signed, at least once, later when they do not answer, given up in the end."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import pytest
from tests.fixtures.qualtrics_api import SHARED_KEY

from afterword.subscriptions.messages import sign
from afterword.surveys.definitions import add_survey, csat_survey

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def subscription(api: Any) -> Any:
    return await api.afterword.database.pool.fetchrow("SELECT * FROM event_subscription")


async def test_a_response_is_told_signed_over_exactly_the_text_that_is_sent(
    api: Any, subscriber: Any
) -> None:
    subscription_id = await api.subscribe(subscriber.url, sharedKey=SHARED_KEY)
    response_id = await api.respond()
    assert subscriber.told == []  # nobody is called while the respondent waits
    await api.deliver()
    (form,) = subscriber.told
    assert set(form) == {"Topic", "HMAC", "MSG"}
    assert subscriber.content_types[-1] == "application/x-www-form-urlencoded"
    assert form["Topic"] == f"afterword.surveyengine.completedResponse.{api.survey_id}"
    assert form["HMAC"] == hmac.new(SHARED_KEY.encode(), form["MSG"].encode(), hashlib.sha512).hexdigest()
    message = json.loads(form["MSG"])
    stored = await api.afterword.database.pool.fetchrow(
        "SELECT response.*, contact_lookup_id FROM response JOIN invitation ON invitation.id = invitation_id "
        "JOIN mailing_list_contact USING (mailing_list_id, contact_id)"
    )
    assert message == {
        "Status": "Complete",
        "SurveyID": api.survey_id,
        "RecipientID": stored["contact_lookup_id"],
        "DistributionID": stored["invitation_id"],
        "ResponseID": response_id,
        "CompletedDate": stored["recorded_at"].strftime("%Y-%m-%d %H:%M:%S"),
        "DistributionChannel": "email",
        "BrandID": "afterword",
    }
    assert (await api.get(f"/eventsubscriptions/{subscription_id}"))["successfulCalls"] == 1
    assert await api.untold() == []
    await api.deliver()
    assert len(subscriber.told) == 1


async def test_without_a_shared_key_the_fields_are_the_forms(api: Any, subscriber: Any) -> None:
    await api.subscribe(subscriber.url)
    response_id = await api.respond()
    await api.deliver()
    (form,) = subscriber.told
    assert form["Topic"] == f"afterword.surveyengine.completedResponse.{api.survey_id}"
    assert (form["Status"], form["ResponseID"], form["SurveyID"]) == ("Complete", response_id, api.survey_id)
    assert b"CompletedDate=20" in subscriber.bodies[-1]
    assert b"%20" in subscriber.bodies[-1]  # as Qualtrics writes a space


async def test_a_signature_is_as_that_of_a_published_sample() -> None:
    message = (
        '{"Status":"Complete","SurveyID":"SV_1AmkKSDmoZ4XlQx","ResponseID":"R_0B7IcnXszjEUHLP",'
        '"CompletedDate":"2019-06-25 07:58:25","BrandID":"sapdevelopment"}'
    )
    assert sign(message, "kyma4ever") == (
        "c2c585a404c239aa3063b462cc33551d3ed3ed2de0899f58d456fc0ef7ebef6f"
        "3c3af44957989bd0592603e41edde9528f7d9ed09ee128bf719aa12f46e5c598"
    )


async def test_embedded_data_of_that_name_goes_with_the_event_cut(api: Any, subscriber: Any) -> None:
    await api.subscribe(subscriber.url)
    invitation = await api.respondents.invite(embedded_data={"responseEventContext": "ü" * 60})
    link = api.respondents.link(invitation)
    async with api.respondents.http.post(link, data={"QID1": "1"}, allow_redirects=False) as answer:
        assert answer.status == 303
    await api.deliver()
    assert subscriber.told[0]["ResponseEventContext"] == "ü" * 50


async def test_each_subscriber_is_told_once_of_what_it_asked_for(api: Any, subscribers: Any) -> None:
    async with api.afterword.database.transaction() as connection:
        other = await add_survey(connection, name="Other", definition=csat_survey())
    wanted = {
        f"surveyengine.completedResponse.{api.survey_id}": 1,
        "surveyengine.completedResponse.SV_*": 1,
        "surveyengine.completedResponse.*": 1,
        "surveyengine.*": 1,
        "*": 1,
        f"*,surveyengine.completedResponse.{api.survey_id}": 1,
        f"surveyengine.completedResponse.{other}": 0,
        "surveyengine.partialResponse.SV_*": 0,
        "controlpanel.*": 0,
    }
    listening = {topics: await subscribers() for topics in wanted}
    for topics, subscriber in listening.items():
        await api.subscribe(subscriber.url, topics)
    await api.respond()
    await api.deliver()
    assert {topics: len(subscriber.told) for topics, subscriber in listening.items()} == wanted


async def test_an_answer_that_comes_twice_is_told_once(api: Any, subscriber: Any) -> None:
    await api.subscribe(subscriber.url)
    link = api.respondents.link(await api.respondents.invite())
    answers = [api.respondents.http.post(link, data={"QID1": "3"}, allow_redirects=False) for _ in range(5)]
    for answer in await asyncio.gather(*answers):
        answer.close()
    await api.deliver()
    assert len(subscriber.told) == 1


async def test_a_response_that_was_not_stored_is_not_told(api: Any, subscriber: Any) -> None:
    await api.subscribe(subscriber.url)
    await api.respondents.lose_the_database_at_the_next_response()
    link = api.respondents.link(await api.respondents.invite())
    async with api.respondents.http.post(link, data={"QID1": "3"}) as answer:
        assert answer.status == 503
    await api.respondents.find_the_database_again()
    assert await api.untold() == []
    async with api.respondents.http.post(link, data={"QID1": "3"}) as answer:
        assert answer.status == 200
    await api.deliver()
    assert len(subscriber.told) == 1


async def test_who_subscribes_later_is_not_told_of_what_was_before(api: Any, subscriber: Any) -> None:
    await api.respond()
    await api.subscribe(subscriber.url)
    await api.deliver()
    assert subscriber.told == []


async def test_a_subscriber_that_fails_is_tried_again_and_then_counted(api: Any, subscriber: Any) -> None:
    subscription_id = await api.subscribe(subscriber.url)
    subscriber.status = 500
    await api.respond()
    await api.deliver()
    assert len(subscriber.told) == 1
    (untold,) = await api.untold()
    assert (untold["status"], untold["attempt"], untold["failure"]) == ("due", 1, "answered with 500")
    assert 3 < untold["due_in"] <= 6
    await api.deliver()
    assert len(subscriber.told) == 1  # not before its time
    subscriber.status = 204
    await api.let_time_pass()
    await api.deliver()
    assert subscriber.told[0] == subscriber.told[1]
    assert await api.untold() == []
    assert (await api.get(f"/eventsubscriptions/{subscription_id}"))["successfulCalls"] == 1


async def test_retry_after_is_obeyed(api: Any, subscriber: Any) -> None:
    await api.subscribe(subscriber.url)
    subscriber.status, subscriber.headers = 429, {"Retry-After": "90"}
    await api.respond()
    await api.deliver()
    (untold,) = await api.untold()
    assert 80 < untold["due_in"] <= 90
    held = (await subscription(api))["held_until"]
    assert (held - untold["due_at"]).total_seconds() == pytest.approx(0, abs=5)


async def test_a_redirect_is_not_followed(api: Any, subscribers: Any) -> None:
    first, elsewhere = await subscribers(), await subscribers()
    await api.subscribe(first.url)
    first.status, first.headers = 307, {"Location": elsewhere.url}
    await api.respond()
    await api.deliver()
    assert elsewhere.calls == []
    assert (await api.untold())[0]["failure"] == "answered with 307"


async def test_what_is_never_taken_is_given_up_after_ten_attempts_and_that_is_seen(
    api: Any, subscriber: Any
) -> None:
    await api.subscribe(f"{subscriber.url}?key=Secret")
    subscriber.status = 503
    await api.respond()
    for _ in range(12):
        await api.deliver()
        await api.let_time_pass()
    assert len(subscriber.told) == 10
    (untold,) = await api.untold()
    assert (untold["status"], untold["attempt"], untold["failure"]) == ("given-up", 10, "answered with 503")
    (logged,) = [entry for entry in api.afterword.logged if entry.get("event") == "event_delivery_given_up"]
    assert logged["delivery"] == untold["id"]
    assert (await subscription(api))["last_failure"] == "answered with 503"


async def test_a_subscriber_that_is_away_is_asked_with_one_delivery_and_then_told_everything(
    api: Any, subscriber: Any
) -> None:
    """The others wait and use up no attempt."""
    await api.subscribe(subscriber.url)
    subscriber.status = 502
    for number in range(12):
        await api.respond(f"p{number}@example.org")
    await api.deliver()
    first = len(subscriber.told)
    assert first == 8
    for _ in range(3):
        await api.let_time_pass()
        await api.deliver()
    assert len(subscriber.told) == first + 3
    assert (await subscription(api))["failures_in_a_row"] == 4
    subscriber.status = 200
    await api.let_time_pass()
    await api.deliver()
    assert await api.untold() == []
    told = [form["ResponseID"] for form in subscriber.told[first + 3 :]]
    assert len(told) == len(set(told)) == 12


async def test_a_subscriber_that_hangs_holds_up_no_other_and_no_respondent(
    api: Any, subscribers: Any, eventually: Any
) -> None:
    slow, quick = await subscribers(), await subscribers()
    for subscriber in (slow, quick):
        await api.subscribe(subscriber.url)
    slow.hangs = True
    deliveries = api.deliveries()
    await api.respond()
    await deliveries.deliver()
    await eventually(lambda: quick.told and slow.told)
    await api.respond("b@example.org")
    await deliveries.deliver()
    await eventually(lambda: len(quick.told) == 2)
    slow.let_go.set()
    await deliveries.settled()
    await deliveries.close()
    await api.deliver()
    assert len(slow.told) == 2
    assert await api.untold() == []


async def test_what_a_killed_worker_had_in_hand_comes_round_again(
    api: Any, subscriber: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afterword.subscriptions.delivery.FINISH_WITHIN_SECONDS", 0.0)
    await api.subscribe(subscriber.url)
    subscriber.hangs = True
    await api.respond()
    killed = api.deliveries()
    await killed.deliver()
    await eventually(lambda: subscriber.told)
    await killed.close()
    subscriber.hangs = False
    (untold,) = await api.untold()
    assert 50 < untold["due_in"] <= 60
    await api.deliver()
    assert len(subscriber.told) == 1
    await api.let_time_pass()
    await api.deliver()
    assert len(subscriber.told) == 2
    assert await api.untold() == []


async def test_two_workers_tell_everything_once(api: Any, subscriber: Any) -> None:
    subscription_id = await api.subscribe(subscriber.url)
    for number in range(30):
        await api.respond(f"p{number}@example.org")
    workers = [api.deliveries() for _ in range(2)]
    for worker in workers:
        await worker.deliver()
    for worker in workers:
        await worker.settled()
        await worker.close()
    told = [form["ResponseID"] for form in subscriber.told]
    assert len(told) == len(set(told)) == 30
    assert (await api.get(f"/eventsubscriptions/{subscription_id}"))["successfulCalls"] == 30


async def test_ending_a_subscription_forgets_what_it_was_not_told(api: Any, subscriber: Any) -> None:
    subscription_id = await api.subscribe(subscriber.url)
    await api.respond()
    await api.call("DELETE", f"/eventsubscriptions/{subscription_id}")
    assert await api.untold() == []
    await api.deliver()
    assert subscriber.told == []


async def test_what_is_a_week_old_is_given_up_and_forgotten_a_month_later(api: Any, subscriber: Any) -> None:
    await api.subscribe(subscriber.url)
    await api.respond()
    deliveries = api.deliveries()
    for age, left in [
        ("6 days", ["due"]),
        ("8 days", ["given-up"]),
        ("29 days", ["given-up"]),
        ("31 days", []),
    ]:
        await api.afterword.database.pool.execute(
            "UPDATE event_delivery SET created_at = now() - $1::text::interval", age
        )
        await deliveries.prune()
        assert [untold["status"] for untold in await api.untold()] == left, age
    await deliveries.close()


async def test_a_database_that_is_away_ends_nothing(api: Any, subscriber: Any) -> None:
    await api.subscribe(subscriber.url)
    await api.respond()
    deliveries = api.deliveries()
    await api.afterword.database.pool.execute("ALTER TABLE event_delivery RENAME TO elsewhere")
    try:
        deliveries._in_hand["x"] = asyncio.current_task()
        await deliveries._tell_until_done("x")
    finally:
        await api.afterword.database.pool.execute("ALTER TABLE elsewhere RENAME TO event_delivery")
    await deliveries.deliver()
    await deliveries.settled()
    await deliveries.close()
    assert len(subscriber.told) == 1
