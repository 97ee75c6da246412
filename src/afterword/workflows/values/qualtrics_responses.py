"""Responses of connected Qualtrics accounts, as runs read them.

A response is asked for when the first run needs it, and kept as it came together with what its survey was then: every
later reading, a replay's too, sees the same to the byte.
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
from afterword.workflows.definitions import SurveyResponse
from afterword.workflows.values.qualtrics_outlines import answered, outline_survey, unknown_questions

FRESH_SECONDS = 600.0
"""How long an outline of a survey is good for responses that hold nothing new to it."""
FRESH_ENOUGH_SECONDS = 60.0
"""How long it is good for one that does: a question that was deleted is not looked for with every response."""

NO_SUCH_THING = 404

NOT_THERE_YET = Reason(
    "qualtrics-response-not-there-yet",
    "Qualtrics does not give the response out yet; it tells of responses before they can be read",
)
NOT_READABLE = Reason("account-not-readable", "nothing here reads responses of a Qualtrics account")

READ = """
SELECT response.body, survey.outline
FROM qualtrics_response response JOIN qualtrics_survey survey ON survey.id = response.qualtrics_survey_id
WHERE response.account_id = $1 AND response.response_id = $2 AND response.announcement = $3
"""

KEEP = """
INSERT INTO qualtrics_response (account_id, response_id, announcement, qualtrics_survey_id, body)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
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


Read = tuple[WireResponse, SurveyOutline]


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
        read = await self._kept(wanted.account, told) or await self._fetched(wanted.account, told)
        response, outline = read
        sorted_ = sort_values(response)
        _check_kind(wanted, told, sorted_)
        return answered(outline, response, sorted_)

    async def _kept(self, account_id: str, told: NotifiedResponse) -> Read | None:
        row = await self._database.pool.fetchrow(READ, account_id, told.response_id, told.announcement)
        if row is None:
            return None
        outline = msgspec.json.decode(row["outline"], type=SurveyOutline)
        return read_response(row["body"].encode(), told.response_id), outline

    async def _fetched(self, account_id: str, told: NotifiedResponse) -> Read:
        if self._accounts is None:
            raise Permanent(NOT_READABLE)
        client = (await self._accounts.qualtrics(account_id)).client
        try:
            response, body = await client.response(told.survey_id, told.response_id)
        except QualtricsNotFound as error:
            if error.status == NO_SUCH_THING:
                raise Retry(NOT_THERE_YET) from None
            raise
        known = await self._known_outline(account_id, told.survey_id, response)
        if not self._keeps:
            return response, known[1] if known else outline_survey(await client.survey(told.survey_id))
        if known is None:
            outline = outline_survey(await client.survey(told.survey_id))
            known = await keep_outline(self._database, account_id, outline), outline
        await self._database.pool.execute(
            KEEP, account_id, told.response_id, told.announcement, known[0], body
        )
        return await self._kept(account_id, told) or (response, known[1])

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
        words = f"the response itself tells that it is {kind}, and the workflow does not start with such responses"
        raise Skip(Reason("response-of-another-kind", words, {"kind": kind}))
