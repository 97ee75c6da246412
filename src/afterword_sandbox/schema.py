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

MIGRATIONS: tuple[str, ...] = (_FIRST, _TASKS, _SETTINGS, _FAULTS, _USERS)
