"""*Whom to ask*: the rules as a form, and of how many of the last week's Conversations they would have asked."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.people import Person
from afterword.admin.setting_up.steps import SetUp
from afterword.admin.setting_up.whom_form import (
    BLANK_ROWS,
    FIELDS,
    FIRST,
    MORE,
    QUIET,
    Draft,
    Values,
    changed_fields,
    read_form,
    values_of,
)
from afterword.admin.setting_up.work import Work
from afterword.backfill.slices import Span
from afterword.eligibility.week import DAYS
from afterword.outcomes import Outcome
from afterword.previewing import rows
from afterword.previewing.rows import A_WEEK, Preview
from afterword.previewing.words import why_not
from afterword.store.database import Database
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.listing import get_revisions
from afterword.workflows.saving.refusals import NoSuchWorkflow
from afterword.workflows.saving.whom_to_ask import WhomToAsk, asking_by, whom_to_ask
from afterword.workflows.saving.workflows import save_revision

WAIT_FOR_NAMES_SECONDS = 2.0
MOST_BOXES = 60
NOTHING = "-"

Shown = Mapping[str, object]


class WhomStep:
    """The step's page: what it shows, and what its two buttons do."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def shown(
        self, set_up: SetUp, draft: Draft | None = None, *, theirs: WhomToAsk | None = None
    ) -> Shown:
        """What the page is made from; ``theirs`` is what somebody else saved while ``draft`` was typed."""
        saved = _rules(set_up)
        typed = values_of(saved) if draft is None else draft.typed
        preview = await self._preview(set_up)
        changed = changed_fields(saved) | ({} if draft is None else draft.errors).keys()
        inboxes = await self._inboxes(set_up)
        other = {} if theirs is None or draft is None else _different(values_of(theirs), draft.typed)
        return {
            "first": FIRST,
            "more": MORE,
            "days": DAYS,
            "values": typed,
            "quiet_rows": len(typed["quiet_begin"]) + BLANK_ROWS,
            "more_is_open": bool(changed & {one.name for one in MORE}),
            "field_errors": {} if draft is None else draft.errors,
            "theirs": other,
            "boxes": {"only_inboxes": inboxes, "not_inboxes": inboxes},
            "revision": 0 if set_up.guide.tell is None else set_up.guide.tell.revision,
            "preview": preview,
            "is_counted_by_these": preview is not None and saved == WhomToAsk(preview.wanted, preview.credit),
            "why_not": why_not,
        }

    async def save(self, set_up: SetUp, wanted: WhomToAsk, seen: str, person: Person) -> WhomToAsk | None:
        """Save the rules as a new revision of the Workflow; answers what others saved meanwhile, if so.

        What else was changed of the Workflow is left as it is. ``seen`` is the revision that the form shows.

        Raises:
            EditConflict: somebody saved in this very moment.
            InvalidDefinition: the Workflow cannot be saved so.
        """
        tell, work = set_up.guide.tell, self._work
        if tell is None:
            return None
        async with work.database.transaction() as connection:
            if seen != str(tell.revision) and await _as_seen(connection, tell.id, seen) != _rules(set_up):
                return _rules(set_up)
            await save_revision(
                connection,
                tell.id,
                asking_by(tell.definition, wanted),
                person_id=person.id,
                expected_revision=tell.revision,
                check=check_on_saving(work.planning.types),
            )
        return None

    async def count(self, set_up: SetUp, wanted: WhomToAsk, person: Person) -> None:
        """Have a worker count by these rules, saved or not."""
        if set_up.gladly is None:
            return
        tell = set_up.guide.tell
        await begin_count(
            self._work.database,
            set_up.gladly.account.id,
            wanted,
            asked_by=person.email,
            workflow_id="" if tell is None else tell.id,
        )

    async def _preview(self, set_up: SetUp) -> Preview | None:
        if set_up.gladly is None:
            return None
        async with self._work.database.pool.acquire() as connection:
            return await rows.get_preview(connection, set_up.gladly.account.id)

    async def _inboxes(self, set_up: SetUp) -> list[str]:
        """The Inboxes to be ticked; none where there are too many, or Gladly does not answer soon."""
        if set_up.gladly is None:
            return []
        accounts, account_id = self._work.planning.accounts, set_up.gladly.account.id
        with contextlib.suppress(Outcome, TimeoutError):
            client = await accounts.gladly(account_id)
            async with asyncio.timeout(WAIT_FOR_NAMES_SECONDS):
                listed = await accounts.gladly_names.all_inboxes(account_id, client)
            names = sorted({one.name for one in listed if one.name}, key=str.casefold)
            return names if len(names) <= MOST_BOXES else []
        return []


def typed_in(form: Any) -> Draft:
    """What was typed into the form."""
    return read_form(lambda name: [one for one in form.getall(name, []) if isinstance(one, str)])


async def begin_count(
    database: Database, account_id: str, wanted: WhomToAsk, *, asked_by: str, workflow_id: str = ""
) -> None:
    """Have a worker count the last week's closings of an account by these rules."""
    async with database.pool.acquire() as connection, connection.transaction():
        now = await connection.fetchval("SELECT now()")
        await rows.begin(
            connection,
            account_id,
            Span(now - A_WEEK, now),
            wanted=wanted.eligibility,
            credit=wanted.credit,
            workflow_id=workflow_id,
            asked_by=asked_by,
        )


async def _as_seen(connection: AsyncConnection, workflow_id: str, seen: str) -> WhomToAsk | None:
    """The rules of the revision that a form shows; ``None`` where it names none."""
    try:
        found = await get_revisions(connection, workflow_id, [int(seen[:9])])
    except (ValueError, NoSuchWorkflow):
        return None
    return whom_to_ask(found[int(seen[:9])].definition)


def _rules(set_up: SetUp) -> WhomToAsk:
    tell = set_up.guide.tell
    return (tell and whom_to_ask(tell.definition)) or WhomToAsk()


def _different(saved: Mapping[str, tuple[str, ...]], typed: Values) -> dict[str, str]:
    """What is saved otherwise than it was typed, by field, in words."""
    found = {
        name: ", ".join(saved[name]) or NOTHING
        for name in FIELDS
        if sorted(saved[name]) != _lines(typed[name])
    }
    hours = list(zip(saved["quiet_begin"], saved["quiet_end"], strict=True))
    if hours != list(zip(typed["quiet_begin"], typed["quiet_end"], strict=True)):
        found[QUIET] = ", ".join(" - ".join(pair) for pair in hours) or NOTHING
    return found


def _lines(texts: Sequence[str]) -> list[str]:
    return sorted(line for text in texts for line in text.splitlines() if line)
