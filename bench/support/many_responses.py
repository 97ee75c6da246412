"""Invitations and Responses by the hundred thousand, spread over a year, made by SQL as they would have been left.

Three are asked for each who answers. An Inbox has a share of its own of them (the first of 20 has a fifth), so does an
Agent; every other who answers writes a comment.
"""

import asyncpg
import msgspec

from afterword.surveys.definitions import csat_survey
from support.many_runs import SURVEY

ASKED_FOR_EACH_ANSWER = 3
DAYS = 365
COUNTED = ("invitation", "response")

CONTACTS = """
INSERT INTO contact (id, email, first_name, last_name)
SELECT 'CID_' || n, 'first' || n % 500 || '.last' || n || '@mail' || n % 40 || '.example', 'First' || n % 500,
       'Last' || n % 20000
FROM generate_series(0, $1::bigint / 8) n
"""

INVITATIONS = """
INSERT INTO invitation (id, survey_id, contact_id, mailing_list_id, link_token, email, first_name, last_name,
                        embedded_data, from_name, subject, message, created_at, send_at, sent_at, conversation_id)
SELECT 'EMD_' || n, $2, contact.id, 'CG_bench', 'token' || n, contact.email, contact.first_name, contact.last_name,
       jsonb_build_object('InboxId', 'inbox' || floor(20 * power(n * 7919 % 1000 / 1000.0, 2)),
                          'AgentId', 'agent' || n * 31 % 200, 'ConversationId', left(md5('v' || n), 22),
                          'CustomerId', left(md5('c' || n / 8), 22)),
       'Acme', 'How did we do?', 'Hello', moment, moment, CASE WHEN n % 50 > 0 THEN moment END, left(md5('v' || n), 22)
FROM generate_series(1, $1::bigint) n JOIN contact ON contact.id = 'CID_' || n / 8
CROSS JOIN LATERAL (SELECT now() - make_interval(secs => ($1::bigint - n) * $3::float8)) AS at (moment)
"""

RESPONSES = """
INSERT INTO response (id, survey_id, invitation_id, answers, embedded_data, channel, language, recorded_at, score,
                      invited_at)
SELECT 'R_' || id, survey_id, id,
       jsonb_build_object('QID1', score) || CASE WHEN n % 2 = 0 THEN jsonb_build_object(
           'QID2_TEXT', 'They were kind and quick, and told me what happens next: ' || n) ELSE '{}' END,
       embedded_data, 'email', 'EN', least(now(), send_at + make_interval(hours => (n % 48)::int)), score, send_at
FROM (
    SELECT *, row_number() OVER (ORDER BY send_at) AS n FROM invitation WHERE sent_at IS NOT NULL
) AS asked
CROSS JOIN LATERAL (SELECT (ARRAY[5, 5, 5, 4, 4, 3, 2, 1])[1 + n * 7919 % 8]) AS given (score)
WHERE n % 3 = 0 LIMIT $1
"""

AUDIT = """
INSERT INTO audit_entry (at, actor_id, actor, door, kind, what, subject_id, subject, before, after)
SELECT now() - make_interval(hours => $1::int - n), 'UR_bench', 'Owner', 'page', 'workflow', 'renamed',
       'OC_wf' || n % 20, 'Workflow ' || n % 20,
       jsonb_build_object('name', 'Workflow'), jsonb_build_object('name', 'Workflow ' || n % 20)
FROM generate_series(1, $1::int) n
"""

AUDIT_ENTRIES = 10_000


async def make_responses(url: str, number: int) -> None:
    """So many Responses to the survey of :mod:`support.many_runs`, thrice as many invitations, an audit log."""
    connection = await asyncpg.connect(url)
    try:
        definition = msgspec.json.encode(csat_survey()).decode()
        await connection.execute("UPDATE survey SET definition = $1", definition)
        await connection.execute("SET synchronous_commit = off")
        asked = number * ASKED_FOR_EACH_ANSWER + number // 10
        await connection.execute(CONTACTS, asked)
        for table in COUNTED:  # all at once is several times faster than each by itself
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await connection.execute(INVITATIONS, asked, SURVEY, DAYS * 86400 / asked)
        await connection.execute(RESPONSES, number)
        for table in COUNTED:
            await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        await connection.execute("SELECT count_surveys_anew()")
        await connection.execute(AUDIT, AUDIT_ENTRIES)
        await connection.execute("VACUUM ANALYZE contact, invitation, response, survey_count, audit_entry")
    finally:
        await connection.close()
