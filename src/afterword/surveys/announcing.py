"""Telling subscribers of responses, in Qualtrics' words."""

from datetime import UTC

from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.directory.contacts import find_lookup_id
from afterword.qualtrics.envelope import BRAND
from afterword.subscriptions.outbox import announce, somebody_listens
from afterword.subscriptions.topics import COMPLETED_RESPONSE
from afterword.surveys.models import Response

CONTEXT = "responseeventcontext"
"""Embedded Data of this name, in any case, goes with the event."""
LONGEST_CONTEXT = 50


async def announce_response(
    connection: AsyncConnection, response: Response, *, contact_id: str | None, mailing_list_id: str | None
) -> None:
    """Have subscribers told of a complete response, or of a change of it, in the caller's transaction.

    Qualtrics documents no topic of its own for a change (unsure what it does): it is told as complete again.
    """
    if not await somebody_listens(connection, COMPLETED_RESPONSE, response.survey_id):
        return
    recipient = None
    if contact_id is not None and mailing_list_id is not None:
        recipient = await find_lookup_id(connection, mailing_list_id, contact_id)
    context = next(
        (value for name, value in response.embedded_data.items() if name.casefold() == CONTEXT), None
    )
    message = {
        "Status": "Complete",
        "SurveyID": response.survey_id,
        "RecipientID": recipient,
        "ResponseEventContext": context and context[:LONGEST_CONTEXT],
        "DistributionID": response.invitation_id,
        "ResponseID": response.id,
        "CompletedDate": (response.modified_at or response.recorded_at)
        .astimezone(UTC)
        .strftime("%Y-%m-%d %H:%M:%S"),
        "DistributionChannel": response.channel,
        "BrandID": BRAND,
    }
    known = {name: value for name, value in message.items() if value}
    await announce(connection, COMPLETED_RESPONSE, response.survey_id, known)
