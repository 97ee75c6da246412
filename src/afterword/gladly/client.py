"""Calls to Gladly's REST API, one account each.

Every call waits for its turn in the account's rate budget, is made once, and ends in a typed answer or in one
of the errors of ``errors.py``; nobody above sees an HTTP library's exception.
"""

import base64
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from afterword.gladly.addresses import check_base_address
from afterword.gladly.errors import (
    GladlyMoved,
    GladlyNotFound,
    GladlyRateLimited,
    GladlyTaken,
    GladlyTimedOut,
    GladlyUnreachable,
    GladlyUnreadable,
    Told,
    error_for,
    read_refusal,
)
from afterword.gladly.models import (
    Agent,
    Conversation,
    CreatedItem,
    CreatedTask,
    CustomerActivity,
    CustomerProfile,
    Inbox,
    NewTask,
    Organization,
    Task,
    Topic,
    Webhook,
    WebhookSettings,
    encode_activity,
    encode_task,
)
from afterword.outgoing.calls import Answer, BrokenOff, Budget, Caller, Unreachable
from afterword.outgoing.masking import masked
from afterword.outgoing.watching import Unwatched, Watch, watched
from afterword.store.budgets import even_rate

PATIENCE = 30.0
"""Seconds that a call waits for its turn before it gives way: enough for 280 calls that wait with it."""
LONGEST_CHAIN_OF_MERGES = 5
GLADLY_ID = re.compile(r"(?=.*[^.])[\w~.-]{1,200}", re.ASCII)
LARGEST_ITEM_ID = 49

T = TypeVar("T")


