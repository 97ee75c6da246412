"""Our own surveys, their responses, and what is counted of both."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from afterword.store.tables.columns import (
    INDEXED_EMBEDDED_DATA,
    embedded_value,
    json_values,
    metadata,
    moment,
)

survey = Table(
    "survey",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("definition", JSONB, nullable=False),
    Column("owner_id", Text, ForeignKey("person.id", ondelete="SET NULL")),
    moment("created_at", now=True),
    moment("modified_at", now=True),
)

response = Table(
    "response",
    metadata,
    Column("id", Text, primary_key=True),
    Column("survey_id", Text, ForeignKey("survey.id", ondelete="RESTRICT"), nullable=False),
    Column("invitation_id", Text, unique=True),
    json_values("answers"),
    json_values("embedded_data"),
    Column("kind", Text, nullable=False, server_default="created"),
    Column("channel", Text),
    Column("language", Text),
    moment("started_at"),
    moment("recorded_at", now=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    moment("modified_at"),
    Column("finished", Boolean, nullable=False, server_default=text("true")),
    Column("score", Integer),
    moment("invited_at"),
    Index("response_survey_id_recorded_at_idx", "survey_id", "recorded_at", "id", "score", "kind"),
    Index("response_survey_id_invited_at_idx", "survey_id", "invited_at"),
    *(
        Index(f"response_{name.lower()}_idx", "survey_id", text(embedded_value(name)), "recorded_at")
        for name in INDEXED_EMBEDDED_DATA
    ),
)
"""``version`` counts what was answered, ``modified_at`` is when it last changed. ``finished``: every question was
answered, or the respondent said that that is all. ``score`` is the answer to the survey's first question that asks for
one, ``invited_at`` when its invitation was to go out; both are kept here to be counted.
"""


def _survey_count(name: str, *more: Index) -> Table:
    return Table(
        name,
        metadata,
        Column("survey_id", Text, nullable=False),
        Column("about", Text, nullable=False),
        Column("value", Text, nullable=False),
        Column("day", Date, nullable=False),
        Column("score", Integer),
        Column("asked", Integer, nullable=False),
        Column("answered", Integer, nullable=False),
        Column("responses", Integer, nullable=False),
        *more,
    )


survey_count = _survey_count(
    "survey_count",
    Index(
        "survey_count_key",
        "survey_id",
        "about",
        "value",
        "day",
        "score",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
)

survey_count_change = _survey_count("survey_count_change")
"""How many were asked and have answered of those asked on a ``day`` (UTC), and how many Responses were recorded on it,
of each ``score``: of the whole survey where ``about`` is empty, else with this ``value`` of Embedded Data. Triggers of
``invitation`` and ``response`` write each change down; what was added up stands in ``survey_count``. ``SELECT
count_surveys_anew()`` makes them all anew.
"""

response_version = Table(
    "response_version",
    metadata,
    Column("response_id", Text, ForeignKey("response.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    json_values("answers"),
    moment("replaced_at", now=True),
)
"""What was answered before it was changed."""
