"""Event subscriptions as client programs of Qualtrics' make, list and end them."""

import asyncio
import hashlib
import hmac
from typing import Any

import pytest
from tests.fixtures.qualtrics_api import SHARED_KEY

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/eventsubscriptions"
OWN_KEYS = {"id", "scope", "topics", "publicationUrl", "encrypted", "successfulCalls"}


async def test_a_subscription_is_made_listed_looked_at_and_ended(api: Any, subscriber: Any) -> None:
    topic = f"surveyengine.completedResponse.{api.survey_id}"
    subscription_id = await api.subscribe(subscriber.url, encrypt=False, sharedKey=SHARED_KEY)
    assert subscription_id.startswith("SUB_")
    told = {
        "id": subscription_id,
        "scope": "afterword",
        "topics": topic,
        "publicationUrl": subscriber.url,
        "encrypted": False,
        "successfulCalls": 0,
    }
    assert await api.get(PATH) == {"elements": [told], "nextPage": None}
    assert await api.get(f"{PATH}/{subscription_id}") == told
    status, answer = await api.call("DELETE", f"{PATH}/{subscription_id}")
    assert status == 200
    assert set(answer) == {"meta"}
    assert await api.get(PATH) == {"elements": [], "nextPage": None}
    for method in ("GET", "DELETE"):
        assert await api.refused(method, f"{PATH}/{subscription_id}") == (
            404,
            "ESSG_2",
            f"{subscription_id} not found",
        )


async def test_clients_habits_are_borne(api: Any, subscriber: Any) -> None:
    """A slash at the end, keys that Qualtrics does not know, no ``encrypt``; one is changed by a second, alike, and
    the end of the first.
    """
    first = await api.subscribe(subscriber.url, subscriptionName="x", successEmailAddresses=[])
    body = {"topics": f"surveyengine.completedResponse.{api.survey_id}", "publicationUrl": subscriber.url}
    status, told = await api.call("POST", f"{PATH}/", {**body, "sharedKey": None})
    assert status == 200
    assert (await api.call("DELETE", f"{PATH}/{first}/", b"{}"))[0] == 200
    assert [found["id"] for found in (await api.get(f"{PATH}/"))["elements"]] == [told["result"]["id"]]


async def test_subscriptions_are_listed_in_pages(api: Any, subscriber: Any) -> None:
    ids = [await api.subscribe(subscriber.url) for _ in range(3)]
    first = await api.get(f"{PATH}?pageSize=2")
    assert first["nextPage"] == f"{api.afterword.url}/API/v3{PATH}?pageSize=2&offset=2"
    second = await api.get(first["nextPage"].removeprefix(api.afterword.url))
    assert [found["id"] for found in first["elements"] + second["elements"]] == ids


async def test_the_address_is_tried_by_get_and_by_a_signed_post_that_tells_of_nothing(
    api: Any, subscriber: Any
) -> None:
    await api.subscribe(subscriber.url, sharedKey=SHARED_KEY)
    assert sorted(method for method, _ in subscriber.calls) == ["GET", "POST"]
    form = next(form for method, form in subscriber.calls if method == "POST")
    assert form["Topic"] == f"afterword.surveyengine.completedResponse.{api.survey_id}"
    assert form["MSG"] == '{"Status":"Test","BrandID":"afterword"}'
    assert form["HMAC"] == hmac.new(SHARED_KEY.encode(), form["MSG"].encode(), hashlib.sha512).hexdigest()
    assert "sharedKey" not in (await api.get(PATH))["elements"][0]


async def test_an_address_that_does_not_answer_both_with_200_is_refused_and_why_is_said(
    api: Any, subscriber: Any
) -> None:
    body = {"topics": "*", "publicationUrl": subscriber.url}
    for statuses, words in [
        ({"GET": 404}, "GET was answered with 404"),
        ({"POST": 500}, "POST was answered with 500"),
        ({"GET": 302, "POST": 204}, "GET was answered with 302; POST was answered with 204"),
    ]:
        subscriber.statuses = statuses
        status, code, message = await api.refused("POST", PATH, body)
        assert (status, code) == (400, "QVAL_1")
        assert words in message
    gone = {**body, "publicationUrl": "http://127.0.0.1:9/hook?secret=Secret"}
    status, _, message = await api.refused("POST", PATH, gone)
    assert status == 400
    assert "GET: the connection was refused; POST: the connection was refused" in message
    assert "Secret" not in message
    assert (await api.get(PATH))["elements"] == []


