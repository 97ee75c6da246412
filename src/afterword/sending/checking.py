"""Asked right before a customer is written to: is it allowed, and now?"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from afterword.outcomes import Outcome, Reason, Retry, Skip
from afterword.sending.allow_lists import is_allowed
from afterword.sending.brakes import NO_BRAKES, Brakes, Writer
from afterword.sending.hourly import Place, take_places
from afterword.settings import Settings
from afterword.store.batches import Batches
from afterword.store.database import NOT_STORABLE, Database
from afterword.translating import N_, said

PAUSED = "sending"
"""What a run waits for while sending is paused."""

IN_TEST = Reason(
    "workflow-in-test",
    N_("the workflow is in test, and the address does not stand on its allow-list; nothing was sent"),
)

LOOK = """
SELECT wanted.id, sending_pause.since AS paused_since, revision.definition -> 'brakes' AS brakes
FROM unnest($1::text[]) AS wanted (id) LEFT JOIN sending_pause ON true LEFT JOIN workflow ON workflow.id = wanted.id
LEFT JOIN workflow_revision AS revision
    ON revision.workflow_id = workflow.id AND revision.number = workflow.current_revision
"""

LARGEST_BATCH = 200


class _Now(msgspec.Struct, frozen=True):
    """What is in force now: the pause, and the brakes of the workflow's current revision."""

    paused_since: datetime | None
    brakes: Brakes


class _Asked(msgspec.Struct, frozen=True):
    """Whether somebody may be written to now, and whether it is then counted."""

    writer: Writer
    address: str
    counts: bool


class BrakesCheck:
    """The brakes, as one process asks them: what is asked at one moment is answered together."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._asking: Batches[_Asked, None] = Batches(
            self._check_all, largest=LARGEST_BATCH, in_flight=1, alone_on=NOT_STORABLE
        )

    async def check_may_be_written_to(self, writer: Writer, address: str, *, counts: bool = True) -> None:
        """Let a customer be written to, and count it, where it ``counts``, among the invitations of this hour.

        May be asked again for the same task of the same run, which is then counted once.

        Raises:
            Skip: the workflow is in test and the address is not on its allow-list.
            Retry: sending is paused, or the workflow has sent as many invitations as it may; the run is to be held.
        """
        await self._asking.add(_Asked(writer, address, counts))

    async def _check_all(self, asked: Sequence[_Asked]) -> list[Outcome | None]:
        now = await _look(self._database, {one.writer.workflow_id for one in asked})
        results = [_against(one, now[one.writer.workflow_id]) for one in asked]
        places: dict[int, Place] = {}
        for number, one in enumerate(asked):
            writer = one.writer
            if results[number] is None and one.counts and writer.workflow_id is not None:
                most = (
                    now[writer.workflow_id].brakes.invitations_per_hour or self._settings.invitations_per_hour
                )
                places[number] = Place(writer.workflow_id, writer.run_key, writer.task_id, most or None)
        if places:
            times_usual = self._settings.invitations_times_usual
            held = await take_places(self._database, list(places.values()), times_usual)
            for number, against in zip(places, held, strict=True):
                results[number] = against
        return results


def _against(asked: _Asked, now: _Now) -> Outcome | None:
    """What speaks against writing to somebody now, before it is counted."""
    try:
        _check_allowed(asked.writer, now.brakes, asked.address)
        _check_not_paused(now)
    except (Skip, Retry) as against:
        return against
    return None


def check_own_allow_list(writer: Writer, address: str) -> None:
    """What is known without a look into the database: for who would otherwise wait for long only to be skipped.

    Raises:
        Skip: the revision that the run began with is in test and the address is not on its allow-list.
    """
    if not _allows(writer.brakes, address):
        raise Skip(IN_TEST)


async def check_allow_list(database: Database, writer: Writer, address: str) -> None:
    """The part that a rehearsal asks for: it only reads, and holds nothing.

    Raises:
        Skip: the workflow is in test and the address is not on its allow-list.
    """
    _check_allowed(writer, (await _look_for(database, writer)).brakes, address)


async def check_not_paused(database: Database, writer: Writer) -> None:
    """For what may go to customers and is no invitation.

    Raises:
        Retry: sending is paused; the run is to be held.
    """
    _check_not_paused(await _look_for(database, writer))


async def allowed_among(database: Database, writer: Writer, addresses: Iterable[str]) -> Sequence[str]:
    """Those who may be written to: all, or those on the allow-list while the workflow is in test."""
    now = (await _look_for(database, writer)).brakes
    return [address for address in addresses if all(_allows(one, address) for one in (writer.brakes, now))]


async def _look_for(database: Database, writer: Writer) -> _Now:
    return (await _look(database, [writer.workflow_id]))[writer.workflow_id]


async def _look(database: Database, workflow_ids: Collection[str | None]) -> dict[str | None, _Now]:
    """What is in force for each of these workflows; ``None`` is for a definition that is not saved."""
    rows = await database.pool.fetch(LOOK, list(workflow_ids))
    return {
        row["id"]: _Now(
            row["paused_since"],
            NO_BRAKES if row["brakes"] is None else msgspec.json.decode(row["brakes"], type=Brakes),
        )
        for row in rows
    }


def _check_allowed(writer: Writer, now: Brakes, address: str) -> None:
    """Both the revision that the run began with and the current one have to allow it: whoever puts a workflow in test
    wants nobody to be written to from that moment, and what began as a test must not end as a mailing.
    """
    if not (_allows(writer.brakes, address) and _allows(now, address)):
        raise Skip(IN_TEST)


def _allows(brakes: Brakes, address: str) -> bool:
    return not brakes.in_test or is_allowed(brakes.allowed, address)


def _check_not_paused(now: _Now) -> None:
    if now.paused_since is None:
        return
    words = said(
        "all sending is paused since %(paused_since)s UTC; the run goes on when it is resumed",
        paused_since=f"{now.paused_since:%Y-%m-%d %H:%M}",
    )
    reason = Reason("sending-paused", words, {"since": now.paused_since.isoformat()})
    raise Retry(reason, tried=False, waiting_for=PAUSED)
