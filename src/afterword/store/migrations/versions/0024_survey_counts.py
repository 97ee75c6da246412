"""Invitations and Responses counted by the day, so that a page need not count them one by one.

Triggers write down each change beside what changed, in its transaction, without waiting for anybody: rows are only
added. A keeper adds them up now and then. Exact at every moment is the sum of both tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

CHANGE = """
CREATE FUNCTION change_survey_count(
    of_survey text, embedded jsonb, moment timestamptz, of_score int, asked int, answered int, responses int
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO survey_count_change (survey_id, about, value, day, score, asked, answered, responses)
    SELECT of_survey, about, value, (moment AT TIME ZONE 'UTC')::date, of_score, asked, answered, responses
    FROM (
        VALUES ('', ''), ('InboxId', left(embedded ->> 'InboxId', 200)),
               ('AgentId', left(embedded ->> 'AgentId', 200))
    ) AS one (about, value)
    WHERE value IS NOT NULL
$$
"""

COUNT_INVITATION = """
CREATE FUNCTION count_invitation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.sent_at IS NOT NULL THEN
        PERFORM change_survey_count(OLD.survey_id, OLD.embedded_data, OLD.send_at, NULL, -1, 0, 0);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.sent_at IS NOT NULL THEN
        PERFORM change_survey_count(NEW.survey_id, NEW.embedded_data, NEW.send_at, NULL, 1, 0, 0);
    END IF;
    RETURN NULL;
END $$
"""

COUNT_RESPONSE = """
CREATE FUNCTION count_response() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF OLD.invited_at IS NOT NULL THEN
            PERFORM change_survey_count(OLD.survey_id, OLD.embedded_data, OLD.invited_at, NULL, 0, -1, 0);
        END IF;
        IF OLD.kind NOT IN ('preview', 'test') THEN
            PERFORM change_survey_count(OLD.survey_id, OLD.embedded_data, OLD.recorded_at, OLD.score, 0, 0, -1);
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF NEW.invited_at IS NOT NULL THEN
            PERFORM change_survey_count(NEW.survey_id, NEW.embedded_data, NEW.invited_at, NULL, 0, 1, 0);
        END IF;
        IF NEW.kind NOT IN ('preview', 'test') THEN
            PERFORM change_survey_count(NEW.survey_id, NEW.embedded_data, NEW.recorded_at, NEW.score, 0, 0, 1);
        END IF;
    END IF;
    RETURN NULL;
END $$
"""

TRIGGERS = (
    """
    CREATE TRIGGER count_made AFTER INSERT ON invitation
    FOR EACH ROW WHEN (NEW.sent_at IS NOT NULL) EXECUTE FUNCTION count_invitation()
    """,
    """
    CREATE TRIGGER count_changed AFTER UPDATE ON invitation FOR EACH ROW
    WHEN ((OLD.sent_at IS NULL, OLD.survey_id, OLD.send_at, OLD.embedded_data)
          IS DISTINCT FROM (NEW.sent_at IS NULL, NEW.survey_id, NEW.send_at, NEW.embedded_data))
    EXECUTE FUNCTION count_invitation()
    """,
    """
    CREATE TRIGGER count_gone AFTER DELETE ON invitation
    FOR EACH ROW WHEN (OLD.sent_at IS NOT NULL) EXECUTE FUNCTION count_invitation()
    """,
    "CREATE TRIGGER count_made AFTER INSERT ON response FOR EACH ROW EXECUTE FUNCTION count_response()",
    """
    CREATE TRIGGER count_changed AFTER UPDATE ON response FOR EACH ROW
    WHEN ((OLD.survey_id, OLD.embedded_data, OLD.kind, OLD.recorded_at, OLD.score, OLD.invited_at)
          IS DISTINCT FROM (NEW.survey_id, NEW.embedded_data, NEW.kind, NEW.recorded_at, NEW.score, NEW.invited_at))
    EXECUTE FUNCTION count_response()
    """,
    "CREATE TRIGGER count_gone AFTER DELETE ON response FOR EACH ROW EXECUTE FUNCTION count_response()",
)

COUNT_ANEW = """
CREATE FUNCTION count_surveys_anew() RETURNS void LANGUAGE sql AS $$
    LOCK TABLE invitation, response IN SHARE MODE;
    DELETE FROM survey_count_change;
    DELETE FROM survey_count;
    INSERT INTO survey_count (survey_id, about, value, day, score, asked, answered, responses)
    SELECT survey_id, about, value, (moment AT TIME ZONE 'UTC')::date, score, sum(asked), sum(answered), sum(responses)
    FROM (
        SELECT survey_id, embedded_data, send_at, NULL::int, 1, 0, 0 FROM invitation WHERE sent_at IS NOT NULL
        UNION ALL
        SELECT survey_id, embedded_data, invited_at, NULL::int, 0, 1, 0 FROM response WHERE invited_at IS NOT NULL
        UNION ALL
        SELECT survey_id, embedded_data, recorded_at, score, 0, 0, 1 FROM response
        WHERE kind NOT IN ('preview', 'test')
    ) AS each (survey_id, embedded_data, moment, score, asked, answered, responses)
    CROSS JOIN LATERAL (
        VALUES ('', ''), ('InboxId', left(embedded_data ->> 'InboxId', 200)),
               ('AgentId', left(embedded_data ->> 'AgentId', 200))
    ) AS one (about, value)
    WHERE value IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5
$$
"""


def upgrade() -> None:
    """Add the counts, and count what is there."""
    for name in ("survey_count", "survey_count_change"):
        op.create_table(
            name,
            sa.Column("survey_id", sa.Text(), nullable=False),
            sa.Column("about", sa.Text(), nullable=False),
            sa.Column("value", sa.Text(), nullable=False),
            sa.Column("day", sa.Date(), nullable=False),
            sa.Column("score", sa.Integer(), nullable=True),
            sa.Column("asked", sa.Integer(), nullable=False),
            sa.Column("answered", sa.Integer(), nullable=False),
            sa.Column("responses", sa.Integer(), nullable=False),
        )
    op.create_index(
        "survey_count_key",
        "survey_count",
        ["survey_id", "about", "value", "day", "score"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    for statement in (CHANGE, COUNT_INVITATION, COUNT_RESPONSE, *TRIGGERS, COUNT_ANEW):
        op.execute(statement)
    op.execute("SELECT count_surveys_anew()")
