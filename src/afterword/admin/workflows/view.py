"""The editor's page: a draft, with what can be chosen for it and what is wrong with it."""

from collections.abc import Mapping, Sequence

import msgspec
from litestar import Response

from afterword.accounts.rights import may_connect, may_edit_workflows, may_see_customers
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.conditions import OPERATORS, TYPES
from afterword.admin.workflows.controls import Offers
from afterword.admin.workflows.deleted import deleted_meanwhile
from afterword.admin.workflows.draft import Draft, Forms, definition_of
from afterword.admin.workflows.offers import name_lists, nameable, read_offers, sample_sources
from afterword.admin.workflows.page import event_card, parts_above, place, task_cards
from afterword.store.database import Database
from afterword.surveys.outlines import SurveyOutline
from afterword.tasks.describing import summary_of
from afterword.tasks.planning import PlanningTasks
from afterword.translating import translated
from afterword.workflows.definitions import Definition, SurveyResponse
from afterword.workflows.saving.checking import Known, Mistake
from afterword.workflows.saving.known import read_known
from afterword.workflows.saving.listing import Workflow
from afterword.workflows.saving.names import survey_of
from afterword.workflows.saving.revisions import Difference


class Connecting(msgspec.Struct, frozen=True):
    """An account that could not be added: at which field of the form, what was typed, what is wrong and where."""

    path: str
    typed: Mapping[str, str]
    field: str
    words: str


class TypeOffered(msgspec.Struct, frozen=True):
    """A task type to choose, in the reader's words."""

    name: str
    label: str
    summary: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows besides the draft.

    ``revision`` is the one that the draft was made from, if that is not the current one: who began with an earlier one
    is told so on saving, whatever they press before.
    """

    status: int = 200
    revision: int | None = None
    mistakes: Sequence[Mistake] = ()
    opened: str = ""
    said: str = ""
    problem: str = ""
    theirs: Sequence[Difference] = ()
    yours: Sequence[Difference] = ()
    connecting: Connecting | None = None
    deleted_by: str = ""
    picking: bool = False
    query: str = ""


NOTHING = Shown()


class Around(msgspec.Struct, frozen=True):
    """What is around a draft in this installation: what it may name, and the Survey that it starts with."""

    known: Known
    offers: Offers
    survey: SurveyOutline | None


class EditorView:
    """Makes the page."""

    def __init__(self, database: Database, planning: PlanningTasks) -> None:
        self._database = database
        self._planning = planning
        self._made: Forms | None = None

    @property
    def forms(self) -> Forms:
        """Made when it is first asked for: task types are not loaded at start."""
        if self._made is None:
            self._made = Forms(self._planning.types)
        return self._made

    async def show(
        self, request: AdminRequest, workflow: Workflow, draft: Draft, shown: Shown = NOTHING
    ) -> Response[str]:
        """The page."""
        may_edit = may_edit_workflows(request.user)
        definition = nameable(draft) or workflow.definition
        around = await self.around(definition)
        types = self._planning.types
        event = event_card(
            workflow.definition.event, draft.tree["event"], draft.tree["conditions"], around.offers
        )
        cards = task_cards(draft, self.forms, types, around.offers)
        placed = place(shown.mistakes, cards, event)
        samples = (
            await sample_sources(self._database, workflow)
            if may_edit and may_see_customers(request.user)
            else ()
        )
        return page(
            request,
            "workflows/editor.html",
            status=shown.status,
            workflow=workflow,
            revision=workflow.revision if shown.revision is None else shown.revision,
            event=event,
            tasks=cards,
            names=name_lists(draft, self.forms, types, around.survey, samples) if may_edit else (),
            errors=placed.by_path,
            opened=placed.opened | frozenset(parts_above(shown.opened)),
            first_wrong=placed.first,
            summary=placed.summary,
            problem=shown.problem or (deleted_meanwhile(shown.deleted_by) if shown.deleted_by else ""),
            is_deleted=bool(shown.deleted_by),
            said=shown.said,
            theirs=shown.theirs,
            yours=shown.yours,
            connecting=shown.connecting,
            picking=shown.picking,
            query=shown.query,
            types=self._offered(shown.query, around.known),
            operators=OPERATORS,
            value_types=TYPES,
            is_changed=shown.deleted_by or definition_of(draft)[0] != workflow.definition,
            may_edit=may_edit,
            may_connect=may_connect(request.user),
            may_rehearse=may_see_customers(request.user),
        )

    async def around(self, definition: Definition) -> Around:
        """What there is for a definition."""
        async with self._database.read_only().transaction() as connection:
            known, offers = await read_known(connection, definition), await read_offers(connection)
        return Around(known, offers, _survey(definition, known))

    def _offered(self, query: str, known: Known) -> list[TypeOffered]:
        """The task types that are not switched off and that a search finds, in its words or what it does."""
        wanted = query.casefold().split()
        found = (
            TypeOffered(name, translated(task_type.label), translated(summary_of(task_type)))
            for name, task_type in self._planning.types.items()
            if name not in known.switched_off
        )
        return sorted(
            (one for one in found if all(word in f"{one.label} {one.summary}".casefold() for word in wanted)),
            key=lambda one: one.label,
        )


def _survey(definition: Definition, known: Known) -> SurveyOutline | None:
    event = definition.event
    if not isinstance(event, SurveyResponse):
        return None
    return survey_of(event, known.surveys, known.account_surveys)
