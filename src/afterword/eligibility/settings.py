"""What can be set of whom to ask: the rules, each left out unless it is set, but for two that are always wise."""

from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from afterword.translating import N_

MOST_NAMES = 500
LONGEST_NAME = 200
MOST_QUIET_HOURS = 50
LONGEST_DAYS = 366
WEEK_MINUTES = 7 * 24 * 60

Closer = Literal["rule", "api", "gladly-ai", "gladly"]
Credit = Literal["assignee", "wrote-last", "closed"]
AgentMust = Literal["no", "any", "credited"]
ReopenedLater = Literal["ask-again", "do-not-ask"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

Channel = Literal[
    "CHAT",
    "EMAIL",
    "FB_MESSENGER",
    "INSTAGRAM_DIRECT",
    "PHONE_CALL",
    "SMS",
    "TWITTER",
    "VOICEMAIL",
    "WHATSAPP",
    "CUSTOM",
]
"""As Gladly's webhooks call them, and *CUSTOM* for those that an organization made."""

WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$"
MIDNIGHT = "24:00"

Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Names = Annotated[tuple[Name, ...], Meta(max_length=MOST_NAMES)]


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """Hours in which nothing is sent: from a time of day until another, which may be on the day after."""

    days: Annotated[
        tuple[Weekday, ...],
        Meta(
            title=N_("Days"),
            description=N_("The days on which they begin; without any, every day."),
            examples=[["saturday", "sunday"]],
            max_length=7,
        ),
    ] = ()
    begin: Annotated[
        str,
        Meta(
            title=N_("From"),
            description=N_("When they begin, as HH:MM."),
            examples=["20:00"],
            pattern=TIME_OF_DAY,
        ),
    ]
    end: Annotated[
        str,
        Meta(
            title=N_("Until"),
            description=N_(
                "When they are over, as HH:MM; 24:00 is the end of the day, and a time that is not later than "
                "the beginning is the next day's."
            ),
            examples=["08:00"],
            pattern=TIME_OF_DAY,
        ),
    ]

    def __post_init__(self) -> None:
        if self.begin == MIDNIGHT:
            raise ValueError("quiet hours that begin at 24:00 begin at 00:00 of the next day; write it so")

    @property
    def begins_at(self) -> time:
        """When they begin."""
        return time.fromisoformat(self.begin)

    @property
    def minutes(self) -> int:
        """How long they are, by the clock."""
        begin, end = _minutes(self.begin), _minutes(self.end)
        return end - begin if end > begin else end - begin + 24 * 60


class Eligibility(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom to ask. Agents, inboxes and topics are named by id, or as people call them in Gladly."""

    longest_age_hours: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(
            title=N_("Oldest closing, in hours"),
            description=N_(
                "Nothing is sent for a closing that is older than this, by its own time; null: however old "
                "it is."
            ),
            examples=[48],
        ),
    ] = 48
    not_closed_by: Annotated[
        tuple[Closer, ...],
        Meta(
            title=N_("Not closed by"),
            description=N_(
                "Who or what must not have closed the conversation: a rule of Gladly's, the API, Gladly AI, or "
                "Gladly itself."
            ),
            examples=[["rule", "gladly-ai"]],
            max_length=4,
        ),
    ] = ()
    only_inboxes: Annotated[
        Names,
        Meta(
            title=N_("Only inboxes"),
            description=N_("The inboxes whose conversations are asked about; without any, all."),
            examples=[["Returns & Refunds"]],
        ),
    ] = ()
    not_inboxes: Annotated[
        Names,
        Meta(
            title=N_("Not inboxes"),
            description=N_("The inboxes whose conversations are not asked about."),
            examples=[["Wholesale"]],
        ),
    ] = ()
    only_agents: Annotated[
        Names,
        Meta(
            title=N_("Only agents"),
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
            title=N_("Not agents"),
            description=N_("The agents whose conversations are not asked about."),
            examples=[["Trainee One"]],
        ),
    ] = ()
    share_percent: Annotated[
        Annotated[float, Meta(gt=0, le=100)] | None,
        Meta(
            title=N_("Share of the closings, in percent"),
            description=N_(
                "How many of the conversations are asked about, by chance; the same conversation always comes "
                "out the same. Without it, all."
            ),
            examples=[25],
        ),
    ] = None
    once_in_days: Annotated[
        Annotated[float, Meta(gt=0, le=LONGEST_DAYS)] | None,
        Meta(
            title=N_("At most one survey per customer in days"),
            description=N_(
                "A customer who was asked in these last days, by whatever workflow of this Gladly account, is "
                "not asked again."
            ),
            examples=[30],
        ),
    ] = None
    same_case_hours: Annotated[
        float,
        Meta(
            title=N_("Same case within hours"),
            description=N_(
                "A closing within so many hours of the last one of the same conversation is the same case, in "
                "which nobody is asked twice. 0: every closing is a case of its own."
            ),
            examples=[24],
            ge=0,
            le=LONGEST_DAYS * 24,
        ),
    ] = 24
    reopened_later: Annotated[
        ReopenedLater,
        Meta(
            title=N_("Reopened later"),
            description=N_(
                "Whether to ask again when a conversation that was asked about is reopened later than that, "
                "and closed."
            ),
            examples=["do-not-ask"],
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
            title=N_("Only topics"),
            description=N_(
                "The conversation has to have one of these topics, or of those below them; without any, all."
            ),
            examples=[["Order"]],
        ),
    ] = ()
    not_topics: Annotated[
        Names,
        Meta(
            title=N_("Not topics"),
            description=N_("The conversation must have none of these topics, nor of those below them."),
            examples=[["Do not survey"]],
        ),
    ] = ()
    only_channels: Annotated[
        tuple[Channel, ...],
        Meta(
            title=N_("Only channels"),
            description=N_("The channels of the last message that are asked about; without any, all."),
            examples=[["EMAIL", "CHAT"]],
            max_length=10,
        ),
    ] = ()
    not_channels: Annotated[
        tuple[Channel, ...],
        Meta(
            title=N_("Not channels"),
            description=N_("The channels of the last message that are not asked about."),
            examples=[["PHONE_CALL"]],
            max_length=10,
        ),
    ] = ()
    customer_must_have_written: Annotated[
        bool,
        Meta(
            title=N_("The customer must have written"),
            description=N_(
                "A conversation without a message or a call of the customer's is not asked about."
            ),
            examples=[True],
        ),
    ] = False
    agent_must_have_written: Annotated[
        AgentMust,
        Meta(
            title=N_("An agent must have written"),
            description=N_("Whether any agent, or the one who is credited, has to have written or called."),
            examples=["credited"],
        ),
    ] = "no"
    least_messages: Annotated[
        Annotated[int, Meta(ge=1, le=1000)] | None,
        Meta(
            title=N_("Least number of messages"),
            description=N_(
                "A conversation with fewer messages of the customer and the agents is not asked about."
            ),
            examples=[3],
        ),
    ] = None
    least_characters: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(
            title=N_("Least number of characters"),
            description=N_(
                "A conversation in which the customer and the agents wrote less is not asked about."
            ),
            examples=[100],
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
                f"“{self.time_zone}” is no time zone; write one of the IANA names, such as Europe/Berlin"
            )
        if is_always_quiet(self.quiet_hours):
            raise ValueError("the quiet hours leave no time in the week in which anything could be sent")


def is_time_zone(name: str) -> bool:
    """Whether this is the name of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def is_always_quiet(hours: tuple[QuietHours, ...]) -> bool:
    """Whether a week, by the clock, has no minute that is not quiet."""
    quiet: set[int] = set()
    for one in hours:
        for day in one.days or WEEKDAYS:
            begins = WEEKDAYS.index(day) * 24 * 60 + _minutes(one.begin)
            quiet.update((begins + minute) % WEEK_MINUTES for minute in range(one.minutes))
    return len(quiet) == WEEK_MINUTES


def _minutes(time_of_day: str) -> int:
    hours, _, minutes = time_of_day.partition(":")
    return int(hours) * 60 + int(minutes)
