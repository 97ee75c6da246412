"""What can be set of whom to ask: the rules, each left out unless it is set, but for two that are always wise."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from afterword.eligibility.week import QuietHours, is_always_quiet, is_time_zone
from afterword.form_hints import in_forms
from afterword.translating import N_, said

MOST_NAMES = 500
LONGEST_NAME = 200
MOST_QUIET_HOURS = 50
LONGEST_DAYS = 366

Closer = Literal["rule", "api", "gladly-ai", "gladly"]
Credit = Literal["assignee", "wrote-last", "closed"]
CreditedAgent = Annotated[
    Credit,
    Meta(
        title=N_("Credited Agent"),
        description=N_(
            "Who goes out as agentId: the assignee at closing, the agent who wrote last, or the one who "
            "closed it. Where there is none, the next of these."
        ),
        examples=["assignee"],
        extra_json_schema=in_forms(
            choices={
                "assignee": N_("the assignee at closing"),
                "wrote-last": N_("who wrote last"),
                "closed": N_("who closed it"),
            }
        ),
    ),
]
AgentMust = Literal["no", "any", "credited"]
ReopenedLater = Literal["ask-again", "do-not-ask"]

Channel = Literal[
    "EMAIL",
    "CHAT",
    "SMS",
    "PHONE_CALL",
    "VOICEMAIL",
    "WHATSAPP",
    "FB_MESSENGER",
    "INSTAGRAM_DIRECT",
    "TWITTER",
    "CUSTOM",
]
"""As Gladly's webhooks call them, and *CUSTOM* for those that an organization made."""

CLOSERS = {
    "rule": N_("a rule of Gladly's"),
    "api": N_("a program, over the API"),
    "gladly-ai": N_("Gladly AI"),
    "gladly": N_("Gladly itself"),
}
CHANNELS = {
    "EMAIL": N_("Email"),
    "CHAT": N_("Chat"),
    "SMS": N_("SMS"),
    "PHONE_CALL": N_("Phone call"),
    "VOICEMAIL": N_("Voicemail"),
    "WHATSAPP": "WhatsApp",
    "FB_MESSENGER": "Facebook Messenger",
    "INSTAGRAM_DIRECT": "Instagram Direct",
    "TWITTER": "Twitter",
    "CUSTOM": N_("A channel of your own"),
}

Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Names = Annotated[tuple[Name, ...], Meta(max_length=MOST_NAMES)]


