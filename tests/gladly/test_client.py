import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.gladly import errors
from afterword.gladly.addresses import check_base_address
from afterword.gladly.client import GladlyClient
from afterword.gladly.models import CustomerActivity, CustomerProfile, Email, WebhookSettings, item_id
from afterword.outcomes import Outcome, Permanent, Reason, Retry
from afterword.outgoing import calls
from afterword.outgoing.addresses import InvalidAddress
from afterword.outgoing.calls import Caller
from afterword.store.budgets import even_rate

if TYPE_CHECKING:
    from tests.conftest import OpenBudget, StandIn

ANSWER = CustomerActivity(activity_type="SURVEY", title="CSAT Score: 5", body="Customer Feedback: thanks")
TAKEN = {"attr": "newConversationItems", "code": "taken", "detail": "conversation item already exists"}
MOVED = {"attr": "customerId", "code": "moved", "detail": "has changed", "meta": {"old": "c1", "new": "c2"}}


@pytest.fixture
async def gladly(stand_in: "StandIn", open_budget: "OpenBudget") -> AsyncIterator[GladlyClient]:
    client = GladlyClient(
        stand_in.url,
        "agent@acme.example",
        "token-Secret",
        budget=open_budget,
        budget_name="account",
        caller=Caller(total_seconds=0.5),
    )
    yield client
    await client.close()


async def refusal(call: Awaitable[object]) -> Outcome:
    """How a call ended; what it says holds neither the secret nor anybody's data, and no other error is behind it."""
    with pytest.raises(Outcome) as refused:
        await call
    told = f"{refused.value} {refused.value.reason}"
    for hidden in ("token-Secret", "agent@acme.example", "jane@customer.example", "555 0100"):
        assert hidden not in told
    assert refused.value.__cause__ is None
    assert len(refused.value.reason.words) < 1000
    return refused.value


async def test_credentials_and_ids_go_where_gladly_wants_them(
    gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    stand_in.answer(200, '{"id":"c-1_~"}')
    await gladly.customer_profile("c-1_~")
    request, _ = stand_in.requests[0]
    assert request.raw_path == "/api/v1/customer-profiles/c-1_~"
    login = base64.b64encode(b"agent@acme.example:token-Secret").decode()
    assert request.headers["Authorization"] == f"Basic {login}"


@pytest.mark.parametrize("id_", ["", "..", ".", "a/b", "a?b", "a#b", "a b", "ä", "a%2Fb", "x" * 201, "a\n"])
async def test_what_cannot_be_an_id_is_not_asked_for(
    gladly: GladlyClient, stand_in: "StandIn", id_: str
) -> None:
    assert isinstance(await refusal(gladly.conversation(id_)), errors.GladlyNotFound)
    assert stand_in.requests == []


async def test_each_call_takes_its_turn_by_account_and_method(
    gladly: GladlyClient, stand_in: "StandIn", open_budget: "OpenBudget"
) -> None:
    stand_in.answer(200, '{"id":"i1"}', Location="/api/v1/webhooks/w1")
    await gladly.organization()
    await gladly.create_activity("c1", ANSWER, item_id="i1")
    await gladly.create_webhook(WebhookSettings(url="https://x.example", events=[]))
    await gladly.enable_webhook("w1")
    await gladly.delete_webhook("w1")
    methods = ["GET", "POST", "POST", "PATCH", "DELETE"]
    names, rates, bursts = zip(*open_budget.turns, strict=True)
    assert names == tuple(f"gladly/account/{method}" for method in methods)
    assert set(rates) == {even_rate(10)}
    assert set(bursts) == {1}


async def test_nothing_is_called_when_the_turn_is_too_far_away(
    gladly: GladlyClient, stand_in: "StandIn", open_budget: "OpenBudget"
) -> None:
    open_budget.refusal = Retry(Reason("rate-budget-used-up", "not now"), after=7)
    assert await refusal(gladly.organization()) is open_budget.refusal
    assert stand_in.requests == []


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, "", "gladly-wrong-credentials"),
        (401, '{"message":"Unauthorized"}', "gladly-wrong-credentials"),
        (403, "<html><h1>Forbidden</h1></html>", "gladly-missing-permission"),
        (404, "", "gladly-not-found"),
        (404, {"errors": {"code": "not_exist"}}, "gladly-not-found"),
        (400, {"errors": [{"code": "not_exist"}]}, "gladly-not-found"),
        (301, {"errors": [MOVED]}, "gladly-moved"),
        (404, {"errors": [MOVED]}, "gladly-moved"),
        (301, {"errors": {"code": "moved"}}, "gladly-moved"),
        (302, "<html>Sign in</html>", "gladly-redirected"),
        (400, {"errors": [{"attr": "a.b", "code": "blank"}]}, "gladly-invalid"),
        (400, "", "gladly-invalid"),
        (422, "", "gladly-invalid"),
        (409, {"errors": [TAKEN]}, "gladly-taken"),
        (400, {"errors": [TAKEN]}, "gladly-taken"),
        (400, [{"code": "temporary_failure"}], "gladly-unavailable"),
        (408, "", "gladly-unavailable"),
        (429, "", "gladly-rate-limited"),
        (500, "", "gladly-unavailable"),
        (502, "<html><h1>502 Bad Gateway</h1></html>", "gladly-unavailable"),
        (503, b"\xff\x00", "gladly-unavailable"),
        (405, "", "gladly-unexpected-answer"),
        (304, "", "gladly-redirected"),
        (200, "", "gladly-unreadable-answer"),
        (200, "<html>Down for maintenance</html>", "gladly-unreadable-answer"),
        (200, b"\xff\x00", "gladly-unreadable-answer"),
        (200, "[" * 100_000, "gladly-unreadable-answer"),
        (200, "[]", "gladly-unreadable-answer"),
        (200, "{}", "gladly-unreadable-answer"),
        (200, '{"id":5}', "gladly-unreadable-answer"),
    ],
)
async def test_each_answer_is_told_as_what_it_means_and_then_the_same_call_succeeds(
    gladly: GladlyClient, stand_in: "StandIn", status: int, body: object, code: str
) -> None:
    stand_in.answer(status, body if isinstance(body, str | bytes) else json.dumps(body))
    stand_in.answer(200, '{"id":"v1","customerId":"c1"}')
    outcome = await refusal(gladly.conversation("v1"))
    assert outcome.reason.code == code
    assert "GET /api/v1/conversations/{id}" in outcome.reason.words
    assert (await gladly.conversation("v1")).customer_id == "c1"


