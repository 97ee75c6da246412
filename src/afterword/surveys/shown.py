"""The survey's page as a respondent sees it: its templates, and what they are filled in with."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from afterword.surveys.definitions import SurveyDefinition

TEMPLATES = Path(__file__).parent / "templates"
NOTHING: Mapping[str, str] = MappingProxyType({})


def survey_page_values(
    definition: SurveyDefinition,
    *,
    action: str,
    opt_out: str,
    typed: Mapping[str, str] = NOTHING,
    errors: Mapping[str, str] = NOTHING,
    not_stored: bool = False,
    shown_at: int = 0,
    seen_version: int = 0,
    changeable_for: str | None = None,
) -> dict[str, object]:
    """What ``survey.html`` is filled in with; ``typed`` and ``errors`` are by question.

    ``changeable_for`` is the sentence that tells for how long an answer can still be changed.
    """
    return {
        "action": action,
        "opt_out": opt_out,
        "questions": definition.questions,
        "texts": definition.texts,
        "typed": typed,
        "errors": errors,
        "not_stored": not_stored,
        "shown_at": shown_at,
        "seen_version": seen_version,
        "changeable_for": changeable_for,
    }
