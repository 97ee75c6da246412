"""The editor of a Workflow: one form for all of it. Its buttons change the draft in the form; one of them saves."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.connected import InvalidAccount
from afterword.accounts.connecting import ConnectedAlready, Connector
from afterword.accounts.rights import may_connect, may_edit_workflows, may_see_customers
from afterword.admin.ids import read_id
from afterword.admin.pages import page
from afterword.admin.sessions import AdminRequest
from afterword.admin.settings.account_forms import check_filled, wrong
from afterword.admin.setup_work import Work
from afterword.admin.workflow_access import check_may_edit, found_workflow
from afterword.admin.workflow_conditions import OPERATORS, TYPES
from afterword.admin.workflow_controls import Offers
from afterword.admin.workflow_draft import (
    Draft,
    Forms,
    NoSuchPlace,
    change,
    definition_of,
    draft_of,
    put,
    read_draft,
)
from afterword.admin.workflow_offers import name_lists, nameable, prefill, read_offers, sample_sources
from afterword.admin.workflow_page import event_card, place, task_cards
from afterword.admin.workflow_values import Typed
from afterword.surveys.outlines import SurveyOutline
from afterword.tasks.describing import summary_of
from afterword.translating import gettext as _
from afterword.workflows.definitions import Definition, SurveyResponse
from afterword.workflows.saving import workflows
from afterword.workflows.saving.checking import Known, Mistake, check_definition
from afterword.workflows.saving.known import check_on_saving, read_known
from afterword.workflows.saving.listing import Workflow, get_revisions
from afterword.workflows.saving.names import run_names, survey_of
from afterword.workflows.saving.refusals import EditConflict, InvalidDefinition, NoSuchWorkflow, NoTask
from afterword.workflows.saving.revisions import Difference, compare

LARGEST_FORM = 4 * 1024 * 1024
"""Bytes: a definition has 1 MB at most, and a form writes many a byte as three."""
CONNECTING = ("name", "address", "username", "api_token")

Answer = Response[str] | Redirect


class Connecting(msgspec.Struct, frozen=True):
    """An account that could not be added: at which field of the form, what was typed, what is wrong and where."""

    path: str
    typed: Mapping[str, str]
    field: str
    words: str


class TypeOffered(msgspec.Struct, frozen=True):
    """A task type to choose."""

    name: str
    label: str
    summary: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows besides the draft."""

    status: int = 200
    mistakes: Sequence[Mistake] = ()
    opened: str = ""
    said: str = ""
    problem: str = ""
    theirs: Sequence[Difference] = ()
    yours: Sequence[Difference] = ()
    connecting: Connecting | None = None
    picking: bool = False
    query: str = ""


NOTHING = Shown()


class Around(msgspec.Struct, frozen=True):
    """What is around a draft in this installation."""

    known: Known
    offers: Offers


