"""The docs' page names all that there is, and nothing is offered that it does not name."""

from pathlib import Path

import pytest

from afterword.distributions.mail import CONTACT_NAMES, LINK_NAMES
from afterword.piped_text.dates import PRESETS
from afterword.piped_text.malformed import SCHEMES
from afterword.surveys.outlines import CONTACT_FIELDS, METADATA
from afterword.surveys.piped import _OF_ONE, _WHOLE
from afterword.workflows.saving.names import SCHEDULE_FIELDS
from afterword.workflows.values.event_data import CONVERSATION_FIELDS

PAGE = (Path(__file__).parents[2] / "docs" / "piped-text.md").read_text()


@pytest.mark.parametrize(
    "name",
    [
        *(f"{scheme}://" for scheme in SCHEMES),
        *PRESETS,
        *METADATA,
        *CONTACT_FIELDS,
        *CONTACT_NAMES,
        *LINK_NAMES,
        *CONVERSATION_FIELDS,
        *SCHEDULE_FIELDS,
        *_WHOLE,
        *_OF_ONE,
    ],
)
def test_the_page_names_it(name: str) -> None:
    assert name in PAGE