def test_every_error_is_one_branch_and_every_row_of_the_table_is_reached() -> None:
    for row in errors.TABLE:
        assert sum(issubclass(row.error, branch) for branch in (Retry, Permanent)) == 1
    rows = [
        (status, code)
        for status in (301, 302, 400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 599)
        for code in ("", "moved", "taken", "not_exist", "temporary_failure", "blank")
    ]
    told = [errors.Told(call="GET /x", status=status, code=code) for status, code in rows]
    reached = {next(number for number, row in enumerate(errors.TABLE) if row.fits(each)) for each in told}
    assert reached == set(range(len(errors.TABLE)))


async def test_what_gladly_says_is_in_the_words_and_the_values(
    gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    errors_told = [
        {"attr": "content.body", "code": "too_long", "detail": "jane@customer.example wrote too much"},
        {"attr": "content.title", "code": "blank"},
    ]
    stand_in.answer(400, json.dumps({"errors": errors_told}))
    outcome = await refusal(gladly.create_activity("c1", ANSWER, item_id="i1"))
    assert isinstance(outcome, errors.GladlyInvalid)
    assert (outcome.attr, outcome.code, outcome.detail) == ("content.body", "too_long", "••• wrote too much")
    assert "content.body too_long ••• wrote too much; content.title blank" in outcome.reason.words
    assert outcome.reason.values["attr"] == "content.body"


@pytest.mark.parametrize(
    "body",
    [
        '{"errors":[{"code":"invalid","detail":"token-Secret of agent@acme.example, +1 (555) 555 0100"}]}',
        '{"message":"no such user agent@acme.example with token-Secret"}',
        "Basic YWdlbnRAYWNtZS5leGFtcGxlOnRva2VuLVNlY3JldA== jane@customer.example" + "x" * 10_000,
    ],
)
async def test_what_gladly_echoes_is_masked_and_shortened(
    gladly: GladlyClient, stand_in: "StandIn", body: str
) -> None:
    stand_in.answer(400, body)
    outcome = await refusal(gladly.organization())
    assert "YWdlbnRAYWNtZS5leGFtcGxlOnRva2VuLVNlY3JldA" not in str(outcome)


@given(
    status=st.integers(min_value=300, max_value=599),
    body=st.text()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["errors", "code", "attr", "detail", "meta", "new", "message"]), inner
            )
        ),
    ).map(json.dumps),
    location=st.none() | st.text() | st.sampled_from(["https://[", "/customers/", "//[/customers/c2?a"]),
)
def test_any_refusal_is_read(status: int, body: str, location: str | None) -> None:
    told = errors.read_refusal("GET /x", status, body, location=location, secrets=["token-Secret"])
    assert errors.error_for(told).reason.code.startswith("gladly-")


