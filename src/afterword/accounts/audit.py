"""The audit log: who changed what, when, from what to what. Written in the transaction of the change, never changed.

What is written holds no secret and nothing of a customer. Who acts is told once, where somebody comes in (a page's
session, an API token, a command): :func:`act_as`. Every change within is then theirs, however deep it is made.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec
from sqlalchemy import insert, select

from afterword.store.tables import audit_entry
from afterword.translating import N_

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Kind = Literal[
    "account",
    "person",
    "token",
    "workflow",
    "sending",
    "run",
    "replay",
    "extension",
    "survey",
    "json-event",
    "subscription",
]
"""What kind of thing was changed; ``account`` is a connected account, ``token`` an API token, ``subscription``
what a program subscribed to here.
"""

Value = str | int | bool | None
Values = Mapping[str, Value]

REPLACED = N_("replaced")
"""Stands for a secret that was given another value."""


FIELD_WORDS = frozenset(
    {
        N_("active"),
        N_("address"),
        N_("API token"),
        N_("authentication"),
        N_("changeable hours"),
        N_("email"),
        N_("Embedded Data"),
        N_("events"),
        N_("from"),
        N_("invitations held"),
        N_("JSON event endpoint"),
        N_("kind"),
        N_("language"),
        N_("name"),
        N_("of"),
        N_("on"),
        N_("owner"),
        N_("password"),
        N_("revision"),
        N_("role"),
        N_("runs"),
        N_("scopes"),
        N_("secret of notifications"),
        N_("secret"),
        N_("service account"),
        N_("sessions"),
        N_("survey"),
        N_("topics"),
        N_("user name"),
        N_("webhook credentials"),
        N_("what"),
        N_("why"),
    }
)
"""What is changed, as it is called where changes are told; here to be translated."""


VALUE_WORDS = frozenset(
    {
        N_("owner"),
        N_("administrator"),
        N_("manager"),
        N_("analyst"),
        N_("everything"),
    }
)
"""Values that are told with them."""


class Actor(msgspec.Struct, frozen=True):
    """Who acts: a person (``id`` is theirs), the command line, or Afterword itself; ``door`` is how they came in."""

    id: str
    name: str
    door: str


AFTERWORD = Actor("afterword", "Afterword", "")
COMMAND_LINE = Actor("command-line", N_("Command line"), N_("command"))

_acting: ContextVar[Actor] = ContextVar("acting", default=AFTERWORD)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One change: ``what`` is a verb in the past, such as *added*; of ``before`` and ``after`` only what differs."""

    id: int
    at: datetime
    actor_id: str
    actor: str
    door: str
    kind: Kind
    what: str
    subject_id: str
    subject: str
    before: Mapping[str, Value]
    after: Mapping[str, Value]

    @property
    def changes(self) -> list[tuple[str, Value, Value]]:
        """What differs: its name, and what it was and is; ``None`` for nothing."""
        names = dict.fromkeys((*self.before, *self.after))
        return [(name, self.before.get(name), self.after.get(name)) for name in names]


COLUMNS = [audit_entry.c[field] for field in Entry.__struct_fields__]


def act_as(actor: Actor) -> None:
    """Have what is changed from now on, in this task and those that it starts, be this one's doing."""
    _acting.set(actor)


async def audit(
    connection: "AsyncConnection",
    kind: Kind,
    what: str,
    subject: tuple[str, str],
    *,
    before: Values | None = None,
    after: Values | None = None,
) -> None:
    """Write down a change of ``subject``, an id and a name, by whoever acts.

    Where ``before`` and ``after`` are both given, only what differs is kept, and nothing is written if nothing does.
    """
    if before is not None and after is not None:
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        if not names:
            return
        before, after = [{name: those[name] for name in names if name in those} for those in (before, after)]
    actor = _acting.get()
    await connection.execute(
        insert(audit_entry).values(
            actor_id=actor.id,
            actor=actor.name,
            door=actor.door,
            kind=kind,
            what=what,
            subject_id=subject[0],
            subject=subject[1],
            before=before or {},
            after=after or {},
        )
    )


async def list_entries(
    connection: "AsyncConnection",
    *,
    actor_id: str = "",
    kind: str = "",
    subject_id: str = "",
    older_than: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """The newest entries; of one actor, kind or subject where they are named, and before that of this id."""
    query = select(*COLUMNS).order_by(audit_entry.c.id.desc()).limit(limit)
    for column, wanted in (("actor_id", actor_id), ("kind", kind), ("subject_id", subject_id)):
        if wanted:
            query = query.where(audit_entry.c[column] == wanted)
    if older_than is not None:
        query = query.where(audit_entry.c.id < older_than)
    return [Entry(**row) for row in (await connection.execute(query)).mappings()]
