"""What an installation has that a definition may name, for the check on saving and the choice of piped text."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.surveys.definitions import get_survey
from afterword.surveys.outlines import SurveyOutline, outline
from afterword.tasks.contract import AnyTaskType
from afterword.workflows.definitions import Definition, SurveyResponse
from afterword.workflows.saving.checking import Known, Mistake, check_definition
from afterword.workflows.saving.extensions import switched_off
from afterword.workflows.saving.workflows import Check


def check_on_saving(task_types: Mapping[str, AnyTaskType]) -> Check:
    """The check that ``workflows.save_revision`` and its neighbours take."""

    async def check(connection: AsyncConnection, definition: Definition) -> list[Mistake]:
        return check_definition(definition, task_types, await read_known(connection, definition))

    return check


async def read_known(connection: AsyncConnection, definition: Definition) -> Known:
    """Read what may be named. Only the Survey that the workflow starts with is read whole; of others there is the id.

    JSON Event endpoints are not looked at: a workflow's own is made together with it.
    """
    accounts = await connection.execute(
        select(tables.connected_account.c.id, tables.connected_account.c.kind)
    )
    surveys = await connection.execute(select(tables.survey.c.id, tables.survey.c.name))
    lists = await connection.scalars(select(tables.mailing_list.c.id))
    own = {row.id: SurveyOutline(row.id, row.name) for row in surveys}
    of_accounts: dict[tuple[str, str], SurveyOutline] = {}
    event = definition.event
    if isinstance(event, SurveyResponse):
        if event.account is not None:
            read = await account_survey(connection, event.account, event.survey)
            of_accounts = {} if read is None else {(event.account, event.survey): read}
        elif (survey := await get_survey(connection, event.survey)) is not None:
            own[survey.id] = outline(survey)
    return Known(
        accounts={row.id: row.kind for row in accounts},
        surveys=own,
        account_surveys=of_accounts,
        mailing_lists=frozenset(lists),
        switched_off=await switched_off(connection),
    )


async def account_survey(
    connection: AsyncConnection, account_id: str, survey_id: str
) -> SurveyOutline | None:
    """A connected account's Survey as it was read last; ``None`` when it was not read yet."""
    table = tables.qualtrics_survey
    stored = await connection.scalar(
        select(table.c.outline)
        .where(table.c.account_id == account_id, table.c.survey_id == survey_id)
        .order_by(table.c.read_at.desc())
        .limit(1)
    )
    return None if stored is None else msgspec.json.decode(stored, type=SurveyOutline)
