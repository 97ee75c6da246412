"""What a Workflow is called, whose it is and where it is listed; and its end."""

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.rights import EDITS_WORKFLOWS, may_edit_workflows, may_see_customers
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.setting_up.work import Work
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.access import check_may_edit, found_workflow
from afterword.outcomes import ConfigurationError
from afterword.store import tables
from afterword.translating import gettext as _
from afterword.workflows.saving.listing import Workflow, count_unfinished
from afterword.workflows.saving.workflows import belong_to_survey, change_owner, delete_workflow, rename

LARGEST_FORM = 16 * 1024
FIELDS = ("name", "owner", "survey")


def workflow_settings_routes(work: Work) -> list[HTTPRouteHandler]:
    """The page and its form, and the page that deletes."""
    settings_page = _SettingsPage(work)

    @get("/workflows/{workflow_id:str}/settings")
    async def show(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """Show what it is called, whose it is, and where it is listed."""
        said = _("Saved.") if request.query_params.get("saved") else ""
        return await settings_page.show(request, workflow_id, said=said)

    @post("/workflows/{workflow_id:str}/settings", request_max_body_size=LARGEST_FORM)
    async def save(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str] | Redirect:
        """Save them."""
        return await settings_page.save(request, workflow_id)

    @get("/workflows/{workflow_id:str}/delete")
    async def ask(request: AdminRequest, workflow_id: FromPath[str]) -> Response[str]:
        """Ask whether it is to be deleted, and tell what becomes of its Runs."""
        check_may_edit(request)
        async with work.database.read_only().transaction() as connection:
            workflow = await found_workflow(connection, workflow_id)
            unfinished = await count_unfinished(connection, workflow_id)
        return page(
            request,
            "workflows/delete.html",
            workflow=workflow,
            unfinished=unfinished,
            may_rehearse=may_see_customers(request.user),
        )

    @post("/workflows/{workflow_id:str}/delete", request_max_body_size=LARGEST_FORM)
    async def delete(request: AdminRequest, workflow_id: FromPath[str]) -> Redirect:
        """Delete it."""
        check_may_edit(request)
        async with work.database.transaction() as connection:
            await found_workflow(connection, workflow_id)
            await delete_workflow(connection, workflow_id)
        return Redirect("/workflows", status_code=303)

    return [show, save, ask, delete]


class _SettingsPage:
    def __init__(self, work: Work) -> None:
        self._database = work.database

    async def show(
        self,
        request: AdminRequest,
        workflow_id: str,
        *,
        status: int = 200,
        typed: Mapping[str, str] | None = None,
        errors: Mapping[str, str] | None = None,
        said: str = "",
    ) -> Response[str]:
        async with self._database.read_only().transaction() as connection:
            workflow = await found_workflow(connection, workflow_id)
            people = await _names(connection, "person")
            surveys = await _names(connection, "survey")
        return page(
            request,
            "workflows/settings.html",
            status=status,
            workflow=workflow,
            saved=_values(workflow),
            typed=_values(workflow) if typed is None else typed,
            errors=errors or {},
            people=people,
            surveys=surveys,
            said=said,
            may_edit=may_edit_workflows(request.user),
            may_rehearse=may_see_customers(request.user),
        )

    async def save(self, request: AdminRequest, workflow_id: str) -> Response[str] | Redirect:
        """Save what was changed. What somebody else changed meanwhile is told, and is not overwritten unseen."""
        check_may_edit(request)
        form = await request.form()
        typed = {name: " ".join(text_of(form, name).split()) for name in FIELDS}
        seen = {name: text_of(form, f"was.{name}") for name in FIELDS}
        async with self._database.read_only().transaction() as connection:
            now = _values(await found_workflow(connection, workflow_id))
            names = {
                "owner": await _names(connection, "person"),
                "survey": await _names(connection, "survey"),
            }
        errors = {
            name: _(
                "Somebody else changed this meanwhile, to “%(now)s”; save again to put yours in its place.",
                now=names.get(name, {}).get(now[name], now[name]) or _("none"),
            )
            for name in FIELDS
            if now[name] not in (seen[name], typed[name])
        }
        if errors:
            return await self.show(request, workflow_id, status=409, typed=typed, errors=errors)
        errors = {
            name: _("There is none of these any more; choose another.")
            for name, known in names.items()
            if typed[name] and typed[name] not in known
        }
        if errors:
            return await self.show(request, workflow_id, status=422, typed=typed, errors=errors)
        try:
            async with self._database.transaction() as connection:
                await rename(connection, workflow_id, typed["name"])
                await change_owner(connection, workflow_id, typed["owner"] or None)
                await belong_to_survey(connection, workflow_id, typed["survey"] or None)
        except ConfigurationError as error:
            return await self.show(request, workflow_id, status=422, typed=typed, errors={"name": str(error)})
        return Redirect(f"/workflows/{workflow_id}/settings?saved=1", status_code=303)


def _values(workflow: Workflow) -> dict[str, str]:
    return {
        "name": workflow.name,
        "owner": workflow.owner_id or "",
        "survey": workflow.survey_id or "",
    }


async def _names(connection: AsyncConnection, of: str) -> dict[str, str]:
    """People who may own a Workflow, or Surveys: names by id."""
    if of == "person":
        table = tables.person
        name = func.coalesce(func.nullif(table.c.name, ""), table.c.email)
        roles = [role for role, may in EDITS_WORKFLOWS.items() if may]
        query = select(table.c.id, name.label("name")).where(table.c.role.in_(roles))
    else:
        survey = tables.survey
        query = select(survey.c.id, survey.c.name)
    rows = await connection.execute(query)
    return dict(sorted(((row.id, row.name) for row in rows), key=lambda one: one[1].casefold()))
