"""A Survey as piped text sees it, whether it is our own or a real Qualtrics'."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from afterword.surveys.definitions import Question, ScoreQuestion, Survey
from afterword.surveys.models import Response


class OutlinedChoice(msgspec.Struct, frozen=True):
    """A choice of a question or a row of a matrix; ``recode`` is what stands for it in a Response."""

    id: str
    text: str
    recode: str


class OutlinedQuestion(msgspec.Struct, frozen=True):
    """A question. ``text`` is plain text.

    ``choices`` are empty for a question that is answered by a text. In a matrix they are the rows, and ``answers`` the
    points of its scale.
    """

    id: str
    text: str
    description: str = ""
    choices: tuple[OutlinedChoice, ...] = ()
    answers: tuple[OutlinedChoice, ...] = ()


class SurveyOutline(msgspec.Struct, frozen=True):
    """A Survey: its questions, and the Embedded Data that its Survey Flow declares."""

    id: str
    name: str
    questions: tuple[OutlinedQuestion, ...] = ()
    embedded_data: tuple[str, ...] = ()

    def question(self, question_id: str) -> OutlinedQuestion | None:
        """The question of this id (``QID1``)."""
        return next((question for question in self.questions if question.id == question_id), None)


METADATA = (
    "ResponseID",
    "SurveyID",
    "StartDate",
    "RecordedDate",
    "Q_CHL",
    "Q_Language",
)
"""What every Response tells of itself, by the names that piped text has for it; the dates in UTC, ISO 8601."""

CONTACT_FIELDS = ("FirstName", "LastName", "Email", "ExternalDataReference", "Language", "Phone")
"""What piped text can ask of the contact who answered."""


class AnsweredSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """A Response with all that piped text can ask of it.

    ``values`` are the answers by the names that Qualtrics' API has for them (``QID1``: the recode of a choice, or
    several; ``QID2_TEXT``: a text; ``QID5_1``: the answer to a row or a field). ``metadata`` are named as in
    :data:`METADATA`, ``contact`` as in :data:`CONTACT_FIELDS`; what is not known may be missing from both. ``version``
    grows with each change; ``is_finished`` tells that nothing more is expected, and ``finished_at`` when it counts as
    finished in any case, where that is known; before ``settles_at`` it may change without another event telling of it.
    """

    response_id: str
    survey: SurveyOutline
    values: Mapping[str, object]
    embedded_data: Mapping[str, str]
    metadata: Mapping[str, str] = {}
    contact: Mapping[str, str] = {}
    version: int = 1
    is_finished: bool = True
    finished_at: datetime | None = None
    recorded_at: datetime | None = None
    settles_at: datetime | None = None


def outline(survey: Survey) -> SurveyOutline:
    """The outline of a Survey of our own."""
    definition = survey.definition
    return SurveyOutline(
        survey.id,
        survey.name,
        tuple(_outlined(question) for question in definition.questions),
        definition.embedded_data,
    )


def _outlined(question: Question) -> OutlinedQuestion:
    if not isinstance(question, ScoreQuestion):
        return OutlinedQuestion(question.id, question.text)
    choices = (OutlinedChoice(str(one.recode), one.text, str(one.recode)) for one in question.choices)
    return OutlinedQuestion(question.id, question.text, choices=tuple(choices))


def answered_survey(
    survey: Survey, response: Response, contact: Mapping[str, str] | None = None
) -> AnsweredSurvey:
    """A Response to a Survey of our own."""
    metadata = {
        "ResponseID": response.id,
        "SurveyID": response.survey_id,
        "StartDate": _moment(response.started_at),
        "RecordedDate": _moment(response.recorded_at),
        "Q_CHL": response.channel or "",
        "Q_Language": response.language or "",
    }
    return AnsweredSurvey(
        response_id=response.id,
        survey=outline(survey),
        values=response.answers,
        embedded_data=response.embedded_data,
        metadata=metadata,
        contact=contact or {},
        version=response.version,
        is_finished=response.finished or not response.is_changeable(survey.definition),
        finished_at=response.changeable_until(survey.definition),
        recorded_at=response.recorded_at,
    )


def _moment(moment: datetime | None) -> str:
    return (
        "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )
