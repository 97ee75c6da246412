"""Send JSON event: exactly the seven fields, whoever the customer is."""

import json
from typing import Any

import pytest
from tests.fixtures.sandbox import Sandbox

from afterword.outcomes import Permanent, Retry, Skip
from afterword.tasks.contract import Done, TaskCall
from afterword.tasks.send_json_event import SendJsonEvent, SendJsonEventTask

OK = '{"meta": {"httpStatus": "200 - OK", "requestId": "r"}}'


def call(ready: Any, **fields: str) -> TaskCall[SendJsonEvent]:
    return TaskCall(
        run_key="7",
        task_id="T-1",
        attempt=1,
        configuration=SendJsonEvent(gladly_account=ready.gladly, qualtrics_account=ready.qualtrics),
        fields=fields,
    )


async def test_the_seven_fields_are_sent_with_the_agent_and_inbox_of_the_webhook(
    ready: Any, sandbox: Sandbox, stand_in: Any
) -> None:
    customer, conversation = sandbox.new_customer("Ada Lovelace King", "Ada@Fields.example")
    stand_in.answer(200, OK)
    told = {"customerId": customer, "conversationId": conversation, "agentId": "agent9", "inboxId": "inbox9"}
    await SendJsonEventTask(ready.services).run(call(ready, **told))
    ((request, body),) = stand_in.requests
    assert json.loads(body) == {
        "customerId": customer,
        "conversationId": conversation,
        "customerFirstName": "Ada",
        "customerLastNames": "Lovelace King",
        "customerEmailAddress": "Ada@Fields.example",
        "agentId": "agent9",
        "inboxId": "inbox9",
    }
    assert request.headers["X-API-TOKEN"] == "T" * 40
    assert request.headers["Idempotency-Key"] == "7/T-1"


async def test_the_conversation_is_looked_up_only_where_the_webhook_names_no_inbox(
    ready: Any, sandbox: Sandbox, stand_in: Any
) -> None:
    customer, conversation = sandbox.new_customer("Ada", "lookup@fields.example")
    stand_in.answer(200, OK)
    await SendJsonEventTask(ready.services).run(call(ready, customerId=customer, conversationId=conversation))
    ((_, body),) = stand_in.requests
    assert json.loads(body)["inboxId"] != ""


async def test_what_is_unknown_is_there_and_empty(ready: Any, sandbox: Sandbox, stand_in: Any) -> None:
    customer, _ = sandbox.new_customer("", "nameless@fields.example")
    stand_in.answer(200, OK)
    await SendJsonEventTask(ready.services).run(call(ready, customerId=customer, inboxId="i"))
    ((_, body),) = stand_in.requests
    sent = json.loads(body)
    assert len(sent) == 7
    assert (sent["customerFirstName"], sent["customerLastNames"], sent["agentId"]) == ("", "", "")


async def test_a_customer_who_was_merged_is_the_one_that_remains(
    ready: Any, sandbox: Sandbox, stand_in: Any
) -> None:
    gone, _ = sandbox.new_customer("Old Name", "old@merged.example")
    remains, _ = sandbox.new_customer("New Name", "new@merged.example")
    sandbox.control("POST", "merges", {"sourceCustomerId": gone, "destinationCustomerId": remains})
    stand_in.answer(200, OK)
    await SendJsonEventTask(ready.services).run(call(ready, customerId=gone, inboxId="i"))
    ((_, body),) = stand_in.requests
    assert json.loads(body)["customerId"] == remains


async def test_a_customer_without_an_address_is_skipped_and_nothing_is_sent(
    ready: Any, sandbox: Sandbox, stand_in: Any
) -> None:
    customer, _ = sandbox.new_customer("No Mail", "goes@away.example")
    gladly = await ready.services.accounts.gladly(ready.gladly)
    await gladly._call("PATCH", "/api/v1/customer-profiles/{id}", customer, body=b'{"emails": []}')
    with pytest.raises(Skip) as skipped:
        await SendJsonEventTask(ready.services).run(call(ready, customerId=customer, inboxId="i"))
    assert skipped.value.reason.words == "the customer has no email address"
    assert stand_in.requests == []


async def test_a_customer_who_was_deleted_fails_for_good(ready: Any) -> None:
    with pytest.raises(Permanent) as failed:
        await SendJsonEventTask(ready.services).run(call(ready, customerId="no-such-customer", inboxId="i"))
    assert failed.value.reason.code == "gladly-customer-gone"


async def test_an_event_that_names_no_customer_fails_for_good(ready: Any) -> None:
    with pytest.raises(Permanent):
        await SendJsonEventTask(ready.services).run(call(ready))


async def test_an_endpoint_that_says_later_is_tried_later(
    ready: Any, sandbox: Sandbox, stand_in: Any
) -> None:
    customer, _ = sandbox.new_customer("Ada", "later@fields.example")
    stand_in.answer(429, "{}", Retry_After="77")
    with pytest.raises(Retry) as retried:
        await SendJsonEventTask(ready.services).run(call(ready, customerId=customer, inboxId="i"))
    assert retried.value.after == 77


async def test_an_account_that_is_not_connected_fails_for_good(ready: Any) -> None:
    other = TaskCall(
        run_key="1",
        task_id="T-1",
        attempt=1,
        configuration=SendJsonEvent(gladly_account="GA_none", qualtrics_account=ready.qualtrics),
        fields={"customerId": "c"},
    )
    with pytest.raises(Permanent) as failed:
        await SendJsonEventTask(ready.services).run(other)
    assert failed.value.reason.code == "account-not-connected"


async def test_a_plan_is_the_event_as_it_would_be_and_sends_none(
    ready: Any, sandbox: Sandbox, stand_in: Any, everything: Any
) -> None:
    customer, conversation = sandbox.new_customer("Ada King", "plan@fields.example")
    stand_in.answer(200, OK)
    task, wanted = (
        SendJsonEventTask(ready.services),
        call(ready, customerId=customer, conversationId=conversation),
    )
    before = await everything(customer)
    plan = await task.plan(wanted)
    assert await everything(customer) == before
    assert stand_in.requests == []
    done = await task.run(wanted)
    assert isinstance(done, Done)
    assert (plan.sends, plan.output, plan.repeats) == (done.sent, done.output, False)
    assert task.outputs(wanted.configuration) == tuple(done.output)


async def test_a_plan_of_what_cannot_be_done_ends_as_the_run_would(ready: Any) -> None:
    task = SendJsonEventTask(ready.services)
    for attempt in (task.plan, task.run):
        with pytest.raises(Permanent) as failed:
            await attempt(call(ready))
        assert failed.value.reason.code == "event-names-no-customer"
