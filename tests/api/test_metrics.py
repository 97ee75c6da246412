"""The installation in numbers, as a monitoring asks for them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.asyncio(loop_scope="session")

Samples = dict[tuple[str, ...], float]


async def scrape(afterword: Any) -> Samples:
    headers = {"Authorization": f"Bearer {afterword.api_token}"}
    answer = await afterword.send("GET", "/metrics", headers=headers)
    assert answer.status == 200
    assert answer.content_type == "text/plain"
    families = text_string_to_metric_families(answer._body.decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


async def test_nobody_reads_them_without_a_token(afterword: Any) -> None:
    assert (await afterword.send("GET", "/metrics")).status == 401


@pytest_asyncio.fixture(loop_scope="session")
async def cleared_away(afterword: Any) -> AsyncIterator[None]:
    """What a test puts into the installation that all tests share is gone after it."""
    yield
    await afterword.database.pool.execute(
        """
        DELETE FROM connected_account WHERE id = 'GA_M';
        DELETE FROM event WHERE origin = 'gladly/GA_M';
        DELETE FROM run WHERE workflow_id = 'OC_M';
        DELETE FROM problem WHERE workflow_id = 'OC_M';
        """
    )


@pytest.mark.usefixtures("cleared_away")
async def test_what_waits_fails_and_is_off_stands_in_them(afterword: Any) -> None:
    before = await scrape(afterword)
    await afterword.database.pool.execute(
        """
        INSERT INTO connected_account (id, kind, name, secrets) VALUES ('GA_M', 'gladly', 'M', '');
        INSERT INTO account_availability (account_id, state, credentials, since) VALUES ('GA_M', 'open', '', now());
        INSERT INTO gladly_webhook (account_id, state, since, next_look_at, is_ours)
        VALUES ('GA_M', 'off', now(), now(), true);
        INSERT INTO event (origin, type, body, status, received_at)
        VALUES ('gladly/GA_M', 'CONVERSATION/CLOSED', '{}', 'received', now() - interval '90 seconds');
        INSERT INTO run (workflow_id, revision, event_id, status, waiting_for, due_at)
        VALUES ('OC_M', 1, -1, 'waiting', 'account/GA_M', NULL),
               ('OC_M', 1, -2, 'waiting', NULL, now() - interval '1 minute');
        INSERT INTO problem (workflow_id, task_id, reason_code, reason_words, runs)
        VALUES ('OC_M', 'T-1', 'gladly-invalid', 'it is so', 7), ('OC_M', 'T-2', 'gladly-invalid', 'it is so', 5);
        """
    )
    told = await scrape(afterword)
    assert told["afterword_runs_total",] == before["afterword_runs_total",] + 2
    assert told["afterword_events_total",] == before["afterword_events_total",] + 1
    assert told["afterword_inbox_events",] == before["afterword_inbox_events",] + 1
    assert told["afterword_inbox_oldest_seconds",] >= 90
    assert told["afterword_run_longest_due_seconds",] >= 60
    assert told["afterword_open_runs", "waiting", "account"] == 1
    assert told["afterword_failed_runs", "gladly-invalid", "OC_M"] == 12
    assert told["afterword_account_answers", "GA_M", "gladly"] == 0
    assert told["afterword_gladly_webhook", "GA_M", "off"] == 1
    assert told["afterword_gladly_webhook", "GA_M", "works"] == 0
    assert told["afterword_sending_paused",] == 0
