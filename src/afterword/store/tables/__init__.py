"""Every table, typed, a room each. Migrations make them (``migrations/``); a test holds the two together.

Ids: rows that arrive in a stream (events, runs, task attempts) have ascending numbers, so that listings page by
key and a range of time is a range of ids; things that people name and vendors' programs see have prefixed random
ids in Qualtrics' style (``SV_…``, ``CID_…``), made by ``identifiers.py``.

A new table stands in the room whose name is that of the part it is for, and is told of here.
"""

from afterword.store.tables.accounts import account_availability, connected_account, gladly_webhook
from afterword.store.tables.alerts import alert, alert_delivery
from afterword.store.tables.backfills import backfill, backfill_found, gladly_reading
from afterword.store.tables.columns import ENCRYPTED, INDEXED_EMBEDDED_DATA, LONGEST_INDEXED, metadata
from afterword.store.tables.directory import contact, mailing_list, mailing_list_contact
from afterword.store.tables.distributions import invitation
from afterword.store.tables.eligibility import asked
from afterword.store.tables.events import event, event_gap
from afterword.store.tables.limits import call_lease, rate_budget
from afterword.store.tables.people import (
    api_token,
    audit_entry,
    installation,
    login_session,
    one_time_code,
    open_id_identity,
    person,
    person_session,
    welcome_link,
)
from afterword.store.tables.previewing import preview, preview_fact, preview_moment
from afterword.store.tables.qualtrics import qualtrics_response, qualtrics_subscription, qualtrics_survey
from afterword.store.tables.runs import (
    problem,
    replay,
    replay_run,
    run,
    run_search,
    run_search_due,
    run_search_progress,
    task_attempt,
)
from afterword.store.tables.sending import sending_hold, sending_hour, sending_pause, sending_permit
from afterword.store.tables.subscriptions import event_delivery, event_subscription
from afterword.store.tables.surveys import (
    response,
    response_version,
    survey,
    survey_count,
    survey_count_change,
)
from afterword.store.tables.tasks import task_type_off, timeline_item
from afterword.store.tables.workflows import json_event_endpoint, schedule, workflow, workflow_revision

__all__ = [
    "ENCRYPTED",
    "INDEXED_EMBEDDED_DATA",
    "LONGEST_INDEXED",
    "account_availability",
    "alert",
    "alert_delivery",
    "api_token",
    "asked",
    "audit_entry",
    "backfill",
    "backfill_found",
    "call_lease",
    "connected_account",
    "contact",
    "event",
    "event_delivery",
    "event_gap",
    "event_subscription",
    "gladly_reading",
    "gladly_webhook",
    "installation",
    "invitation",
    "json_event_endpoint",
    "login_session",
    "mailing_list",
    "mailing_list_contact",
    "metadata",
    "one_time_code",
    "open_id_identity",
    "person",
    "person_session",
    "preview",
    "preview_fact",
    "preview_moment",
    "problem",
    "qualtrics_response",
    "qualtrics_subscription",
    "qualtrics_survey",
    "rate_budget",
    "replay",
    "replay_run",
    "response",
    "response_version",
    "run",
    "run_search",
    "run_search_due",
    "run_search_progress",
    "schedule",
    "sending_hold",
    "sending_hour",
    "sending_pause",
    "sending_permit",
    "survey",
    "survey_count",
    "survey_count_change",
    "task_attempt",
    "task_type_off",
    "timeline_item",
    "welcome_link",
    "workflow",
    "workflow_revision",
]
