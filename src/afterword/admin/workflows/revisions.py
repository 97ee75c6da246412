"""What was saved of a Workflow, by whom and when: any two compared, and an earlier one restored."""

from collections.abc import Mapping, Sequence

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.rights import may_edit_workflows, may_see_customers
from afterword.admin.forms import text_of
from afterword.admin.ids import read_revision
from afterword.admin.pages import page
from afterword.admin.setting_up.work import Work
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.access import check_may_edit, found_workflow
from afterword.admin.workflows.draft import Forms
from afterword.translating import gettext as _
from afterword.workflows.saving.checking import Mistake
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.listing import Revision, get_revisions, list_revisions
from afterword.workflows.saving.refusals import EditConflict, InvalidDefinition, NoSuchWorkflow, NoTask
from afterword.workflows.saving.revisions import Difference, compare
from afterword.workflows.saving.workflows import restore_revision

LARGEST_FORM = 16 * 1024
PAGE_LENGTH = 25
MOST_OFFERED = 200
TOLD = 4
"""Changes of a revision that the list names; more are counted."""


class Listed(msgspec.Struct, frozen=True):
    """A revision in the list, with what it says differently from the one before it."""

    revision: Revision
    changes: Sequence[Difference]
    more: int


class Compared(msgspec.Struct, frozen=True):
    """Two revisions held side by side."""

    before: int
    after: int
    differences: Sequence[Difference]


def workflow_revisions_routes(work: Work) -> list[HTTPRouteHandler]:
    """The page, and the button that restores."""
    revisions_page = _RevisionsPage(work)

    @get("/workflows/{workflow_id:str}/revisions")
    async def revisions(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """List the revisions, or compare two."""
        restored = request.query_params.get("restored", "")
        said = _("It says again what revision %(number)s said.", number=restored[:10]) if restored else ""
        return await revisions_page.show(request, workflow_id, said=said)

    @post("/workflows/{workflow_id:str}/revisions", request_max_body_size=LARGEST_FORM)
    async def restore(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str] | Redirect:
        """Have the Workflow say again what an earlier revision said."""
        return await revisions_page.restore(request, workflow_id)

    return [revisions, restore]


class _RevisionsPage:
    def __init__(self, work: Work) -> None:
        self._database = work.database
        self._planning = work.planning
        self._made: Forms | None = None

    @property
    def _forms(self) -> Forms:
        """Made when they are first asked for: task types are not loaded at start."""
        if self._made is None:
            self._made = Forms(self._planning.types)
        return self._made

    async def show(
        self,
        request: AdminRequest,
        workflow_id: str,
        *,
        status: int = 200,
        said: str = "",
        problem: str = "",
        mistakes: Sequence[Mistake] = (),
        ends_test: int | None = None,
    ) -> Response[str]:
        asked = request.query_params
        older_than = read_revision(asked.get("older", ""))
        before, after = (read_revision(asked.get(name, "")) for name in ("before", "after"))
        async with self._database.read_only().transaction() as connection:
            workflow = await found_workflow(connection, workflow_id)
            found = await list_revisions(connection, workflow_id, before=older_than, limit=PAGE_LENGTH + 1)
            compared = None
            if before is not None and after is not None:
                try:
                    two = await get_revisions(connection, workflow_id, [before, after])
                except NoSuchWorkflow:
                    raise NotFoundException(_("There is no such revision.")) from None
                titles = self._forms.titles
                differences = compare(two[before].definition, two[after].definition, titles)
                compared = Compared(before, after, differences)
        return page(
            request,
            "workflows/revisions.html",
            status=status,
            workflow=workflow,
            listed=[_listed(one, earlier, self._forms.titles) for one, earlier in _with_earlier(found)],
            older=found[PAGE_LENGTH - 1].number if len(found) > PAGE_LENGTH else None,
            is_first=older_than is None,
            compared=compared,
            numbers_offered=_offered(workflow.revision, before, after),
            said=said,
            problem=problem,
            mistakes=mistakes,
            ends_test=ends_test,
            may_edit=may_edit_workflows(request.user),
            may_rehearse=may_see_customers(request.user),
        )

    async def restore(self, request: AdminRequest, workflow_id: str) -> Response[str] | Redirect:
        check_may_edit(request)
        form = await request.form()
        number, expected = (read_revision(text_of(form, name)) for name in ("restore", "revision"))
        if number is None or expected is None:
            raise NotFoundException(_("There is no such revision."))
        if text_of(form, "sure") != "yes" and await self._ends_test(workflow_id, number):
            return await self.show(request, workflow_id, status=409, ends_test=number)
        try:
            async with self._database.transaction() as connection:
                await restore_revision(
                    connection,
                    workflow_id,
                    number,
                    person_id=None if request.user is None else request.user.id,
                    expected_revision=expected,
                    check=check_on_saving(self._planning.types),
                )
        except NoSuchWorkflow:
            raise NotFoundException(_("There is no such revision.")) from None
        except EditConflict as error:
            problem = _(
                "%(person)s saved revision %(number)s meanwhile; nothing was restored. Look at it, then restore again.",
                person=error.person or _("Somebody"),
                number=error.revision,
            )
            return await self.show(request, workflow_id, status=409, problem=problem)
        except InvalidDefinition as error:
            problem = _(
                "Revision %(number)s cannot be restored as it was: what it needs is gone.", number=number
            )
            return await self.show(request, workflow_id, status=422, problem=problem, mistakes=error.mistakes)
        except NoTask:
            problem = _(
                "Revision %(number)s has no Task, and the Workflow is on: turn it off first.", number=number
            )
            return await self.show(request, workflow_id, status=422, problem=problem)
        return Redirect(f"/workflows/{workflow_id}/revisions?restored={number}", status_code=303)

    async def _ends_test(self, workflow_id: str, number: int) -> bool:
        """Whether the Workflow is in test, and would write to everybody once this revision is restored."""
        async with self._database.read_only().transaction() as connection:
            workflow = await found_workflow(connection, workflow_id)
            try:
                earlier = (await get_revisions(connection, workflow_id, [number]))[number]
            except NoSuchWorkflow:
                return False
        return workflow.definition.brakes.in_test and not earlier.definition.brakes.in_test


def _offered(newest: int, *asked: int | None) -> list[int]:
    """The revisions to choose from: the newest ones, and those that are compared."""
    newer = range(max(1, newest - MOST_OFFERED + 1), newest + 1)
    return sorted({*newer, *(number for number in asked if number is not None)}, reverse=True)


def _with_earlier(found: Sequence[Revision]) -> list[tuple[Revision, Revision | None]]:
    earlier: list[Revision | None] = [*found[1:], None]
    return list(zip(found, earlier, strict=True))[:PAGE_LENGTH]


def _listed(revision: Revision, earlier: Revision | None, titles: Mapping[str, str]) -> Listed:
    changes = [] if earlier is None else compare(earlier.definition, revision.definition, titles)
    return Listed(revision, changes[:TOLD], max(0, len(changes) - TOLD))
