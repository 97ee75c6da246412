"""What a real Qualtrics tells of responses: signed forms of event subscriptions, and JSON of Web Service tasks."""

import hashlib
import hmac
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec
import pytest
import pytest_asyncio
from tests.test_web import KEY

from afterword.accounts import notification_access
from afterword.accounts.connected import remove_account
from afterword.accounts.qualtrics_accounts import QualtricsAccount, add_qualtrics, with_notification_secret
from afterword.accounts.secrets import SecretBox
from afterword.qualtrics.webhooks import SECRET_HEADER, body_to_paste
from afterword.surveys.notified import NotifiedResponse

pytestmark = pytest.mark.asyncio(loop_scope="session")

SURVEY, RESPONSE = "SV_3qZrV0sT9bLkHyN", "R_2dyzFvPqhjcWXoE"
TOPIC = f"acme.surveyengine.completedResponse.{SURVEY}"
COMPLETED = {
    "Status": "Complete",
    "SurveyID": SURVEY,
    "ResponseID": RESPONSE,
    "CompletedDate": "2026-11-23 10:00:00",
    "BrandID": "acme",
}


class Qualtrics:
    """Tells the web half of responses, as Qualtrics would."""

    def __init__(self, afterword: Any, account: QualtricsAccount) -> None:
        self.afterword = afterword
        self.account = account
        self.path = f"/webhooks/qualtrics/{account.id}"
        self.secret = account.notification_secrets[0]

    async def post(self, body: bytes, **headers: str) -> int:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        answer = await self.afterword.send("POST", self.path, body, headers=headers)
        self.words = answer._body.decode()
        return int(answer.status)

    async def tell(self, message: object = COMPLETED, secret: str | None = None, topic: str = TOPIC) -> int:
        """Post a signed form."""
        text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
        return await self.post(form(text, secret or self.secret, topic))

    async def paste(self, secret: Any = None, **changes: Any) -> int:
        """Run a Web Service task with the body that we gave to paste."""
        filled = body_to_paste(SURVEY).replace("${rm://Field/ResponseID}", RESPONSE)
        body = msgspec.json.encode(msgspec.json.decode(filled) | changes)
        given = {SECRET_HEADER: self.secret if secret is None else secret}
        return await self.post(body, **given, **{"Content-Type": "application/json"})


def form(message: str, secret: str, topic: str = TOPIC) -> bytes:
    signature = hmac.new(secret.encode(), message.encode(), hashlib.sha512).hexdigest()
    return urlencode({"Topic": topic, "HMAC": signature, "MSG": message}).encode()


@pytest_asyncio.fixture(loop_scope="session")
async def qualtrics(afterword: Any) -> Any:
    async with afterword.database.transaction() as connection:
        account = await add_qualtrics(
            connection,
            SecretBox([KEY]),
            name="Acme",
            api_token="token-Secret",
            base_url="https://fra1.qualtrics.com",
        )
    yield Qualtrics(afterword, account)
    async with afterword.database.transaction() as connection:
        await remove_account(connection, account.id)


async def test_a_get_is_answered_with_200_as_subscribing_needs_it(
    afterword: Any, qualtrics: Qualtrics
) -> None:
    for method in ("GET", "HEAD"):
        assert (await afterword.send(method, qualtrics.path)).status == 200
    assert (await afterword.send("GET", "/webhooks/qualtrics/QA_nobody")).status == 404


async def test_an_address_may_be_tried_by_what_tells_of_nothing(afterword: Any, qualtrics: Qualtrics) -> None:
    assert await qualtrics.post(b"") == 200
    assert await qualtrics.tell({"Status": "Test", "BrandID": "acme"}) == 200
    assert await afterword.events() == []


async def test_a_completed_response_is_an_event_of_its_survey(afterword: Any, qualtrics: Qualtrics) -> None:
    assert await qualtrics.tell() == 200
    (event,) = await afterword.events()
    assert event["origin"] == f"qualtrics/{qualtrics.account.id}/{SURVEY}"
    assert (event["type"], event["occurred_at"].isoformat()) == (
        "Survey Response",
        "2026-11-23T10:00:00+00:00",
    )
    told = msgspec.json.decode(event["body"], type=NotifiedResponse)
    assert (told.response_id, told.survey_id, told.kind) == (RESPONSE, SURVEY, "created")
    assert (told.way, msgspec.json.decode(told.message)) == ("event-subscription", COMPLETED)


