"""Gladly: add topics. What a conversation was about, put where Gladly's reports count it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from afterword.gladly.client import GladlyClient
from afterword.gladly.errors import GladlyInvalid
from afterword.gladly.models import Topic
from afterword.outcomes import Permanent, Reason, Skip
from afterword.tasks.contract import Done, Piped, Plan, Repetition, TaskCall
from afterword.tasks.fields import LONGEST_TEMPLATE, GladlyAccountId
from afterword.tasks.services import Services
from afterword.translating import N_

MOST_TOPICS = 50
CLOSED = "CLOSED"
WRONG_STATE = "invalid_state"

NO_CONVERSATION = Reason(
    "no-conversation", N_("the conversation ID is empty: what started the run names no conversation")
)
NO_TOPIC = Reason("no-topic", N_("none of the topics has a value"))
NOT_OPEN = Reason(
    "gladly-conversation-not-open",
    N_(
        "the conversation is closed, and Gladly changes topics only while it is open; start the workflow earlier"
    ),
)


class GladlyAddTopics(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration: the account, the conversation, and the topics to add to it."""

    account: GladlyAccountId
    conversation_id: Annotated[
        str,
        Piped(),
        Meta(
            title=N_("Conversation ID"),
            description=N_("The Gladly conversation that gets the topics; it has to be open."),
            examples=["${e://Field/ConversationId}", "~{aedj://conversationId}"],
            max_length=LONGEST_TEMPLATE,
        ),
    ] = "${e://Field/ConversationId}"
    topics: Annotated[
        tuple[Annotated[str, Meta(max_length=LONGEST_TEMPLATE)], ...],
        Piped(),
        Meta(
            title=N_("Topics"),
            description=N_("Each by its name or its id in Gladly; empty ones are left out."),
            examples=[["Refund", "Delivery late"]],
            min_length=1,
            max_length=MOST_TOPICS,
        ),
    ]


class GladlyAddTopicsTask:
    """The task type. Gladly leaves a topic that the conversation has as it is, so that twice is once."""

    name = "gladly-add-topics"
    label = N_("Gladly: add topics")
    summary = N_("What a conversation was about, put where Gladly's reports count it.")
    repetition = Repetition.IDEMPOTENT
    repeats_when_unknown = True
    configuration = GladlyAddTopics

    def __init__(self, services: Services) -> None:
        self._accounts = services.accounts
        self._names = services.accounts.gladly_names

    def outputs(self, _: GladlyAddTopics) -> tuple[str, ...]:
        """The conversation, and the topics that it now has by this task, as ids and as names."""
        return ("conversationId", "topicIds", "topics")

    async def plan(self, call: TaskCall[GladlyAddTopics]) -> Plan:
        """The topics that would be added; Gladly is asked for the conversation and for its topics."""
        gladly, topics = await self._prepare(call.configuration)
        conversation = await gladly.conversation(call.configuration.conversation_id)
        if conversation.status == CLOSED:
            raise Permanent(NOT_OPEN)
        told = _told(call.configuration, topics)
        has = set(conversation.topic_ids or ())
        return Plan(_sent(told), told, repeats={topic.id for topic in topics} <= has)

    async def run(self, call: TaskCall[GladlyAddTopics]) -> Done:
        """Add them."""
        gladly, topics = await self._prepare(call.configuration)
        try:
            await gladly.add_topics(call.configuration.conversation_id, [topic.id for topic in topics])
        except GladlyInvalid as error:
            if error.code == WRONG_STATE:
                raise Permanent(NOT_OPEN) from None
            raise
        told = _told(call.configuration, topics)
        return Done(told, sent=_sent(told))

    async def _prepare(self, wanted: GladlyAddTopics) -> tuple[GladlyClient, list[Topic]]:
        if not wanted.conversation_id.strip():
            raise Skip(NO_CONVERSATION)
        names = [topic for topic in wanted.topics if topic.strip()]
        if not names:
            raise Skip(NO_TOPIC)
        gladly = await self._accounts.gladly(wanted.account)
        return gladly, await self._names.topics(wanted.account, gladly, names)


def _told(wanted: GladlyAddTopics, topics: list[Topic]) -> dict[str, object]:
    return {
        "conversationId": wanted.conversation_id,
        "topicIds": [topic.id for topic in topics],
        "topics": [topic.name or topic.id for topic in topics],
    }


def _sent(told: dict[str, object]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in told.items()
    }
