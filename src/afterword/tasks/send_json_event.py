"""Send JSON event: what the guide's *Gladly Qualtrics App* does when a Conversation is closed."""

from typing import Annotated

import msgspec
from msgspec import Meta

from afterword.gladly.names import split_name
from afterword.outcomes import Permanent, Reason, Skip
from afterword.sending.checking import check_allow_list, check_may_be_written_to
from afterword.tasks.contract import Done, Plan, Repetition, TaskCall
from afterword.tasks.fields import GladlyAccountId
from afterword.tasks.services import Services

NO_EMAIL = Reason("customer-has-no-email", "the customer has no email address")
NO_CUSTOMER = Reason("event-names-no-customer", "the event that started the run names no customer")


FIELDS = (
    "customerId",
    "conversationId",
    "customerFirstName",
    "customerLastNames",
    "customerEmailAddress",
    "agentId",
    "inboxId",
)


class SendJsonEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration: the connected Gladly account to ask, and the Qualtrics account whose endpoint gets the event."""

    gladly_account: GladlyAccountId
    qualtrics_account: Annotated[
        str,
        Meta(
            title="Qualtrics account",
            description="The connected Qualtrics account whose JSON Event endpoint gets the event, by its id.",
            examples=["QA_0f3KdWq81sBcZpT"],
            max_length=200,
            extra_json_schema={"format": "qualtrics-account"},
        ),
    ]


class SendJsonEventTask:
    """The task type. Afterword's own endpoint knows a repeat by its key; a real Qualtrics may take it twice."""

    name = "send-json-event"
    label = "Send JSON event"
    repetition = Repetition.NEITHER
    repeats_when_unknown = True
    configuration = SendJsonEvent

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts
        self._services = services

    def outputs(self, _: SendJsonEvent) -> tuple[str, ...]:
        """The seven fields, as they were sent."""
        return FIELDS

    async def plan(self, call: TaskCall[SendJsonEvent]) -> Plan:
        """The seven fields as they would be sent; Gladly is asked for them."""
        fields = await self._fields(call)
        await check_allow_list(self._services.database, call.writer, fields["customerEmailAddress"])
        await self._accounts.qualtrics(call.configuration.qualtrics_account)
        return Plan(fields, fields)

    async def run(self, call: TaskCall[SendJsonEvent]) -> Done:
        """Ask Gladly for the customer, one GET, and post the seven fields."""
        fields = await self._fields(call)
        account = await self._accounts.qualtrics(call.configuration.qualtrics_account)
        await check_may_be_written_to(
            self._services.database,
            self._services.settings,
            call.writer,
            fields["customerEmailAddress"],
            counts=not account.leads_to(self._services.settings.public_url),
        )
        await account.send_json_event(fields, idempotency_key=call.key)
        return Done(fields, sent=fields)

    async def _fields(self, call: TaskCall[SendJsonEvent]) -> dict[str, str]:
        """The seven fields, always all of them, as text, empty when unknown."""
        told = call.fields
        customer_id = told.get("customerId", "")
        if not customer_id:
            raise Permanent(NO_CUSTOMER)
        gladly = await self._accounts.gladly(call.configuration.gladly_account)
        profile = await gladly.customer_profile(customer_id)
        if profile.email_address is None:
            raise Skip(NO_EMAIL)
        agent_id, inbox_id = told.get("agentId", ""), told.get("inboxId", "")
        if not inbox_id and told.get("conversationId"):
            conversation = await gladly.conversation(told["conversationId"])
            agent_id, inbox_id = conversation.agent_id or "", conversation.inbox_id or ""
        first_name, last_names = split_name(profile.name or "")
        return {
            "customerId": profile.id,
            "conversationId": told.get("conversationId", ""),
            "customerFirstName": first_name,
            "customerLastNames": last_names,
            "customerEmailAddress": profile.email_address,
            "agentId": agent_id,
            "inboxId": inbox_id,
        }
