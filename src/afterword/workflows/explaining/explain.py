"""Explain: from what somebody typed to stories in plain sentences. A fixed number of queries, each over an index."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.store import tables
from afterword.translating import N_, translated
from afterword.translating import gettext as _
from afterword.workflows.definitions import SurveyResponse
from afterword.workflows.explaining.deliveries import when_not_told
from afterword.workflows.explaining.gathering import Gathered, gather
from afterword.workflows.explaining.lookups import Meant, has_imported, look_up
from afterword.workflows.explaining.models import Explanation, Story
from afterword.workflows.explaining.passing import Then, newest, passed_by, started_with
from afterword.workflows.explaining.personal import without_personal_data
from afterword.workflows.explaining.sentences import tell
from afterword.workflows.explaining.stories import Material, materials
from afterword.workflows.explaining.upcoming import upcoming, whether_asked
from afterword.workflows.explaining.wording import moment

STORIES = 10
MOST_STORIES = 50


async def explain(
    connection: AsyncConnection, asked: str, *, personal: bool, limit: int = STORIES
) -> Explanation:
    """Tell what happened to a conversation, customer, email address, response, run, event or invitation, and why.

    At most ``limit`` conversations are told, the newest first. Without ``personal`` no name, no address and nothing
    that a customer wrote is told.
    """
    meant = await look_up(connection, asked)
    if not (meant.conversations or meant.events or meant.invitations):
        return Explanation(asked=asked, kind="nothing", advice=await _advice(connection, asked))
    shown = replace(meant, conversations=meant.conversations[:limit], events=meant.events[:limit])
    gathered = await gather(connection, shown)
    then = await _then(connection, gathered)
    passed = {
        event["id"]: passed_by(
            event, gathered.workflows.values(), _started(gathered, event["id"]), then, gathered.accounts
        )
        for event in newest(gathered.events.values())
    }
    by_answers = _started_by_answers(gathered, then)
    stories = [
        _story(material if personal else without_personal_data(material), by_answers, is_cut=gathered.is_cut)
        for material in materials(gathered, passed)
    ]
    if not stories:
        return Explanation(asked=asked, kind="nothing", advice=await _advice(connection, asked))
    return Explanation(
        asked=asked,
        kind=meant.kind,
        stories=tuple(stories[:limit]),
        more=_is_more(meant, shown) or len(stories) > limit,
    )


def _is_more(meant: Meant, shown: Meant) -> bool:
    return len(meant.conversations) > len(shown.conversations) or len(meant.events) > len(shown.events)


async def _then(connection: AsyncConnection, gathered: Gathered) -> Then:
    moments = [event["received_at"] for event in newest(gathered.events.values())]
    return await started_with(connection, [*moments, datetime.now(UTC)])


def _started(gathered: Gathered, event_id: int) -> set[str]:
    return {run["workflow_id"] for run in gathered.runs.values() if run["event_id"] == event_id}


def _started_by_answers(gathered: Gathered, then: Then) -> Mapping[str, Sequence[str]]:
    """By survey, the workflows that are on and start with an answer to it."""
    names: dict[str, dict[str, str]] = {}
    for (workflow_id, _at), starts_with in then.items():
        workflow = gathered.workflows.get(workflow_id)
        if isinstance(starts_with.now, SurveyResponse) and workflow is not None and workflow["is_on"]:
            names.setdefault(starts_with.now.survey, {})[workflow_id] = workflow["name"]
    return {survey: sorted(by_id.values()) for survey, by_id in names.items()}


def _story(material: Material, by_answers: Mapping[str, Sequence[str]], *, is_cut: bool) -> Story:
    answer, tone = whether_asked(material)
    sentences = tell(material)
    return Story(
        conversation_id=material.conversation_id,
        customer=material.customer,
        answer=answer,
        tone=tone,
        last_at=max((sentence.at for sentence in sentences), default=datetime.now(UTC)),
        sentences=sentences,
        upcoming=upcoming(material, by_answers),
        events=material.events,
        invitations=material.invitations,
        responses=material.responses,
        is_cut=is_cut,
    )


CHECK_THE_WEBHOOK = N_(
    "If it is a Conversation that was closed in Gladly, check the webhook there: its address, its user name and "
    "password, and that it tells of CONVERSATION/CLOSED. Deliveries that failed stand in Gladly's own list."
)
BY_CONVERSATION = N_(
    "A Customer whose event started nothing is found by the Conversation's id: Gladly tells no address."
)


async def _advice(connection: AsyncConnection, asked: str) -> tuple[str, ...]:
    """What to do when nothing was found; the newest event tells whether anything arrives at all."""
    if await has_imported(connection, asked):
        return (_("A Response about it was imported. Afterword asked nobody about it, and told nobody."),)
    event = tables.event
    last = await connection.scalar(select(event.c.received_at).order_by(event.c.id.desc()).limit(1))
    arrived = (
        _("No event at all has arrived yet.")
        if last is None
        else _("The newest event of any kind came %(at)s.", at=moment(last))
    )
    untold = await when_not_told(connection)
    if "@" in asked:
        never = _("Afterword never came by this address: no invitation, no Contact and no Task has it.")
        return never, translated(BY_CONVERSATION), *untold, arrived
    never = _("Afterword never heard of it: no event, no run, no invitation and no Response is about it.")
    return never, *untold, translated(CHECK_THE_WEBHOOK), arrived
