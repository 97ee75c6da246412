"""What the files hold: one document each, of one of four kinds."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from afterword.accounts.connected import Delivery
from afterword.sending.brakes import Brakes
from afterword.surveys.definitions import ChangeableHours, Question, SurveyTexts
from afterword.workflows.conditions import Group
from afterword.workflows.definitions import (
    AfterUnknownOutcome,
    ConversationClosed,
    JsonEvent,
    OnFailure,
    Schedule,
    SurveyResponse,
)

Kind = Literal["account", "mailing list", "survey", "workflow"]
Name = Annotated[str, Meta(min_length=1, max_length=200, description="What people call it.")]
Id = Annotated[
    str,
    Meta(
        pattern="^[A-Z]{2}_[A-Za-z0-9]{11,15}$",
        description="Its id. Without one it is the one of this name, or a new one.",
    ),
]


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A connected account, without its secrets. Files do not connect accounts: they tell which are needed, and how the
    events of one at Gladly reach us.
    """

    kind: Literal["gladly", "qualtrics", "web-service"]
    name: Name
    base_url: Annotated[str | None, Meta(description="Where it is reached.")] = None
    username: Annotated[str | None, Meta(description="Whose token it is.")] = None
    delivery: Annotated[
        Delivery | None,
        Meta(
            description="Gladly: how its events reach us. own: a webhook that Afterword makes and keeps; by-hand: one "
            "made in Gladly's settings; pull: none, Afterword asks; none: not at all."
        ),
    ] = None


class MailingList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A Mailing List, without its Contacts."""

    id: Id | None = None
    name: Name


class Survey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A Survey of our own survey service."""

    id: Id | None = None
    name: Name
    active: Annotated[bool, Meta(description="Whether it takes Responses.")] = True
    questions: tuple[Question, ...]
    texts: SurveyTexts = SurveyTexts()
    embedded_data: Annotated[
        tuple[str, ...], Meta(description="The Embedded Data that its Survey Flow declares.")
    ] = ()
    changeable_hours: ChangeableHours = 24


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A Task; its configuration is its type's own."""

    id: str
    type: str
    label: Annotated[str, Meta(max_length=200)] = ""
    configuration: dict[str, Any] = {}
    conditions: Group | None = None
    on_failure: OnFailure = "continue"
    after_unknown_outcome: AfterUnknownOutcome | None = None


class Workflow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A Workflow as of its current revision. What it refers to is called by name, or by id where names are alike."""

    id: Id | None = None
    name: Name
    on: Annotated[bool, Meta(description="Whether events start it.")] = False
    owner: Annotated[str | None, Meta(description="The owner's email address.")] = None
    survey: Annotated[str | None, Meta(description="The Survey that it is listed under.")] = None
    event: ConversationClosed | JsonEvent | SurveyResponse | Schedule
    authentication: Annotated[
        bool, Meta(description="JSON Event: whether senders have to bring an API token.")
    ] = True
    conditions: Group | None = None
    tasks: tuple[Task, ...] = ()
    brakes: Annotated[
        Brakes | None, Meta(description="Whom it writes to while it is in test, and how many an hour.")
    ] = None


Document = Account | MailingList | Survey | Workflow

MODELS: dict[Kind, type[msgspec.Struct]] = {
    "account": Account,
    "mailing list": MailingList,
    "survey": Survey,
    "workflow": Workflow,
}
FOLDERS: dict[Kind, str] = {
    "account": "accounts",
    "mailing list": "mailing-lists",
    "survey": "surveys",
    "workflow": "workflows",
}
SCHEMAS: dict[Kind, str] = {
    "account": "account.schema.json",
    "mailing list": "mailing-list.schema.json",
    "survey": "survey.schema.json",
    "workflow": "workflow.schema.json",
}
