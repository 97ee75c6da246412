"""Every table, typed. Migrations make them (``migrations/``); a test holds the two together.

Ids: rows that arrive in a stream (events, runs, task attempts) have ascending numbers, so that listings page by
key and a range of time is a range of ids; things that people name and vendors' programs see have prefixed random
ids in Qualtrics' style (``SV_…``, ``CID_…``), made by ``identifiers.py``.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

ENCRYPTED = {"encrypted": True}
"""Marks the columns of secrets that are encrypted with the installation's key."""


def _moment(name: str, *, nullable: bool = True, now: bool = False) -> Column[object]:
    if now:
        return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _json(name: str) -> Column[object]:
    return Column(name, JSONB, nullable=False, server_default=text("'{}'::jsonb"))


INDEXED_EMBEDDED_DATA = ("InboxId", "AgentId", "ConversationId", "CustomerId")
"""Names of Embedded Data, as the vendors' guide spells them, that responses and invitations are found by."""
LONGEST_INDEXED = 200
"""Characters of such a value."""


def embedded_value(name: str) -> str:
    """SQL of a value of Embedded Data as it is indexed; ``name`` is one of ours.

    An index takes 2,704 bytes, and a value may be of any length: it is cut.
    """
    return f"left(embedded_data ->> '{name}', {LONGEST_INDEXED})"


# accounts/ ------------------------------------------------------------------------------------------------

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("key_check", LargeBinary, nullable=False, info=ENCRYPTED),
    _moment("created_at", now=True),
)

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    _moment("created_at", now=True),
    _moment("password_set_at"),
    Column("language", Text),
    Column("is_service", Boolean, nullable=False, server_default=text("false")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index("person_email_key", text("lower(email)"), unique=True),
)
"""Nobody signs in as a service account (``is_service``). ``version`` grows with each change of name or role."""

person_session = Table(
    "person_session",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key_sha256", LargeBinary, nullable=False, unique=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("signed_in_by", Text, nullable=False),
    Column("browser", Text, nullable=False),
    Column("network", Text, nullable=False),
    _moment("begun_at", now=True),
    _moment("seen_at", now=True),
    _moment("ends_at", nullable=False),
)

one_time_code = Table(
    "one_time_code",
    metadata,
    Column("person_id", Text, ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
    Column("secret", LargeBinary, nullable=False, info=ENCRYPTED),
    Column("last_step", BigInteger, nullable=False),
    Column("recovery_sha256", ARRAY(LargeBinary), nullable=False),
    _moment("created_at", now=True),
)
"""``last_step`` is the period of 30 s whose code was the last to be taken: none of it or before is taken again."""

open_id_identity = Table(
    "open_id_identity",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    _moment("created_at", now=True),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text)),
    _moment("created_at", now=True),
    _moment("last_used_at"),
)
"""Without ``scopes`` a token may all that its person may."""

welcome_link = Table(
    "welcome_link",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="CASCADE")),
    Column("code_sha256", LargeBinary, nullable=False, unique=True),
    _moment("expires_at", nullable=False),
)
"""Without a person it lets the first owner in."""

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _moment("at", now=True),
    Column("actor_id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    _json("before"),
    _json("after"),
    Index(None, "actor_id", "id"),
    Index(None, "kind", "id"),
    Index(None, "subject_id", "id"),
)
"""Rows are only added. It holds names as they were, of people and things that may be gone."""

login_session = Table(
    "login_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    _moment("expires_at"),
)
"""What is kept for a while: counts of failures, a sign-in between its two pages. Sessions are in ``person_session``."""

connected_account = Table(
    "connected_account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("base_url", Text),
    Column("username", Text),
    Column("organization_id", Text),
    Column("user_id", Text),
    Column("secrets", LargeBinary, nullable=False, info=ENCRYPTED),
    Column("delivery", Text),
    _moment("created_at", now=True),
    _moment("tried_at"),
    UniqueConstraint("kind", "name"),
    Index("connected_account_owner_key", "kind", "organization_id", "user_id", unique=True),
)
"""``organization_id`` and ``user_id`` are the vendor's own: by them an account is known again. One that was connected
without being tried has none. ``delivery`` is how a Gladly account's events reach us, ``tried_at`` when it was last
tried at the vendor, and worked.
"""