@pytest.mark.parametrize(
    ("header", "after"), [({}, 1.0), ({"Retry_After": "7"}, 7.0), ({"Retry_After": "soon"}, 1.0)]
)
async def test_after_a_429_everybody_holds(
    gladly: GladlyClient,
    stand_in: "StandIn",
    open_budget: "OpenBudget",
    header: dict[str, str],
    after: float,
) -> None:
    stand_in.answer(429, "", **header)
    outcome = await refusal(gladly.organization())
    assert isinstance(outcome, Retry)
    assert outcome.after == after
    assert not outcome.outcome_unknown
    assert open_budget.holds == [("gladly/account/GET", after)]


@pytest.mark.parametrize(
    ("status", "unknown"), [(500, True), (502, True), (503, False), (504, True), (408, False)]
)
async def test_whether_it_was_done_is_known_or_not(
    gladly: GladlyClient, stand_in: "StandIn", status: int, unknown: bool
) -> None:
    stand_in.answer(status, "", Retry_After="3")
    outcome = await refusal(gladly.create_activity("c1", ANSWER, item_id="i1"))
    assert isinstance(outcome, Retry)
    assert outcome.outcome_unknown is unknown
    assert outcome.after == 3


@pytest.mark.parametrize(
    "fault",
    [
        lambda stand_in: stand_in.hang(),
        lambda stand_in: stand_in.drop(),
        lambda stand_in: stand_in.drop(after=b'{"id":'),
        lambda stand_in: stand_in.answer(200, "<html>"),
    ],
)
async def test_an_answer_that_was_lost_leaves_it_unknown_and_the_next_attempt_finds_it_done(
    gladly: GladlyClient, stand_in: "StandIn", fault: "Callable[[StandIn], None]"
) -> None:
    fault(stand_in)
    stand_in.answer(409, json.dumps({"errors": [TAKEN]}))
    outcome = await refusal(gladly.create_activity("c1", ANSWER, item_id="i1"))
    assert isinstance(outcome, Retry)
    assert outcome.outcome_unknown
    created = await gladly.create_activity("c1", ANSWER, item_id="i1")
    assert created.already_there
    assert stand_in.requests[0][1] == stand_in.requests[1][1], "the same request to the byte"


async def test_where_nobody_listens_nothing_was_done(open_budget: "OpenBudget", unused_tcp_port: int) -> None:
    address = f"http://127.0.0.1:{unused_tcp_port}"
    client = GladlyClient(address, "u", "t", budget=open_budget, budget_name="account")
    outcome = await refusal(client.organization())
    assert isinstance(outcome, errors.GladlyUnreachable)
    assert not outcome.outcome_unknown
    await client.close()


async def test_a_conflict_that_is_not_about_the_item_is_no_success(
    gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    stand_in.answer(409, "<html>Conflict</html>")
    assert isinstance(await refusal(gladly.create_activity("c1", ANSWER, item_id="i1")), errors.GladlyTaken)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"errors": [MOVED]}, {}),
        ({"errors": MOVED}, {}),
        ("", {"Location": "https://acme.gladly.com/api/v1/customers/c2/conversation-items"}),
        ("", {"Location": "/api/v1/customer-profiles/c2"}),
    ],
)
async def test_a_merged_customer_is_followed_by_what_gladly_says_not_by_redirect(
    gladly: GladlyClient, stand_in: "StandIn", body: object, headers: dict[str, str]
) -> None:
    stand_in.answer(301, body if isinstance(body, str) else json.dumps(body), **headers)
    stand_in.answer(200, '{"id":"i1"}')
    created = await gladly.create_activity("c1", ANSWER, item_id="i1")
    assert created.customer_id == "c2"
    paths = [request.path for request, _ in stand_in.requests]
    assert paths == [f"/api/v1/customers/{id_}/conversation-items" for id_ in ("c1", "c2")]


