"""What Gladly's API sends and takes, as far as Afterword looks at it.

Gladly may add fields and values at any time: fields that are not here are ignored, values that may grow are
plain text.
"""

import base64
import uuid
from datetime import datetime
from typing import Generic, Literal, TypeVar

import msgspec

from afterword.gladly.markup import rich_markup
from afterword.gladly.texts import (
    LINK_TEXT_LENGTH,
    SOURCE_NAME_LENGTH,
    TASK_BODY_LENGTH,
    TITLE_LENGTH,
    one_line,
    rich_content,
)
from afterword.gladly.times import rfc3339_millis

T = TypeVar("T")

ITEM_IDS = uuid.UUID("8f1f5d0a-4c0e-5d43-9a53-6d1c6f2b7c11")


class Organization(msgspec.Struct, frozen=True, rename="camel"):
    """The organization that the credentials belong to; ``id`` tells whether two accounts are the same one."""

    id: str
    name: str | None = None
    login_domain: str | None = None
    timezone: str | None = None
    gladly_url: str | None = None


class Agent(msgspec.Struct, frozen=True, rename="camel"):
    """An agent; ``name`` is one text, first and last name."""

    id: str
    name: str | None = None
    email_address: str | None = None


class Inbox(msgspec.Struct, frozen=True):
    """An inbox."""

    id: str
    name: str | None = None
    disabled: bool | None = None


class Topic(msgspec.Struct, frozen=True, rename="camel"):
    """A topic; ``parent_id`` makes them a tree. Names may not be unique (unsure; Gladly's pages disagree)."""

    id: str
    name: str | None = None
    disabled: bool | None = None
    parent_id: str | None = None


class Email(msgspec.Struct, frozen=True):
    """One of a customer's addresses; ``original`` is as somebody entered it."""

    original: str | None = None
    normalized: str | None = None
    primary: bool | None = None


class CustomerProfile(msgspec.Struct, frozen=True):
    """A customer. After a merge ``id`` is another than the one that was asked for."""

    id: str
    name: str | None = None
    emails: list[Email] | None = None

    @property
    def email_address(self) -> str | None:
        """The primary address, else the first; ``None`` when there is none."""
        by_rank = sorted(self.emails or [], key=lambda email: not email.primary)
        originals = ((email.original or "").strip() for email in by_rank)
        return next(filter(None, originals), None)


class Conversation(msgspec.Struct, frozen=True, rename="camel"):
    """A conversation as it is now. ``status`` is OPEN, WAITING or CLOSED, or whatever Gladly adds."""

    id: str
    customer_id: str
    inbox_id: str | None = None
    agent_id: str | None = None
    status: str | None = None
    topic_ids: list[str] | None = None
    created_at: datetime | None = None
    closed_at: datetime | None = None


class Assignee(msgspec.Struct, frozen=True, rename="camel"):
    """Who has a conversation or a task: an inbox, and perhaps an agent of it."""

    inbox_id: str
    agent_id: str | None = None


class ConversationStatus(msgspec.Struct, frozen=True):
    """What a conversation is set to: CLOSED or OPEN, which is all that can be set.

    Without ``force`` Gladly refuses to close while the customer waits for an answer.
    """

    value: Literal["CLOSED", "OPEN"]
    force: bool = False


