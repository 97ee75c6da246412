"""What an installation has that a workflow may name, each with what people call it: for a choice."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.connected import Kind
from afterword.store import tables
from afterword.surveys.outlines import SurveyOutline
from afterword.workflows.starting.endpoints import ListedEndpoint, list_endpoints


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts, Surveys of our own and Mailing Lists: their names by id, in the order of a list."""

    accounts: Mapping[Kind, Mapping[str, str]]
    surveys: Mapping[str, str]
    mailing_lists: Mapping[str, str]

    def accounts_of(self, kind: Kind) -> Mapping[str, str]:
        """The connected accounts of this kind."""
        return self.accounts.get(kind, {})


class Choices(Named, frozen=True, kw_only=True):
    """All that may be named. ``account_surveys`` are the Surveys of connected Qualtrics accounts, by account and
    survey, as far as they were read.
    """

    account_surveys: Mapping[tuple[str, str], str]
    endpoints: Sequence[ListedEndpoint]


async def read_named(connection: AsyncConnection) -> Named:
    """Read accounts, Surveys and Mailing Lists, in three queries."""
    account = tables.connected_account
    accounts: dict[Kind, dict[str, str]] = {}
    for row in await connection.execute(
        select(account.c.id, account.c.kind, account.c.name).order_by(func.lower(account.c.name))
    ):
        accounts.setdefault(row.kind, {})[row.id] = row.name
    return Named(
        accounts=accounts,
        surveys=await _names(connection, tables.survey),
        mailing_lists=await _names(connection, tables.mailing_list),
    )


async def read_choices(connection: AsyncConnection) -> Choices:
    """Read what there is, in five queries."""
    read = tables.qualtrics_survey
    outlines = await connection.execute(
        select(read.c.account_id, read.c.survey_id, read.c.outline)
        .ext(distinct_on(read.c.account_id, read.c.survey_id))
        .order_by(read.c.account_id, read.c.survey_id, read.c.read_at.desc())
    )
    named = await read_named(connection)
    return Choices(
        accounts=named.accounts,
        surveys=named.surveys,
        mailing_lists=named.mailing_lists,
        account_surveys={
            (row.account_id, row.survey_id): msgspec.json.decode(row.outline, type=SurveyOutline).name
            for row in outlines
        },
        endpoints=await list_endpoints(connection),
    )


async def _names(connection: AsyncConnection, table: Table) -> dict[str, str]:
    rows = await connection.execute(select(table.c.id, table.c.name).order_by(table.c.created_at, table.c.id))
    return {row.id: row.name for row in rows}