class GladlyClient:
    """One connected Gladly account. Connections are opened with the first call; ``close()`` closes them.

    ``budget_name`` is what all clients of the same organization have in common (the connected account's id);
    ``requests_per_second`` is Gladly's limit for the organization and each HTTP method. ``watch`` is asked
    before each call and told after it. All calls raise the errors of ``errors.py``, what the watch raises in
    their place, and what the budget raises when the wait would be too long.

    Raises:
        InvalidAddress: ``base_address`` is not an address of Gladly's.
    """

    def __init__(
        self,
        base_address: str,
        username: str,
        api_token: str,
        *,
        budget: Budget,
        budget_name: str,
        requests_per_second: float = 10.0,
        patience: float = PATIENCE,
        caller: Caller | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._base = check_base_address(base_address)
        login = base64.b64encode(f"{username}:{api_token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}
        self._secrets = (api_token, login)
        self._budget = budget
        self._budget_name = budget_name
        self._rate = even_rate(requests_per_second)
        self._patience = patience
        self._caller = caller or Caller()
        self._watch = watch or Unwatched()

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()

    async def organization(self) -> Organization:
        """The organization that the credentials belong to: tells whether they are right."""
        return await self._get("/api/v1/organization", Organization)

    async def customer_profile(self, customer_id: str) -> CustomerProfile:
        """A customer; of one who was merged into another, that other."""

        async def get(customer_id: str) -> CustomerProfile:
            return await self._get("/api/v1/customer-profiles/{id}", CustomerProfile, customer_id)

        return await _following_merges(get, customer_id)

    async def conversation(self, conversation_id: str) -> Conversation:
        """A conversation as it is now. When two customers are merged, one of their open conversations is
        gone.
        """
        return await self._get("/api/v1/conversations/{id}", Conversation, conversation_id)

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

    async def add_topics(self, conversation_id: str, topic_ids: Sequence[str]) -> None:
        """Add topics to a conversation; those that it has are left as they are.

        Gladly's help pages say that topics change only while the conversation is open; what its API answers
        otherwise is unsure.
        """
        body = msgspec.json.encode({"topicIds": topic_ids})
        await self._call("POST", "/api/v1/conversations/{id}/topics", conversation_id, body)

    async def task(self, task_id: str) -> Task:
        """A task as it is now."""
        return await self._get("/api/v1/tasks/{id}", Task, task_id)

    async def create_task(self, customer_id: str, task: NewTask, *, task_id: str) -> CreatedTask:
        """Create a task for a customer, once: with the same ``task_id`` a second call changes nothing.

        Gladly answers 409 *taken* for an id that is in use, which here is success. What it answers for a customer
        who was merged into another is unsure; where it tells the other, the task is that one's. ``task_id`` is ours
        (``models.item_id``): under 50 URL-safe characters.
        """
        _check_own_id(task_id, "task_id")
        body = encode_task(task_id, task)

        async def create(customer_id: str) -> CreatedTask:
            try:
                await self._call("POST", "/api/v1/customers/{id}/tasks", customer_id, body)
            except GladlyTaken as error:
                if error.code == "taken":
                    return CreatedTask(task_id, customer_id, already_there=True)
                raise
            return CreatedTask(task_id, customer_id)

        return await _following_merges(create, customer_id)

    async def has_item(self, item_id: str) -> bool:
        """Whether there is a conversation item of this id."""
        try:
            await self._call("GET", "/api/v1/conversation-items/{id}", item_id)
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
        _check_own_id(item_id, "item_id")
        body = encode_activity(item_id, activity)

        async def create(customer_id: str) -> CreatedItem:
            template = "/api/v1/customers/{id}/conversation-items"
            try:
                answer = await self._call("POST", template, customer_id, body)
            except GladlyTaken as error:
                if error.code == "taken":
                    return CreatedItem(item_id, customer_id, already_there=True)
                raise
            return CreatedItem(self._read("POST", template, answer, _HasId).id, customer_id)

        return await _following_merges(create, customer_id)

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
        webhook_id = answer.headers.get("Location", "").rstrip("/").rpartition("/")[2]
        return webhook_id or self._read("POST", template, answer, _HasId).id

    async def update_webhook(self, webhook_id: str, changes: WebhookSettings) -> None:
        """Change what is set in ``changes``, and leave the rest."""
        await self._call("PATCH", "/api/v1/webhooks/{id}", webhook_id, msgspec.json.encode(changes))

    async def enable_webhook(self, webhook_id: str) -> None:
        """Have a webhook deliver; Gladly sends a PING first and refuses when it is not answered with 200."""
        await self.update_webhook(webhook_id, WebhookSettings(enabled=True))

    async def disable_webhook(self, webhook_id: str) -> None:
        """Have a webhook deliver no more."""
        await self.update_webhook(webhook_id, WebhookSettings(enabled=False))

    async def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook, which must be disabled."""
        await self._call("DELETE", "/api/v1/webhooks/{id}", webhook_id)

    async def _get(self, template: str, kind: type[T], id_: str | None = None) -> T:
        return self._read("GET", template, await self._call("GET", template, id_), kind)

    async def _call(
        self, method: str, template: str, id_: str | None = None, body: bytes | None = None
    ) -> Answer:
        """Make a call under watch; ``{id}`` in the template is the only thing that varies."""
        call = f"{method} {template}"
        if id_ is not None and not GLADLY_ID.fullmatch(id_):
            raise error_for(Told(call=call, status=404, words="the id has not the form of Gladly's ids"))
        path = template.format(id=id_)
        return await watched(self._watch, call, lambda: self._call_in_turn(call, method, path, body))

    async def _call_in_turn(self, call: str, method: str, path: str, body: bytes | None) -> Answer:
        budget_name = f"gladly/{self._budget_name}/{method}"
        await self._budget.wait_for_turn(budget_name, self._rate, 1.0, self._patience)
        try:
            answer = await self._caller.call(method, self._base + path, headers=self._headers, body=body)
        except Unreachable as error:
            raise GladlyUnreachable(Told(call=call, words=str(error))) from None
        except BrokenOff as error:
            raise GladlyTimedOut(Told(call=call, words=str(error))) from None
        if 200 <= answer.status < 300:  # noqa: PLR2004
            return answer
        outcome = error_for(
            read_refusal(
                call,
                answer.status,
                answer.text,
                location=answer.headers.get("Location"),
                after=answer.retry_after,
                secrets=self._secrets,
            )
        )
        if isinstance(outcome, GladlyRateLimited) and outcome.after:
            await self._budget.penalise(budget_name, outcome.after)
        raise outcome

    def _read(self, method: str, template: str, answer: Answer, kind: type[T]) -> T:
        call = f"{method} {template}"
        if answer.cut:
            raise GladlyUnreadable(Told(call=call, status=answer.status, words="it is longer than 5 MB"))
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            words = masked(str(error)) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
            raise GladlyUnreadable(Told(call=call, status=answer.status, words=words)) from None


class _HasId(msgspec.Struct, frozen=True):
    id: str


def _check_own_id(id_: str, name: str) -> None:
    if len(id_) > LARGEST_ITEM_ID or not GLADLY_ID.fullmatch(id_):
        raise ValueError(f"{name}: under 50 URL-safe characters")


async def _following_merges(call: Callable[[str], Awaitable[T]], customer_id: str) -> T:
    """Call for a customer, and for the one that it was merged into, and so on, a few times."""
    for _ in range(LONGEST_CHAIN_OF_MERGES):
        try:
            return await call(customer_id)
        except GladlyMoved as moved:
            if moved.new_id is None or moved.new_id == customer_id:
                raise
            customer_id = moved.new_id
    return await call(customer_id)
