"""The JSON Event endpoint over HTTP: at both addresses, with every way to be let in and to be refused."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from afterword.accounts.secrets import SecretBox
from afterword.workflows.starting.endpoints import add_endpoint

pytestmark = pytest.mark.asyncio(loop_scope="session")

BODY = b'{"customerId": "c1",  "n": 1.50}'
OLDER = "/inbound-event/v1/events/JSON/triggers?contextId=SV_1&userId=UR_1&brandId=acme&triggerId="


def basic(password: str, username: str = "olive@example.com#acme") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def envelope(answer: Any) -> dict[str, Any]:
    """The envelope of an answer, exact in its form."""
    assert answer.content_type == "application/json"
    told: dict[str, Any] = msgspec.json.decode(answer._body)
    assert set(told) == {"meta"}
    meta: dict[str, Any] = told["meta"]
    assert meta["httpStatus"].startswith(f"{answer.status} - ")
    assert len(meta["requestId"]) == 36
    if answer.status >= 400:
        assert meta["error"]["errorMessage"]
    else:
        assert "error" not in meta
    return meta


async def add(afterword: Any, name: str, **options: Any) -> str:
    """One more endpoint of the owner's; answers its path."""
    async with afterword.database.transaction() as connection:
        await add_endpoint(
            connection,
            SecretBox(["one key of the tests that is long enough"]),
            endpoint_id=f"OC_{name}",
            person_id=afterword.owner_id,
            url_token=f"{name}-addr-Secret",
            **options,
        )
    return f"/inbound-event/v1/events/json/triggers?urlTokenId={name}-addr-Secret"


async def test_an_event_is_stored_byte_for_byte_before_it_is_answered(afterword: Any) -> None:
    answer = await afterword.post_event(BODY)
    assert envelope(answer)["httpStatus"] == "200 - OK"
    (event,) = await afterword.events()
    assert (event["body"].encode(), event["type"]) == (BODY, "JSON Event")
    assert event["origin"] == f"json-event/{afterword.endpoint_id}"


async def test_both_forms_of_address_and_both_spellings_take_it(afterword: Any) -> None:
    newer = f"triggers?force_isolation=true&urlTokenId={afterword.url_token}&other=%00"
    older = OLDER.partition("triggers")[2] + afterword.endpoint_id
    for number, path in enumerate(
        [
            f"/inbound-event/v1/events/json/{newer}",
            f"/inbound-event/v1/events/JSON/{newer}",
            f"/inbound-event/v1/events/json/triggers{older}",
            f"/inbound-event/v1/events/JSON/triggers{older}",
            f"/inbound-event/v1/events/JSON/triggers/{older}",
        ]
    ):
        answer = await afterword.post_event({"number": number}, path=path)
        assert answer.status == 200, path
    assert [status for _, status in await afterword.told()] == ["received"] * 5


async def test_the_token_may_come_as_the_password_of_basic_authentication(afterword: Any) -> None:
    answer = await afterword.send("POST", afterword.json_event_path, BODY, headers=basic(afterword.api_token))
    assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "ATP_2"),
        ({"X-API-TOKEN": ""}, "ATP_2"),
        ({"X-API-TOKEN": "x" * 40}, "DCD_7"),
        ({"X-API-TOKEN": "\xff\xfe"}, "DCD_7"),
        ({"X-API-TOKEN": "AnalystsApiTokenSecretSecretSecretSecret"}, "DCD_7"),
        (basic("x" * 40), "DCD_7"),
        (basic(""), "ATP_2"),
        ({"Authorization": "Basic \xe9"}, "ATP_2"),
        ({"Authorization": "Basic " + base64.b64encode(b":\xff").decode()}, "ATP_2"),
        ({"Authorization": "Bearer OwnersApiTokenSecretSecretSecretSecret12"}, "ATP_2"),
    ],
)
async def test_wrong_or_no_credentials_are_refused(
    afterword: Any, headers: dict[str, str], code: str
) -> None:
    for path in (afterword.json_event_path, OLDER + afterword.endpoint_id):
        answer = await afterword.send("POST", path, BODY, headers=headers)
        meta = envelope(answer)
        assert (answer.status, meta["httpStatus"]) == (401, "401 - Unauthorized")
        assert meta["error"]["errorCode"] == code
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert b"Secret" not in answer._body
    assert await afterword.events() == []


