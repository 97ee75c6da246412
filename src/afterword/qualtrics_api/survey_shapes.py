"""A survey as ``GET /surveys/{id}`` tells it (the older shape, in camel case), and its Survey Flow."""

import html
from collections.abc import Sequence

from afterword.qualtrics.envelope import BRAND
from afterword.qualtrics_api.answers import seconds_date
from afterword.store.identifiers import derived_id
from afterword.surveys.definitions import Question, ScoreQuestion, Survey, SurveySummary

BLOCK_DESCRIPTION = "Default Question Block"


def block_id_of(survey_id: str) -> str:
    """The id of the one block that a survey of ours has."""
    return derived_id("BL", survey_id)


def summary(survey: SurveySummary) -> dict[str, object]:
    """A survey in a list."""
    return {
        "id": survey.id,
        "name": survey.name,
        "ownerId": survey.owner_id,
        "lastModified": seconds_date(survey.modified_at),
        "creationDate": seconds_date(survey.created_at),
        "isActive": survey.is_active,
    }


def whole_survey(survey: Survey, *, auditable: int, generated: int) -> dict[str, object]:
    """A survey with everything in it; ``generated`` counts test responses, ``auditable`` all others."""
    questions = survey.definition.questions
    names = {question.id: f"Q{number}" for number, question in enumerate(questions, start=1)}
    block_id = block_id_of(survey.id)
    elements = [{"type": "Question", "questionId": question.id} for question in questions]
    declared = survey.definition.embedded_data
    return {
        "id": survey.id,
        "name": survey.name,
        "ownerId": survey.owner_id,
        "organizationId": BRAND,
        "isActive": survey.is_active,
        "creationDate": seconds_date(survey.created_at),
        "lastModifiedDate": seconds_date(survey.modified_at),
        "expiration": {"startDate": None, "endDate": None},
        "questions": {question.id: _question(question, names[question.id]) for question in questions},
        "exportColumnMap": {name: {"question": question_id} for question_id, name in names.items()},
        "blocks": {block_id: {"description": BLOCK_DESCRIPTION, "elements": elements}},
        "flow": [
            *([{"type": "EmbeddedData"}] if declared else []),
            {"type": "Block", "id": block_id},
        ],
        "embeddedData": [{"name": name} for name in declared],
        "comments": {},
        "loopAndMerge": {},
        "responseCounts": {"auditable": auditable, "generated": generated, "deleted": 0},
    }


def _question(question: Question, name: str) -> dict[str, object]:
    shape: dict[str, object] = {
        "questionType": {"type": "TE", "selector": "ML", "subSelector": None},
        "questionText": html.escape(question.text, quote=False),
        "questionLabel": None,
        "validation": {"doesForceResponse": False},
        "questionName": name,
    }
    if isinstance(question, ScoreQuestion):
        shape["questionType"] = {"type": "MC", "selector": "SAHR", "subSelector": "TX"}
        shape["validation"] = {"doesForceResponse": True}
        shape["choices"] = {
            str(number): {
                "recode": str(choice.recode),
                "description": choice.text,
                "choiceText": html.escape(choice.text, quote=False),
                "imageDescription": None,
                "variableName": None,
                "analyze": True,
            }
            for number, choice in enumerate(question.choices, start=1)
        }
    return shape


def survey_flow(survey_id: str, embedded_data: Sequence[str]) -> dict[str, object]:
    """The Survey Flow: Embedded Data whose values come with the link, then the block of questions."""
    elements: list[dict[str, object]] = []
    if embedded_data:
        elements.append({"Type": "EmbeddedData", "EmbeddedData": [_declared(name) for name in embedded_data]})
    elements.append({"Type": "Block", "ID": block_id_of(survey_id), "Autofill": []})
    for number, element in enumerate(elements, start=2):
        element["FlowID"] = f"FL_{number}"
    properties = {"Count": 1 + len(elements), "RemovedFieldsets": []}
    return {"FlowID": "FL_1", "Type": "Root", "Flow": elements, "Properties": properties}


def _declared(name: str) -> dict[str, object]:
    return {
        "Description": name,
        "Type": "Recipient",
        "Field": name,
        "VariableType": "String",
        "DataVisibility": [],
        "AnalyzeText": False,
    }
