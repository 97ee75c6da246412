"""What the help within the pages says: the vendors' guide's steps on the vendors' side, as data."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from afterword.qualtrics.json_event import FIELDS
from afterword.translating import N_

Page = Literal["gladly", "apps", "survey", "workflows", "results", "people"]
Fact = Literal[
    "webhook-url",
    "webhook-events",
    "webhook-user",
    "public-url",
    "json-fields",
    "embedded-data",
    "survey-fields",
]
Seen = Literal["gladly", "webhook", "qualtrics", "json-event", "tell", "ask", "answer", "answered", "service"]


class HelpStep(msgspec.Struct, frozen=True):
    """A step in words, with the values to paste, and what of it Afterword can see to be done."""

    words: str
    facts: tuple[Fact, ...] = ()
    seen: Seen | None = None


class HelpBlock(msgspec.Struct, frozen=True):
    """The help of a page; ``more`` is where the docs tell more."""

    title: str
    steps: tuple[HelpStep, ...]
    more: str


FACTS: Mapping[Fact, str] = MappingProxyType(
    {
        "webhook-url": N_("Address (URL)"),
        "webhook-events": N_("Events"),
        "webhook-user": N_("User name of its credentials"),
        "public-url": N_("Afterword's address"),
        "json-fields": N_("JSON fields"),
        "embedded-data": N_("Embedded Data of the Distribution"),
        "survey-fields": N_("Embedded Data of the Survey"),
    }
)

JSON_FIELDS = ", ".join(f"{name} → $.{name}" for name in FIELDS)

HELP: Mapping[Page, HelpBlock] = MappingProxyType(
    {
        "gladly": HelpBlock(
            N_("What is to be done in Gladly"),
            (
                HelpStep(
                    N_(
                        "As an Administrator: menu, Settings, Users: add a user for Afterword alone, with the roles "
                        "Agent and API User."
                    )
                ),
                HelpStep(N_("Open the invitation in its mailbox within 24 hours, and sign in as that user.")),
                HelpStep(
                    N_("Menu, Settings, API Tokens: make a token and copy it. Gladly shows it once."),
                    seen="gladly",
                ),
                HelpStep(
                    N_(
                        "The webhook is made by Afterword itself. Gladly has to reach this address, and may need up "
                        "to ten minutes."
                    ),
                    ("public-url",),
                    "webhook",
                ),
                HelpStep(
                    N_(
                        "To make it by hand: menu, Settings, Webhooks, with basic authentication. The password is "
                        "shown once, when you choose that on the account's page."
                    ),
                    ("webhook-url", "webhook-events", "webhook-user"),
                ),
            ),
            "docs/gladly.md",
        ),
        "apps": HelpBlock(
            N_("What is to be done in Qualtrics"),
            (
                HelpStep(
                    N_(
                        "Log in as a user that belongs to no person: Account Settings, Qualtrics IDs, API: generate "
                        "a token, and copy it."
                    ),
                    seen="qualtrics",
                ),
                HelpStep(
                    N_(
                        "Workflows, Create a workflow, Started when an event is received: choose JSON event, copy "
                        "its address, and click Finish."
                    )
                ),
                HelpStep(
                    N_(
                        "Open the JSON event, Advanced Setup, and add these fields. Click Done Editing before you "
                        "click Finish: else they are lost."
                    ),
                    ("json-fields",),
                ),
                HelpStep(
                    N_(
                        "Add a task: XM Directory, Distribute Survey, immediately, to an individual: name and email "
                        "address by the {a} menu, and these Embedded Data fields with the values of the same names."
                    ),
                    ("embedded-data",),
                ),
                HelpStep(N_("Paste the token and the address here, under Add App, Qualtrics."), seen="tell"),
                HelpStep(
                    N_(
                        "Wait about ten minutes, then close a Conversation of a Customer with an email address."
                    ),
                    seen="json-event",
                ),
            ),
            "docs/qualtrics.md",
        ),
        "survey": HelpBlock(
            N_("So that answers find their way back"),
            (
                HelpStep(
                    N_(
                        "A survey has to declare these fields, or Results cannot be filtered by them and the answer "
                        "does not know its Customer. In Qualtrics: Survey, Survey Flow, Set Embedded Data. Here they "
                        "are declared under Embedded Data."
                    ),
                    ("survey-fields",),
                    "answered",
                ),
                HelpStep(N_("Preview it, and send a test mail to yourself, before Customers get it.")),
                HelpStep(N_("Who is asked is set in the set-up, under Who is to be asked."), seen="ask"),
            ),
            "docs/surveys.md",
        ),
        "workflows": HelpBlock(
            N_("The guide's Workflows"),
            (
                HelpStep(
                    N_(
                        "Gladly Qualtrics App: started when a Conversation is closed in Gladly, it sends the JSON "
                        "event."
                    ),
                    seen="tell",
                ),
                HelpStep(
                    N_(
                        "Gladly Triggered Survey: started by the JSON event, it distributes the survey. With a real "
                        "Qualtrics, it is a Workflow there."
                    ),
                    ("json-fields", "embedded-data"),
                    "ask",
                ),
                HelpStep(
                    N_(
                        "Send Survey Response to Gladly: started by a Survey Response, it puts score and comment "
                        "onto the Customer's Timeline."
                    ),
                    seen="answer",
                ),
            ),
            "docs/workflows.md",
        ),
        "results": HelpBlock(
            N_("Filtering by who and where (step 14 of the guide)"),
            (
                HelpStep(
                    N_("The survey declares these fields, and the Distribution fills them."),
                    ("survey-fields", "embedded-data"),
                    "answered",
                ),
                HelpStep(N_("Choose them in the filters; the address of the page keeps what you chose.")),
            ),
            "docs/results.md",
        ),
        "people": HelpBlock(
            N_("Who should have which role"),
            (
                HelpStep(
                    N_(
                        "Owners and administrators set Afterword up; managers work with it and see Customers' data; "
                        "analysts see figures alone."
                    )
                ),
                HelpStep(
                    N_(
                        "Programs get a service account or a user with the role API user, so that no token hangs on "
                        "a person who may leave, as the guide asks."
                    ),
                    seen="service",
                ),
                HelpStep(N_("View permissions by role: the table stands on this page.")),
            ),
            "docs/administrator.md",
        ),
    }
)
