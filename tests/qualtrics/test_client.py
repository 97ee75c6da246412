import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.outcomes import Outcome, Permanent, Reason, Retry
from afterword.outgoing.addresses import InvalidAddress
from afterword.outgoing.calls import Caller
from afterword.qualtrics import envelope, errors
from afterword.qualtrics.addresses import check_base_address, check_json_event_url
from afterword.qualtrics.client import QualtricsClient

if TYPE_CHECKING:
    from tests.conftest import OpenBudget, StandIn

PATH = "/inbound-event/v1/events/json/triggers"
FIELDS = {"customerId": "c1", "customerFirstName": "Jané", "agentId": ""}
SECRETS = ("token-Secret", "sesame", "jane@customer.example")


@pytest.fixture
async def qualtrics(open_budget: "OpenBudget", stand_in: "StandIn") -> AsyncIterator[QualtricsClient]:
    caller = Caller(total_seconds=0.5)
    client = QualtricsClient(stand_in.url, "token-Secret", budget=open_budget, caller=caller)
    yield client
    await client.close()


def sent(qualtrics: QualtricsClient, stand_in: "StandIn") -> Awaitable[object]:
    url = f"{stand_in.url}{PATH}?urlTokenId=sesame"
    return qualtrics.send_json_event(url, FIELDS, "run-1/task-1")


async def refusal(call: Awaitable[object]) -> Outcome:
    """How a call ended; what it says holds no secret, and no other error is behind it."""
    with pytest.raises(Outcome) as refused:
        await call
    told = f"{refused.value} {refused.value.reason}"
    assert not any(secret in told for secret in SECRETS)
    assert refused.value.__cause__ is None
    assert len(refused.value.reason.words) < 1000
    return refused.value


def enveloped(status: int, code: str | None, message: str) -> bytes:
    return msgspec.json.encode(envelope.failure(status, message, code, request_id="r1"))


async def test_an_event_is_sent_as_qualtrics_wants_it(
    qualtrics: QualtricsClient, stand_in: "StandIn", open_budget: "OpenBudget"
) -> None:
    stand_in.answer(200, msgspec.json.encode(envelope.success(request_id="r1")))
    url = f"{stand_in.url}{PATH}?urlTokenId=sesame&force_isolation=true"
    answer = await qualtrics.send_json_event(url, FIELDS, "run-1/task-1")
    assert answer.request_id == "r1"
    request, body = stand_in.requests[0]
    assert (request.method, request.raw_path) == ("POST", f"{PATH}?urlTokenId=sesame&force_isolation=true")
    assert json.loads(body) == FIELDS
    assert request.headers["X-API-TOKEN"] == "token-Secret"
    assert request.headers["Idempotency-Key"] == "run-1/task-1"
    assert request.headers["Content-Type"] == "application/json"
    host = stand_in.url.removeprefix("http://")
    assert open_budget.turns == [(f"qualtrics/{host}", 48, 60)]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "  ",
        "{}",
        "null",
        '"accepted"',
        '{"meta":null}',
        '{"meta":{"httpStatus":"202 - Accepted","requestId":null}}',
        '{"meta":{"requestId":5}}',
    ],
)
@pytest.mark.parametrize("status", [200, 202, 204])
async def test_any_good_answer_is_success(
    qualtrics: QualtricsClient, stand_in: "StandIn", status: int, body: str
) -> None:
    stand_in.answer(status, body if status != 204 else "")
    url = f"{stand_in.url}{PATH}?urlTokenId=sesame"
    assert (await qualtrics.send_json_event(url, FIELDS, "k")).request_id == ""


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, enveloped(400, "RP_0.1", "bad"), "qualtrics-bad-event"),
        (400, enveloped(400, "ATP_2", "none provided"), "qualtrics-wrong-credentials"),
        (401, enveloped(401, "DCD_7", "Unrecognized X-API-TOKEN."), "qualtrics-wrong-credentials"),
        (403, b"<html>Forbidden</html>", "qualtrics-missing-permission"),
        (404, enveloped(404, None, "does not exist"), "qualtrics-unknown-endpoint"),
        (410, b"", "qualtrics-unknown-endpoint"),
        (413, b"", "qualtrics-event-too-large"),
        (415, b"", "qualtrics-bad-event"),
        (422, b"[]", "qualtrics-bad-event"),
        (429, b"", "qualtrics-rate-limited"),
        (408, b"", "qualtrics-unavailable"),
        (500, enveloped(500, "X_1", "broken"), "qualtrics-unavailable"),
        (502, b"<html>Bad Gateway</html>", "qualtrics-unavailable"),
        (503, b"\xff\x00", "qualtrics-unavailable"),
        (504, b"{", "qualtrics-unavailable"),
        (302, b"", "qualtrics-unexpected-answer"),
        (405, b"[[[", "qualtrics-unexpected-answer"),
        (200, b"<html>Sign in</html>", "qualtrics-unreadable-answer"),
        (200, b"\xff\x00", "qualtrics-unreadable-answer"),
    ],
)
async def test_each_answer_is_told_as_what_it_means_and_then_the_same_call_succeeds(
    qualtrics: QualtricsClient, stand_in: "StandIn", status: int, body: bytes, code: str
) -> None:
    stand_in.answer(status, body)
    stand_in.answer(200)
    outcome = await refusal(sent(qualtrics, stand_in))
    assert outcome.reason.code == code
    assert "send JSON event" in outcome.reason.words
    await sent(qualtrics, stand_in)


