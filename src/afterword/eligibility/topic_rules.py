"""Rules that look at the conversation's topics: one call for the conversation; names come from a remembered list."""

from collections.abc import Collection, Sequence

from afterword.eligibility.closing_rules import unknown_name
from afterword.eligibility.facts import Facts, is_one_of, needed
from afterword.eligibility.settings import Eligibility
from afterword.eligibility.verdicts import Verdict
from afterword.gladly.models import Topic
from afterword.outcomes import Reason


def topics(wanted: Eligibility, facts: Facts) -> Verdict:
    """One of the topics that are wanted, and none of those that are not.

    Raises:
        Permanent: Gladly has no topic of a name that a rule names.
    """
    if not (wanted.only_topics or wanted.not_topics):
        return None
    if wanted.not_topics and (found := topics_among(wanted.not_topics, facts)):
        return _excluded("the conversation has a topic that is not asked about", found)
    if wanted.only_topics and not topics_among(wanted.only_topics, facts):
        return _excluded("the conversation has none of the topics that are asked about", topics_of(facts))
    return None


def topics_of(facts: Facts) -> Sequence[str]:
    """The ids of the conversation's topics; none where the event names no conversation."""
    if not facts.closing.conversation_id:
        return ()
    return needed(facts.conversation, "conversation").topic_ids or ()


def topics_among(names: Collection[str], facts: Facts) -> list[str]:
    """Those of the conversation's topics that are named, by id or name, or that are below one that is.

    Raises:
        Permanent: Gladly has no topic of one of the names.
    """
    has = topics_of(facts)
    if not has:
        return []
    named = [one for one in has if one in names]
    if named:
        return named
    meant = _meant(names, needed(facts.topics, "topics"))
    return [one for one in has if one in meant]


def _meant(names: Collection[str], listed: Sequence[Topic]) -> set[str]:
    """The ids of the topics that are named, and of all below them."""
    meant: set[str] = set()
    for name in names:
        found = {one.id for one in listed if one.id == name.strip() or is_one_of((name,), (one.name,))}
        if not found:
            raise unknown_name("topic", name)
        meant |= found
    while below := {one.id for one in listed if one.parent_id in meant} - meant:
        meant |= below
    return meant


def _excluded(words: str, topic_ids: Sequence[str]) -> Reason:
    return Reason("topic-excluded", words, {"topicIds": " ".join(topic_ids) or "none"})