async def test_the_signature_is_over_exactly_the_text_that_was_sent(
    afterword: Any, qualtrics: Qualtrics
) -> None:
    """Published samples have no spaces; others may, and characters that a form encodes in more than one way."""
    named = f'"SurveyID":"{SURVEY}","ResponseID":"{RESPONSE}"'
    text = f' {{"Status" : "Complete",{named},"ResponseEventContext":"a+b ü&=%"}}'
    assert await qualtrics.tell(text) == 200
    encoded = form(text, qualtrics.secret)
    assert await qualtrics.post(encoded.replace(b"+", b"%20")) == 200
    signature = hmac.new(qualtrics.secret.encode(), text.encode(), hashlib.sha512).hexdigest().upper()
    assert await qualtrics.post(f"MSG={quote_plus(text)}&Topic=x&HMAC={signature}".encode()) == 200
    assert await qualtrics.post(encoded.replace(b"%22Status%22", b"%22Status%22+")) == 401
    assert [status for _, status in await afterword.told()] == ["received", "redelivered", "redelivered"]


@pytest.mark.parametrize("secret", ["another", ""])
async def test_what_another_secret_signed_is_refused(
    afterword: Any, qualtrics: Qualtrics, secret: str
) -> None:
    assert await qualtrics.post(form(msgspec.json.encode(COMPLETED).decode(), secret)) == 401
    assert "afterword qualtrics subscribe" in qualtrics.words
    assert await afterword.events() == []
    assert await qualtrics.tell() == 200


async def test_a_plain_form_is_refused_with_how_to_subscribe(afterword: Any, qualtrics: Qualtrics) -> None:
    assert await qualtrics.post(urlencode({"Topic": TOPIC, **COMPLETED}).encode()) == 401
    assert "sharedKey" in qualtrics.words
    assert await afterword.events() == []


@pytest.mark.parametrize(
    "message",
    [
        "c29tZSBBRVM=",
        "[]",
        "null",
        '{"ResponseID": 5}',
        '{"SurveyID": "../x", "ResponseID": "R_1"}',
        '{"SurveyID": "SV_1", "ResponseID": "R_1 or 1=1"}',
        '{"SurveyID": "SV_1", "ResponseID": "R_1", "x": "\\u0000"}',
        "[" * 10_000,
    ],
)
async def test_a_signed_message_that_is_none_is_refused(
    afterword: Any, qualtrics: Qualtrics, message: str
) -> None:
    assert await qualtrics.tell(message) == 400
    assert "MSG" in qualtrics.words or "JSON" in qualtrics.words
    assert await afterword.events() == []


async def test_a_partial_response_is_told_apart_and_other_topics_are_noted(
    afterword: Any, qualtrics: Qualtrics
) -> None:
    assert await qualtrics.tell(COMPLETED | {"Status": "Partial"}) == 200
    assert await qualtrics.tell(COMPLETED) == 200
    assert await qualtrics.tell({"Status": "Active", "SurveyID": SURVEY}) == 200
    assert await qualtrics.tell(COMPLETED | {"Status": "Started", "ResponseID": ""}) == 200
    assert await afterword.told() == [
        ("Survey Response: partial", "received"),
        ("Survey Response", "received"),
        ("Survey: active", "received"),
        ("Survey: started", "received"),
    ]


async def test_a_web_service_task_is_known_by_its_header(afterword: Any, qualtrics: Qualtrics) -> None:
    assert await qualtrics.paste() == 200
    (event,) = await afterword.events()
    told = msgspec.json.decode(event["body"], type=NotifiedResponse)
    assert (told.response_id, told.survey_id, told.kind, told.way) == (
        RESPONSE,
        SURVEY,
        "created",
        "web-service",
    )
    for secret in ("", "another", qualtrics.secret.lower()):
        assert await qualtrics.paste(secret) == 401
    body = msgspec.json.encode({"surveyId": SURVEY, "responseId": RESPONSE})
    assert await qualtrics.post(body, **{"Content-Type": "application/json"}) == 401
    assert SECRET_HEADER in qualtrics.words
    assert len(await afterword.events()) == 1