async def test_an_address_that_answers_too_late_is_refused(
    api: Any, subscriber: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afterword.subscriptions.check.ANSWERS_WITHIN_SECONDS", 0.2)
    subscriber.hangs = True
    body = {"topics": "*", "publicationUrl": subscriber.url}
    async with asyncio.timeout(10):
        status, _, message = await api.refused("POST", PATH, body)
    assert status == 400
    assert "GET: no answer in time" in message


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"encrypt": True}, "QVAL_1", "encrypt: true is not supported"),
        ({"encrypt": "true"}, "QVAL_1", "encrypt: true is not supported"),
        ({"publicationUrl": "http://example.com/hook"}, "QVAL_1", "begin it with https://"),
        ({"publicationUrl": "https://169.254.169.254/"}, "QVAL_1", "may not be called"),
        ({"publicationUrl": "https://user:pass@example.com/"}, "QVAL_1", "leave the user name"),
        ({"publicationUrl": "ftp://example.com/"}, "QVAL_1", "not an address"),
        ({"publicationUrl": "https://" + "x" * 5000}, "QVAL_1", "publicationUrl"),
        ({"publicationUrl": 5}, "RP_0.1", "$.publicationUrl"),
        ({"topics": "surveyengine.finished.SV_*"}, "QVAL_1", "there is no 'surveyengine.finished.SV_*'"),
        ({"topics": ""}, "QVAL_1", "topics"),
        ({"topics": "*\x00"}, "QVAL_1", "topics"),
        (
            {"topics": "surveyengine.completedResponse.SV_aaaaaaaaaaaaaaa"},
            "QVAL_1",
            "there is no survey SV_aaa",
        ),
        ({"topics": ["*"]}, "RP_0.1", "$.topics"),
        ({"sharedKey": "  "}, "QVAL_1", "sharedKey"),
        ({"sharedKey": "x" * 1001}, "QVAL_1", "sharedKey"),
    ],
)
async def test_a_subscription_that_cannot_be_is_refused_and_why_is_said(
    api: Any, subscriber: Any, changes: dict[str, object], code: str, words: str
) -> None:
    body = {"topics": "*", "publicationUrl": subscriber.url, **changes}
    status, told_code, message = await api.refused("POST", PATH, body)
    assert (status, told_code) == (400, code)
    assert words in message
    assert subscriber.calls == []
    assert (await api.get(PATH))["elements"] == []


async def test_a_body_that_is_not_json_is_refused(api: Any) -> None:
    for body in (b"", b"topics=*", b'{"topics":"*"}', b"\xff", b"[" * 60_000):
        status, code, _ = await api.refused("POST", PATH, body)
        assert (status, code) == (400, "RP_0.1"), body[:20]
    assert (await api.refused("POST", PATH, b"x" * 100_000))[0] == 413
    form = {"X-API-TOKEN": api.token, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.afterword.send("POST", f"/API/v3{PATH}", b"topics=*", headers=form)
    assert answer.status == 415
    assert b"Send the body as application/json." in answer._body


async def test_subscriptions_are_for_administrators(api: Any, subscriber: Any) -> None:
    subscription_id = await api.subscribe(subscriber.url)
    body = {"topics": "*", "publicationUrl": subscriber.url}
    for method, path in [
        ("GET", PATH),
        ("POST", PATH),
        ("GET", f"{PATH}/{subscription_id}"),
        ("DELETE", f"{PATH}/{subscription_id}"),
    ]:
        status, _, message = await api.refused(method, path, body, token=api.afterword.other_token)
        assert status == 403, (method, path)
        assert "administrator" in message
    assert len((await api.get(PATH))["elements"]) == 1


async def test_a_topic_that_never_happens_here_is_taken_with_a_notice(api: Any, subscriber: Any) -> None:
    never = "surveyengine.startedRecipientSession.SV_*"
    for topics, notice in [
        (never, f"Afterword will never tell of {never}"),
        (f"{never},controlpanel.activateSurvey", "controlpanel.activateSurvey"),
        (f"*, {never}", never),
        ("*", None),
        ("surveyengine.*", None),
    ]:
        body = {"topics": topics, "publicationUrl": subscriber.url}
        status, told = await api.call("POST", PATH, body)
        assert status == 200
        assert (notice or "") in told["meta"].get("notice", "")
        assert ("notice" in told["meta"]) == (notice is not None)


async def test_shared_key_and_address_are_kept_encrypted(api: Any, subscriber: Any) -> None:
    """An address may hold a secret in its query: many receivers are made so."""
    await api.subscribe(f"{subscriber.url}?secret=address-Secret", sharedKey=SHARED_KEY)
    row = await api.afterword.database.pool.fetchrow("SELECT * FROM event_subscription")
    kept = " ".join(str(value) for value in row.values())
    assert "Secret" not in kept
    assert subscriber.url not in kept


async def test_there_may_not_be_any_number_of_them(
    api: Any, subscriber: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("afterword.subscriptions.subscriptions.MOST_SUBSCRIPTIONS", 1)
    await api.subscribe(subscriber.url)
    status, _, message = await api.refused("POST", PATH, {"topics": "*", "publicationUrl": subscriber.url})
    assert status == 400
    assert "delete one first" in message
