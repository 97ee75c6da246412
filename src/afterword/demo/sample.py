"""Sample Responses to the demo's Survey, so that Results has something to show: what customers of the past said.

Nobody was asked and nobody answered: each is *imported*, as what another program recorded is, says in its Embedded Data
that it is sample data, starts no Workflow, and stands on no Timeline. They are put in once, by a process of its own for
which nobody waits, and taken away by ``afterword demo --without-past``.
"""

import asyncio
import random
import sys
from collections.abc import Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.connecting import Connector
from afterword.accounts.gladly_accounts import get_gladly
from afterword.accounts.secrets import SecretBox
from afterword.gladly.client import GladlyClient
from afterword.gladly.models import ConversationMoment
from afterword.gladly.webhooks import CONVERSATION_CLOSED
from afterword.log import configure_logging
from afterword.settings import Settings
from afterword.store import tables
from afterword.store.database import Database
from afterword.store.identifiers import derived_id
from afterword.surveys.definitions import SurveyDefinition, get_survey, value_name

SAMPLE, SAYS = "SampleData", "made up for the demo"
"""The Embedded Data that marks a sample Response."""
DAYS = 14
TOLD_WITHIN_SECONDS = 60
SHARE_THAT_ANSWERS = 0.38
SHARE_WITH_COMMENT = 0.45
SCORES = {5: 50, 4: 24, 3: 11, 2: 7, 1: 8}
"""By how often they are given."""
COMMENTS = {
    5: (
        "Quick, kind and to the point.",
        "Solved in five minutes!",
        "Wirklich sehr freundlich.",
        "Muchas gracias.",
    ),
    4: ("All good, it took a little long.", "Friendly, thanks.", "Solved in the end."),
    3: ("It is solved, but I had to explain it twice.", "Okay.", "The answer came only the next day."),
    2: ("I still wait for the confirmation.", "Three messages for such a small thing."),
    1: ("My parcel is still not here.", "Nobody told me that it would take a week.", "Leider keine Hilfe."),
}


async def put_in(
    connection: AsyncConnection, client: GladlyClient, survey_id: str, connected_at: datetime
) -> int:
    """Put them in, unless some are there; answers how many.

    Only conversations that were over before the account was connected have one: later ones are asked about really.
    """
    survey = await get_survey(connection, survey_id)
    if survey is None or await connection.scalar(select(func.count()).where(_is_sample(survey_id))):
        return 0
    start = (connected_at - timedelta(days=DAYS)).date()
    closings: dict[str, ConversationMoment] = {}
    async with aclosing(
        client.conversation_timestamps(start, connected_at.date(), timezone="UTC")
    ) as moments:
        async for one in moments:
            if one.type == CONVERSATION_CLOSED and one.initiator_type == "AGENT" and one.at < connected_at:
                closings[one.conversation_id] = one
    rows = list(_responses(survey_id, survey.definition, closings.values(), connected_at))
    if rows:
        await connection.execute(insert(tables.response), rows)
    return len(rows)


async def take_away(connection: AsyncConnection, survey_id: str) -> None:
    """Take them away."""
    await connection.execute(delete(tables.response).where(_is_sample(survey_id)))


def _is_sample(survey_id: str) -> ColumnElement[bool]:
    response = tables.response
    return and_(response.c.survey_id == survey_id, response.c.embedded_data[SAMPLE].astext == SAYS)


def _responses(
    survey_id: str, definition: SurveyDefinition, closings: Iterable[ConversationMoment], until: datetime
) -> Iterable[dict[str, object]]:
    """What some of them said, by chance, and the same at every start."""
    score, comment = definition.score_question(), definition.comment_question()
    for one in closings:
        chance = random.Random(one.conversation_id)  # noqa: S311 - nothing secret
        answered = one.at + timedelta(minutes=5 * 2 ** chance.uniform(0, 8))
        if score is None or chance.random() > SHARE_THAT_ANSWERS or answered >= until:
            continue
        (given,) = chance.choices(list(SCORES), list(SCORES.values()))
        answers: dict[str, object] = {value_name(score): given}
        if comment is not None and chance.random() < SHARE_WITH_COMMENT:
            answers[value_name(comment)] = chance.choice(COMMENTS[given])
        yield {
            "id": derived_id("R", f"sample/{one.conversation_id}"),
            "survey_id": survey_id,
            "answers": answers,
            "embedded_data": {
                "CustomerId": one.customer_id or "",
                "ConversationId": one.conversation_id,
                "AgentId": one.agent_id or "",
                "InboxId": one.inbox_id or "",
                SAMPLE: SAYS,
            },
            "kind": "imported",
            "started_at": answered - timedelta(seconds=chance.randint(8, 90)),
            "recorded_at": answered,
            "score": given,
        }


async def _past_is_told(client: GladlyClient) -> bool:
    """Whether the sandbox has told its company's past: the exports of those days are made last."""
    for _ in range(TOLD_WITHIN_SECONDS):
        if await client.export_jobs():
            return True
        await asyncio.sleep(1)
    return False


async def _main(what: str, survey_id: str, account_id: str) -> None:
    settings = Settings.load()
    configure_logging("warning")
    database = await Database.connect(str(settings.database_url), name="afterword demo", pool_size=2)
    box = SecretBox.open(settings)
    if what == "without":
        async with database.transaction() as connection:
            await take_away(connection, survey_id)
    else:
        async with database.transaction() as connection:
            account = await get_gladly(connection, box, account_id)
            connected_at = await connection.scalar(
                select(tables.connected_account.c.created_at).where(
                    tables.connected_account.c.id == account_id
                )
            )
        if account is not None and connected_at is not None:
            async with Connector(settings, database, box).gladly_client(account) as client:
                if await _past_is_told(client):
                    async with database.transaction() as connection:
                        await put_in(connection, client, survey_id, connected_at.astimezone(UTC))
    await database.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
