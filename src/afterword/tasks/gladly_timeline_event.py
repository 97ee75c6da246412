"""Gladly: timeline event. The score and the comment put where the agents look."""

from typing import Annotated

import msgspec
from msgspec import Meta

from afterword.gladly.models import CustomerActivity, item_id
from afterword.gladly.texts import SOURCE_NAME_LENGTH, TITLE_LENGTH, one_line
from afterword.outcomes import Permanent, Reason, Skip
from afterword.tasks.contract import Done, Piped, Plan, Repetition, TaskCall
from afterword.tasks.fields import LONGEST_TEMPLATE, MULTILINE, GladlyAccountId
from afterword.tasks.services import Services

NO_CUSTOMER = Reason("response-names-no-customer", "the response names no customer of Gladly")
NOT_A_RESPONSE = Reason("not-a-survey-response", "the run was not started by a survey response")


class GladlyTimelineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration, in the order of the vendor's form: account, title, body; and whose timeline it is."""

    account: GladlyAccountId
    customer_id: Annotated[
        str,
        Piped(),
        Meta(
            title="Customer ID",
            description="The Gladly customer whose timeline it goes on.",
            examples=["${e://Field/CustomerId}"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = "${e://Field/CustomerId}"
    title: Annotated[
        str,
        Piped(),
        Meta(
            title="Title",
            description="The card's title; cut at 100 characters.",
            examples=["CSAT Score: ${q://QID1/SelectedChoicesRecode}"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = "CSAT Score: ${q://QID1/SelectedChoicesRecode}"
    body: Annotated[
        str,
        Piped(),
        Meta(
            title="Body",
            description="The card's text; cut at 25,000 characters.",
            examples=["Customer Feedback: ${q://QID2/ChoiceTextEntryValue}"],
            max_length=LONGEST_TEMPLATE,
            extra_json_schema=MULTILINE,
        ),
    ] = "Customer Feedback: ${q://QID2/ChoiceTextEntryValue}"
    source_name: Annotated[
        str,
        Piped(),
        Meta(
            title="Source name",
            description="Whom the card says it is from; cut at 50 characters.",
            examples=["Afterword"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = "Afterword"


class GladlyTimelineEventTask:
    """The task type. The item's id comes from the response, and Gladly takes an id only once."""

    name = "gladly-timeline-event"
    label = "Gladly: timeline event"
    repetition = Repetition.IDEMPOTENT
    repeats_when_unknown = True
    configuration = GladlyTimelineEvent

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts

    def outputs(self, _: GladlyTimelineEvent) -> tuple[str, ...]:
        """The item, whose timeline it is on, and the response it tells of."""
        return ("itemId", "customerId", "responseId", "alreadyThere")

    async def plan(self, call: TaskCall[GladlyTimelineEvent]) -> Plan:
        """The card as it would be; Gladly is asked whether the customer is there, and the card."""
        wanted, own_id = call.configuration, _item_id(call)
        gladly = await self._accounts.gladly(wanted.account)
        customer = await gladly.customer_profile(wanted.customer_id)
        is_there = await gladly.has_item(own_id)
        output = _output(call, own_id, customer.id, already_there=is_there)
        return Plan(_sent(wanted), output, repeats=is_there)

    async def run(self, call: TaskCall[GladlyTimelineEvent]) -> Done:
        """Create the Customer Activity; one that is there already is success."""
        wanted, own_id = call.configuration, _item_id(call)
        activity = CustomerActivity(
            activity_type="SURVEY", title=wanted.title, body=wanted.body, source_name=wanted.source_name
        )
        gladly = await self._accounts.gladly(wanted.account)
        created = await gladly.create_activity(wanted.customer_id, activity, item_id=own_id)
        output = _output(call, created.id, created.customer_id, already_there=created.already_there)
        return Done(output, sent=_sent(wanted))


def _item_id(call: TaskCall[GladlyTimelineEvent]) -> str:
    if call.survey_response_id is None:
        raise Permanent(NOT_A_RESPONSE)
    if not call.configuration.customer_id:
        raise Skip(NO_CUSTOMER)
    return item_id(f"{call.survey_response_id}/{call.task_id}")


def _output(
    call: TaskCall[GladlyTimelineEvent], own_id: str, customer_id: str, *, already_there: bool
) -> dict[str, object]:
    return {
        "itemId": own_id,
        "customerId": customer_id,
        "responseId": call.survey_response_id,
        "alreadyThere": already_there,
    }


def _sent(wanted: GladlyTimelineEvent) -> dict[str, str]:
    return {
        "customerId": wanted.customer_id,
        "title": one_line(wanted.title, TITLE_LENGTH),
        "body": wanted.body,
        "sourceName": one_line(wanted.source_name, SOURCE_NAME_LENGTH),
    }