qualtrics_subscription = Table(
    "qualtrics_subscription",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("survey_id", Text, primary_key=True),
    Column("subscription_id", Text, nullable=False),
    Column("publication_url", Text, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    _moment("created_at", now=True),
)
"""Event subscriptions that we have at a real Qualtrics."""

account_availability = Table(
    "account_availability",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("call", Text, primary_key=True, server_default=""),
    Column("state", Text, nullable=False),
    Column("credentials", LargeBinary, nullable=False),
    _moment("since", nullable=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    _moment("last_failed_at"),
    _moment("next_probe_at"),
    Column("probes_failed", Integer, nullable=False, server_default=text("0")),
    _moment("run_let_go_at"),
    Column("reason_code", Text),
    Column("reason_words", Text),
    _moment("alerted_at"),
)
"""How a connected account stands, or one call of it; without a row it answers. ``credentials`` is a digest of those
that this is about: of others nothing is known.
"""

gladly_webhook = Table(
    "gladly_webhook",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason_code", Text),
    Column("reason_words", Text),
    _moment("since", nullable=False),
    Column("webhook_id", Text),
    Column("url", Text),
    Column("is_ours", Boolean, nullable=False, server_default=text("false")),
    Column("credentials_sha256", LargeBinary),
    _moment("credentials_put_at"),
    _moment("worked_at"),
    _moment("looked_at"),
    _moment("next_look_at", now=True),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    _moment("alerted_at"),
)
"""How the webhook of a connected Gladly account was at the last look. ``credentials_sha256`` is a digest of those that
were last put there, as Gladly shows none; ``tries`` counts the looks in a row at which it did not work.
"""

# alerts/ --------------------------------------------------------------------------------------------------

alert = Table(
    "alert",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("count", BigInteger, nullable=False, server_default=text("1")),
    Column("status", Text, nullable=False, server_default="waiting"),
    _moment("first_at", now=True),
    _moment("last_at", now=True),
    _moment("due_at", now=True),
    _moment("decided_at"),
    Column("summary_id", BigInteger),
    Index("alert_waiting_key", "kind", "subject", unique=True, postgresql_where=text("status = 'waiting'")),
    Index("alert_subject_idx", "kind", "subject", "decided_at"),
    Index("alert_decided_at_idx", "decided_at"),
)

alert_delivery = Table(
    "alert_delivery",
    metadata,
    Column("alert_id", BigInteger, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("status", Text, nullable=False, server_default="due"),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("failure", Text),
    _moment("due_at", now=True),
    Index("alert_delivery_due_at_idx", "due_at", postgresql_where=text("status = 'due'")),
)

# events/ --------------------------------------------------------------------------------------------------

event = Table(
    "event",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("origin", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("deduplication_key", LargeBinary),
    Column("conversation_id", Text),
    _moment("occurred_at"),
    Column("body", Text, nullable=False),
    _moment("received_at", now=True),
    Column("status", Text, nullable=False, server_default="received"),
    Column("reason_code", Text),
    Column("reason_words", Text),
    Column("redelivery_of", BigInteger),
    Column("found_in", Text),
    _moment("latest"),
    Column("backfill_id", BigInteger),
    Index("event_deduplication_key", "origin", "deduplication_key", unique=True),
    Index("event_inbox_idx", "id", postgresql_where=text("status = 'received'")),
    Index("event_without_run_idx", "id", postgresql_where=text("status IN ('ignored', 'redelivered')")),
    Index("event_reason_code_idx", "reason_code", "id", postgresql_where=text("reason_code IS NOT NULL")),
    Index(
        "event_kept_idx",
        "origin",
        "id",
        postgresql_where=text(
            "status = 'ignored' AND reason_code IN "
            "('no-workflow', 'workflow-was-off', 'workflow-had-no-task', 'response-kind-not-ticked')"
        ),
    ),
    Index(
        "event_conversation_idx",
        "origin",
        "conversation_id",
        "occurred_at",
        postgresql_where=text("conversation_id IS NOT NULL"),
    ),
)
"""``found_in`` is the record of Gladly's in which it was found, where no webhook told of it, and ``latest`` how late it
may have been, where that record tells no seconds.
"""

# backfill/ ------------------------------------------------------------------------------------------------

backfill = Table(
    "backfill",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), nullable=False),
    Column("cause", Text, nullable=False),
    Column("asked_by", Text),
    Column("gap_id", BigInteger),
    _moment("since", nullable=False),
    _moment("until", nullable=False),
    _moment("read_until", nullable=False),
    Column("state", Text, nullable=False, server_default="reading"),
    Column("is_confirmed", Boolean, nullable=False),
    Column("closings", BigInteger, nullable=False, server_default=text("0")),
    Column("fresh", BigInteger, nullable=False, server_default=text("0")),
    Column("recorded", BigInteger, nullable=False, server_default=text("0")),
    Column("missing", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("reason_code", Text),
    Column("reason_words", Text),
    _moment("working_until", nullable=False),
    _moment("due_at", now=True),
    _moment("created_at", now=True),
    _moment("finished_at"),
    Index("backfill_open_key", "account_id", unique=True, postgresql_where=text("finished_at IS NULL")),
)
"""Looks for closings that were missed. ``working_until`` is how long whoever works on it is taken to be there."""

backfill_found = Table(
    "backfill_found",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("backfill_id", BigInteger, ForeignKey("backfill.id", ondelete="CASCADE"), nullable=False),
    Column("type", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    _moment("occurred_at", nullable=False),
    _moment("latest"),
    Column("found_in", Text, nullable=False),
    Column("deduplication_key", LargeBinary, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("backfill_id", "deduplication_key"),
    Index("backfill_found_occurred_at_idx", "backfill_id", "occurred_at", "number"),
    Index("backfill_found_conversation_idx", "backfill_id", "conversation_id"),
)
"""What a backfill found and has not recorded yet."""

gladly_reading = Table(
    "gladly_reading",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    _moment("begins_at", now=True),
    _moment("checked_until", now=True),
    _moment("check_due_at", now=True),
    _moment("pulled_until"),
    _moment("pulled_at"),
    _moment("pull_due_at", now=True),
    Column("pull_failures", Integer, nullable=False, server_default=text("0")),
)
"""How far each Gladly account was looked through for closings that were missed, nothing before ``begins_at``; and,
where its list of events is read in place of a webhook, how far: the newest event's own time, and when it was read.
"""

event_gap = Table(
    "event_gap",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("origin", Text, nullable=False),
    _moment("since", nullable=False),
    _moment("until", nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_words", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    _moment("noted_at", now=True),
    _moment("closed_at"),
    Index("event_gap_origin_idx", "origin", "until"),
)
"""Spans of time in which events of an origin may be missing: ``open``, ``closed``, or ``left`` as they are."""

# workflows/ -----------------------------------------------------------------------------------------------

workflow = Table(
    "workflow",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("is_on", Boolean, nullable=False, server_default=text("false")),
    Column("current_revision", Integer, nullable=False, server_default=text("1")),
    Column("owner_id", Text, ForeignKey("person.id", ondelete="SET NULL")),
    Column("survey_id", Text),
    _moment("created_at", now=True),
    _moment("deleted_at"),
    Index("workflow_survey_id_idx", "survey_id", postgresql_where=text("survey_id IS NOT NULL")),
)

workflow_revision = Table(
    "workflow_revision",
    metadata,
    Column("workflow_id", Text, ForeignKey("workflow.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("definition", JSONB, nullable=False),
    Column("person_id", Text, ForeignKey("person.id", ondelete="SET NULL")),
    Column("restored_from", Integer),
    _moment("created_at", now=True),
)

json_event_endpoint = Table(
    "json_event_endpoint",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="RESTRICT"), nullable=False),
    Column("url_token_sha256", LargeBinary, nullable=False, unique=True),
    Column("url_token", LargeBinary, nullable=False, info=ENCRYPTED),
    Column("authentication_required", Boolean, nullable=False, server_default=text("true")),
    Column("repeat_window_seconds", Integer, nullable=False, server_default=text("600")),
    _moment("created_at", now=True),
    _moment("capturing_since"),
    Column("capturing_after_event", BigInteger),
)

schedule = Table(
    "schedule",
    metadata,
    Column("workflow_id", Text, ForeignKey("workflow.id", ondelete="CASCADE"), primary_key=True),
    Column("cron", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    _moment("next_at", nullable=False),
    Index("schedule_next_at_idx", "next_at"),
)
"""The next moment of each workflow that starts by the clock and is on; the definition stays the truth."""

run = Table(
    "run",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("workflow_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False, server_default="running"),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("version", Integer, nullable=False, server_default=text("0")),
    _json("outputs"),
    _json("ends"),
    Column("in_flight", Boolean, nullable=False, server_default=text("false")),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    Column("replays", Integer, nullable=False, server_default=text("0")),
    Column("conversation_id", Text),
    Column("customer_id", Text),
    Column("reason_code", Text),
    Column("reason_words", Text),
    Column("reason_values", JSONB),
    Column("evaluation", JSONB),
    Column("problem_id", BigInteger),
    Column("waiting_for", Text),
    _moment("held_since"),
    _moment("started_at", now=True),
    Column("due_at", DateTime(timezone=True), server_default=func.now()),
    _moment("finished_at"),
    UniqueConstraint("event_id", "workflow_id"),
    Index("run_workflow_id_idx", "workflow_id", "id"),
    Index("run_status_idx", "status", "id", postgresql_where=text("status <> 'succeeded'")),
    Index(
        "run_workflow_status_idx",
        "workflow_id",
        "status",
        "id",
        postgresql_where=text("status IN ('waiting', 'skipped', 'failed', 'cancelled')"),
    ),
    Index(
        "run_reason_code_idx",
        "workflow_id",
        "reason_code",
        "status",
        "id",
        postgresql_where=text("reason_code IS NOT NULL"),
    ),
    Index(
        "run_conversation_id_idx",
        "conversation_id",
        "id",
        postgresql_where=text("conversation_id IS NOT NULL"),
    ),
    Index("run_customer_id_idx", "customer_id", "id", postgresql_where=text("customer_id IS NOT NULL")),
    Index("run_due_at_idx", "due_at", postgresql_where=text("status IN ('running', 'waiting')")),
    Index("run_waiting_for_idx", "waiting_for", "id", postgresql_where=text("waiting_for IS NOT NULL")),
    Index("run_problem_id_idx", "problem_id", "id", postgresql_where=text("problem_id IS NOT NULL")),
    postgresql_with={"fillfactor": "70"},
)
"""``ends`` tells of tasks that did not succeed, by task id; ``outputs`` of those that did. Columns that change with
each task stand in no index, so that a task's end is written beside the old row (HOT); ``fillfactor`` keeps room for it.
"""

run_search = Table(
    "run_search",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("words", TSVECTOR, nullable=False),
    Index(
        "run_search_words_idx",
        "words",
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 256},
    ),
    Index("run_search_open_idx", "run_id", postgresql_where=text("is_open")),
    postgresql_partition_by="RANGE (run_id)",
)
"""The words that a run is found by, as they were at its ``version``; derived, and made anew from ``run`` at any time.

Its partitions are made and dropped as runs come and go (``workflows/history/search_partitions.py``). The short list of
what is pending in the index is read with each search.
"""

run_search_progress = Table(
    "run_search_progress",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("runs_until", BigInteger, nullable=False, server_default=text("0")),
    Column("attempts_until", BigInteger, nullable=False, server_default=text("0")),
    Column("open_until", BigInteger, nullable=False, server_default=text("0")),
    Column("changes", BigInteger, nullable=False, server_default=text("0")),
)

run_search_due = Table(
    "run_search_due",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("run_id", BigInteger, nullable=False),
)
"""Runs that were at their end and began again: nothing else tells of them in time."""

task_attempt = Table(
    "task_attempt",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("run_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("replay", Integer, nullable=False, server_default=text("0")),
    Column("status", Text, nullable=False),
    Column("input", JSONB, nullable=False),
    Column("output", JSONB, nullable=False),
    Column("reason_code", Text),
    Column("reason_words", Text),
    Column("reason_values", JSONB),
    Column("evaluation", JSONB),
    Column("exchanges", JSONB),
    _moment("started_at", nullable=False),
    _moment("finished_at", nullable=False),
    Index("task_attempt_run_id_idx", "run_id"),
    Index(
        "task_attempt_email_idx",
        text("left(lower(coalesce(nullif(input ->> 'email', ''), output ->> 'customerEmailAddress')), 320)"),
        postgresql_where=text(
            "coalesce(nullif(input ->> 'email', ''), output ->> 'customerEmailAddress') IS NOT NULL"
        ),
    ),
)

problem = Table(
    "problem",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_words", Text, nullable=False),
    Column("runs", BigInteger, nullable=False, server_default=text("0")),
    _moment("first_at", now=True),
    _moment("last_at", now=True),
    UniqueConstraint("workflow_id", "task_id", "reason_code"),
)

replay = Table(
    "replay",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="SET NULL")),
    Column("what", Text, nullable=False),
    Column("from_task", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    _moment("created_at", now=True),
    _moment("stopped_at"),
    _moment("finished_at"),
)

replay_run = Table(
    "replay_run",
    metadata,
    Column("replay_id", BigInteger, ForeignKey("replay.id", ondelete="CASCADE"), primary_key=True),
    Column("run_id", BigInteger, primary_key=True),
    Column("state", Text, nullable=False, server_default="queued"),
    Index("replay_run_queued_idx", "replay_id", "run_id", postgresql_where=text("state = 'queued'")),
    Index("replay_run_started_idx", "run_id", postgresql_where=text("state = 'started'")),
)

qualtrics_survey = Table(
    "qualtrics_survey",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("survey_id", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("outline", Text, nullable=False),
    _moment("read_at", now=True),
    UniqueConstraint("account_id", "survey_id", "sha256"),
    Index("qualtrics_survey_read_at_idx", "account_id", "survey_id", "read_at"),
)
"""Surveys of connected Qualtrics accounts, as they were whenever they were read; each state of one once."""

qualtrics_response = Table(
    "qualtrics_response",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),
    Column("announcement", Text, primary_key=True),
    Column("qualtrics_survey_id", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    _moment("fetched_at", now=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
)
"""Responses of connected Qualtrics accounts as runs read them, a reading for each ``announcement`` (which tells one
event of a response from another). ``version`` counts what was read: it grows when a later reading says something else.
"""

# subscriptions/ -------------------------------------------------------------------------------------------

event_subscription = Table(
    "event_subscription",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id", ondelete="SET NULL")),
    Column("topics", Text, nullable=False),
    Column("patterns", ARRAY(Text), nullable=False),
    Column("secrets", LargeBinary, nullable=False, info=ENCRYPTED),
    Column("successful_calls", BigInteger, nullable=False, server_default=text("0")),
    Column("failures_in_a_row", Integer, nullable=False, server_default=text("0")),
    _moment("held_until"),
    _moment("last_succeeded_at"),
    _moment("last_failed_at"),
    Column("last_failure", Text),
    _moment("created_at", now=True),
)

event_delivery = Table(
    "event_delivery",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("subscription_id", Text, ForeignKey("event_subscription.id", ondelete="CASCADE"), nullable=False),
    Column("topic", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="due"),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("failure", Text),
    _moment("due_at", now=True),
    _moment("created_at", now=True),
    Index("event_delivery_subscription_id_idx", "subscription_id", "status", "due_at", "id"),
)
"""What is to be told to subscribers: a row is gone once it was told."""

# directory/ -----------------------------------------------------------------------------------------------

mailing_list = Table(
    "mailing_list",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    _moment("created_at", now=True),
)

contact = Table(
    "contact",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("phone", Text, nullable=False, server_default=text("''")),
    Column("external_reference", Text, nullable=False, server_default=text("''")),
    Column("language", Text, nullable=False, server_default=text("''")),
    _json("embedded_data"),
    _moment("created_at", now=True),
    _moment("opted_out_at"),
    Index("contact_email_key", text("lower(email)"), unique=True),
)

mailing_list_contact = Table(
    "mailing_list_contact",
    metadata,
    Column("mailing_list_id", Text, ForeignKey("mailing_list.id", ondelete="CASCADE"), primary_key=True),
    Column("contact_id", Text, ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True),
    Column("contact_lookup_id", Text, nullable=False, unique=True),
    _moment("created_at", now=True),
)

# surveys/ -------------------------------------------------------------------------------------------------

survey = Table(
    "survey",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("definition", JSONB, nullable=False),
    Column("owner_id", Text, ForeignKey("person.id", ondelete="SET NULL")),
    _moment("created_at", now=True),
    _moment("modified_at", now=True),
)

response = Table(
    "response",
    metadata,
    Column("id", Text, primary_key=True),
    Column("survey_id", Text, ForeignKey("survey.id", ondelete="RESTRICT"), nullable=False),
    Column("invitation_id", Text, unique=True),
    _json("answers"),
    _json("embedded_data"),
    Column("kind", Text, nullable=False, server_default="created"),
    Column("channel", Text),
    Column("language", Text),
    _moment("started_at"),
    _moment("recorded_at", now=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _moment("modified_at"),
    Column("finished", Boolean, nullable=False, server_default=text("true")),
    Column("score", Integer),
    _moment("invited_at"),
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
    _json("answers"),
    _moment("replaced_at", now=True),
)
"""What was answered before it was changed."""

# tasks/ ---------------------------------------------------------------------------------------------------

timeline_item = Table(
    "timeline_item",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),
    Column("task_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("item_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("is_there", Boolean, nullable=False, server_default=text("false")),
    Column("under_way", Integer, nullable=False, server_default=text("0")),
    _moment("wanted_at", now=True),
)
"""Items on Gladly's Timelines that tell of a Response, one for each version that may stand there: noted before Gladly
is asked to make it, and taken out when it was deleted. ``under_way``: how many calls that make it may not have ended;
``wanted_at`` is when the last of them began.
"""

task_type_off = Table("task_type_off", metadata, Column("name", Text, primary_key=True))
"""The task types that are switched off, whether they are installed at the moment or not."""

# distributions/ -------------------------------------------------------------------------------------------

invitation = Table(
    "invitation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("survey_id", Text, ForeignKey("survey.id", ondelete="RESTRICT"), nullable=False),
    Column("contact_id", Text, ForeignKey("contact.id", ondelete="CASCADE"), nullable=False),
    Column("mailing_list_id", Text, nullable=False),
    Column("link_token", Text, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    _json("embedded_data"),
    _json("fields"),
    Column("from_name", Text, nullable=False),
    Column("reply_to", Text, nullable=False, server_default=text("''")),
    Column("subject", Text, nullable=False),
    Column("message", Text, nullable=False),
    _moment("created_at", now=True),
    _moment("send_at", nullable=False),
    _moment("sent_at"),
    _moment("expires_at"),
    Column("conversation_id", Text),
    Column("when_reopened", Text, nullable=False, server_default="keep"),
    _moment("closed_at"),
    Index("invitation_contact_id_idx", "contact_id"),
    Index("invitation_email_idx", text("lower(email)")),
    Index(
        "invitation_cancelled_by_reopening_idx",
        "conversation_id",
        postgresql_where=text("when_reopened <> 'keep'"),
    ),
    Index("invitation_survey_id_send_at_idx", "survey_id", "send_at"),
    *(
        Index(f"invitation_{name.lower()}_idx", "survey_id", text(embedded_value(name)), "send_at")
        for name in INDEXED_EMBEDDED_DATA[:2]
    ),
)
"""``closed_at`` is when the conversation was closed that it asks about, as Gladly told."""

# sending/ -------------------------------------------------------------------------------------------------

sending_pause = Table(
    "sending_pause",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("by_whom", Text, nullable=False),
    Column("why", Text, nullable=False, server_default=text("''")),
    _moment("since", now=True),
)
"""With a row, all sending is paused."""

sending_hour = Table(
    "sending_hour",
    metadata,
    Column("workflow_id", Text, primary_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True),
    Column("sent", BigInteger, nullable=False),
    Column("usual", Double),
    Column("is_let_go", Boolean, nullable=False, server_default=text("false")),
)
"""How many invitations a workflow sent in an hour of the clock (UTC), and how many were usual when it began."""

sending_permit = Table(
    "sending_permit",
    metadata,
    Column("run_key", Text, primary_key=True),
    Column("task_id", Text, primary_key=True),
    _moment("granted_at", now=True),
    Index("sending_permit_granted_at_idx", "granted_at"),
)
"""Tasks that were counted; an empty ``task_id`` stands for every task of a run that was let go."""

sending_hold = Table(
    "sending_hold",
    metadata,
    Column("workflow_id", Text, primary_key=True),
    Column("most", BigInteger, nullable=False),
    Column("usual", Double),
    _moment("since", now=True),
)
"""Workflows of which invitations are held; ``usual`` where that was the limit's measure."""

# eligibility/ ---------------------------------------------------------------------------------------------

asked = Table(
    "asked",
    metadata,
    Column("key", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("conversation_id", Text),
    Column("workflow_id", Text),
    Column("run_id", BigInteger),
    _moment("closed_at"),
    _moment("asked_at", now=True),
    Column("state", Text, nullable=False),
    Index("asked_account_id_customer_id_idx", "account_id", "customer_id"),
    Index("asked_conversation_id_idx", "conversation_id"),
    Index("asked_asked_at_idx", "asked_at"),
)
"""The ledger of those asked; ``key`` is that of the call that asks, ``account_id`` the connected Gladly account's.

What a ``state`` means stands in ``eligibility/ledger.py``.
"""

# previewing/ ----------------------------------------------------------------------------------------------

preview = Table(
    "preview",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    _moment("wanted_since", nullable=False),
    _moment("since", nullable=False),
    _moment("until", nullable=False),
    _moment("read_until", nullable=False),
    _moment("read_at"),
    Column("is_kept", Boolean, nullable=False, server_default=text("false")),
    Column("workflow_id", Text, nullable=False),
    Column("wanted", JSONB, nullable=False),
    Column("credit", Text, nullable=False),
    Column("asked_by", Text),
    Column("state", Text, nullable=False, server_default="reading"),
    Column("looked_at", BigInteger, nullable=False, server_default=text("0")),
    Column("to_look_at", BigInteger, nullable=False, server_default=text("0")),
    Column("missing", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("result", JSONB),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("reason_code", Text),
    Column("reason_words", Text),
    _moment("working_until", nullable=False),
    _moment("due_at", now=True),
    _moment("begun_at", now=True),
    _moment("finished_at"),
)
"""How many of the last week's Customers some rules would have asked. ``version`` grows when it is begun anew;
``is_kept`` tells that what was read for it is still there, from ``since`` on, which is later than ``wanted_since``
where there was too much.
"""

preview_moment = Table(
    "preview_moment",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("conversation_id", Text, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), primary_key=True),
    Column("is_closing", Boolean, primary_key=True, autoincrement=False),
    Column("found_in", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    _moment("latest"),
    Column("agent_id", Text, nullable=False),
    Column("inbox_id", Text, nullable=False),
    Column("initiator_type", Text, nullable=False),
    Column("initiator_id", Text, nullable=False),
)
"""When conversations were closed and opened again, as Gladly's records told it for a preview."""

preview_fact = Table(
    "preview_fact",
    metadata,
    Column("account_id", Text, ForeignKey("connected_account.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject_id", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
)
"""What Gladly was asked for besides: whether a customer has an address, Topics, and who wrote when and how much."""

# limits ---------------------------------------------------------------------------------------------------

rate_budget = Table(
    "rate_budget",
    metadata,
    Column("name", Text, primary_key=True),
    _moment("theoretical_arrival", nullable=False),
    _moment("held_until"),
    _moment("busy_since"),
    _moment("live_arrival"),
    _moment("interactive_arrival"),
    _moment("backfill_arrival"),
    Column("rate_told", Double),
    prefixes=["UNLOGGED"],
)
"""Not written ahead: a call need not wait for a disk, and after a crash a budget is simply unused.

``rate_told`` is the rate per second that the vendor tells, where it tells one. The arrivals of the uses are when what
was granted of each one's own share would have been spent.
"""

call_lease = Table(
    "call_lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    _moment("expires_at", nullable=False),
    Index("call_lease_holder_idx", "holder"),
    prefixes=["UNLOGGED"],
)
"""How many call at once: each holds a number, and renews it while it lives."""
