"""The tables. A new version is a new script at the end; one that was released is never changed."""

_FIRST = """
CREATE TABLE organization (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    login_domain TEXT NOT NULL,
    timezone TEXT NOT NULL,
    topics_required INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE inboxes (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    disabled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email_address TEXT NOT NULL UNIQUE
);
CREATE TABLE inbox_agents (
    inbox_id TEXT NOT NULL REFERENCES inboxes,
    agent_id TEXT NOT NULL REFERENCES agents,
    PRIMARY KEY (inbox_id, agent_id)
);
CREATE TABLE teams (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL
);
CREATE TABLE team_agents (
    team_id TEXT NOT NULL REFERENCES teams,
    agent_id TEXT NOT NULL REFERENCES agents,
    PRIMARY KEY (team_id, agent_id)
);
CREATE TABLE topics (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    parent_id TEXT REFERENCES topics
);
CREATE TABLE customers (
    id TEXT PRIMARY KEY,
    name TEXT,
    image TEXT,
    address TEXT,
    external_customer_id TEXT,
    custom_attributes TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX customers_by_external_id ON customers (external_customer_id);
CREATE TABLE merged_customers (
    id TEXT PRIMARY KEY,
    merged_into TEXT NOT NULL
);
CREATE TABLE customer_emails (
    customer_id TEXT NOT NULL REFERENCES customers ON DELETE CASCADE,
    position INTEGER NOT NULL,
    original TEXT NOT NULL,
    normalized TEXT NOT NULL UNIQUE,
    is_primary INTEGER NOT NULL,
    PRIMARY KEY (customer_id, position)
);
CREATE TABLE customer_phones (
    customer_id TEXT NOT NULL REFERENCES customers ON DELETE CASCADE,
    position INTEGER NOT NULL,
    original TEXT NOT NULL,
    normalized TEXT NOT NULL,
    extension TEXT,
    region_code TEXT NOT NULL,
    is_primary INTEGER NOT NULL,
    sms_preference TEXT,
    type TEXT NOT NULL,
    PRIMARY KEY (customer_id, position)
);
CREATE INDEX customer_phones_by_number ON customer_phones (normalized);
CREATE UNIQUE INDEX customer_phones_mobile ON customer_phones (normalized) WHERE type = 'MOBILE';
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers ON DELETE CASCADE,
    inbox_id TEXT NOT NULL REFERENCES inboxes,
    agent_id TEXT REFERENCES agents,
    status TEXT NOT NULL CHECK (status IN ('OPEN', 'WAITING', 'CLOSED')),
    created_at TEXT NOT NULL,
    closed_at TEXT
);
CREATE INDEX conversations_by_customer ON conversations (customer_id, created_at);
CREATE UNIQUE INDEX one_open_conversation ON conversations (customer_id) WHERE status != 'CLOSED';
CREATE TABLE conversation_topics (
    conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
    topic_id TEXT NOT NULL REFERENCES topics,
    PRIMARY KEY (conversation_id, topic_id)
);
CREATE TABLE items (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    customer_id TEXT NOT NULL REFERENCES customers ON DELETE CASCADE,
    conversation_id TEXT REFERENCES conversations ON DELETE CASCADE,
    timestamp TEXT NOT NULL,
    shown_at TEXT NOT NULL,
    type TEXT NOT NULL,
    initiator_id TEXT NOT NULL,
    initiator_type TEXT NOT NULL,
    responder_id TEXT,
    responder_type TEXT,
    content TEXT NOT NULL
);
CREATE INDEX items_by_customer ON items (customer_id, shown_at, position);
CREATE INDEX items_by_conversation ON items (conversation_id, timestamp, position);
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX events_by_time ON events (timestamp);
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    name TEXT,
    url TEXT NOT NULL UNIQUE,
    events TEXT NOT NULL,
    credentials TEXT,
    headers TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    disabled_at_due_to_retry_limit TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE TABLE deliveries (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event_position INTEGER NOT NULL REFERENCES events,
    failures INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL
);
CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, due_at);
CREATE INDEX deliveries_by_event ON deliveries (event_position);
CREATE TABLE delivery_attempts (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    attempted_at TEXT NOT NULL,
    seconds REAL NOT NULL,
    outcome TEXT NOT NULL,
    delivered INTEGER NOT NULL
);
CREATE INDEX delivery_attempts_by_webhook ON delivery_attempts (webhook_id, position);
"""