async def test_the_same_response_by_two_ways_is_one(afterword: Any, qualtrics: Qualtrics) -> None:
    assert await qualtrics.paste() == 200
    assert await qualtrics.tell() == 200
    assert await qualtrics.tell() == 200
    assert await afterword.told() == [
        ("Survey Response", "received"),
        ("Survey Response", "redelivered"),
        ("Survey Response", "redelivered"),
    ]


async def test_an_update_is_an_event_of_its_own_and_its_second_try_is_not(
    afterword: Any, qualtrics: Qualtrics
) -> None:
    assert await qualtrics.paste() == 200
    assert await qualtrics.paste(kind="updated") == 200
    assert await qualtrics.paste(kind="updated") == 200
    await afterword.database.pool.execute("UPDATE event SET received_at = received_at - interval '61 s'")
    assert await qualtrics.paste(kind="updated") == 200
    assert await afterword.told() == [
        ("Survey Response", "received"),
        ("Survey Response: updated", "received"),
        ("Survey Response: updated", "redelivered"),
        ("Survey Response: updated", "received"),
    ]
    bodies = [msgspec.json.decode(event["body"], type=NotifiedResponse) for event in await afterword.events()]
    assert len({body.announcement for body in bodies}) == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"responseId": "${rm://Field/ResponseID}"}, "not filled in"),
        ({"responseId": ""}, "not filled in"),
        ({"surveyId": "CSAT"}, "surveyId"),
        ({"surveyId": None}, "surveyId"),
        ({"kind": "complete"}, "created, updated"),
    ],
)
async def test_a_pasted_body_that_went_wrong_is_refused_with_what_to_do(
    afterword: Any, qualtrics: Qualtrics, changes: dict[str, Any], words: str
) -> None:
    assert await qualtrics.paste(**changes) == 400
    assert words in qualtrics.words
    assert await afterword.events() == []
    assert await qualtrics.paste() == 200


async def test_both_secrets_are_valid_while_one_is_being_changed(
    afterword: Any, qualtrics: Qualtrics, eventually: Any
) -> None:
    """The web half remembers secrets for a while, and a new one is taken all the same."""
    assert await qualtrics.tell() == 200
    box, secrets = SecretBox([KEY]), [qualtrics.secret]
    for _ in range(2):
        async with afterword.database.transaction() as connection:
            qualtrics.account = await with_notification_secret(connection, box, qualtrics.account, renew=True)
        secrets.append(qualtrics.account.notification_secrets[0])

    async def is_taken() -> bool:
        return await qualtrics.tell(secret=secrets[2]) == 200

    await eventually(is_taken, within=notification_access.REMEMBER_SECONDS - 1)
    assert [await qualtrics.tell(secret=secret) for secret in secrets] == [401, 200, 200]
    assert [await qualtrics.paste(secret=secret) for secret in secrets] == [401, 200, 200]


async def test_what_is_too_large_or_of_another_type_is_refused(afterword: Any, qualtrics: Qualtrics) -> None:
    assert await qualtrics.post(b"MSG=" + b"x" * 65 * 1024) == 413
    assert await qualtrics.post(b"<a/>", **{"Content-Type": "text/xml"}) == 415
    assert await qualtrics.post(b"&".join(b"a%d=" % number for number in range(200))) == 400
    assert await afterword.events() == []


async def test_an_account_that_is_not_connected_takes_nothing(afterword: Any, qualtrics: Qualtrics) -> None:
    qualtrics.path = "/webhooks/qualtrics/QA_nobody"
    assert await qualtrics.tell() == 404
    qualtrics.path = f"/webhooks/qualtrics/{afterword.account_id}"
    assert await qualtrics.tell() == 404