async def test_merges_that_go_in_a_circle_end(gladly: GladlyClient, stand_in: "StandIn") -> None:
    for new in ("c2", "c1") * 10:
        stand_in.answer(301, json.dumps({"errors": [MOVED | {"meta": {"new": new}}]}))
    outcome = await refusal(gladly.customer_profile("c1"))
    assert isinstance(outcome, errors.GladlyMoved)
    assert len(stand_in.requests) <= 6


async def test_one_who_moved_nowhere_else_is_not_asked_for_again(
    gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    stand_in.answer(301, json.dumps({"errors": [MOVED | {"meta": {"new": "c1"}}]}))
    assert isinstance(await refusal(gladly.customer_profile("c1")), errors.GladlyMoved)
    assert len(stand_in.requests) == 1


async def test_an_answer_that_is_too_long_is_not_read(
    gladly: GladlyClient, stand_in: "StandIn", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "LARGEST_ANSWER", 100)
    stand_in.answer(200, json.dumps([{"id": "a" * 50}] * 100))
    outcome = await refusal(gladly.agents())
    assert isinstance(outcome, errors.GladlyUnreadable)
    assert "longer than 5 MB" in outcome.reason.words


async def test_fields_that_gladly_adds_or_leaves_out_are_no_trouble(
    gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    stand_in.answer(200, '{"id":"c1","name":null,"emails":[{"original":" a@b.example "}],"new":{"deep":[1]}}')
    stand_in.answer(200, '{"id":"v1","customerId":"c1","status":"SOMETHING_NEW","topicIds":null}')
    profile = await gladly.customer_profile("c1")
    assert (profile.name, profile.email_address) == (None, "a@b.example")
    assert (await gladly.conversation("v1")).status == "SOMETHING_NEW"


@pytest.mark.parametrize(
    ("headers", "is_cut"),
    [
        ({}, False),
        ({"Gladly_Limited_Data": "true"}, True),
        ({"Gladly_Limited_Data": "True"}, True),
        ({"Gladly_Limited_Data": "false"}, False),
    ],
)
async def test_a_list_is_cut_when_its_header_says_true_and_not_when_it_is_only_there(
    gladly: GladlyClient, stand_in: "StandIn", headers: dict[str, str], is_cut: bool
) -> None:
    stand_in.answer(200, '[{"id":"c1"}]', **headers)
    found = await gladly.customers_with_email("a+b@x.example")
    assert (len(found.items), found.is_cut) == (1, is_cut)
    assert stand_in.requests[0][0].raw_path == "/api/v1/customer-profiles?email=a%2Bb%40x.example"


@pytest.mark.parametrize(
    ("call", "body", "field"),
    [
        (lambda gladly: gladly.conversation_items("v1"), '[{"id":"t","content":{"type":5}}]', "content.type"),
        (lambda gladly: gladly.conversations_of("c1"), '[{"id":"v"}]', "customerId"),
        (lambda gladly: gladly.customers_with_email("a@b.example"), '[{"id":1}]', "id"),
        (lambda gladly: gladly.export_jobs(), '[{"id":"j","files":"all"}]', "files"),
        (lambda gladly: gladly.topic("t"), '{"id":"t","name":[]}', "name"),
    ],
)
async def test_what_has_another_type_than_documented_is_named(
    gladly: GladlyClient,
    stand_in: "StandIn",
    call: Callable[[GladlyClient], Awaitable[object]],
    body: str,
    field: str,
) -> None:
    stand_in.answer(200, body)
    outcome = await refusal(call(gladly))
    assert isinstance(outcome, errors.GladlyUnreadable)
    assert field in outcome.reason.words


async def test_a_note_whose_outcome_is_unknown_is_told_as_such_and_not_made_again(
    gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    stand_in.drop()
    stand_in.answer(201, "", Location="/api/v1/conversations/v1/notes/n1")
    outcome = await refusal(gladly.create_note("v1", "text"))
    assert isinstance(outcome, Retry)
    assert outcome.outcome_unknown
    assert len(stand_in.requests) == 1
    assert await gladly.create_note("v1", "text") == "n1"


async def test_an_item_that_is_gone_when_its_deletion_is_made_again_is_no_error(
    gladly: GladlyClient, stand_in: "StandIn"
) -> None:
    stand_in.drop()
    stand_in.drop()
    stand_in.answer(404, "")
    assert isinstance(await refusal(gladly.delete_item("i1")), errors.GladlyTimedOut)
    assert not await gladly.delete_item("i1")


@pytest.mark.parametrize(
    ("emails", "address"),
    [
        (None, None),
        ([], None),
        ([Email()], None),
        ([Email("  ")], None),
        ([Email(" first@x.example "), Email("second@x.example")], "first@x.example"),
        ([Email("first@x.example"), Email("second@x.example", primary=True)], "second@x.example"),
        ([Email("first@x.example"), Email(" ", primary=True)], "first@x.example"),
    ],
)
def test_the_primary_address_is_chosen_else_the_first(
    emails: list[Email] | None, address: str | None
) -> None:
    assert CustomerProfile("c1", emails=emails).email_address == address


def test_an_items_id_is_the_same_for_the_same_key_and_fits_gladly() -> None:
    assert item_id("R_1") == "7Ug9zZcEWseFV0HJwwINQA", "or every answer ever sent could be sent once more"
    assert item_id("R_1") != item_id("R_2")
    assert item_id("R_1").replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("id_", ["", "x" * 50, "a/b", "ä"])
async def test_an_items_id_that_gladly_would_refuse_is_a_mistake_of_ours(
    gladly: GladlyClient, id_: str
) -> None:
    with pytest.raises(ValueError, match="item_id"):
        await gladly.create_activity("c1", ANSWER, item_id=id_)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://acme.gladly.com", "https://acme.gladly.com"),
        (" https://acme.gladly.com/ ", "https://acme.gladly.com"),
        ("https://acme.gladly.com/customer/x?a=b#c", "https://acme.gladly.com"),
        ("acme.gladly.com/customers", "https://acme.gladly.com"),
        ("Acme", "https://acme.gladly.com"),
        ("acme.us-uat", "https://acme.us-uat.gladly.com"),
        ("https://us-1.gladly.com", "https://us-1.gladly.com"),
        ("https://acme.us-uat.gladly.com", "https://acme.us-uat.gladly.com"),
        ("https://acme.gladly.qa", "https://acme.gladly.qa"),
        ("http://127.0.0.1:8701", "http://127.0.0.1:8701"),
        ("http://localhost:8701/", "http://localhost:8701"),
        ("https://10.0.0.5", "https://10.0.0.5"),
    ],
)
def test_a_base_address_is_gladlys_or_this_machine(
    text: str, address: str, open_budget: "OpenBudget"
) -> None:
    assert check_base_address(text) == address
    GladlyClient(text, "u", "t", budget=open_budget, budget_name="account")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "not an address"),
        ("http://acme.gladly.com", "https://"),
        ("https://gladly.com.evil.example", "not a Gladly address"),
        ("https://evilgladly.com", "not a Gladly address"),
        ("acme.example", "https://"),
        ("https://acme.gladly.com@evil.example", "user name"),
        ("acme.gladly.com.evil.example/", "https://"),
        ("http://127.0.0.1:8701/api/v1", "behind the host"),
        ("http://127.0.0.1:8701/?a=b", "behind the host"),
        ("http://127.0.0.1:8701?", "behind the host"),
        ("https://user:pass@acme.gladly.com", "user name"),
    ],
)
def test_another_base_address_is_refused_at_its_field(
    text: str, hint: str, open_budget: "OpenBudget"
) -> None:
    with pytest.raises(InvalidAddress, match=hint) as refused:
        GladlyClient(text, "u", "t", budget=open_budget, budget_name="account")
    assert refused.value.field == "base_address"
