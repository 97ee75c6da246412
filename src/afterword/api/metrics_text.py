"""What was measured, in Prometheus' own format, by its own library; loaded with the first scrape."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest

from afterword.workflows.history.measuring import Measured

MEDIA_TYPE = CONTENT_TYPE_PLAIN_1_0_0
WEBHOOK_STATES = ("works", "not-yet", "off")


def written(measured: Measured) -> bytes:
    """The numbers as a scrape gets them."""
    return generate_latest(_Told(measured))


class _Told:
    """What was measured, as Prometheus' own library writes it."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        """Each family of numbers."""
        yield from self._grown()
        yield from self._backlog()
        yield from self._of_runs()
        yield from self._of_accounts()

    def _grown(self) -> Iterator[Metric]:
        measured = self._measured
        for name, words, value in (
            ("events", "Events recorded, redeliveries included.", measured.events),
            ("runs", "Runs started.", measured.runs),
            ("task_attempts", "Attempts of tasks.", measured.attempts),
        ):
            yield CounterMetricFamily(f"afterword_{name}", words, value=value)

    def _backlog(self) -> Iterator[Metric]:
        measured = self._measured
        for name, words, value in (
            ("inbox_events", "Events that no worker has looked at yet.", measured.inbox),
            ("inbox_oldest_seconds", "Age of the oldest of them.", measured.oldest_in_inbox_seconds or 0),
            (
                "run_longest_due_seconds",
                "How long the run that is due longest waits for a worker.",
                measured.longest_due_seconds or 0,
            ),
            ("open_gaps", "Spans of time in which events may be missing.", measured.open_gaps),
            ("sending_paused", "1 while all sending is paused.", int(measured.is_paused)),
        ):
            yield GaugeMetricFamily(f"afterword_{name}", words, value=value)

    def _of_runs(self) -> Iterator[Metric]:
        under_way = GaugeMetricFamily(
            "afterword_open_runs", "Runs that are not at their end.", labels=("status", "waiting_for")
        )
        for row in self._measured.open_runs:
            under_way.add_metric((row.status, row.waiting_for), row.runs)
        yield under_way
        failed = GaugeMetricFamily(
            "afterword_failed_runs",
            "Runs that failed and were not replayed since.",
            labels=("workflow", "reason"),
        )
        for problem in self._measured.failed_runs:
            failed.add_metric((problem.workflow_id, problem.reason_code), problem.runs)
        yield failed

    def _of_accounts(self) -> Iterator[Metric]:
        answers = GaugeMetricFamily(
            "afterword_account_answers",
            "1 while a connected account can be called.",
            labels=("account", "kind"),
        )
        webhook = GaugeMetricFamily(
            "afterword_gladly_webhook",
            "1 for the state that an account's webhook is in.",
            labels=("account", "state"),
        )
        for account in self._measured.accounts:
            answers.add_metric((account.id, account.kind), int(account.answers))
            if account.webhook is not None:
                for state in WEBHOOK_STATES:
                    webhook.add_metric((account.id, state), int(account.webhook == state))
        yield answers
        yield webhook
