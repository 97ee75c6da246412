"""Responses of connected Qualtrics accounts, as runs read them.

A response is asked for when the first run of an event needs it, and kept as it came together with what its survey was
then. Every run, a replay too, sees the newest that was kept; one that is not finished is asked for anew each time.

What was read has a version, which grows when a later reading says something else. So that no older reading counts as a
newer version, a reading is kept only if none was kept since it began; else it is made again.
"""

import hashlib

import msgspec

from afterword.accounts.clients import ConnectedAccounts
from afterword.outcomes import Permanent, Reason, Retry, Skip
from afterword.qualtrics.errors import QualtricsNotFound
from afterword.qualtrics.models import SurveyResponse as WireResponse
from afterword.qualtrics.models import read_response
from afterword.qualtrics.responses import Sorted, sort_values
from afterword.store.database import Database
from afterword.surveys.notified import NotifiedResponse
from afterword.surveys.outlines import AnsweredSurvey, SurveyOutline
from afterword.translating import N_, said
from afterword.workflows.definitions import SurveyResponse
from afterword.workflows.values.qualtrics_outlines import answered, outline_survey, unknown_questions

FRESH_SECONDS = 600.0
"""How long an outline of a survey is good for responses that hold nothing new to it."""
FRESH_ENOUGH_SECONDS = 60.0
"""How long it is good for one that does: a question that was deleted is not looked for with every response."""

NO_SUCH_THING = 404

NOT_THERE_YET = Reason(
    "qualtrics-response-not-there-yet",
    N_("Qualtrics does not give the response out yet; it tells of responses before they can be read"),
)
NOT_READABLE = Reason("account-not-readable", N_("nothing here reads responses of a Qualtrics account"))

NEWEST = """
SELECT response.body, survey.outline, response.version, EXISTS (
    SELECT FROM qualtrics_response read WHERE (read.account_id, read.response_id, read.announcement) = ($1, $2, $3)
    AND (now() < $4::timestamptz OR read.fetched_at >= $4) IS NOT FALSE
) AS was_read
FROM qualtrics_response response JOIN qualtrics_survey survey ON survey.id = response.qualtrics_survey_id
WHERE response.account_id = $1 AND response.response_id = $2
ORDER BY response.version DESC, response.fetched_at DESC LIMIT 1
"""

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
NEWEST_VERSION = """
SELECT version, body = $3 AS says_the_same FROM qualtrics_response WHERE account_id = $1 AND response_id = $2
ORDER BY version DESC, fetched_at DESC LIMIT 1
"""
KEEP = """
INSERT INTO qualtrics_response (account_id, response_id, announcement, qualtrics_survey_id, body, version)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_id, response_id, announcement) DO UPDATE
SET qualtrics_survey_id = $4, body = $5, version = $6, fetched_at = now()
"""

NEWEST_OUTLINE = """
SELECT id, outline, extract(epoch FROM now() - read_at)::float8 AS age FROM qualtrics_survey
WHERE account_id = $1 AND survey_id = $2 ORDER BY read_at DESC LIMIT 1
"""

KEEP_OUTLINE = """
INSERT INTO qualtrics_survey AS survey (account_id, survey_id, sha256, outline) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, survey_id, sha256) DO UPDATE SET read_at = now()
RETURNING id
"""


class Kept(msgspec.Struct, frozen=True):
    """What was read of a response last. ``was_read`` tells that it was read for the event at hand, and, once no update
    is taken for a repeat of that one any more, since then.
    """

    response: WireResponse
    outline: SurveyOutline
    version: int
    was_read: bool

    @property
    def sorted(self) -> Sorted:
        """Its values, each sort apart."""
        return sort_values(self.response)


