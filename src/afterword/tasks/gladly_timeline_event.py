"""Gladly: timeline event. The score and the comment put where the agents look.

A Response is one card, also when it changes: each version of it has an item of its own, and the item of the version
before is deleted when the new one is there (``timeline_items.py`` says how that holds whatever dies when).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from afterword.gladly.client import GladlyClient
from afterword.gladly.models import CustomerActivity, item_id
from afterword.gladly.texts import LINK_TEXT_LENGTH, SOURCE_NAME_LENGTH, TITLE_LENGTH, one_line
from afterword.outcomes import Outcome, Permanent, Reason, Retry, Skip
from afterword.tasks.contract import (
    Done,
    Plan,
    Repetition,
    SurveyResponseState,
    TaskCall,
    Wait,
)
from afterword.tasks.services import Services
from afterword.tasks.timeline_card import GladlyTimelineEvent
from afterword.tasks.timeline_items import Item, TimelineItems
from afterword.translating import N_

NO_CUSTOMER = Reason("response-names-no-customer", N_("the response names no customer of Gladly"))
NOT_A_RESPONSE = Reason("not-a-survey-response", N_("the run was not started by a survey response"))

LOOK_AGAIN = timedelta(seconds=5)


class GladlyTimelineEventTask:
    """The task type. An item's id comes from the response and its version, and Gladly takes an id only once."""

    name = "gladly-timeline-event"
    label = N_("Gladly: timeline event")
    summary = N_("The score and the comment put where the agents look.")
    repetition = Repetition.IDEMPOTENT
    repeats_when_unknown = True
    configuration = GladlyTimelineEvent

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts
        self._database = services.database

    def outputs(self, _: GladlyTimelineEvent) -> tuple[str, ...]:
        """The item, whose timeline it is on, the response it tells of and that one's version."""
        return ("itemId", "customerId", "responseId", "version", "alreadyThere")

    async def plan(self, call: TaskCall[GladlyTimelineEvent]) -> Plan:
        """The card as it would be; Gladly is asked whether the customer is there, and the card."""
        wanted, response = call.configuration, _response(call)
        own_id = _item_id(response, call.task_id)
        gladly = await self._accounts.gladly(wanted.account)
        customer = await gladly.customer_profile(wanted.customer_id)
        is_there = await gladly.has_item(own_id)
        output = _output(response, own_id, customer.id, already_there=is_there)
        return Plan(_sent(wanted, wanted.card(response)), output, repeats=is_there)

    async def run(self, call: TaskCall[GladlyTimelineEvent]) -> Done | Wait:
        """Create the Customer Activity, or find it there; then delete those of the versions before."""
        wanted, response = call.configuration, _response(call)
        until = wanted.waits_until(response)
        if until is not None:
            return Wait(
                until,
                "response-not-finished",
                "the answer may still change; the card is posted when the response is finished, or then",
            )
        own_id = _item_id(response, call.task_id)
        gladly = await self._accounts.gladly(wanted.account)
        items = TimelineItems(
            self._database, account=wanted.account, response_id=response.id, task_id=call.task_id
        )
        is_new = await items.want(response.version, own_id, wanted.customer_id)
        newer = [item for item in await items.read() if item.version > response.version]
        if newer:
            await (items.forget(response.version) if is_new else items.give_up(response.version))
            return await self._leave_to(newer[-1], response, items, gladly)
        card = wanted.card(response)
        try:
            created = await gladly.create_activity(wanted.customer_id, card, item_id=own_id)
        except Outcome as outcome:
            if not isinstance(outcome, Retry) or not outcome.outcome_unknown:
                await items.give_up(response.version)
            raise
        await items.note_there(response.version, created.customer_id)
        there = await items.read()
        if all(
            item.version != response.version for item in there
        ):  # a newer card's run took it away meanwhile
            await gladly.delete_item(own_id)
            return _newer_under_way()
        output = _output(response, created.id, created.customer_id, already_there=created.already_there)
        return await _tidied(items, there, gladly) or Done(output, sent=_sent(wanted, card))

    async def _leave_to(
        self, newer: Item, response: SurveyResponseState, items: TimelineItems, gladly: GladlyClient
    ) -> Done | Wait:
        """The response has changed since this run read it: nothing older may take the place of what is newer."""
        if not newer.is_there:
            return _newer_under_way()
        output = _output(response, newer.item_id, newer.customer_id, already_there=True)
        done = Done({**output, "version": newer.version})
        return await _tidied(items, await items.read(), gladly) or done


def _newer_under_way() -> Wait:
    return Wait(
        datetime.now(UTC) + LOOK_AGAIN,
        "timeline-item-newer-under-way",
        "the response has changed, and a newer card of it is under way",
    )


async def _tidied(items: TimelineItems, known: Iterable[Item], gladly: GladlyClient) -> Wait | None:
    """Delete what is older than the newest item that is there; a wait, when one of them may still be about to come."""
    known = tuple(known)
    newest = max((item.version for item in known if item.is_there), default=0)
    is_whole = True
    for item in known:
        if item.version < newest:
            await gladly.delete_item(item.item_id)
            if item.is_settled:
                await items.forget(item.version)
            else:
                is_whole = False
    if is_whole:
        return None
    return Wait(
        datetime.now(UTC) + LOOK_AGAIN,
        "timeline-item-older-under-way",
        "the card is there; an older one of the same response was under way, and is deleted should it come",
    )


def _response(call: TaskCall[GladlyTimelineEvent]) -> SurveyResponseState:
    if call.survey_response is None:
        raise Permanent(NOT_A_RESPONSE)
    if not call.configuration.customer_id:
        raise Skip(NO_CUSTOMER)
    return call.survey_response


def _item_id(response: SurveyResponseState, task_id: str) -> str:
    key = f"{response.id}/{task_id}"
    return item_id(key if response.version == 1 else f"{key}/{response.version}")


def _output(
    response: SurveyResponseState, own_id: str, customer_id: str, *, already_there: bool
) -> dict[str, object]:
    return {
        "itemId": own_id,
        "customerId": customer_id,
        "responseId": response.id,
        "version": response.version,
        "alreadyThere": already_there,
    }


def _sent(wanted: GladlyTimelineEvent, card: CustomerActivity) -> dict[str, str]:
    occurred_at = None if card.occurred_at is None else card.occurred_at.isoformat(timespec="milliseconds")
    fields = {
        "customerId": wanted.customer_id,
        "activityType": card.activity_type,
        "title": one_line(card.title, TITLE_LENGTH),
        "body": card.body,
        "sourceName": one_line(card.source_name, SOURCE_NAME_LENGTH),
        "link": "" if card.link is None else card.link.url,
        "linkText": "" if card.link is None else one_line(card.link.text, LINK_TEXT_LENGTH),
        "expandByDefault": "true" if card.expand_by_default else "",
        "occurredAt": "when it is posted" if wanted.time == "posted" else occurred_at or "",
    }
    return {name: value for name, value in fields.items() if value or name in {"title", "body"}}
