"""Finds out what rules need: in our own database, in Gladly's lists, or by a call of Gladly."""

from afterword.eligibility.credit import credited
from afterword.eligibility.facts import Facts, Need
from afterword.eligibility.ledger import Asker, Ledger
from afterword.eligibility.settings import Eligibility
from afterword.eligibility.week import is_time_zone
from afterword.gladly.client import GladlyClient
from afterword.gladly.finding import GladlyNames
from afterword.gladly.messages import messages_of
from afterword.gladly.models import Agent

UTC_ZONE = "UTC"


class GladlyFinder:
    """Finds facts by a connected Gladly account; made for one closing, with lists that are remembered for all."""

    def __init__(self, ledger: Ledger, gladly: GladlyClient, names: GladlyNames, wanted: Eligibility) -> None:
        self._ledger = ledger
        self._gladly = gladly
        self._names = names
        self._inboxes = (*wanted.only_inboxes, *wanted.not_inboxes)
        self._topics = (*wanted.only_topics, *wanted.not_topics, *wanted.spam_topics)

    async def find(self, need: Need, facts: Facts, /) -> None:
        """Put what is needed into the facts.

        Raises:
            Retry, Permanent: Gladly did not answer, or does not have it.
        """
        closing, gladly, account = facts.closing, self._gladly, facts.closing.account_id
        match need:
            case "asked":
                facts.asked = await self._ledger.look(Asker(closing, customer_ids(facts)))
            case "profile":
                facts.profile = await gladly.customer_profile(closing.customer_id)
            case "conversation":
                facts.conversation = await gladly.conversation(closing.conversation_id)
            case "messages":
                items = await gladly.conversation_items(closing.conversation_id)
                facts.messages = messages_of(items).until(closing.closed_at)
            case "agent":
                agent_id = credited(facts).agent_id
                known = await self._names.agent_of_id(account, gladly, agent_id)
                facts.agent = known or Agent(agent_id)
            case "inboxes":
                facts.inboxes = await self._names.all_inboxes(account, gladly, naming=self._inboxes)
            case "topics":
                facts.topics = await self._names.all_topics(account, gladly, naming=self._topics)
            case "time zone":
                zone = (await self._names.organization(account, gladly)).timezone
                facts.time_zone = zone if zone and is_time_zone(zone) else UTC_ZONE


def customer_ids(facts: Facts) -> tuple[str, ...]:
    """All that the customer is known by: the event's id, and, last, that of who they were merged into."""
    known = [facts.closing.customer_id, facts.profile.id if facts.profile else ""]
    return tuple(dict.fromkeys(filter(None, known))) or ("",)
