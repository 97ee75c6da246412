"""What a Survey asks."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.store.identifiers import new_id
from afterword.translating import N_, spoken, translated
from afterword.translating import gettext as _


class Choice(msgspec.Struct, frozen=True):
    """One choice of a question; ``recode`` is the number that stands for it."""

    recode: int
    text: str


class ScoreQuestion(msgspec.Struct, frozen=True, tag="score", tag_field="kind"):
    """One choice of several, each a number: the CSAT score."""

    id: str
    text: str
    choices: tuple[Choice, ...]

    def choice(self, recode: int) -> Choice | None:
        """The choice that this number stands for."""
        return next((choice for choice in self.choices if choice.recode == recode), None)


class TextQuestion(msgspec.Struct, frozen=True, tag="text", tag_field="kind"):
    """Text of the respondent's own."""

    id: str
    text: str
    max_length: int = 5000


Question = ScoreQuestion | TextQuestion


def value_name(question: Question) -> str:
    """What an answer to this question is called: ``QID1`` is a choice's number, ``QID2_TEXT`` a text."""
    return question.id if isinstance(question, ScoreQuestion) else f"{question.id}_TEXT"


class SurveyTexts(msgspec.Struct, frozen=True):
    """What a respondent reads besides the questions."""

    title: str = N_("How did we do?")
    submit: str = N_("Send my answer")
    thanks_title: str = N_("Thank you!")
    thanks: str = N_("Your answer has reached the team.")
    more: str = N_("Anything to add?")
    add: str = N_("Add this")
    enough: str = N_("That is all")
    change: str = N_("Change my answer")
    language: str = "en"


ChangeableHours = Annotated[
    float,
    Meta(
        ge=0,
        le=8784,
        description="For how many hours after it came an answer can be added to and corrected by its personal link; "
        "0: never.",
    ),
]


class SurveyDefinition(msgspec.Struct, frozen=True):
    """A survey: its questions in order, its texts, the Embedded Data that its Survey Flow declares, and for how long a
    respondent may change an answer.
    """

    questions: tuple[Question, ...]
    texts: SurveyTexts = SurveyTexts()
    embedded_data: tuple[str, ...] = ()
    changeable_hours: ChangeableHours = 24

    def score_question(self) -> ScoreQuestion | None:
        """The first question that asks for a score."""
        return next((question for question in self.questions if isinstance(question, ScoreQuestion)), None)

    def comment_question(self) -> TextQuestion | None:
        """The first question that asks for a text: the comment."""
        return next((question for question in self.questions if isinstance(question, TextQuestion)), None)

    def score_in(self, answers: Mapping[str, object]) -> int | None:
        """The score in these answers; ``None`` when none was given."""
        question = self.score_question()
        score = None if question is None else answers.get(question.id)
        return score if isinstance(score, int) else None

    def question(self, question_id: str) -> Question | None:
        """The question of this id (``QID1``)."""
        return next((question for question in self.questions if question.id == question_id), None)

    def unanswered(self, answers: Mapping[str, object]) -> tuple[Question, ...]:
        """The questions that these answers leave open."""
        return tuple(question for question in self.questions if value_name(question) not in answers)

    def spell_embedded_data(self, values: Mapping[str, str]) -> dict[str, str]:
        """Give each value its name as the Survey Flow spells it; Qualtrics matches the names without regard to case.

        Names that the flow does not declare keep their own spelling.
        """
        spelling = {name.casefold(): name for name in self.embedded_data}
        return {spelling.get(name.casefold(), name): value for name, value in values.items()}


class Survey(msgspec.Struct, frozen=True):
    """A survey as stored; ``owner_id`` is ``None`` when its owner was removed."""

    id: str
    name: str
    is_active: bool
    definition: SurveyDefinition
    owner_id: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


class SurveySummary(msgspec.Struct, frozen=True):
    """A survey in a list, without its definition."""

    id: str
    name: str
    is_active: bool
    owner_id: str | None
    created_at: datetime
    modified_at: datetime


CSAT_WORDS = (N_("Very unhappy"), N_("Unhappy"), N_("So-so"), N_("Happy"), N_("Very happy"))
GUIDE_EMBEDDED_DATA = ("CustomerId", "ConversationId", "AgentId", "InboxId")