def workflow_editor_routes(work: Work) -> list[HTTPRouteHandler]:
    """The page, and its form."""
    editor = _Editor(work)

    @get("/workflows/{workflow_id:str}")
    async def show(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """Show what a Workflow says."""
        workflow = await editor.find(workflow_id)
        query = request.query_params.get("q", "")
        said = editor.saved_words(workflow, request.query_params.get("saved", ""))
        shown = Shown(said=said, picking=bool(query), query=query)
        return await editor.show(request, workflow, draft_of(workflow.definition), shown)

    @post("/workflows/{workflow_id:str}", request_max_body_size=LARGEST_FORM, status_code=200)
    async def do(request: AdminRequest, workflow_id: FromPath[str]) -> Answer:
        """Do what a button of the form says."""
        return await editor.do(request, workflow_id)

    return [show, do]


class _Editor:
    def __init__(self, work: Work) -> None:
        self._database = work.database
        self._planning = work.planning
        self._connector = Connector(work.settings, work.database, work.box)
        self._made: Forms | None = None

    @property
    def _forms(self) -> Forms:
        """Made when it is first asked for: task types are not loaded at start."""
        if self._made is None:
            self._made = Forms(self._planning.types)
        return self._made

    async def find(self, workflow_id: str) -> Workflow:
        async with self._database.read_only().transaction() as connection:
            return await found_workflow(connection, workflow_id)

    def saved_words(self, workflow: Workflow, saved: str) -> str:
        if saved == "same":
            return _("Nothing was changed; there is nothing to save.")
        if saved == "switched":
            return _("It is on.") if workflow.is_on else _("It is off.")
        return _("Saved as revision %(number)s.", number=workflow.revision) if saved else ""

    async def show(
        self, request: AdminRequest, workflow: Workflow, draft: Draft, shown: Shown = NOTHING
    ) -> Response[str]:
        may_edit = may_edit_workflows(request.user)
        definition = nameable(draft) or workflow.definition
        around = await self._around(definition)
        types = self._planning.types
        event = event_card(
            workflow.definition.event, draft.tree["event"], draft.tree["conditions"], around.offers
        )
        cards = task_cards(draft, self._forms, types, around.offers)
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
            event=event,
            tasks=cards,
            names=name_lists(draft, self._forms, types, _survey(definition, around), samples)
            if may_edit
            else (),
            errors=placed.by_path,
            opened=placed.opened | _above(shown.opened),
            first_wrong=placed.first,
            summary=placed.summary,
            problem=shown.problem,
            said=shown.said,
            theirs=shown.theirs,
            yours=shown.yours,
            connecting=shown.connecting,
            picking=shown.picking,
            query=shown.query,
            types=self._offered(shown.query, around.known),
            operators=OPERATORS,
            value_types=TYPES,
            is_changed=definition_of(draft)[0] != workflow.definition,
            may_edit=may_edit,
            may_connect=may_connect(request.user),
            may_rehearse=may_see_customers(request.user),
        )

    async def do(self, request: AdminRequest, workflow_id: str) -> Answer:
        check_may_edit(request)
        form = await request.form()
        typed = _typed(form)
        what, _colon, path = typed.text("do").partition(":")
        if what == "enter":  # the key, in any field: in the search for a Task it searches
            what = "save" if typed.text("q") == typed.text("q.was") else "pick"
        workflow = await self.find(workflow_id)
        saves = what in {"", "save"}
        draft = read_draft(typed, workflow.definition, self._forms, drops_blank=saves)
        if saves:
            return await self._save(request, workflow, draft, typed.text("revision"))
        match what:
            case "on" | "off":
                return await self._switch(request, workflow, draft, is_on=what == "on")
            case "connect":
                return await self._connect(request, workflow, draft, typed, path)
            case "pick":
                shown = Shown(picking=True, query=typed.text("q").strip()[:100])
                return await self.show(request, workflow, draft, shown)
            case _:
                return await self._change(request, workflow, draft, what, path)

    async def _change(
        self, request: AdminRequest, workflow: Workflow, draft: Draft, what: str, path: str
    ) -> Response[str]:
        try:
            place_of = change(draft, what, path, self._forms)
        except NoSuchPlace:
            problem = _("That part is not there any more; nothing was changed.")
            return await self.show(request, workflow, draft, Shown(status=422, problem=problem))
        if what == "add-task":
            definition = nameable(draft)
            if definition is not None:
                around = await self._around(definition)
                position = len(definition.tasks) - 1
                names = run_names(definition, position, self._planning.types, _survey(definition, around))
                prefill(draft, self._forms, names, around.offers)
        moved = what in {"up", "down"} or (what == "remove" and place_of == "tasks")
        return await self.show(request, workflow, draft, Shown(opened="" if moved else place_of))

    async def _save(self, request: AdminRequest, workflow: Workflow, draft: Draft, revision: str) -> Answer:
        definition, mistakes = definition_of(draft)
        if definition is not None:
            around = await self._around(definition)
            told = {mistake.path for mistake in mistakes}
            checked = check_definition(definition, self._planning.types, around.known)
            mistakes += [mistake for mistake in checked if mistake.path not in told]
        if mistakes or definition is None:
            return await self.show(request, workflow, draft, Shown(status=422, mistakes=mistakes))
        expected = read_id(revision) or 0
        try:
            async with self._database.transaction() as connection:
                number = await workflows.save_revision(
                    connection,
                    workflow.id,
                    definition,
                    person_id=None if request.user is None else request.user.id,
                    expected_revision=expected,
                    check=check_on_saving(self._planning.types),
                )
        except EditConflict as error:
            return await self._tell_of_theirs(request, draft, workflow.id, expected, error)
        except InvalidDefinition as error:
            return await self.show(request, workflow, draft, Shown(status=422, mistakes=error.mistakes))
        except NoTask:
            problem = _("It is on, and would have no Task: add one, or turn it off first.")
            return await self.show(request, workflow, draft, Shown(status=422, problem=problem))
        saved = "same" if number == expected else str(number)
        return Redirect(f"/workflows/{workflow.id}?saved={saved}", status_code=303)

    async def _tell_of_theirs(
        self, request: AdminRequest, draft: Draft, workflow_id: str, base: int, error: EditConflict
    ) -> Response[str]:
        """The second of two who save is shown what the first changed; saving once more is then on purpose."""
        async with self._database.read_only().transaction() as connection:
            now = await found_workflow(connection, workflow_id)
            try:
                before = (await get_revisions(connection, workflow_id, [base]))[base].definition
            except NoSuchWorkflow:
                before = now.definition
        problem = _(
            "%(person)s saved revision %(number)s meanwhile, after you began. Nothing of yours is lost, and nothing of "
            "it is saved yet.",
            person=error.person or _("Somebody"),
            number=error.revision,
        )
        definition, _mistakes = definition_of(draft)
        shown = Shown(
            status=409,
            problem=problem,
            theirs=compare(before, now.definition),
            yours=compare(now.definition, definition) if definition is not None else (),
        )
        return await self.show(request, now, draft, shown)

    async def _switch(
        self, request: AdminRequest, workflow: Workflow, draft: Draft, *, is_on: bool
    ) -> Answer:
        """On or off at once. What was typed and not saved stays in the form, and is not what is turned on."""
        is_changed = definition_of(draft)[0] != workflow.definition
        if is_on and is_changed:
            problem = _("Save first: it would be turned on as it was saved last, without what you changed.")
            return await self.show(request, workflow, draft, Shown(status=422, problem=problem))
        try:
            async with self._database.transaction() as connection:
                if is_on:
                    check = check_on_saving(self._planning.types)
                    await workflows.turn_on(connection, workflow.id, check=check)
                else:
                    await workflows.turn_off(connection, workflow.id)
        except InvalidDefinition as error:
            return await self.show(request, workflow, draft, Shown(status=422, mistakes=error.mistakes))
        except NoTask:
            problem = _("It has no Task yet; add one, and save.")
            return await self.show(request, workflow, draft, Shown(status=422, problem=problem))
        if not is_changed:
            return Redirect(f"/workflows/{workflow.id}?saved=switched", status_code=303)
        said = _("It is off. What you changed is still here, and not saved yet.")
        return await self.show(request, await self.find(workflow.id), draft, Shown(said=said))

    async def _connect(
        self, request: AdminRequest, workflow: Workflow, draft: Draft, typed: Typed, path: str
    ) -> Response[str]:
        """Add a Gladly account and choose it, with the form as it is."""
        if not may_connect(request.user):
            raise PermissionDeniedException(_("Your role may not connect accounts."))
        given = {name: typed.text(f"connect.{name}:{path}").strip() for name in CONNECTING}
        try:
            names = {"address": "The address", "username": "The user name", "api_token": "The API token"}
            check_filled(given, names)
            account, _organization = await self._connector.add_gladly(
                address=given["address"],
                username=given["username"],
                api_token=given["api_token"],
                name=given["name"] or None,
                delivery="none",
            )
            account_id, said = account.id, _("%(name)s is connected, and chosen here.", name=account.name)
        except ConnectedAlready as error:
            account_id = error.account.id
            said = _("%(name)s was connected already; it is chosen here.", name=error.account.name)
        except InvalidAccount as error:
            told = wrong(error)
            connecting = Connecting(path, given, told.field if told.field in CONNECTING else "", told.words)
            shown = Shown(status=422, opened=path, connecting=connecting)
            return await self.show(request, workflow, draft, shown)
        try:
            put(draft, path, account_id)
        except NoSuchPlace:
            said = _("The account is connected.")
        return await self.show(request, workflow, draft, Shown(opened=path, said=said))

    async def _around(self, definition: Definition) -> Around:
        async with self._database.read_only().transaction() as connection:
            return Around(await read_known(connection, definition), await read_offers(connection))

    def _offered(self, query: str, known: Known) -> list[TypeOffered]:
        """The task types that are not switched off and that a search finds, in its words or what it does."""
        wanted = query.casefold().split()
        found = (
            TypeOffered(name, task_type.label, summary_of(task_type))
            for name, task_type in self._planning.types.items()
            if name not in known.switched_off
        )
        return sorted(
            (one for one in found if all(word in f"{one.label} {one.summary}".casefold() for word in wanted)),
            key=lambda one: one.label,
        )


def _survey(definition: Definition, around: Around) -> SurveyOutline | None:
    event = definition.event
    if not isinstance(event, SurveyResponse):
        return None
    return survey_of(event, around.known.surveys, around.known.account_surveys)


def _typed(form: Any) -> Typed:
    values: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            values.setdefault(name, []).append(value)
    return Typed(values)


def _above(path: str) -> frozenset[str]:
    """The parts that a place is within, itself too."""
    parts = []
    while path:
        parts.append(path)
        end = max(path.rfind("."), path.rfind("["))
        path = path[:end] if end > 0 else ""
    return frozenset(parts)
