"""Send JSON event: what the guide's *Gladly Qualtrics App* does when a Conversation is closed."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from afterword.eligibility.deciding import Decider
from afterword.eligibility.facts import Closing, Facts, inbox_of, needed
from afterword.eligibility.settings import CreditedAgent, Eligibility
from afterword.gladly.names import split_name
from afterword.outcomes import Permanent, Reason, Skip
from afterword.qualtrics.json_event import FIELDS, GuideJsonEvent
from afterword.sending.checking import check_allow_list
from afterword.tasks.contract import Done, Plan, Repetition, TaskCall, Wait
from afterword.tasks.fields import GladlyAccountId
from afterword.tasks.services import Services
from afterword.translating import N_

NO_CUSTOMER = Reason("event-names-no-customer", N_("the event that started the run names no customer"))

CREDITED = "agentCredited"
"""In the output alone: by which rule the agent is credited."""


class SendJsonEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration: the connected Gladly account to ask, the Qualtrics account whose endpoint gets the event, whom to
    ask, and how the fields are made.
    """

    gladly_account: GladlyAccountId
    qualtrics_account: Annotated[
        str,
        Meta(
            title=N_("Qualtrics account"),
            description=N_("The connected Qualtrics account whose JSON Event endpoint gets the event."),
            examples=["QA_0f3KdWq81sBcZpT"],
            max_length=200,
            extra_json_schema={"format": "qualtrics-account"},
        ),
    ]
    eligibility: Annotated[
        Eligibility,
        Meta(
            title=N_("Eligibility"),
            description=N_("Whom to ask: rules that a closing has to pass."),
            examples=[{"once_in_days": 30}],
        ),
    ] = Eligibility()
    credit: CreditedAgent = "assignee"
    family_name_first: Annotated[
        bool,
        Meta(
            title=N_("Family name first"),
            description=N_("Names in Gladly are written with the family name first, as in “King Ada”."),
            examples=[True],
        ),
    ] = False


class SendJsonEventTask:
    """The task type. Afterword's own endpoint knows a repeat by its key; a real Qualtrics may take it twice."""

    name = "send-json-event"
    label = N_("Send JSON event")
    summary = N_("What the guide's Gladly Qualtrics App does when a Conversation is closed.")
    repetition = Repetition.NEITHER
    repeats_when_unknown = True
    configuration = SendJsonEvent

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts
        self._services = services

    def outputs(self, _: SendJsonEvent) -> tuple[str, ...]:
        """The seven fields, as they were sent, and by which rule the agent is credited."""
        return (*FIELDS, CREDITED)

    async def plan(self, call: TaskCall[SendJsonEvent]) -> Plan:
        """The seven fields as they would be sent; Gladly is asked for them, and nobody is kept."""
        decider = await self._decider(call)
        waits = await _wait_or_go(decider)
        if waits is not None:
            await _wait_or_go(decider, whenever=True)
        fields, output = await self._fields(call, decider)
        await check_allow_list(self._services.database, call.writer, fields["customerEmailAddress"])
        await self._accounts.qualtrics(call.configuration.qualtrics_account)
        return Plan(fields, output, waits=waits)

    async def run(self, call: TaskCall[SendJsonEvent]) -> Done | Wait:
        """Find out whether to ask, ask Gladly for the customer, one GET, and post the seven fields."""
        decider = await self._decider(call)
        waits = await _wait_or_go(decider)
        if waits is not None:
            return waits
        fields, output = await self._fields(call, decider)
        account = await self._accounts.qualtrics(call.configuration.qualtrics_account)
        async with decider.customer_kept():
            await self._services.brakes.check_may_be_written_to(
                call.writer,
                fields["customerEmailAddress"],
                counts=not account.leads_to(self._services.settings.public_url),
            )
            await account.send_json_event(fields, idempotency_key=call.key)
        return Done(output, sent=fields)

    async def _decider(self, call: TaskCall[SendJsonEvent]) -> Decider:
        wanted, closing = call.configuration, _closing(call)
        if not closing.customer_id:
            raise Permanent(NO_CUSTOMER)
        gladly = await self._accounts.gladly(wanted.gladly_account)
        facts = Facts(closing=closing, now=datetime.now(UTC), credit=wanted.credit)
        return Decider(self._services.ledger, gladly, self._accounts.gladly_names, wanted.eligibility, facts)

    async def _fields(
        self, call: TaskCall[SendJsonEvent], decider: Decider
    ) -> tuple[dict[str, str], dict[str, object]]:
        """The seven fields, and the output with them."""
        profile = await decider.known(lambda facts: needed(facts.profile, "profile"), "field: customer")
        inbox_id = await decider.known(inbox_of, "field: inboxId")
        agent = await decider.credited()
        first_name, last_names = split_name(
            profile.name or "", family_name_first=call.configuration.family_name_first
        )
        event = GuideJsonEvent(
            customer_id=profile.id,
            conversation_id=decider.facts.closing.conversation_id,
            customer_first_name=first_name,
            customer_last_names=last_names,
            customer_email_address=profile.email_address or "",
            agent_id=agent.agent_id,
            inbox_id=inbox_id,
        )
        fields: dict[str, str] = msgspec.to_builtins(event)
        return fields, {**fields, CREDITED: agent.why}


async def _wait_or_go(decider: Decider, *, whenever: bool = False) -> Wait | None:
    """Wait for the quiet hours to be over, or go on.

    Raises:
        Skip: a rule has something against asking.
        Retry, Permanent: it cannot be found out.
    """
    verdict = await decider.verdict(whenever=whenever)
    if isinstance(verdict, Reason):
        raise Skip(verdict)
    return None if verdict is None else Wait(verdict.until, verdict.reason.code, verdict.reason.words)


def _closing(call: TaskCall[SendJsonEvent]) -> Closing:
    told = call.fields
    return Closing(
        key=call.key,
        account_id=call.configuration.gladly_account,
        customer_id=told.get("customerId", ""),
        conversation_id=told.get("conversationId", ""),
        workflow_id=call.workflow_id or "",
        run_id=call.run_id,
        agent_id=told.get("agentId", ""),
        inbox_id=told.get("inboxId", ""),
        closed_at=_moment(told.get("closedAt", "")),
        initiator_type=told.get("initiatorType", ""),
        initiator_id=told.get("initiatorId", ""),
    )


def _moment(text: str) -> datetime | None:
    """When it was closed; events of other kinds may have anything under this name, or nothing."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
