"""Responses found and counted by their score and by whom and what they are about."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

FILTERED_BY = ("InboxId", "AgentId", "ConversationId", "CustomerId")


def upgrade() -> None:
    """Keep each response's score, and when it was asked for, to be counted; index responses and invitations for it."""
    op.add_column("response", sa.Column("score", sa.Integer))
    op.add_column("response", sa.Column("invited_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE response SET invited_at = send_at FROM invitation WHERE invitation.id = invitation_id")
    op.execute(
        """
        UPDATE response SET score = (answers ->> asked.question)::int
        FROM (
            SELECT survey.id, (
                SELECT question.value ->> 'id'
                FROM jsonb_array_elements(definition -> 'questions') WITH ORDINALITY AS question (value, place)
                WHERE question.value ->> 'kind' = 'score' ORDER BY place LIMIT 1
            ) AS question
            FROM survey
        ) AS asked
        WHERE response.survey_id = asked.id AND answers ->> asked.question ~ '^-?[0-9]{1,9}$'
        """
    )
    op.drop_index("response_survey_id_recorded_at_idx", "response")
    op.create_index(
        "response_survey_id_recorded_at_idx", "response", ["survey_id", "recorded_at", "id", "score", "kind"]
    )
    op.create_index("response_survey_id_invited_at_idx", "response", ["survey_id", "invited_at"])
    op.create_index("invitation_survey_id_send_at_idx", "invitation", ["survey_id", "send_at"])
    for name in FILTERED_BY:
        value = sa.text(f"left(embedded_data ->> '{name}', 200)")
        op.create_index(f"response_{name.lower()}_idx", "response", ["survey_id", value, "recorded_at"])
    for name in FILTERED_BY[:2]:
        value = sa.text(f"left(embedded_data ->> '{name}', 200)")
        op.create_index(f"invitation_{name.lower()}_idx", "invitation", ["survey_id", value, "send_at"])