class QualtricsResponses:
    """Reads responses; without ``accounts`` only those that were read before. ``keeps`` is false for a reader that must
    leave nothing behind, such as a rehearsal.
    """

    def __init__(self, database: Database, accounts: ConnectedAccounts | None, *, keeps: bool = True) -> None:
        self._database = database
        self._accounts = accounts
        self._keeps = keeps

    async def read_response(self, wanted: SurveyResponse, body: str, /) -> AnsweredSurvey:
        """The response that an event tells of, for a workflow that starts with such.

        Raises:
            Retry: the account cannot be asked now, or does not have the response yet.
            Permanent: it never will.
            Skip: only the response told what kind it is of, and the workflow does not start with that kind.
        """
        told = msgspec.json.decode(body, type=NotifiedResponse)
        if wanted.account is None:
            raise Permanent(NOT_READABLE)
        read = None
        while read is None:
            read = await self._read(wanted.account, told)
        sorted_ = read.sorted
        _check_kind(wanted, told, sorted_)
        found = answered(read.outline, read.response, sorted_, read.version)
        return msgspec.structs.replace(found, settles_at=told.settles_at)

    async def _read(self, account_id: str, told: NotifiedResponse) -> Kept | None:
        """The response as it was kept, or else as the account gives it out; ``None`` when another was faster to keep
        it.
        """
        kept = await self._kept(account_id, told)
        if kept is not None and kept.was_read and (kept.sorted.is_finished or self._accounts is None):
            return kept
        if self._accounts is None:
            raise Permanent(NOT_READABLE)
        client = (await self._accounts.qualtrics(account_id)).client
        try:
            response, body = await client.response(told.survey_id, told.response_id)
        except QualtricsNotFound as error:
            if kept is not None and kept.was_read:
                return kept
            if error.status == NO_SUCH_THING:
                raise Retry(NOT_THERE_YET) from None
            raise
        known = await self._known_outline(account_id, told.survey_id, response)
        outline = known[1] if known else outline_survey(await client.survey(told.survey_id))
        version = 0 if kept is None else kept.version
        if self._keeps:
            number = known[0] if known else await keep_outline(self._database, account_id, outline)
            kept_as = await self._keep(account_id, told, number, body, version)
            return None if kept_as is None else Kept(response, outline, kept_as, True)
        return Kept(response, outline, version + (kept is None or kept.response != response), True)

    async def _kept(self, account_id: str, told: NotifiedResponse) -> Kept | None:
        row = await self._database.pool.fetchrow(
            NEWEST, account_id, told.response_id, told.announcement, told.settles_at
        )
        if row is None:
            return None
        outline = msgspec.json.decode(row["outline"], type=SurveyOutline)
        response = read_response(row["body"].encode(), told.response_id)
        return Kept(response, outline, row["version"], row["was_read"])

    async def _keep(
        self, account_id: str, told: NotifiedResponse, outline: int, body: str, seen: int
    ) -> int | None:
        """Keep a reading that began when version ``seen`` was the newest; answers its own, ``None`` when that is no
        longer so.
        """
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(ONE_AT_A_TIME, f"{account_id}/{told.response_id}")
            newest = await connection.fetchrow(NEWEST_VERSION, account_id, told.response_id, body)
            if (newest["version"] if newest else 0) != seen:
                return None
            version = seen + (newest is None or not newest["says_the_same"])
            await connection.execute(
                KEEP, account_id, told.response_id, told.announcement, outline, body, version
            )
        return int(version)

    async def _known_outline(
        self, account_id: str, survey_id: str, response: WireResponse
    ) -> tuple[int, SurveyOutline] | None:
        """The outline that is known and its number, unless it is old, or lacks a question of the response."""
        row = await self._database.pool.fetchrow(NEWEST_OUTLINE, account_id, survey_id)
        if row is None or row["age"] > FRESH_SECONDS:
            return None
        outline = msgspec.json.decode(row["outline"], type=SurveyOutline)
        if row["age"] > FRESH_ENOUGH_SECONDS and unknown_questions(outline, response):
            return None
        return int(row["id"]), outline


async def keep_outline(database: Database, account_id: str, outline: SurveyOutline) -> int:
    """Keep what a survey of an account is now, once for each state that it has; answers the state's number."""
    encoded = msgspec.json.encode(outline)
    digest = hashlib.sha256(encoded).digest()
    return int(await database.pool.fetchval(KEEP_OUTLINE, account_id, outline.id, digest, encoded.decode()))


def _check_kind(wanted: SurveyResponse, told: NotifiedResponse, found: Sorted) -> None:
    kind = (found.kind or told.kind) if told.kind == "created" else told.kind
    if kind not in wanted.kinds:
        words = said(
            "the response itself tells that it is %(kind)s, and the workflow does not start "
            "with such responses",
            kind=kind,
        )
        raise Skip(Reason("response-of-another-kind", words, {"kind": kind}))
