"""The editor of a Workflow: one form for all of it. Its buttons change the draft in the form; one of them saves."""

from typing import Any, cast

import msgspec
from litestar import Response, get, post
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.connected import InvalidAccount
from afterword.accounts.connecting import ConnectedAlready, Connector
from afterword.accounts.people import Person
from afterword.accounts.rights import may_connect
from afterword.admin.ids import read_revision
from afterword.admin.setting_up.work import Work
from afterword.admin.settings.account_forms import check_filled, wrong
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.access import check_may_edit, find_workflow, found_workflow, saved_meanwhile
from afterword.admin.workflows.deleted import find_even_deleted, save_as_new
from afterword.admin.workflows.draft import (
    Draft,
    NoSuchPlace,
    change,
    definition_of,
    draft_of,
    put,
    read_draft,
)
from afterword.admin.workflows.offers import nameable, prefill
from afterword.admin.workflows.values import Typed
from afterword.admin.workflows.view import Connecting, EditorView, Shown
from afterword.translating import gettext as _
from afterword.workflows.definitions import Definition
from afterword.workflows.saving import workflows
from afterword.workflows.saving.checking import Mistake, check_definition
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.listing import Workflow, get_revisions
from afterword.workflows.saving.names import run_names
from afterword.workflows.saving.refusals import EditConflict, InvalidDefinition, NoSuchWorkflow, NoTask
from afterword.workflows.saving.revisions import compare

LARGEST_FORM = 4 * 1024 * 1024
"""Bytes: a definition has 1 MB at most, and a form writes many a byte as three."""
CONNECTING = ("name", "address", "username", "api_token")

