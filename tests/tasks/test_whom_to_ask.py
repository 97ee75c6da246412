"""Send JSON event, deciding whom to ask: what each rule costs in calls of Gladly, and what is written down."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.fixtures.sandbox import Sandbox

from afterword.eligibility.settings import Eligibility
from afterword.outcomes import Permanent, Skip
from afterword.outgoing.exchanges import Exchange, recorded_exchanges
from afterword.tasks.contract import Done, TaskCall, Wait
from afterword.tasks.send_json_event import SendJsonEvent, SendJsonEventTask

OK = '{"meta": {"httpStatus": "200 - OK", "requestId": "r"}}'
PROFILE = "customer-profiles"
ALWAYS_QUIET_NOW = [{"begin": "00:00", "end": "12:00"}, {"begin": "12:00", "end": "23:59"}]


class Closed(msgspec.Struct):
    """A conversation that was closed, and what the event told."""

    customer: str
    conversation: str
    fields: dict[str, str]


@pytest.fixture
def closed(sandbox: Sandbox, stand_in: Any) -> Any:
    """``closed("Ada", "ada@x.example", initiatorType="API")``: a closing of a minute ago, of a new customer."""
    stand_in.answer(200, OK)

    def make(name: str, email: str, **fields: str) -> Closed:
        customer, conversation = sandbox.new_customer(name, email)
        told = {
            "customerId": customer,
            "conversationId": conversation,
            "agentId": "agent9",
            "inboxId": "inbox9",
            "closedAt": (datetime.now(UTC) + timedelta(seconds=1)).isoformat(),
            "initiatorType": "AGENT",
            "initiatorId": "agent9",
        }
        return Closed(customer, conversation, {**told, **fields})

    return make


def call(ready: Any, closing: Closed, run_key: str = "7", **configured: Any) -> TaskCall[SendJsonEvent]:
    settings = {name: configured.pop(name) for name in ("credit", "family_name_first") if name in configured}
    return TaskCall(
        run_key=run_key,
        task_id="T-1",
        attempt=1,
        configuration=SendJsonEvent(
            gladly_account=ready.gladly,
            qualtrics_account=ready.qualtrics,
            eligibility=msgspec.convert(configured, Eligibility),
            **settings,
        ),
        fields=closing.fields,
        workflow_id="OC_1",
    )


async def outcome(ready: Any, wanted: TaskCall[SendJsonEvent], task: SendJsonEventTask | None = None) -> Any:
    """How it ended, and the calls of Gladly that it made: what was asked, and for what."""
    with recorded_exchanges() as exchanges:
        try:
            ended: Any = await (task or SendJsonEventTask(ready.services)).run(wanted)
        except (Skip, Permanent) as outcome:
            ended = outcome.reason.code
    return ended, [told(one) for one in exchanges if one.method == "GET"]


def told(exchange: Exchange) -> tuple[str, str]:
    parts = exchange.address.partition("/api/v1/")[2].split("/")
    return parts[0] if len(parts) < 3 else parts[2], exchange.purpose


async def test_an_ordinary_closing_costs_one_call_the_profile(
    ready: Any, sandbox: Sandbox, closed: Any
) -> None:
    closing = closed("Ada King", "one@whom.example")
    with sandbox.fault("hang", seconds=0.001, path="/api/v1/**") as calls_that_came:
        ended, calls = await outcome(ready, call(ready, closing))
        assert calls_that_came() == 1
    assert isinstance(ended, Done)
    assert ended.output["agentId"] == "agent9"
    assert ended.output["agentCredited"] == "the assignee at closing"
    assert calls == [(PROFILE, "rule: email address")]


@pytest.mark.parametrize(
    ("configured", "fields", "code"),
    [
        ({}, {"closedAt": "2026-01-01T00:00:00Z"}, "closing-too-old"),
        ({"not_closed_by": ["rule"]}, {"initiatorType": "AUTOMATION"}, "closed-by-rule"),
        ({"not_closed_by": ["api"]}, {"initiatorType": "API"}, "closed-by-api"),
        (
            {"not_closed_by": ["gladly-ai"]},
            {"initiatorType": "SYSTEM", "initiatorId": "SIDEKICK_V2"},
            "closed-by-gladly-ai",
        ),
        ({"not_closed_by": ["gladly"]}, {"initiatorType": "SYSTEM"}, "closed-by-gladly"),
        ({"not_inboxes": ["inbox9"]}, {}, "inbox-excluded"),
        ({"not_agents": ["agent9"]}, {}, "agent-excluded"),
        ({"share_percent": 0.0001}, {}, "not-in-share"),
    ],
)
async def test_a_rule_that_needs_no_call_costs_none(
    ready: Any, closed: Any, configured: Any, fields: dict[str, str], code: str
) -> None:
    closing = closed("Ada", f"{code}@free.example", **fields)
    assert await outcome(ready, call(ready, closing, **configured)) == (code, [])


@pytest.mark.parametrize(
    ("configured", "fields", "ends"),
    [
        ({"only_inboxes": ["Returns & Refunds"]}, {}, ("inbox-excluded", [("inboxes", "rule: inboxes")])),
        ({"only_agents": ["Ingrid Solberg"]}, {}, ("agent-excluded", [("agents", "rule: agents")])),
        (
            {"only_topics": ["Refund"]},
            {},
            ("topic-excluded", [(PROFILE, "rule: email address"), ("conversations", "rule: topics")]),
        ),
        (
            {"only_channels": ["PHONE_CALL"]},
            {},
            ("channel-excluded", [(PROFILE, "rule: email address"), ("items", "rule: channels")]),
        ),
        (
            {"agent_must_have_written": "any"},
            {},
            ("no-agent-message", [(PROFILE, "rule: email address"), ("items", "rule: agent wrote")]),
        ),
        (
            {"least_messages": 2},
            {},
            ("conversation-too-short", [(PROFILE, "rule: email address"), ("items", "rule: length")]),
        ),
        (
            {"not_spam": True},
            {"initiatorType": "AUTOMATION"},
            ("looks-like-spam", [(PROFILE, "rule: email address"), ("items", "rule: spam")]),
        ),
        (
            {
                "not_spam": True,
                "customer_must_have_written": True,
                "only_topics": ["Refund"],
                "least_messages": 9,
            },
            {"initiatorType": "AUTOMATION"},
            ("topic-excluded", [(PROFILE, "rule: email address"), ("conversations", "rule: topics")]),
        ),
    ],
)
async def test_a_rule_costs_the_calls_that_it_needs_and_run_history_says_for_which_rule(
    ready: Any, closed: Any, configured: Any, fields: dict[str, str], ends: tuple[str, list[Any]]
) -> None:
    closing = closed("Ada", f"{ends[0]}-{len(configured)}@costs.example", **fields)
    assert await outcome(ready, call(ready, closing, **configured)) == ends


async def test_run_history_keeps_nothing_of_what_was_said(ready: Any, closed: Any) -> None:
    wanted = call(ready, closed("Ada", "said@whom.example"), least_messages=1)
    with recorded_exchanges() as exchanges:
        await SendJsonEventTask(ready.services).run(wanted)
    (items,) = [one for one in exchanges if one.address.endswith("/items")]
    assert (items.status, items.answer) == (200, "(not kept)")
    assert not any("Hello" in one.answer for one in exchanges)


async def test_all_rules_together_ask_for_each_thing_once(ready: Any, sandbox: Sandbox, closed: Any) -> None:
    closing = closed("Ada", "all@whom.example", initiatorType="AUTOMATION")
    gladly = await ready.services.accounts.gladly(ready.gladly)
    await gladly.add_topics(closing.conversation, [topic.id for topic in await gladly.topics()][:1])
    wanted = call(
        ready,
        closing,
        not_topics=["Exchange"],
        not_channels=["SMS"],
        customer_must_have_written=True,
        least_messages=1,
        least_characters=5,
        once_in_days=30,
        share_percent=100,
    )
    ended, calls = await outcome(ready, wanted)
    assert isinstance(ended, Done)
    assert [one for one, _ in calls] == [PROFILE, "conversations", "topics", "items"]


async def test_lists_are_remembered_between_closings(ready: Any, closed: Any) -> None:
    task = SendJsonEventTask(ready.services)
    for number in range(2):
        closing = closed("Ada", f"list{number}@whom.example")
        ended, calls = await outcome(ready, call(ready, closing, not_inboxes=["Wholesale"]), task)
        asked = [one for one, _ in calls if one != PROFILE]
        assert asked == (["inboxes"] if number == 0 else [])
        assert ended == "gladly-name-unknown" or isinstance(ended, Done)


async def test_the_agent_of_a_conversation_that_was_unassigned_before_it_was_closed_is_who_wrote_last(
    ready: Any, closed: Any
) -> None:
    closing = closed("Ada", "unassigned@whom.example", agentId="", initiatorId="closer")
    ended, calls = await outcome(ready, call(ready, closing))
    assert ended.output["agentId"] == "closer"
    assert ended.output["agentCredited"] == "who closed it (nobody was assigned at closing, no agent wrote)"
    assert calls == [(PROFILE, "rule: email address"), ("items", "rule: credited agent")]


async def test_a_rule_that_unassigns_whatever_is_closed_takes_no_credit_away(
    ready: Any, sandbox: Sandbox, stand_in: Any
) -> None:
    stand_in.answer(200, OK)
    agents = sandbox.api("GET", "/api/v1/agents")
    first, last = agents[0]["id"], agents[1]["id"]
    minutes = [(datetime.now(UTC) - timedelta(minutes=minute)).isoformat() for minute in range(60)]
    past = {
        "customer": {"name": "Ada", "email": "unassigned-by-rule@whom.example"},
        "startedAt": minutes[50],
        "channel": "CHAT",
        "messages": [
            {"at": minutes[50], "text": "Hello?"},
            {"at": minutes[40], "text": "Hi!", "by": {"type": "AGENT", "id": first}},
            {"at": minutes[30], "text": "Done.", "by": {"type": "AGENT", "id": last}},
            {"at": minutes[25], "text": "A rule says thanks.", "by": {"type": "AUTOMATION", "id": "rule"}},
        ],
        "closings": [{"at": minutes[20], "by": {"type": "AUTOMATION", "id": "rule"}}],
    }
    made = sandbox.control("POST", "past-conversations", {"conversations": [past]})["conversations"][0]
    fields = {
        "customerId": made["customerId"],
        "conversationId": made["conversationId"],
        "inboxId": "inbox9",
        "closedAt": minutes[20],
        "initiatorType": "AUTOMATION",
        "initiatorId": "rule",
    }
    closing = Closed(made["customerId"], made["conversationId"], fields)
    wanted = call(
        ready,
        closing,
        only_channels=["CHAT"],
        customer_must_have_written=True,
        agent_must_have_written="credited",
        least_messages=3,
        not_spam=True,
    )
    ended, _ = await outcome(ready, wanted)
    assert isinstance(ended, Done)
    assert ended.output["agentId"] == last
    assert ended.output["agentCredited"] == "who wrote last (nobody was assigned at closing)"
    too_long = call(ready, closing, least_messages=4)
    assert (await outcome(ready, too_long))[0] == "conversation-too-short"


async def test_a_conversation_that_is_gone_tells_of_no_agent_and_stops_nobody(
    ready: Any, closed: Any
) -> None:
    closing = closed("Ada", "gone@whom.example", agentId="", conversationId="gone")
    ended, _ = await outcome(ready, call(ready, closing))
    assert ended.output["agentId"] == "agent9"


async def test_the_customer_is_asked_once_in_so_many_days_whatever_workflow_it_is(
    ready: Any, closed: Any, stand_in: Any
) -> None:
    closing = closed("Ada", "days@whom.example")
    other = msgspec.structs.replace(closing, fields={**closing.fields, "conversationId": "another"})
    assert isinstance((await outcome(ready, call(ready, closing, "first")))[0], Done)
    assert await outcome(ready, call(ready, other, "second", once_in_days=30)) == ("asked-lately", [])
    assert len(stand_in.requests) == 1
    row = await ready.services.database.pool.fetchrow("SELECT * FROM asked")
    assert (row["key"], row["account_id"], row["customer_id"]) == (
        "first/T-1",
        ready.gladly,
        closing.customer,
    )
    assert (row["conversation_id"], row["workflow_id"], row["state"]) == (
        closing.conversation,
        "OC_1",
        "asked",
    )


async def test_closed_again_it_is_the_same_case_and_nothing_is_asked_of_gladly(
    ready: Any, closed: Any, stand_in: Any
) -> None:
    closing = closed("Ada", "again@whom.example")
    later = (datetime.fromisoformat(closing.fields["closedAt"]) + timedelta(hours=3)).isoformat()
    again = msgspec.structs.replace(closing, fields={**closing.fields, "closedAt": later})
    assert isinstance((await outcome(ready, call(ready, closing, "first")))[0], Done)
    assert await outcome(ready, call(ready, again, "second")) == ("same-case", [])
    assert len(stand_in.requests) == 1


async def test_an_event_that_was_refused_leaves_the_customer_to_others(
    ready: Any, closed: Any, stand_in: Any
) -> None:
    closing = closed("Ada", "refused@whom.example")
    stand_in.answers.clear()
    stand_in.answer(400, "{}")
    stand_in.answer(200, OK)
    assert (await outcome(ready, call(ready, closing, "first", once_in_days=30)))[0] == "qualtrics-bad-event"
    assert isinstance((await outcome(ready, call(ready, closing, "second", once_in_days=30)))[0], Done)


async def test_quiet_hours_are_waited_for_before_anything_is_asked_of_gladly(
    ready: Any, closed: Any, stand_in: Any
) -> None:
    closing = closed("Ada", "quiet@whom.example")
    wanted = call(ready, closing, quiet_hours=ALWAYS_QUIET_NOW, time_zone=zone_where_it_is_noon())
    ended, calls = await outcome(ready, wanted)
    assert isinstance(ended, Wait)
    assert ended.until > datetime.now(UTC)
    assert (ended.code, calls, stand_in.requests) == ("quiet-hours", [], [])
    without_zone = call(ready, closing, quiet_hours=ALWAYS_QUIET_NOW)
    assert (await outcome(ready, without_zone))[1][0] == ("organization", "rule: quiet hours")


def zone_where_it_is_noon() -> str:
    """So that a test does not run in the one minute of the day that is not quiet."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"