async def test_with_authentication_switched_off_the_secret_address_is_enough(afterword: Any) -> None:
    path = await add(afterword, "open", authentication_required=False)
    assert (await afterword.send("POST", path, BODY)).status == 200
    assert (await afterword.send("POST", path, b"{}", headers={"X-API-TOKEN": "wrong"})).status == 200
    assert (await afterword.send("POST", OLDER + "OC_open", BODY)).status == 401
    assert len(await afterword.events()) == 2


async def test_an_address_that_names_no_endpoint_is_not_found(afterword: Any) -> None:
    for query in [
        "",
        "?urlTokenId=",
        "?urlTokenId=wrong",
        "?urlTokenId=%00%ff",
        "?urlTokenId=" + "x" * 20_000,
        "?triggerId=",
        "?triggerId=OC_nobody",
        "?triggerId=%00",
        "?triggerId=" + "x" * 20_000,
        "?URLTOKENID=" + afterword.url_token,
    ]:
        answer = await afterword.post_event(BODY, path=f"/inbound-event/v1/events/json/triggers{query}")
        assert envelope(answer)["httpStatus"] == "404 - Not Found", query
    assert await afterword.events() == []


async def test_another_method_is_refused_with_those_that_are_allowed(afterword: Any) -> None:
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "BREW"]:
        answer = await afterword.send(method, afterword.json_event_path, BODY)
        assert answer.status == 405, method
        assert "POST" in answer.headers["Allow"]
        if method != "HEAD":
            assert envelope(answer)["httpStatus"] == "405 - Method Not Allowed"


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "text/xml; charset=utf-8", "junk"])
async def test_what_is_declared_to_be_something_else_is_refused(afterword: Any, content_type: str) -> None:
    answer = await afterword.post_event(BODY, headers={"Content-Type": content_type})
    assert envelope(answer)["httpStatus"] == "415 - Unsupported Media Type"
    assert await afterword.events() == []


async def test_json_is_taken_however_it_is_declared(afterword: Any) -> None:
    token = {"X-API-TOKEN": afterword.api_token}
    for number, headers in enumerate(
        [
            {},
            {"Content-Type": "application/json; charset=utf-8"},
            {"Content-Type": "APPLICATION/JSON"},
            {"Content-Type": "application/vnd.acme+json"},
        ]
    ):
        answer = await afterword.send(
            "POST", afterword.json_event_path, {"n": number}, headers=token | headers
        )
        assert answer.status == 200, headers


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 1024):
        yield b" " * 1024


async def test_more_than_100_kb_are_refused_however_the_length_is_told(afterword: Any) -> None:
    told = await afterword.post_event(b"{}".ljust(102_401))
    async with afterword.http.post(
        afterword.url + afterword.json_event_path,
        data=chunks(101 * 1024),
        headers={"X-API-TOKEN": afterword.api_token, "Content-Type": "application/json"},
    ) as untold:
        await untold.read()
    for answer in (told, untold):
        meta = envelope(answer)
        assert meta["httpStatus"] == "413 - Request Entity Too Large"
        assert "102400" in meta["error"]["errorMessage"]
    assert await afterword.events() == []
    assert (await afterword.post_event(b"{}".ljust(102_400))).status == 200