class ConversationChanges(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is changed of a conversation: who has it (an ``agent_id`` of ``None`` takes it from its agent), its status.

    Gladly refuses to assign a closed one, an agent who does not belong to the inbox, and, where the organization wants
    topics, to close one without.
    """

    assignee: Assignee | msgspec.UnsetType = msgspec.UNSET
    status: ConversationStatus | msgspec.UnsetType = msgspec.UNSET


class Limited(msgspec.Struct, Generic[T], frozen=True):
    """A list; ``is_cut`` tells that Gladly has more of it than it ever answers."""

    items: list[T]
    is_cut: bool = False


class Participant(msgspec.Struct, frozen=True):
    """Who did something: ``type`` is AGENT, API, AUTOMATION, CUSTOMER, SYSTEM …, and Gladly may add some."""

    id: str | None = None
    type: str | None = None


class ConversationMoment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a conversation, as Gladly's records tell it; what they do not tell is ``None``.

    ``type`` is that of the webhooks' event (``CONVERSATION/CLOSED``), ``at`` is in UTC. Inbox and agent are those who
    had the conversation just before. Records have no id of an event; ``item_id`` is that of the conversation's item.
    """

    at: datetime
    type: str
    conversation_id: str
    customer_id: str | None = None
    initiator_type: str | None = None
    initiator_id: str | None = None
    inbox_id: str | None = None
    agent_id: str | None = None
    topic_id: str | None = None
    item_id: str | None = None


class Webhook(msgspec.Struct, frozen=True, rename="camel"):
    """A webhook that is set up in Gladly, without its secrets, which Gladly never shows."""

    id: str
    url: str
    name: str | None = None
    events: list[str] | None = None
    enabled: bool | None = None
    has_credentials: bool | None = None
    header_keys: list[str] | None = None
    disabled_at_due_to_retry_limit: datetime | None = None


class WebhookLogin(msgspec.Struct, frozen=True):
    """What Gladly sends by basic authentication."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "WebhookLogin(…)"


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a webhook is created with (``url`` and ``events`` at least), or what is changed of one.

    Gladly sends a PING when a webhook is enabled or its ``url`` changes, and refuses when the PING is not
    answered with 200. ``url`` must be https and no other webhook's.
    """

    url: str | msgspec.UnsetType = msgspec.UNSET
    events: list[str] | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    credentials: WebhookLogin | msgspec.UnsetType = msgspec.UNSET
    headers: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET

    def __repr__(self) -> str:
        return f"WebhookSettings(name={self.name!r}, events={self.events!r}, enabled={self.enabled!r}, …)"


class Link(msgspec.Struct, frozen=True):
    """Where a customer activity leads."""

    url: str
    text: str


ActivityType = Literal["EMAIL", "ISSUE", "SMS", "SURVEY"]


class CustomerActivity(msgspec.Struct, frozen=True, kw_only=True):
    """A card on a customer's timeline, in plain text: it is cut to Gladly's lengths and escaped when it is
    sent. A body that ``is_rich`` is Gladly's rich content already, of which other markup is left out.

    It belongs to the customer and not to a conversation. ``occurred_at`` (not older than a year) is its place
    on the timeline; without it that is when Gladly received it.
    """

    activity_type: ActivityType
    title: str
    body: str
    is_rich: bool = False
    source_name: str = ""
    link: Link | None = None
    expand_by_default: bool = False
    occurred_at: datetime | None = None


class CreatedItem(msgspec.Struct, frozen=True):
    """What became of an item. ``already_there``: an earlier attempt had made it. ``customer_id``: whose it is
    now.
    """

    id: str
    customer_id: str
    already_there: bool = False


class NewTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task for agents, in plain text: it is cut to Gladly's length and escaped when it is sent.

    ``due_at`` has to be in the future when Gladly receives it.
    """

    body: str
    due_at: datetime
    inbox_id: str
    agent_id: str | None = None


class CreatedTask(msgspec.Struct, frozen=True):
    """What became of a task. ``already_there``: an earlier attempt had made it. ``customer_id``: whose it is."""

    id: str
    customer_id: str
    already_there: bool = False


class Task(msgspec.Struct, frozen=True, rename="camel"):
    """A task as it is now. ``status`` is OPEN or CLOSED, or whatever Gladly adds."""

    id: str
    customer_id: str
    assignee: Assignee | None = None
    body: str | None = None
    due_at: datetime | None = None
    status: str | None = None


def item_id(key: str) -> str:
    """An id of ours for a conversation item, the same for the same key: 22 letters, as Gladly's own ids
    are.
    """
    return base64.urlsafe_b64encode(uuid.uuid5(ITEM_IDS, key).bytes).rstrip(b"=").decode()


class _Content(msgspec.Struct, rename="camel", omit_defaults=True, tag_field="type", tag="CUSTOMER_ACTIVITY"):
    activity_type: str
    title: str
    body: str
    source_name: str | None = None
    link: Link | None = None
    expand_by_default: bool = False
    occurred_at: str | None = None


class _Item(msgspec.Struct):
    id: str
    content: _Content


def encode_activity(item_id: str, activity: CustomerActivity) -> bytes:
    """The request that creates a customer activity with an id of ours."""
    link = activity.link and Link(activity.link.url, one_line(activity.link.text, LINK_TEXT_LENGTH))
    content = _Content(
        activity_type=activity.activity_type,
        title=one_line(activity.title, TITLE_LENGTH),
        body=rich_markup(activity.body) if activity.is_rich else rich_content(activity.body),
        source_name=one_line(activity.source_name, SOURCE_NAME_LENGTH) or None,
        link=link,
        expand_by_default=activity.expand_by_default,
        occurred_at=None if activity.occurred_at is None else rfc3339_millis(activity.occurred_at),
    )
    return msgspec.json.encode(_Item(item_id, content))


class _Task(msgspec.Struct, rename="camel"):
    id: str
    assignee: Assignee
    body: str
    due_at: str


def encode_task(task_id: str, task: NewTask) -> bytes:
    """The request that creates a task with an id of ours."""
    return msgspec.json.encode(
        _Task(
            task_id,
            Assignee(task.inbox_id, task.agent_id),
            rich_content(task.body, TASK_BODY_LENGTH),
            rfc3339_millis(task.due_at),
        )
    )


def encode_note(text: str) -> bytes:
    """The request that makes a note of a plain text.

    Gladly documents the body in two places at once; each is read by those who read that one (unsure which it is).
    """
    body = rich_content(text)
    return msgspec.json.encode({"body": body, "content": {"body": body}})