async def test_a_plan_says_which_rule_would_stop_it_and_with_which_values_and_keeps_nobody(
    ready: Any, closed: Any, everything: Any
) -> None:
    closing = closed("Ada", "plan@whom.example")
    task = SendJsonEventTask(ready.services)
    before = await everything(closing.customer)
    with pytest.raises(Skip) as skipped:
        await task.plan(call(ready, closing, least_messages=5))
    assert skipped.value.reason.values == {
        "messages": "1",
        "characters": "5",
        "leastMessages": "5",
        "leastCharacters": "0",
    }
    assert (await task.plan(call(ready, closing))).sends["customerId"] == closing.customer
    quiet = call(ready, closing, quiet_hours=ALWAYS_QUIET_NOW, time_zone=zone_where_it_is_noon())
    plan = await task.plan(quiet)
    assert plan.waits is not None
    assert plan.waits.code == "quiet-hours"
    assert plan.sends["customerId"] == closing.customer
    assert await everything(closing.customer) == before


async def test_a_plan_in_quiet_hours_says_what_would_stop_it_after_them(ready: Any, closed: Any) -> None:
    closing = closed("Ada", "after@whom.example")
    quiet: dict[str, Any] = {"quiet_hours": ALWAYS_QUIET_NOW, "time_zone": zone_where_it_is_noon()}
    with pytest.raises(Skip) as skipped:
        await SendJsonEventTask(ready.services).plan(call(ready, closing, least_messages=5, **quiet))
    assert skipped.value.reason.code == "conversation-too-short"