Answer = Response[str] | Redirect


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A form that was sent: the draft in it, which revision it was made from, and the Workflow as it is now.

    ``deleted_by`` is who deleted the Workflow meanwhile, if somebody did.
    """

    workflow: Workflow
    draft: Draft
    revision: int
    typed: Typed
    deleted_by: str = ""


def workflow_editor_routes(work: Work) -> list[HTTPRouteHandler]:
    """The page, and its form."""
    editor = _Editor(work)

    @get("/workflows/{workflow_id:str}")
    async def show(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """Show what a Workflow says."""
        workflow = await find_workflow(work.database, workflow_id)
        query = request.query_params.get("q", "")
        said = editor.saved_words(workflow, request.query_params.get("saved", ""))
        shown = Shown(said=said, picking=bool(query), query=query)
        return await editor.view.show(request, workflow, draft_of(workflow.definition), shown)

    @post("/workflows/{workflow_id:str}", request_max_body_size=LARGEST_FORM, status_code=200)
    async def do(request: AdminRequest, workflow_id: FromPath[str]) -> Answer:
        """Do what a button of the form says."""
        return await editor.do(request, workflow_id)

    return [show, do]


class _Editor:
    def __init__(self, work: Work) -> None:
        self._database = work.database
        self._planning = work.planning
        self._box = work.box
        self._connector = Connector(work.settings, work.database, work.box)
        self.view = EditorView(work.database, work.planning)

    def saved_words(self, workflow: Workflow, saved: str) -> str:
        if saved == "same":
            return _("Nothing was changed; there is nothing to save.")
        if saved == "switched":
            return _("It is on.") if workflow.is_on else _("It is off.")
        return _("Saved as revision %(number)s.", number=workflow.revision) if saved else ""

    async def do(self, request: AdminRequest, workflow_id: str) -> Answer:
        check_may_edit(request)
        form = await request.form()
        typed = _typed(form)
        what, _colon, path = typed.text("do").partition(":")
        if what == "enter":  # the key, in any field: in the search for a Task it searches
            what = "save" if typed.text("q") == typed.text("q.was") else "pick"
        workflow, deleted_by = await find_even_deleted(self._database, workflow_id)
        saves = what in {"", "save", "save-new"}
        draft = read_draft(typed, workflow.definition, self.view.forms, drops_blank=saves)
        revision = read_revision(typed.text("revision")) or 0
        sent = Sent(workflow=workflow, draft=draft, revision=revision, typed=typed, deleted_by=deleted_by)
        if deleted_by and (saves or what in {"on", "off"}):
            return await self._save_as_new(request, sent, knowingly=what == "save-new")
        if saves:
            return await self._save(request, sent)
        match what:
            case "on" | "off":
                return await self._switch(request, sent, is_on=what == "on")
            case "connect":
                return await self._connect(request, sent, path)
            case "pick" | "show":
                query = typed.text("q").strip()[:100]
                return await self._again(request, sent, Shown(picking=what == "pick", query=query))
            case _:
                return await self._change(request, sent, what, path)

    async def _again(self, request: AdminRequest, sent: Sent, shown: Shown) -> Response[str]:
        """The form as it was sent, with what became of it."""
        shown = msgspec.structs.replace(shown, revision=sent.revision, deleted_by=sent.deleted_by)
        return await self.view.show(request, sent.workflow, sent.draft, shown)

    async def _change(self, request: AdminRequest, sent: Sent, what: str, path: str) -> Response[str]:
        draft = sent.draft
        try:
            place_of = change(draft, what, path, self.view.forms)
        except NoSuchPlace:
            problem = _("That part is not there any more; nothing was changed.")
            return await self._again(request, sent, Shown(status=422, problem=problem))
        if what == "add-task":
            definition = nameable(draft)
            if definition is not None:
                around = await self.view.around(definition)
                position = len(definition.tasks) - 1
                names = run_names(definition, position, self._planning.types, around.survey)
                prefill(draft, self.view.forms, names, around.offers)
        moved = what in {"up", "down"} or (what == "remove" and place_of == "tasks")
        return await self._again(request, sent, Shown(opened="" if moved else place_of))

    async def _save(self, request: AdminRequest, sent: Sent) -> Answer:
        workflow_id = sent.workflow.id
        definition, mistakes = await self._checked(sent.draft)
        if mistakes or definition is None:
            return await self._again(request, sent, Shown(status=422, mistakes=mistakes))
        try:
            async with self._database.transaction() as connection:
                number = await workflows.save_revision(
                    connection,
                    workflow_id,
                    definition,
                    person_id=None if request.user is None else request.user.id,
                    expected_revision=sent.revision,
                    check=check_on_saving(self._planning.types),
                )
        except EditConflict as error:
            return await self._tell_of_theirs(request, sent, error)
        except NoSuchWorkflow:  # within the last moment
            return await self.do(request, workflow_id)
        except InvalidDefinition as error:
            return await self._again(request, sent, Shown(status=422, mistakes=error.mistakes))
        except NoTask:
            problem = _("It is on, and would have no Task: add one, or turn it off first.")
            return await self._again(request, sent, Shown(status=422, problem=problem))
        saved = "same" if number == sent.revision else str(number)
        return Redirect(f"/workflows/{workflow_id}?saved={saved}", status_code=303)

    async def _checked(self, draft: Draft) -> tuple[Definition | None, list[Mistake]]:
        """The draft as a definition, with all that is wrong with it."""
        definition, mistakes = definition_of(draft)
        if definition is not None:
            around = await self.view.around(definition)
            told = {mistake.path for mistake in mistakes}
            checked = check_definition(definition, self._planning.types, around.known)
            mistakes += [mistake for mistake in checked if mistake.path not in told]
        return definition, mistakes

    async def _save_as_new(self, request: AdminRequest, sent: Sent, *, knowingly: bool) -> Answer:
        """What was typed of a Workflow that is no more, as a new one; whoever does not know it yet is told first."""
        if not knowingly:
            return await self._again(request, sent, Shown(status=409))
        definition, mistakes = await self._checked(sent.draft)
        if mistakes or definition is None:
            return await self._again(request, sent, Shown(status=422, mistakes=mistakes))
        try:
            async with self._database.transaction() as connection:
                workflow_id = await save_as_new(
                    connection,
                    self._box,
                    sent.workflow,
                    definition,
                    person_id=cast("Person", request.user).id,
                    check=check_on_saving(self._planning.types),
                )
        except InvalidDefinition as error:
            return await self._again(request, sent, Shown(status=422, mistakes=error.mistakes))
        return Redirect(f"/workflows/{workflow_id}?saved=1", status_code=303)

    async def _tell_of_theirs(self, request: AdminRequest, sent: Sent, error: EditConflict) -> Response[str]:
        """The second of two who save is shown what the first changed; saving once more is then on purpose."""
        async with self._database.read_only().transaction() as connection:
            now = await found_workflow(connection, sent.workflow.id)
            try:
                before = (await get_revisions(connection, now.id, [sent.revision]))[sent.revision].definition
            except NoSuchWorkflow:
                before = now.definition
        definition, _mistakes = definition_of(sent.draft)
        shown = Shown(
            status=409,
            problem=saved_meanwhile(error),
            theirs=compare(before, now.definition, self.view.forms.titles),
            yours=compare(now.definition, definition, self.view.forms.titles)
            if definition is not None
            else (),
        )
        return await self.view.show(request, now, sent.draft, shown)

    async def _switch(self, request: AdminRequest, sent: Sent, *, is_on: bool) -> Answer:
        """On or off at once. What was typed and not saved stays in the form, and is not what is turned on."""
        workflow = sent.workflow
        is_changed = definition_of(sent.draft)[0] != workflow.definition
        if is_on and is_changed:
            problem = _("Save first: it would be turned on as it was saved last, without what you changed.")
            return await self._again(request, sent, Shown(status=422, problem=problem))
        try:
            async with self._database.transaction() as connection:
                if is_on:
                    check = check_on_saving(self._planning.types)
                    await workflows.turn_on(connection, workflow.id, check=check)
                else:
                    await workflows.turn_off(connection, workflow.id)
        except InvalidDefinition as error:
            return await self._again(request, sent, Shown(status=422, mistakes=error.mistakes))
        except NoTask:
            problem = _("It has no Task yet; add one, and save.")
            return await self._again(request, sent, Shown(status=422, problem=problem))
        if not is_changed:
            return Redirect(f"/workflows/{workflow.id}?saved=switched", status_code=303)
        said = _("It is off. What you changed is still here, and not saved yet.")
        return await self._again(
            request,
            msgspec.structs.replace(sent, workflow=await find_workflow(self._database, workflow.id)),
            Shown(said=said),
        )

    async def _connect(self, request: AdminRequest, sent: Sent, path: str) -> Response[str]:
        """Add a Gladly account and choose it, with the form as it is."""
        if not may_connect(request.user):
            raise PermissionDeniedException(_("Your role may not connect accounts."))
        given = {name: sent.typed.text(f"connect.{name}:{path}").strip() for name in CONNECTING}
        try:
            names = {
                "address": _("The address"),
                "username": _("The user name"),
                "api_token": _("The API token"),
            }
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
            return await self._again(request, sent, shown)
        try:
            put(sent.draft, path, account_id)
        except NoSuchPlace:
            said = _("The account is connected.")
        return await self._again(request, sent, Shown(opened=path, said=said))


def _typed(form: Any) -> Typed:
    values: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            values.setdefault(name, []).append(value)
    return Typed(values)
