"""Gladly: timeline event. The score and the comment put where the agents look."""

from typing import Annotated

import msgspec

from afterword.gladly.models import CustomerActivity, item_id
from afterword.outcomes import Permanent, Reason, Skip
from afterword.tasks.contract import Done, Piped, Repetition, TaskCall
from afterword.tasks.services import Services

NO_CUSTOMER = Reason("response-names-no-customer", "the response names no customer of Gladly")
NOT_A_RESPONSE = Reason("not-a-survey-response", "the run was not started by a survey response")


class GladlyTimelineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration, in the order of the vendor's form: account, title, body; and whose timeline it is."""

    account: str
    customer_id: Annotated[str, Piped()] = "${e://Field/CustomerId}"
    title: Annotated[str, Piped()] = "CSAT Score: ${q://QID1/SelectedChoicesRecode}"
    body: Annotated[str, Piped()] = "Customer Feedback: ${q://QID2/ChoiceTextEntryValue}"
    source_name: Annotated[str, Piped()] = "Afterword"


class GladlyTimelineEventTask:
    """The task type. The item's id comes from the response, and Gladly takes an id only once."""

    name = "gladly-timeline-event"
    label = "Gladly: timeline event"
    repetition = Repetition.IDEMPOTENT
    configuration = GladlyTimelineEvent

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts

    async def run(self, call: TaskCall[GladlyTimelineEvent]) -> Done:
        """Create the Customer Activity; one that is there already is success."""
        if call.survey_response_id is None:
            raise Permanent(NOT_A_RESPONSE)
        wanted = call.configuration
        if not wanted.customer_id:
            raise Skip(NO_CUSTOMER)
        activity = CustomerActivity(
            activity_type="SURVEY", title=wanted.title, body=wanted.body, source_name=wanted.source_name
        )
        gladly = await self._accounts.gladly(wanted.account)
        created = await gladly.create_activity(
            wanted.customer_id, activity, item_id=item_id(f"{call.survey_response_id}/{call.task_id}")
        )
        return Done(
            {
                "itemId": created.id,
                "customerId": created.customer_id,
                "responseId": call.survey_response_id,
                "alreadyThere": str(created.already_there).lower(),
            },
            sent={"title": wanted.title, "body": wanted.body},
        )