@pytest.mark.parametrize(
    ("name", "family_name_first", "names"),
    [
        ("Ada Lovelace King", False, ("Ada", "Lovelace King")),
        ("King Ada", True, ("Ada", "King")),
        ("山田 太郎", False, ("太郎", "山田")),
        ("山田太郎", False, ("山田太郎", "")),
        ("Мария Иванова", False, ("Мария", "Иванова")),
        ("محمد علي", False, ("محمد", "علي")),
        ("Lovelace, Ada", False, ("Ada", "Lovelace")),
        ("van der Berg", False, ("", "van der Berg")),
        ("Ada", True, ("Ada", "")),
        ("", False, ("", "")),
        ("ada@fields.example", False, ("", "")),
    ],
)
async def test_the_names_come_out_right(
    ready: Any, closed: Any, name: str, family_name_first: bool, names: tuple[str, str]
) -> None:
    closing = closed(name, f"name{abs(hash((name, family_name_first)))}@whom.example")
    ended, _ = await outcome(ready, call(ready, closing, family_name_first=family_name_first))
    assert (ended.sent["customerFirstName"], ended.sent["customerLastNames"]) == names


@pytest.mark.parametrize(
    ("emails", "address"),
    [
        ([{"original": "One@Many.example"}], "One@Many.example"),
        ([{"original": "a@many.example"}, {"original": "b@many.example", "primary": True}], "b@many.example"),
        ([{"original": "c@many.example"}, {"original": "d@many.example"}], "c@many.example"),
        ([{"original": "grüße@many.example"}], "grüße@many.example"),
    ],
)
async def test_of_several_addresses_the_primary_goes_out_as_it_was_written(
    ready: Any, closed: Any, stand_in: Any, emails: list[dict[str, Any]], address: str
) -> None:
    closing = closed("Ada", f"first-of-{address}")
    gladly = await ready.services.accounts.gladly(ready.gladly)
    body = json.dumps({"emails": emails}).encode()
    await gladly._call("PATCH", "/api/v1/customer-profiles/{id}", closing.customer, body=body)
    await outcome(ready, call(ready, closing))
    ((_, sent),) = stand_in.requests
    assert json.loads(sent)["customerEmailAddress"] == address