async def test_bodies_that_are_no_json_object_are_refused_and_not_stored(afterword: Any) -> None:
    for body in [
        b"",
        b"plain",
        b"[1]",
        b"null",
        b"<a/>",
        b'{"a":1',
        b"{'a':1}",
        b'{"a":"\\u0000"}',
        b'{"a":"\\udfff"}',
        b'{"a":NaN}',
        b'{"a":1e400}',
        b'{"a":"\xc3"}',
        b'{"a":' * 65 + b"1" + b"}" * 65,
    ]:
        answer = await afterword.post_event(body)
        assert envelope(answer)["httpStatus"] == "400 - Bad Request", body[:60]
    assert await afterword.events() == []


async def test_an_idempotency_key_is_known_again_for_ever(afterword: Any) -> None:
    key = {"Idempotency-Key": "run 1, task 1"}
    assert (await afterword.post_event({"a": 1}, headers=key)).status == 200
    await let_time_pass(afterword, days=400)
    again = await afterword.post_event({"a": 2}, headers=key)
    assert envelope(again)["httpStatus"] == "200 - OK"
    other = {"Idempotency-Key": "run 1, task 2"}
    assert (await afterword.post_event({"a": 1}, headers=other)).status == 200
    assert [status for _, status in await afterword.told()] == ["received", "redelivered", "received"]


async def test_keys_and_bodies_are_not_mistaken_for_each_other(afterword: Any) -> None:
    """The same body with a key and without one; two endpoints with the same key."""
    second = await add(afterword, "second")
    key = {"Idempotency-Key": "k"}
    for path, headers in [
        (afterword.json_event_path, key),
        (afterword.json_event_path, {}),
        (second, key),
        (second, {}),
    ]:
        assert (await afterword.post_event(BODY, path=path, headers=headers)).status == 200
    assert [status for _, status in await afterword.told()] == ["received"] * 4


@pytest.mark.parametrize("key", ["", "   ", "k" * 256])
async def test_an_idempotency_key_that_cannot_be_one_is_refused(afterword: Any, key: str) -> None:
    answer = await afterword.post_event(BODY, headers={"Idempotency-Key": key})
    assert answer.status == 400
    assert "Idempotency-Key" in envelope(answer)["error"]["errorMessage"]
    assert await afterword.events() == []


async def test_the_same_body_is_a_redelivery_within_ten_minutes(afterword: Any) -> None:
    assert (await afterword.post_event(BODY)).status == 200
    assert (await afterword.post_event(BODY)).status == 200
    assert (await afterword.post_event(BODY + b" ")).status == 200
    await let_time_pass(afterword, minutes=9)
    assert (await afterword.post_event(BODY)).status == 200
    await let_time_pass(afterword, minutes=2)
    assert (await afterword.post_event(BODY)).status == 200
    assert [status for _, status in await afterword.told()] == [
        "received",
        "redelivered",
        "received",
        "redelivered",
        "received",
    ]


async def test_the_window_is_the_endpoints_own(afterword: Any) -> None:
    path = await add(afterword, "short", repeat_window=60)
    assert (await afterword.post_event(BODY, path=path)).status == 200
    await let_time_pass(afterword, minutes=2)
    assert (await afterword.post_event(BODY, path=path)).status == 200
    assert [status for _, status in await afterword.told()] == ["received", "received"]


async def test_a_window_of_zero_takes_every_body_as_new(afterword: Any) -> None:
    path = await add(afterword, "off", repeat_window=0)
    answers = await asyncio.gather(*(afterword.post_event(BODY, path=path) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert [status for _, status in await afterword.told()] == ["received"] * 5


async def test_a_window_of_less_than_nothing_is_refused(afterword: Any) -> None:
    with pytest.raises(ValueError, match="0 seconds or more"):
        await add(afterword, "negative", repeat_window=-1)


async def let_time_pass(afterword: Any, *, days: int = 0, minutes: int = 0) -> None:
    """Make what is stored older."""
    await afterword.database.pool.execute(
        "UPDATE event SET received_at = received_at - make_interval(days => $1, mins => $2)", days, minutes
    )