def test_every_error_is_one_branch_and_every_row_of_the_table_is_reached() -> None:
    for row in errors.TABLE:
        assert sum(issubclass(row.error, branch) for branch in (Retry, Permanent)) == 1
    told = [
        errors.Told(call=call, status=status, code=code)
        for call in ("x", errors.SEND_JSON_EVENT)
        for status in (302, 400, 401, 403, 404, 408, 413, 415, 418, 429, 500, 599)
        for code in ("", "ATP_2", "MSTC_1")
    ]
    reached = {next(number for number, row in enumerate(errors.TABLE) if row.fits(each)) for each in told}
    assert reached == set(range(len(errors.TABLE)))


async def test_what_qualtrics_says_is_told_and_masked(
    qualtrics: QualtricsClient, stand_in: "StandIn"
) -> None:
    stand_in.answer(400, enveloped(400, "QVAL_1", "no token-Secret for jane@customer.example at sesame"))
    outcome = await refusal(sent(qualtrics, stand_in))
    assert "status 400: QVAL_1 no ••• for ••• at •••" in outcome.reason.words
    assert outcome.reason.values == {"call": "send JSON event", "code": "QVAL_1", "request_id": "r1"}


@given(
    status=st.integers(min_value=300, max_value=599),
    body=st.text()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["meta", "error", "errorCode", "errorMessage", "requestId"]), inner
            )
        ),
    ).map(json.dumps),
)
def test_any_refusal_is_read(status: int, body: str) -> None:
    told = errors.read_refusal("x", status, body, secrets=SECRETS)
    assert errors.error_for(told).reason.code.startswith("qualtrics-")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (lambda: {"Retry_After": "7"}, 7),
        (
            lambda: {"Retry_After": format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)},
            120,
        ),
        (dict, 5),
    ],
)
async def test_after_a_429_everybody_holds(
    qualtrics: QualtricsClient,
    stand_in: "StandIn",
    open_budget: "OpenBudget",
    retry_after: Callable[[], dict[str, str]],
    seconds: float,
) -> None:
    stand_in.answer(429, "", **retry_after())
    outcome = await refusal(sent(qualtrics, stand_in))
    assert isinstance(outcome, Retry)
    assert outcome.after == pytest.approx(seconds, abs=3)
    assert not outcome.outcome_unknown
    assert open_budget.holds == [(open_budget.turns[0][0], outcome.after)]


@pytest.mark.parametrize(("status", "unknown"), [(500, True), (502, True), (503, False), (504, True)])
async def test_whether_it_was_done_is_known_or_not(
    qualtrics: QualtricsClient, stand_in: "StandIn", status: int, unknown: bool
) -> None:
    stand_in.answer(status)
    outcome = await refusal(sent(qualtrics, stand_in))
    assert isinstance(outcome, Retry)
    assert outcome.outcome_unknown is unknown


@pytest.mark.parametrize(
    "fault",
    [
        lambda stand_in: stand_in.hang(),
        lambda stand_in: stand_in.drop(),
        lambda stand_in: stand_in.drop(after=b'{"meta":'),
    ],
)
async def test_an_answer_that_was_lost_leaves_it_unknown_and_is_sent_again_only_by_the_caller(
    qualtrics: QualtricsClient, stand_in: "StandIn", fault: "Callable[[StandIn], None]"
) -> None:
    fault(stand_in)
    outcome = await refusal(sent(qualtrics, stand_in))
    assert isinstance(outcome, errors.QualtricsTimedOut)
    assert outcome.outcome_unknown
    assert len(stand_in.requests) == 1


async def test_where_nobody_listens_nothing_was_done(
    qualtrics: QualtricsClient, unused_tcp_port: int
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}{PATH}?urlTokenId=sesame"
    outcome = await refusal(qualtrics.send_json_event(url, FIELDS, "k"))
    assert isinstance(outcome, errors.QualtricsUnreachable)
    assert not outcome.outcome_unknown


async def test_nothing_is_sent_when_the_turn_is_too_far_away(
    qualtrics: QualtricsClient, stand_in: "StandIn", open_budget: "OpenBudget"
) -> None:
    open_budget.refusal = Retry(Reason("rate-budget-used-up", "not now"), after=7)
    assert await refusal(sent(qualtrics, stand_in)) is open_budget.refusal
    assert stand_in.requests == []


