"""*Where the answer goes*: the card as Agents will see it, and part two of the guide tried with an earlier Response."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Text, cast, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.admin.ids import read_id
from afterword.admin.runs.rehearse import rehearsed
from afterword.admin.setting_up.steps import SetUp
from afterword.admin.setting_up.work import Work
from afterword.gladly.markup import plain
from afterword.outcomes import ConfigurationError
from afterword.piped_text import Pipe, UnfitValue, UnknownPipe
from afterword.store import tables
from afterword.store.queue import RunQueue
from afterword.tasks.timeline_card import GladlyTimelineEvent
from afterword.translating import gettext as _
from afterword.workflows.definitions import Task
from afterword.workflows.rehearsing.rehearsal import TaskRehearsal
from afterword.workflows.rehearsing.rehearsed_events import OfferedEvent, find_past_event, offered_events
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.listing import Workflow
from afterword.workflows.saving.workflows import turn_on
from afterword.workflows.starting.feeding import feed
from afterword.workflows.values.configuration import fill_in

GLADLY_TASK = "gladly-timeline-event"
OFFERED = 8

Shown = Mapping[str, object]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card on the Timeline, as far as it can be seen."""

    title: str
    body: str
    source_name: str
    activity_type: str = "SURVEY"
    link_text: str = ""


class OwnAnswer(msgspec.Struct, frozen=True):
    """An answer that somebody made up, to see its card."""

    score: str = ""
    comment: str = ""


NO_ANSWER = OwnAnswer()


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier Response, by the event that told of it, with its score where that is known."""

    event: OfferedEvent
    score: int | None


class AnswerStep:
    """The step's page: what it shows, and what its buttons do."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def shown(
        self, set_up: SetUp, chosen: str = "", tried: TaskRehearsal | None = None, own: OwnAnswer = NO_ANSWER
    ) -> Shown:
        """What the page is made from; ``tried`` is what would come of the Response that was chosen, ``own`` an answer
        that somebody made up.
        """
        workflow = set_up.guide.answer
        async with self._work.database.read_only().transaction() as connection:
            earlier = [] if workflow is None else await _earlier(connection, workflow)
        sends = tried.sends if tried else {}
        of_chosen = Card(
            title=sends.get("title", ""),
            body=plain(sends.get("body", "")),
            source_name=sends.get("sourceName", ""),
            activity_type=sends.get("activityType", "SURVEY"),
            link_text=sends.get("linkText", ""),
        )
        return {
            "card": of_chosen if sends else _example(set_up, own),
            "own": own,
            "is_example": not sends,
            "earlier": earlier,
            "chosen": chosen or (str(earlier[0].event.id) if earlier else ""),
            "chosen_run": next(
                (one.event for one in earlier if str(one.event.id) == chosen and one.event.run_id), None
            ),
            "tried": tried,
        }

    async def rehearse(self, set_up: SetUp, chosen: str) -> TaskRehearsal | None:
        """What would come of an earlier Response; nothing is written.

        Raises:
            ConfigurationError: there is none of this number, or nothing would be done with it.
        """
        workflow, work, number = set_up.guide.answer, self._work, read_id(chosen)
        async with work.database.read_only().transaction() as connection:
            past = None if number is None else await find_past_event(connection, number)
        if workflow is None or past is None:
            raise ConfigurationError(_("Choose one of the earlier Responses."))
        rehearsal = await rehearsed(work.database, work.planning, workflow, workflow.definition, past)
        tried = next((task for task in rehearsal.tasks if task.type == GLADLY_TASK), None)
        if tried is None:
            raise ConfigurationError(
                _("Nothing would be done with it: %(why)s.", why=rehearsal.reason or _("it starts nothing"))
            )
        return tried

    async def put_onto_timeline(self, set_up: SetUp, chosen: str) -> None:
        """Have the Workflow do it really, turned on if it is off; a Response that it ran is not run again.

        Raises:
            ConfigurationError: there is none of this number, or the Workflow cannot run it.
        """
        workflow, work, number = set_up.guide.answer, self._work, read_id(chosen)
        if workflow is None or number is None:
            raise ConfigurationError(_("Choose one of the earlier Responses."))
        async with work.database.transaction() as connection:
            if not workflow.is_on:
                await turn_on(connection, workflow.id, check=check_on_saving(work.planning.types))
            fed = await feed(connection, RunQueue(work.database), workflow.id, [number])
        if fed.refused:
            raise ConfigurationError(_("This Response cannot be taken: %(why)s.", why=fed.refused[0].words))


async def _earlier(connection: AsyncConnection, workflow: Workflow) -> list[Earlier]:
    """The newest Responses that the Workflow ran, or would have."""
    offered = (await offered_events(connection, workflow.id, workflow.definition.event))[:OFFERED]
    event, response = tables.event, tables.response
    response_id = cast(event.c.body, JSONB)["responseId"].astext
    scores = (
        select(event.c.id, response.c.score)
        .join(response, response.c.id == cast(response_id, Text))
        .where(event.c.id.in_([one.id for one in offered]))
    )
    by_event = {row.id: row.score for row in await connection.execute(scores)}
    return [Earlier(event=one, score=by_event.get(one.id)) for one in offered]


def _example(set_up: SetUp, own: OwnAnswer) -> Card | None:
    """The card of an answer that somebody might give; ``None`` where there is no Task that would make one."""
    workflow = set_up.guide.answer
    tasks = () if workflow is None else workflow.definition.tasks
    task: Task | None = next((one for one in tasks if one.type == GLADLY_TASK), None)
    if task is None:
        return None
    configuration = msgspec.convert(task.configuration, GladlyTimelineEvent)
    try:
        filled = fill_in(configuration, (_answering(set_up, own),))
    except (UnknownPipe, UnfitValue):
        filled = configuration
    assert isinstance(filled, GladlyTimelineEvent)  # noqa: S101 - it is of its own kind
    rich = filled.body_format == "html"
    return Card(
        title=filled.title or "",
        body=plain(filled.body or "") if rich else filled.body or "",
        source_name=filled.source_name or "",
        activity_type=filled.activity_type or "SURVEY",
        link_text=filled.link_text if filled.link_url else "",
    )


class _answering:  # noqa: N801 - it is called as a function is
    """What piped text asks for, as an example: the best score and a comment, or what was made up."""

    def __init__(self, set_up: SetUp, own: OwnAnswer) -> None:
        question = None if set_up.survey is None else set_up.survey.definition.score_question()
        choices = () if question is None else question.choices
        best = max(choices, key=lambda one: one.recode, default=None)
        self._score = own.score or ("5" if best is None else str(best.recode))
        named = (one.text for one in choices if str(one.recode) == self._score)
        self._words = next(named, _("Very satisfied"))
        self._comment = own.comment if own.score else _("Quick and friendly. Thank you!")

    def __call__(self, pipe: Pipe) -> str:
        end = pipe.path.rpartition("/")[2]
        if end in {"SelectedChoicesRecode", "SelectedAnswerRecode"}:
            return self._score
        if end in {"SelectedChoices", "ChoiceDescription"}:
            return self._words
        if end == "ChoiceTextEntryValue":
            return self._comment
        return end
