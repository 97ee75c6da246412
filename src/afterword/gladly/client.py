"""All that is asked of Gladly's REST API, one account each.

Every call waits for its turn in the organization's rate budget, is made once, and ends in a typed answer or in one
of the errors of ``errors.py``; nobody above sees an HTTP library's exception. How a call is made stands in
``calling.py``, what is read of the past in ``past.py``.
"""

from collections.abc import Sequence

import msgspec

from afterword.gladly.calling import HasId, check_own_id, following_merges
from afterword.gladly.errors import GladlyNotFound, GladlyTaken
from afterword.gladly.items import ConversationItem
from afterword.gladly.models import (
    Agent,
    Conversation,
    ConversationChanges,
    CreatedItem,
    CreatedTask,
    CustomerActivity,
    CustomerProfile,
    Inbox,
    Limited,
    NewTask,
    Organization,
    Task,
    Topic,
    Webhook,
    WebhookSettings,
    encode_activity,
    encode_note,
    encode_task,
)
from afterword.gladly.past import PastCalls

ITEM = "/api/v1/conversation-items/{id}"


class GladlyClient(PastCalls):
    """One connected Gladly account. Connections are opened with the first call; ``close()`` closes them.

    ``budget_name`` is what all clients of the same organization have in common: its id, or, where that is not known,
    the connected account's. ``requests_per_second`` is the most that is made use of for each HTTP method; without it,
    what Gladly's headers tell. ``use`` is who calls: each has its share. ``watch`` is asked before each call and told
    after it. All calls raise the errors of ``errors.py``, what the watch raises in
    their place, and what the budget raises when the wait would be too long.

    Raises:
        InvalidAddress: ``base_address`` is not an address of Gladly's.
    """

    async def organization(self) -> Organization:
        """The organization that the credentials belong to: tells whether they are right."""
        return await self._get("/api/v1/organization", Organization)

    async def customer_profile(self, customer_id: str) -> CustomerProfile:
        """A customer; of one who was merged into another, that other."""

        async def get(customer_id: str) -> CustomerProfile:
            return await self._get("/api/v1/customer-profiles/{id}", CustomerProfile, customer_id)

        return await following_merges(get, customer_id)

    async def customers_with_email(self, email: str) -> Limited[CustomerProfile]:
        """The customers with this address, the one that was changed last first: one, as a rule, or none.

        Raises:
            GladlyInvalid: it is no address.
        """
        return await self._get_limited("/api/v1/customer-profiles", CustomerProfile, query=[("email", email)])

    async def conversations_of(self, customer_id: str) -> Limited[Conversation]:
        """A customer's conversations, the oldest first, at most 100; of one who was merged, that other's."""

        async def get(customer_id: str) -> Limited[Conversation]:
            template = "/api/v1/customers/{id}/conversations"
            return await self._get_limited(template, Conversation, customer_id)

        return await following_merges(get, customer_id)

    async def conversation(self, conversation_id: str) -> Conversation:
        """A conversation as it is now. When two customers are merged, one of their open conversations is
        gone.
        """
        return await self._get("/api/v1/conversations/{id}", Conversation, conversation_id)

    async def conversation_items(self, conversation_id: str) -> Limited[ConversationItem]:
        """What was said and what happened in a conversation, the oldest first, at most 1,000 items."""
        template = "/api/v1/conversations/{id}/items"
        return await self._get_limited(template, ConversationItem, conversation_id)

    async def update_conversation(self, conversation_id: str, changes: ConversationChanges) -> None:
        """Change what is set in ``changes``, and leave the rest. Twice is once.

        Raises:
            GladlyInvalid: Gladly's rules are against it; its ``code`` is then mostly ``invalid_state``.
        """
        body = msgspec.json.encode(changes)
        await self._call("PATCH", "/api/v1/conversations/{id}", conversation_id, body=body)

    async def create_note(self, conversation_id: str, text: str) -> str:
        """Put a note, in plain text, into a conversation and answer its id.

        It takes no id of ours: not to be repeated after an unknown outcome.
        """
        template = "/api/v1/conversations/{id}/notes"
        answer = await self._call("POST", template, conversation_id, body=encode_note(text))
        return self._created(template, answer)

    async def agents(self) -> list[Agent]:
        """All agents; Gladly pages none of its lists."""
        return await self._get("/api/v1/agents", list[Agent])

    async def agent(self, agent_id: str) -> Agent:
        """An agent."""
        return await self._get("/api/v1/agents/{id}", Agent, agent_id)

    async def inboxes(self) -> list[Inbox]:
        """All inboxes."""
        return await self._get("/api/v1/inboxes", list[Inbox])

    async def inbox(self, inbox_id: str) -> Inbox:
        """An inbox."""
        return await self._get("/api/v1/inboxes/{id}", Inbox, inbox_id)

    async def topics(self) -> list[Topic]:
        """All topics."""
        return await self._get("/api/v1/topics", list[Topic])

    async def topic(self, topic_id: str) -> Topic:
        """A topic."""
        return await self._get("/api/v1/topics/{id}", Topic, topic_id)

    async def add_topics(self, conversation_id: str, topic_ids: Sequence[str]) -> None:
        """Add topics to a conversation; those that it has are left as they are.

        Gladly's help pages say that topics change only while the conversation is open; what its API answers
        otherwise is unsure.
        """
        body = msgspec.json.encode({"topicIds": topic_ids})
        await self._call("POST", "/api/v1/conversations/{id}/topics", conversation_id, body=body)

    async def task(self, task_id: str) -> Task:
        """A task as it is now."""
        return await self._get("/api/v1/tasks/{id}", Task, task_id)

    async def create_task(self, customer_id: str, task: NewTask, *, task_id: str) -> CreatedTask:
        """Create a task for a customer, once: with the same ``task_id`` a second call changes nothing.

        Gladly answers 409 *taken* for an id that is in use, which here is success. What it answers for a customer
        who was merged into another is unsure; where it tells the other, the task is that one's. ``task_id`` is ours
        (``models.item_id``): under 50 URL-safe characters.
        """
        check_own_id(task_id, "task_id")
        body = encode_task(task_id, task)

        async def create(customer_id: str) -> CreatedTask:
            try:
                await self._call("POST", "/api/v1/customers/{id}/tasks", customer_id, body=body)
            except GladlyTaken as error:
                if error.code == "taken":
                    return CreatedTask(task_id, customer_id, already_there=True)
                raise
            return CreatedTask(task_id, customer_id)

        return await following_merges(create, customer_id)

    async def has_item(self, item_id: str) -> bool:
        """Whether there is a conversation item of this id."""
        try:
            await self._call("GET", ITEM, item_id)
        except GladlyNotFound:
            return False
        return True

    async def item(self, item_id: str) -> ConversationItem:
        """A conversation item.

        Raises:
            GladlyInvalid: it is there, and Gladly's API does not tell its kind.
        """
        return await self._get(ITEM, ConversationItem, item_id)

    async def item_as_sent(self, item_id: str) -> dict[str, object]:
        """A conversation item with all that Gladly says of it, in Gladly's form: for people to look at.

        Raises:
            GladlyInvalid: as :meth:`item`.
        """
        return await self._get(ITEM, dict[str, object], item_id)

    async def delete_item(self, item_id: str) -> bool:
        """Delete a customer activity, the only kind that can be; false when there is none of this id, or no more."""
        try:
            await self._call("DELETE", ITEM, item_id)
        except GladlyNotFound:
            return False
        return True

    async def create_activity(
        self, customer_id: str, activity: CustomerActivity, *, item_id: str
    ) -> CreatedItem:
        """Put a card on a customer's timeline, once: with the same ``item_id`` a second call changes nothing.

        Gladly answers 409 *taken* for an id that is in use, which here is success. The card of a customer who
        was merged into another goes to that other. ``item_id`` is ours (``models.item_id``): under 50
        URL-safe characters.
        """
        check_own_id(item_id, "item_id")
        body = encode_activity(item_id, activity)

        async def create(customer_id: str) -> CreatedItem:
            template = "/api/v1/customers/{id}/conversation-items"
            try:
                answer = await self._call("POST", template, customer_id, body=body)
            except GladlyTaken as error:
                if error.code == "taken":
                    return CreatedItem(item_id, customer_id, already_there=True)
                raise
            return CreatedItem(self._read("POST", template, answer, HasId).id, customer_id)

        return await following_merges(create, customer_id)

    async def webhooks(self) -> list[Webhook]:
        """The organization's webhooks, ours and others', at most 20."""
        return await self._get("/api/v1/webhooks", list[Webhook])

    async def webhook(self, webhook_id: str) -> Webhook:
        """A webhook."""
        return await self._get("/api/v1/webhooks/{id}", Webhook, webhook_id)

    async def create_webhook(self, settings: WebhookSettings) -> str:
        """Create a webhook and answer its id. It is disabled unless ``enabled`` is set.

        Not to be repeated blindly after an unknown outcome: look whether one with this ``url`` is there.
        """
        template = "/api/v1/webhooks"
        answer = await self._call("POST", template, body=msgspec.json.encode(settings))
        return self._created(template, answer)

    async def update_webhook(self, webhook_id: str, changes: WebhookSettings) -> None:
        """Change what is set in ``changes``, and leave the rest."""
        await self._call("PATCH", "/api/v1/webhooks/{id}", webhook_id, body=msgspec.json.encode(changes))

    async def enable_webhook(self, webhook_id: str) -> None:
        """Have a webhook deliver; Gladly sends a PING first and refuses when it is not answered with 200."""
        await self.update_webhook(webhook_id, WebhookSettings(enabled=True))

    async def disable_webhook(self, webhook_id: str) -> None:
        """Have a webhook deliver no more."""
        await self.update_webhook(webhook_id, WebhookSettings(enabled=False))

    async def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook, which must be disabled."""
        await self._call("DELETE", "/api/v1/webhooks/{id}", webhook_id)
