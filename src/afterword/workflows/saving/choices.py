"""What an installation has that a workflow may name, each with what people call it: for a choice."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.connected import Kind
from afterword.store import tables
from afterword.surveys.outlines import SurveyOutline
from afterword.workflows.starting.endpoints import ListedEndpoint, list_endpoints


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """By id, in the order of a list. ``surveys`` are those of our own, ``account_surveys`` those of connected
    Qualtrics accounts, by account and survey, as far as they were read.
    """

    accounts: Mapping[Kind, Mapping[str, str]]
    surveys: Mapping[str, str]
    account_surveys: Mapping[tuple[str, str], str]
    mailing_lists: Mapping[str, str]
    endpoints: Sequence[ListedEndpoint]

    def accounts_of(self, kind: Kind) -> Mapping[str, str]:
        """The connected accounts of this kind."""
        return self.accounts.get(kind, {})


async def read_choices(connection: AsyncConnection) -> Choices:
    """Read what there is, in five queries."""
    account = tables.connected_account
    accounts: dict[Kind, dict[str, str]] = {}
    for row in await connection.execute(
        select(account.c.id, account.c.kind, account.c.name).order_by(func.lower(account.c.name))
    ):
        accounts.setdefault(row.kind, {})[row.id] = row.name
    survey, mailing_list, read = tables.survey, tables.mailing_list, tables.qualtrics_survey
    surveys = await connection.execute(
        select(survey.c.id, survey.c.name).order_by(survey.c.created_at, survey.c.id)
    )
    lists = await connection.execute(
        select(mailing_list.c.id, mailing_list.c.name).order_by(mailing_list.c.created_at, mailing_list.c.id)
    )
    outlines = await connection.execute(
        select(read.c.account_id, read.c.survey_id, read.c.outline)
        .ext(distinct_on(read.c.account_id, read.c.survey_id))
        .order_by(read.c.account_id, read.c.survey_id, read.c.read_at.desc())
    )
    return Choices(
        accounts=accounts,
        surveys={row.id: row.name for row in surveys},
        account_surveys={
            (row.account_id, row.survey_id): msgspec.json.decode(row.outline, type=SurveyOutline).name
            for row in outlines
        },
        mailing_lists={row.id: row.name for row in lists},
        endpoints=await list_endpoints(connection),
    )
