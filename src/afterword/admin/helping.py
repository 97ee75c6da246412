"""The help within a page: its steps, with the values of this installation and what of them is seen to be done."""

import msgspec
from cachetools import TTLCache
from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.gladly_accounts import get_gladly
from afterword.accounts.rights import may_connect
from afterword.accounts.secrets import SecretBox
from afterword.admin.help_steps import FACTS, HELP, JSON_FIELDS, Fact, Page, Seen
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.qualtrics.json_event import EMBEDDED_DATA
from afterword.settings import Settings
from afterword.store import tables
from afterword.store.database import Database
from afterword.webhook_keeping.comparing import EVENTS, webhook_address
from afterword.workflows.history.connections import connections
from afterword.workflows.saving.guide import find_guide

REMEMBER_SECONDS = 10.0
LOOKED_AT = 200
"""Responses, to see whether they know their Customer."""


class ShownStep(msgspec.Struct, frozen=True):
    """A step as it is shown; ``is_seen`` is ``None`` where that cannot be seen from here."""

    words: str
    values: tuple[tuple[str, str], ...]
    is_seen: bool | None


class Help(msgspec.Struct, frozen=True):
    """The help of a page."""

    title: str
    steps: tuple[ShownStep, ...]
    more: str


class _Known(msgspec.Struct, frozen=True):
    facts: dict[Fact, str]
    seen: frozenset[Seen]


class Helping:
    """Makes the help of pages; what it looks up is remembered for some seconds."""

    def __init__(self, database: Database, settings: Settings, box: SecretBox) -> None:
        self._database = database
        self._settings = settings
        self._box = box
        self._known: TTLCache[str, _Known] = TTLCache(1, REMEMBER_SECONDS)

    async def of(self, page: Page, request: AdminRequest) -> Help:
        """The help of a page; values to paste are for those alone who may set things up."""
        known = self._known.get("")
        if known is None:
            async with self._database.read_only().transaction() as connection:
                known = self._known[""] = await self._look(connection)
        facts = known.facts if may_connect(request.user) else {}
        block = HELP[page]
        return Help(
            block.title,
            tuple(
                ShownStep(
                    step.words,
                    tuple((FACTS[fact], facts[fact]) for fact in step.facts if fact in facts),
                    None if step.seen is None else step.seen in known.seen,
                )
                for step in block.steps
            ),
            block.more,
        )

    async def _look(self, connection: AsyncConnection) -> _Known:
        facts: dict[Fact, str] = {
            "public-url": self._settings.public_url,
            "webhook-events": ", ".join(EVENTS),
            "json-fields": JSON_FIELDS,
            "embedded-data": ", ".join(EMBEDDED_DATA),
            "survey-fields": ", ".join(tables.INDEXED_EMBEDDED_DATA),
        }
        seen: set[Seen] = set()
        for one in await connections(connection):
            account = one.account
            if account.kind == "qualtrics":
                seen |= {"qualtrics"} if one.state == "works" else set()
                seen |= (
                    {"json-event"} if one.proof and one.proof.kind in {"event-taken", "responded"} else set()
                )
            elif account.kind == "gladly" and account.delivery != "none" and "webhook-url" not in facts:
                facts["webhook-url"] = webhook_address(self._settings.public_url, account.id)
                seen |= {"gladly"} if one.state != "broken" else set()
                seen |= {"webhook"} if one.state == "works" else set()
                seen |= await self._of_guide(connection, account.id)
                known = await get_gladly(connection, self._box, account.id)
                if known is not None and known.webhook.basic:
                    facts["webhook-user"] = known.webhook.basic[0].username
        return _Known(facts, frozenset(seen | await _of_others(connection)))

    async def _of_guide(self, connection: AsyncConnection, account_id: str) -> set[Seen]:
        guide = await find_guide(connection, account_id)
        there: dict[Seen, object] = {"tell": guide.tell, "ask": guide.ask, "answer": guide.answer}
        return {name for name, workflow in there.items() if workflow is not None}


async def _of_others(connection: AsyncConnection) -> set[Seen]:
    response, person = tables.response, tables.person
    some = select(response.c.embedded_data).limit(LOOKED_AT).subquery()
    answered = select(true()).select_from(some).where(some.c.embedded_data.has_key("CustomerId")).limit(1)
    service = select(person.c.id).where(person.c.role == "api_user").limit(1)
    looks: dict[Seen, object] = {
        "answered": await connection.scalar(answered),
        "service": await connection.scalar(service),
    }
    return {name for name, found in looks.items() if found is not None}
