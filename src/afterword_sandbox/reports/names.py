"""The names that stand beside ids in reports."""

from afterword_sandbox.store import Store

REPORTED_INITIATORS = {"API": "APPLICATION"}
"""Where reports use another word than items do for who did something, as Gladly's help pages say."""


class Names:
    """Looks names up by id; "" for what is not there (any more)."""

    def __init__(self, store: Store) -> None:
        self._agents = self._read(store, "SELECT id, name FROM agents")
        self._inboxes = self._read(store, "SELECT id, name FROM inboxes")
        self._topics = self._read(store, "SELECT id, name FROM topics")

    @staticmethod
    def _read(store: Store, sql: str) -> dict[str, str]:
        return {row["id"]: row["name"] for row in store.all(sql)}

    def agent(self, agent_id: str | None) -> str:
        """Return an agent's name."""
        return self._agents.get(agent_id or "", "")

    def inbox(self, inbox_id: str | None) -> str:
        """Return an inbox's name."""
        return self._inboxes.get(inbox_id or "", "")

    def topic(self, topic_id: str | None) -> str:
        """Return a topic's name."""
        return self._topics.get(topic_id or "", "")

    def initiator(self, initiator: dict[str, str]) -> list[str]:
        """Return the type, id and agent's name of whoever did something."""
        kind, who = initiator.get("type", ""), initiator.get("id", "")
        return [REPORTED_INITIATORS.get(kind, kind), who, self.agent(who) if kind == "AGENT" else ""]

    def assignee(self, assignee: dict[str, str]) -> list[str]:
        """Return the ids and names of an inbox and an agent."""
        inbox_id, agent_id = assignee.get("inboxId", ""), assignee.get("agentId", "")
        return [inbox_id, self.inbox(inbox_id), agent_id, self.agent(agent_id)]