def csat_survey(embedded_data: Iterable[str] = GUIDE_EMBEDDED_DATA) -> SurveyDefinition:
    """The survey that a new installation starts with: a CSAT score from 1 to 5 and a comment.

    It is in the language that is spoken; whoever makes it may change each word.
    """
    usual = {name: translated(text) for name, text in msgspec.structs.asdict(SurveyTexts()).items()}
    return SurveyDefinition(
        questions=(
            ScoreQuestion(
                id="QID1",
                text=_("How happy are you with the help you got?"),
                choices=tuple(
                    Choice(number, translated(words)) for number, words in enumerate(CSAT_WORDS, start=1)
                ),
            ),
            TextQuestion(id="QID2", text=_("What is the main reason for your score?")),
        ),
        texts=SurveyTexts(**usual | {"language": spoken()}),
        embedded_data=tuple(embedded_data),
    )


async def add_survey(
    connection: AsyncConnection, *, name: str, definition: SurveyDefinition, owner_id: str | None = None
) -> str:
    """Save a new survey; answers its id (``SV_…``)."""
    survey_id = new_id("SV")
    values = {"id": survey_id, "name": name, "owner_id": owner_id}
    await connection.execute(
        insert(tables.survey).values(**values, definition=msgspec.to_builtins(definition))
    )
    return survey_id


async def put_survey(
    connection: AsyncConnection,
    survey_id: str,
    *,
    name: str,
    is_active: bool,
    definition: SurveyDefinition,
    owner_id: str | None,
) -> None:
    """Have a survey of this id ask so; ``owner_id`` is for one that is new."""
    asked = {"name": name, "is_active": is_active, "definition": msgspec.to_builtins(definition)}
    new = postgresql_insert(tables.survey).values(id=survey_id, owner_id=owner_id, **asked)
    await connection.execute(
        new.on_conflict_do_update(
            index_elements=[tables.survey.c.id], set_={**asked, "modified_at": func.now()}
        )
    )


async def get_survey(connection: AsyncConnection, survey_id: str) -> Survey | None:
    """The survey of this id."""
    found = await connection.execute(select(*SURVEY_COLUMNS).where(tables.survey.c.id == survey_id).limit(1))
    row = found.mappings().one_or_none()
    return None if row is None else Survey(**{**row, "definition": _definition(row["definition"])})


async def list_surveys(connection: AsyncConnection, *, limit: int, offset: int = 0) -> list[SurveySummary]:
    """Surveys, oldest first: a page stays what it is while new ones are made."""
    order = (tables.survey.c.created_at, tables.survey.c.id)
    found = await connection.execute(select(*SUMMARY_COLUMNS).order_by(*order).limit(limit).offset(offset))
    return [SurveySummary(**row) for row in found.mappings()]


async def missing_surveys(connection: AsyncConnection, survey_ids: Iterable[str]) -> set[str]:
    """Those of these ids that no survey has."""
    wanted = set(survey_ids)
    there = await connection.scalars(select(tables.survey.c.id).where(tables.survey.c.id.in_(wanted)))
    return wanted - set(there)


async def declare_embedded_data(connection: AsyncConnection, survey_id: str, names: Sequence[str]) -> None:
    """Have a survey's flow declare these names of Embedded Data and no others."""
    found = await connection.execute(
        select(tables.survey.c.definition).where(tables.survey.c.id == survey_id).with_for_update()
    )
    row = found.one_or_none()
    if row is None:
        return
    definition = msgspec.structs.replace(_definition(row.definition), embedded_data=tuple(names))
    await connection.execute(
        update(tables.survey)
        .where(tables.survey.c.id == survey_id)
        .values(definition=msgspec.to_builtins(definition), modified_at=func.now())
    )


SURVEY_COLUMNS = [tables.survey.c[name] for name in Survey.__struct_fields__]
SUMMARY_COLUMNS = [tables.survey.c[name] for name in SurveySummary.__struct_fields__]


def _definition(stored: object) -> SurveyDefinition:
    return msgspec.convert(stored, SurveyDefinition, strict=False)