_TASKS = """
CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    creator_id TEXT NOT NULL,
    creator_type TEXT NOT NULL,
    inbox_id TEXT NOT NULL REFERENCES inboxes,
    agent_id TEXT REFERENCES agents,
    body TEXT NOT NULL,
    due_at TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('OPEN', 'CLOSED'))
);
CREATE INDEX tasks_by_customer ON tasks (customer_id, created_at);
"""

_SETTINGS = """
CREATE TABLE settings (body TEXT NOT NULL);
INSERT INTO settings (body)
    SELECT json_object('topicsRequired', json('true')) FROM organization WHERE topics_required;
ALTER TABLE organization DROP COLUMN topics_required;
"""

_FAULTS = """
CREATE TABLE deleted_items (id TEXT PRIMARY KEY);
ALTER TABLE deliveries ADD COLUMN other_event_id TEXT;
"""

_USERS = """
ALTER TABLE agents ADD COLUMN roles TEXT NOT NULL DEFAULT '["AGENT"]';
ALTER TABLE agents ADD COLUMN deactivated INTEGER NOT NULL DEFAULT 0;
CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    is_configured INTEGER NOT NULL
);
ALTER TABLE delivery_attempts ADD COLUMN body TEXT;
"""

_CONTACTS = """
CREATE TABLE contacts (
    id TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
    customer_id TEXT NOT NULL REFERENCES customers ON DELETE CASCADE,
    channel TEXT NOT NULL,
    started_at TEXT NOT NULL,
    initiator_id TEXT NOT NULL,
    initiator_type TEXT NOT NULL,
    inbox_id TEXT NOT NULL REFERENCES inboxes,
    entry_point TEXT,
    agent_id TEXT REFERENCES agents,
    accepted_at TEXT,
    accepted_inbox_id TEXT REFERENCES inboxes,
    fulfilled_at TEXT,
    ended_at TEXT,
    end_status TEXT
);
CREATE INDEX contacts_by_conversation ON contacts (conversation_id, started_at);
CREATE INDEX contacts_by_customer ON contacts (customer_id);
CREATE INDEX contacts_by_start ON contacts (started_at);
CREATE INDEX contacts_by_end ON contacts (coalesce(ended_at, started_at));
CREATE TABLE merged_conversations (
    id TEXT PRIMARY KEY,
    merged_into TEXT NOT NULL
);
"""

_EXPORTS = """
CREATE TABLE export_schedule (
    next_start_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE TABLE export_jobs (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED')),
    updated_at TEXT NOT NULL,
    start_at TEXT NOT NULL,
    end_at TEXT NOT NULL
);
CREATE TABLE export_files (
    job_id TEXT NOT NULL REFERENCES export_jobs ON DELETE CASCADE,
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (job_id, name)
);
CREATE INDEX items_by_time ON items (timestamp, position);
"""

_REST_OF_THE_INTERFACE = """
CREATE TABLE audiences (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE answers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    audience_ids TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE TABLE answer_contents (
    answer_id TEXT NOT NULL REFERENCES answers ON DELETE CASCADE,
    language TEXT NOT NULL,
    type TEXT NOT NULL,
    title TEXT NOT NULL,
    body_html TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (answer_id, language, type)
);
CREATE TABLE task_comments (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents,
    comment TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX task_comments_by_task ON task_comments (task_id, created_at);
CREATE TABLE custom_attributes (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    deactivated INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE TABLE conversation_attributes (
    conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
    attribute_id TEXT NOT NULL REFERENCES custom_attributes,
    value TEXT NOT NULL,
    PRIMARY KEY (conversation_id, attribute_id, value)
);
CREATE TABLE business_hours (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    is_primary INTEGER NOT NULL,
    office_hours TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE TABLE automation_sessions (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers ON DELETE CASCADE,
    conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
    target TEXT NOT NULL CHECK (target IN ('AUTOMATION', 'AGENT', 'NOBODY')),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE TABLE automation_messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES automation_sessions ON DELETE CASCADE,
    type TEXT NOT NULL,
    content TEXT NOT NULL,
    writer_id TEXT NOT NULL,
    writer_type TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX automation_messages_by_session ON automation_messages (session_id, position);
"""

_PAST = """
CREATE TABLE past (
    began_at TEXT NOT NULL,
    days INTEGER NOT NULL,
    told INTEGER NOT NULL
);
"""

MIGRATIONS: tuple[str, ...] = (
    _FIRST,
    _TASKS,
    _SETTINGS,
    _FAULTS,
    _USERS,
    _CONTACTS,
    _EXPORTS,
    _REST_OF_THE_INTERFACE,
    _PAST,
)
