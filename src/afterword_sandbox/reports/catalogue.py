"""Every metric set of Gladly's reports, the ones that the sandbox makes, and which filters each takes."""

from collections.abc import Callable
from typing import NamedTuple

from afterword_sandbox.reports import agents, contacts, conversations, tasks
from afterword_sandbox.reports.window import Rows, Window
from afterword_sandbox.store import Store


class Report(NamedTuple):
    """A report: its columns, how its rows are made, and which filters Gladly documents for it."""

    columns: tuple[str, ...]
    rows: Callable[[Store, Window], Rows]
    filters: frozenset[str] = frozenset()
    by_time: bool = False
    """Whether it is asked for by times, ``startAtTime`` and ``endAtTime``, instead of by days."""


_CHANNEL_AND_INBOXES = frozenset({"channel", "inboxes"})
_CONTACT_EXPORT = Report(contacts.EXPORT_COLUMNS, contacts.export, _CHANNEL_AND_INBOXES)
WORK_SESSION_EVENTS = Report(contacts.WORK_SESSION_COLUMNS, contacts.work_sessions, by_time=True)
MADE: dict[str, Report] = {
    "AgentTimestampsReport": Report(agents.COLUMNS, agents.timestamps, frozenset({"teams"})),
    "ContactExportReport": _CONTACT_EXPORT,
    "ContactExportReportV2": _CONTACT_EXPORT,
    "ContactExportReportV3": _CONTACT_EXPORT,
    "ContactTimestampsReport": Report(contacts.TIMESTAMPS_COLUMNS, contacts.timestamps),
    "ConversationExportReport": Report(
        conversations.EXPORT_COLUMNS, conversations.export, frozenset({"inboxes"})
    ),
    "ConversationTimestampsReport": Report(conversations.TIMESTAMPS_COLUMNS, conversations.timestamps),
    "TaskExportReport": Report(tasks.EXPORT_COLUMNS, tasks.export, frozenset({"inboxes", "teams"})),
    "TaskTimestampsReport": Report(tasks.TIMESTAMPS_COLUMNS, tasks.timestamps),
    "WorkSessionEventsReportV3": WORK_SESSION_EVENTS,
    "WorkSessionEventsReportV4": WORK_SESSION_EVENTS,
}

_PUBLISHED = """
    AbandonedCallsInIVRReport AgentAwayTimeReport AgentDurationsReport AgentDurationsReportV2 AgentLoginTimeReport
    AgentSummary AgentSummaryGlanceReport AgentSummaryGlanceReportV2 AgentSummaryV2 AnswerUsageByAgentReport
    AnswerUsageReport AutoThrottleChangesReport AutoThrottleMissedConversationsReport ChannelMixReportV2
    ChannelWaitTimeReport ChannelWaitTimeReportV2 ChatDisplayPctChangesReport ContactSummaryCountsReport
    ContactSummaryDurationsReport ContactSummaryDurationsReportV2 ContactSummaryReport ContactSummaryReportV2
    ConversationSummaryReport FirstContactResolutionByAgentV2Report GladAppAnswerSearchReport
    GladAppAnswerUsageReport GladAppContactPointsReport HelpCenterAnswerSearchReport HelpCenterAnswerUsageReport
    IVRExecutiveSummaryReportV2 IvrEndStatesReportV2 PaymentsByAgentReport PaymentsSummaryReport
    ProactiveVoiceSummaryReport QuickActionsUsageReport SelfServiceThreadsReport
    SidekickAssistsByClassificationTopicReport TaskSummaryReport TopicHierarchyReport TopicSummaryReport
    WorkSessionsReport WorkSessionsReportV3
"""
NOT_MADE = frozenset(_PUBLISHED.split())
"""What Gladly publishes besides: summaries and the like, whose columns it does not publish in full."""


def find(metric_set: str) -> tuple[str, Report | None] | None:
    """Return a report by its name, whose first letter may be small; its `Report` is None when it is not made.

    None for a name that Gladly does not publish.
    """
    name = metric_set[:1].upper() + metric_set[1:]
    if name in MADE:
        return name, MADE[name]
    published = {one.lower(): one for one in NOT_MADE}
    return (published[metric_set.lower()], None) if metric_set.lower() in published else None
