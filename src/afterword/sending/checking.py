"""Asked right before a customer is written to: is it allowed, and now?"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from afterword.outcomes import Reason, Retry, Skip
from afterword.sending.allow_lists import is_allowed
from afterword.sending.brakes import NO_BRAKES, Brakes, Writer
from afterword.sending.hourly import Limits, take_place
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.translating import N_, said

PAUSED = "sending"
"""What a run waits for while sending is paused."""

IN_TEST = Reason(
    "workflow-in-test",
    N_("the workflow is in test, and the address does not stand on its allow-list; nothing was sent"),
)

LOOK = """
SELECT sending_pause.since AS paused_since, revision.definition -> 'brakes' AS brakes
FROM (SELECT) AS one LEFT JOIN sending_pause ON true LEFT JOIN workflow ON workflow.id = $1
LEFT JOIN workflow_revision AS revision
    ON revision.workflow_id = workflow.id AND revision.number = workflow.current_revision
"""


class _Now(msgspec.Struct, frozen=True):
    """What is in force now: the pause, and the brakes of the workflow's current revision."""

    paused_since: datetime | None
    brakes: Brakes


async def check_may_be_written_to(
    database: Database, settings: Settings, writer: Writer, address: str, *, counts: bool = True
) -> None:
    """Let a customer be written to, and count it, where it ``counts``, among the invitations of this hour.

    May be asked again for the same task of the same run, which is then counted once.

    Raises:
        Skip: the workflow is in test and the address is not on its allow-list.
        Retry: sending is paused, or the workflow has sent as many invitations as it may; the run is to be held.
    """
    now = await _look(database, writer)
    _check_allowed(writer, now.brakes, address)
    _check_not_paused(now)
    if counts and writer.workflow_id is not None:
        most = now.brakes.invitations_per_hour or settings.invitations_per_hour or None
        await take_place(
            database,
            workflow_id=writer.workflow_id,
            run_key=writer.run_key,
            task_id=writer.task_id,
            limits=Limits(most, settings.invitations_times_usual),
        )


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
    _check_allowed(writer, (await _look(database, writer)).brakes, address)


async def check_not_paused(database: Database, writer: Writer) -> None:
    """For what may go to customers and is no invitation.

    Raises:
        Retry: sending is paused; the run is to be held.
    """
    _check_not_paused(await _look(database, writer))


async def allowed_among(database: Database, writer: Writer, addresses: Iterable[str]) -> Sequence[str]:
    """Those who may be written to: all, or those on the allow-list while the workflow is in test."""
    now = (await _look(database, writer)).brakes
    return [address for address in addresses if all(_allows(one, address) for one in (writer.brakes, now))]


async def _look(database: Database, writer: Writer) -> _Now:
    row = await database.pool.fetchrow(LOOK, writer.workflow_id)
    if row is None:
        return _Now(None, NO_BRAKES)
    brakes = NO_BRAKES if row["brakes"] is None else msgspec.json.decode(row["brakes"], type=Brakes)
    return _Now(row["paused_since"], brakes)


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
