"""A survey saved by somebody who looked at it before: nothing of anybody else's is overwritten unseen."""

import msgspec
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.audit import Values, audit
from afterword.store import tables
from afterword.surveys.definitions import ScoreQuestion, Survey, get_survey


async def change_survey(connection: AsyncConnection, survey: Survey) -> bool:
    """Save its name, its definition and whether it is active, if nobody changed it after its ``modified_at``; answers
    whether that is so. What changed is written into the audit log.
    """
    before = await get_survey(connection, survey.id)
    table = tables.survey
    changed = (
        update(table)
        .where(table.c.id == survey.id, table.c.modified_at == survey.modified_at)
        .values(
            name=survey.name,
            is_active=survey.is_active,
            definition=msgspec.to_builtins(survey.definition),
            modified_at=func.clock_timestamp(),
        )
        .returning(table.c.id)
    )
    if before is None or (await connection.execute(changed)).first() is None:
        return False
    await audit(
        connection, "survey", "changed", (survey.id, survey.name), before=_said(before), after=_said(survey)
    )
    return True


def _said(survey: Survey) -> Values:
    """What a survey says, by what it is called in the audit log."""
    definition = survey.definition
    questions = {one.id: one.text for one in definition.questions}
    choices = {
        f"{question.id} {choice.recode}": choice.text
        for question in definition.questions
        if isinstance(question, ScoreQuestion)
        for choice in question.choices
    }
    return {
        "name": survey.name,
        "active": survey.is_active,
        **msgspec.to_builtins(definition.texts),
        **questions,
        **choices,
        "changeable hours": f"{definition.changeable_hours:g}",
        "Embedded Data": ", ".join(definition.embedded_data),
    }
