"""What can be subscribed to, by Qualtrics' names."""

import re
from collections.abc import Sequence

COMPLETED_RESPONSE = "surveyengine.completedResponse"
HAPPEN_HERE = frozenset({COMPLETED_RESPONSE})
SURVEY_TOPICS = (
    COMPLETED_RESPONSE,
    "surveyengine.startedRecipientSession",
    "surveyengine.partialResponse",
)
"""Topics that end in a survey's id."""
OTHER_TOPICS = ("controlpanel.activateSurvey", "controlpanel.deactivateSurvey", "threesixty.created")
EVERYTHING = "*"
EVERY_SURVEY = "SV_*"

SURVEY_ID = re.compile(r"SV_[A-Za-z0-9]{11,15}")
LONGEST_TOPICS = 2000
MOST_TOPICS = 50


class UnknownTopic(ValueError):
    """Nothing has this name; the message says what has one."""


def parse_topics(topics: str) -> tuple[str, ...]:
    """Read the topics of a subscription: one, or several with commas between them (Qualtrics: unsure).

    Raises:
        UnknownTopic: one of them is none, there are too many, or there is none at all.
    """
    if len(topics) > LONGEST_TOPICS:
        raise UnknownTopic(f"topics has more than {LONGEST_TOPICS} characters.")
    named = tuple(dict.fromkeys(topic.strip() for topic in topics.split(",")))
    if len(named) > MOST_TOPICS:
        raise UnknownTopic(f"topics names more than {MOST_TOPICS}.")
    for topic in named:
        if not _is_known(topic):
            known = ", ".join([*(f"{name}.SV_…" for name in SURVEY_TOPICS), *OTHER_TOPICS])
            raise UnknownTopic(
                f"topics: there is no {topic[:100]!r}. There are {known}; the last part may be *, "
                "that of a survey SV_* too."
            )
    return named


def _is_known(topic: str) -> bool:
    if topic == EVERYTHING or topic in OTHER_TOPICS:
        return True
    name, _, last = topic.rpartition(".")
    if last == EVERYTHING:
        return any(f"{known}.".startswith(f"{name}.") for known in (*SURVEY_TOPICS, *OTHER_TOPICS))
    return name in SURVEY_TOPICS and (last == EVERY_SURVEY or SURVEY_ID.fullmatch(last) is not None)


def patterns_of(name: str, survey_id: str) -> list[str]:
    """Every topic that somebody may have subscribed to and that this one falls under."""
    first = name.partition(".")[0]
    return [
        f"{name}.{survey_id}",
        f"{name}.{EVERY_SURVEY}",
        f"{name}.{EVERYTHING}",
        f"{first}.{EVERYTHING}",
        EVERYTHING,
    ]


def surveys_of(topics: Sequence[str]) -> set[str]:
    """The surveys that topics name."""
    return {last for topic in topics if SURVEY_ID.fullmatch(last := topic.rpartition(".")[2])}


def never_happening(topics: Sequence[str]) -> list[str]:
    """Those of the topics of which nothing will ever be told here."""
    return [topic for topic in topics if not any(_covers(topic, happening) for happening in HAPPEN_HERE)]


def _covers(topic: str, name: str) -> bool:
    """Whether a topic is this one, with or without a survey, or a wildcard over it."""
    return (
        topic == EVERYTHING
        or topic.startswith(f"{name}.")
        or (topic.endswith(f".{EVERYTHING}") and f"{name}.".startswith(topic.removesuffix(EVERYTHING)))
    )