async def test_an_event_over_100_kb_is_not_sent(qualtrics: QualtricsClient, stand_in: "StandIn") -> None:
    stand_in.answer(200)
    url = f"{stand_in.url}{PATH}?urlTokenId=sesame"
    await qualtrics.send_json_event(url, {"a": "x" * (100_000 - 8)}, "k")
    outcome = await refusal(qualtrics.send_json_event(url, {"a": "x" * (100_000 - 7)}, "k"))
    assert isinstance(outcome, errors.QualtricsEventTooLarge)
    assert len(stand_in.requests) == 1


async def test_whoami_tells_whose_token_it_is(qualtrics: QualtricsClient, stand_in: "StandIn") -> None:
    result = {"userId": "UR_1", "brandId": "acme", "userName": "a#acme", "accountType": None, "new": [1]}
    stand_in.answer(200, msgspec.json.encode(envelope.success(result)))
    whoami = await qualtrics.whoami()
    assert (whoami.user_id, whoami.brand_id, whoami.notice) == ("UR_1", "acme", "")
    request, _ = stand_in.requests[0]
    assert (request.method, request.path) == ("GET", "/API/v3/whoami")
    assert request.headers["X-API-TOKEN"] == "token-Secret"


@pytest.mark.parametrize("body", ["", "{}", '{"result":{"userId":5}}', "<html>", "[" * 100_000])
async def test_a_whoami_that_cannot_be_read_is_told(
    qualtrics: QualtricsClient, stand_in: "StandIn", body: str
) -> None:
    stand_in.answer(200, body)
    assert isinstance(await refusal(qualtrics.whoami()), errors.QualtricsUnreadable)


@pytest.mark.parametrize(
    "url",
    [
        f"https://iad1.qualtrics.com{PATH}?urlTokenId=8f1f5d0a-4c0e-4d43-9a53-6d1c6f2b7c11",
        "https://acme.iad1.qualtrics.com/inbound-event/v1/events/JSON/triggers?urlTokenId=s&force_isolation=true",
        "https://x.qualtrics.com/inbound-event/v1/events/JSON/triggers?contextId=SV_1&userId=UR_1&brandId=b&triggerId=OC_1",
        f"https://afterword.example{PATH}?urlTokenId=s",
        f"http://127.0.0.1:8700{PATH}?urlTokenId=s",
    ],
)
def test_the_address_of_a_json_event_is_taken_in_all_its_forms(url: str) -> None:
    assert check_json_event_url(f" {url} ") == url


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("", "not an address"),
        ("https://x.qualtrics.com/sesame?urlTokenId=sesame", "has the path"),
        (f"https://x.qualtrics.com/sesame{PATH}?urlTokenId=sesame", "has the path"),
        (f"https://x.qualtrics.com{PATH}", "urlTokenId"),
        (f"https://x.qualtrics.com{PATH}?urlTokenId=", "urlTokenId"),
        (f"https://x.qualtrics.com{PATH}?contextId=sesame&userId=UR_1&brandId=b", "triggerId is missing"),
        (f"http://x.qualtrics.com{PATH}?urlTokenId=sesame", "https://"),
        (f"https://169.254.169.254{PATH}?urlTokenId=sesame", "may not be called"),
    ],
)
async def test_another_address_is_refused_at_its_field_and_not_repeated(
    qualtrics: QualtricsClient, url: str, hint: str
) -> None:
    with pytest.raises(InvalidAddress, match=hint) as refused:
        await qualtrics.send_json_event(url, FIELDS, "k")
    assert refused.value.field == "json_event_url"
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://iad1.qualtrics.com", "https://iad1.qualtrics.com"),
        ("https://iad1.qualtrics.com/", "https://iad1.qualtrics.com"),
        ("https://iad1.qualtrics.com/API/v3/", "https://iad1.qualtrics.com"),
        ("https://acme.iad1.qualtrics.com/workflows/ui?x=1#top", "https://acme.iad1.qualtrics.com"),
        ("acme.qualtrics.com/Q/MyProjectsSection", "https://acme.qualtrics.com"),
        (" FRA1 ", "https://fra1.qualtrics.com"),
        ("ca1", "https://ca1.qualtrics.com"),
        ("acme.eu", "https://acme.eu.qualtrics.com"),
        ("http://127.0.0.1:8700/", "http://127.0.0.1:8700"),
        ("https://afterword.example", "https://afterword.example"),
    ],
)
def test_the_address_of_the_api_is_taken_in_all_its_forms(text: str, address: str) -> None:
    assert check_base_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://iad1.qualtrics.com",
        "https://afterword.example/x",
        "https://qualtrics.com.evil.example/x",
        "https://user@iad1.qualtrics.com",
        "afterword.survey.example",
        "two words",
        "169.254.169.254",
        "https://169.254.169.254",
    ],
)
def test_another_address_of_the_api_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        check_base_address(text)