class Eligibility(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom to ask. Agents, inboxes and topics are named by id, or as people call them in Gladly."""

    longest_age_hours: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(
            title=N_("Nothing for closings older than"),
            description=N_("After an outage, nobody is asked about what is long ago. Empty: however old."),
            examples=[48],
            extra_json_schema=in_forms(
                unit=N_("hours"), wrong=N_("Write a number of hours above 0, or nothing.")
            ),
        ),
    ] = 48
    not_closed_by: Annotated[
        tuple[Closer, ...],
        Meta(
            title=N_("Not what was closed by"),
            description=N_(
                "Who or what must not have closed the conversation: a rule of Gladly's, the API, Gladly AI, or "
                "Gladly itself."
            ),
            examples=[["rule", "gladly-ai"]],
            max_length=4,
            extra_json_schema=in_forms(choices=CLOSERS),
        ),
    ] = ()
    only_inboxes: Annotated[
        Names,
        Meta(
            title=N_("Only these Inboxes"),
            description=N_("The inboxes whose conversations are asked about; without any, all."),
            examples=[["Returns & Refunds"]],
        ),
    ] = ()
    not_inboxes: Annotated[
        Names,
        Meta(
            title=N_("Not these Inboxes"),
            description=N_("The inboxes whose conversations are not asked about."),
            examples=[["Wholesale"]],
        ),
    ] = ()
    only_agents: Annotated[
        Names,
        Meta(
            title=N_("Only these Agents"),
            description=N_(
                "The agents whose conversations are asked about, by id, email address or name; without any, "
                "all. The agent is the one who is credited."
            ),
            examples=[["ingrid@yourcompany.example"]],
        ),
    ] = ()
    not_agents: Annotated[
        Names,
        Meta(
            title=N_("Not these Agents"),
            description=N_("The agents whose conversations are not asked about."),
            examples=[["Trainee One"]],
        ),
    ] = ()
    share_percent: Annotated[
        Annotated[float, Meta(gt=0, le=100)] | None,
        Meta(
            title=N_("Only a share, by chance"),
            description=N_(
                "How many of the conversations are asked about, by chance; the same conversation always comes "
                "out the same. Without it, all."
            ),
            examples=[25],
            extra_json_schema=in_forms(unit="%", wrong=N_("Write a number above 0, up to 100, or nothing.")),
        ),
    ] = None
    once_in_days: Annotated[
        Annotated[float, Meta(gt=0, le=LONGEST_DAYS)] | None,
        Meta(
            title=N_("At most one survey per Customer in"),
            description=N_(
                "A customer who was asked in these last days, by whatever workflow of this Gladly account, is "
                "not asked again."
            ),
            examples=[30],
            extra_json_schema=in_forms(
                unit=N_("days"), wrong=N_("Write a number of days, up to 366, or nothing.")
            ),
        ),
    ] = None
    same_case_hours: Annotated[
        float,
        Meta(
            title=N_("Closed again within so many hours, it is the same case"),
            description=N_(
                "A closing within so many hours of the last one of the same conversation is the same case, in "
                "which nobody is asked twice. 0: every closing is a case of its own."
            ),
            examples=[24],
            ge=0,
            le=LONGEST_DAYS * 24,
            extra_json_schema=in_forms(unit=N_("hours"), wrong=N_("Write a number of hours, 0 or more.")),
        ),
    ] = 24
    reopened_later: Annotated[
        ReopenedLater,
        Meta(
            title=N_("Reopened later than that, and closed"),
            description=N_(
                "Whether to ask again when a conversation that was asked about is reopened later than that, "
                "and closed."
            ),
            examples=["do-not-ask"],
            extra_json_schema=in_forms(
                choices={"ask-again": N_("ask again"), "do-not-ask": N_("do not ask again")}
            ),
        ),
    ] = "ask-again"
    quiet_hours: Annotated[
        tuple[QuietHours, ...],
        Meta(
            title=N_("Quiet hours"),
            description=N_("When nothing is sent: what is due then waits until they are over."),
            examples=[[{"begin": "20:00", "end": "08:00"}]],
            max_length=MOST_QUIET_HOURS,
        ),
    ] = ()
    time_zone: Annotated[
        str,
        Meta(
            title=N_("Time zone of the quiet hours"),
            description=N_("An IANA name; without one, the time zone of the organization in Gladly."),
            examples=["Europe/Berlin"],
            max_length=100,
        ),
    ] = ""
    only_topics: Annotated[
        Names,
        Meta(
            title=N_("Only with these Topics"),
            description=N_(
                "The conversation has to have one of these topics, or of those below them; without any, all."
            ),
            examples=[["Order"]],
        ),
    ] = ()
    not_topics: Annotated[
        Names,
        Meta(
            title=N_("Not with these Topics"),
            description=N_("The conversation must have none of these topics, nor of those below them."),
            examples=[["Do not survey"]],
        ),
    ] = ()
    only_channels: Annotated[
        tuple[Channel, ...],
        Meta(
            title=N_("Only where the last message came by"),
            description=N_("The channels of the last message that are asked about; without any, all."),
            examples=[["EMAIL", "CHAT"]],
            max_length=10,
            extra_json_schema=in_forms(choices=CHANNELS),
        ),
    ] = ()
    not_channels: Annotated[
        tuple[Channel, ...],
        Meta(
            title=N_("Not where the last message came by"),
            description=N_("The channels of the last message that are not asked about."),
            examples=[["PHONE_CALL"]],
            max_length=10,
            extra_json_schema=in_forms(choices=CHANNELS),
        ),
    ] = ()
    customer_must_have_written: Annotated[
        bool,
        Meta(
            title=N_("Only where the Customer wrote or called"),
            description=N_(
                "A conversation without a message or a call of the customer's is not asked about."
            ),
            examples=[True],
        ),
    ] = False
    agent_must_have_written: Annotated[
        AgentMust,
        Meta(
            title=N_("An Agent must have written or called"),
            description=N_("Whether any agent, or the one who is credited, has to have written or called."),
            examples=["credited"],
            extra_json_schema=in_forms(
                choices={"no": N_("no"), "any": N_("any Agent"), "credited": N_("the credited Agent")}
            ),
        ),
    ] = "no"
    least_messages: Annotated[
        Annotated[int, Meta(ge=1, le=1000)] | None,
        Meta(
            title=N_("At least so many messages"),
            description=N_(
                "A conversation with fewer messages of the customer and the agents is not asked about."
            ),
            examples=[3],
            extra_json_schema=in_forms(wrong=N_("Write a whole number from 1 to 1,000, or nothing.")),
        ),
    ] = None
    least_characters: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(
            title=N_("At least so many characters"),
            description=N_(
                "A conversation in which the customer and the agents wrote less is not asked about."
            ),
            examples=[100],
            extra_json_schema=in_forms(wrong=N_("Write a whole number from 1 to 1,000,000, or nothing.")),
        ),
    ] = None
    not_spam: Annotated[
        bool,
        Meta(
            title=N_("Not what looks like spam"),
            description=N_(
                "A conversation that a rule closed, and that no agent wrote in or that has one of the topics "
                "below, is not asked about. Gladly has no mark for spam."
            ),
            examples=[True],
        ),
    ] = False
    spam_topics: Annotated[
        Names,
        Meta(
            title=N_("Topics of spam"),
            description=N_("The topics that your rules put on spam."),
            examples=[["Spam"]],
        ),
    ] = ()

    def __post_init__(self) -> None:
        if self.time_zone and not is_time_zone(self.time_zone):
            raise ValueError(
                said(
                    "“%(name)s” is no time zone; write one of the IANA names, such as Europe/Berlin",
                    name=self.time_zone,
                )
            )
        if is_always_quiet(self.quiet_hours):
            raise ValueError(N_("the quiet hours leave no time in the week in which anything could be sent"))
