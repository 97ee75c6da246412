"""Workflows: the list, with a switch for each."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from afterword.accounts.connected import list_accounts
from afterword.accounts.rights import may_edit_workflows
from afterword.admin.forms import text_of
from afterword.admin.helping import Helping
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.access import check_may_edit, why_refused
from afterword.outcomes import ConfigurationError
from afterword.store.database import Database
from afterword.tasks.planning import PlanningTasks
from afterword.translating import gettext as _
from afterword.workflows.history.latest_runs import MOST_FAILED_COUNTED, latest_runs
from afterword.workflows.history.reading import list_survey_names
from afterword.workflows.naming import event_words
from afterword.workflows.saving.checking import Mistake
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.listing import WorkflowFilters, list_workflows
from afterword.workflows.saving.refusals import InvalidDefinition
from afterword.workflows.saving.workflows import turn_off, turn_on

PATH = "/workflows"
LARGEST_FORM = 16 * 1024
PAGE_LENGTH = 50
FILTERS = ("name", "survey", "after")
"""What the address of a page of the list holds; ``after`` is the id of the last one of the page before."""


class NotTurned(msgspec.Struct, frozen=True):
    """A switch that was not turned, and why; ``mistakes`` are those of its definition, if it has any."""

    workflow_id: str
    words: str
    mistakes: Sequence[Mistake] = ()


def workflow_list_routes(
    database: Database, planning: PlanningTasks | None, helping: Helping
) -> list[HTTPRouteHandler]:
    """The list, and the switches; without ``planning``, which knows the task types, there are no switches."""
    listed = _List(database, helping)

    @get(PATH)
    async def workflows(request: AdminRequest) -> Response[str]:
        """List the workflows."""
        asked = {name: request.query_params.get(name, "").strip() for name in FILTERS}
        return await listed.show(request, asked)

    @post(f"{PATH}/switch", request_max_body_size=LARGEST_FORM)
    async def switch(request: AdminRequest) -> Response[str] | Redirect:
        """Turn a workflow on or off."""
        check_may_edit(request)
        form = await request.form()
        asked = {name: text_of(form, name).strip() for name in FILTERS}
        workflow_id = text_of(form, "workflow")
        check = None if planning is None else check_on_saving(planning.types)
        try:
            async with database.transaction() as connection:
                if text_of(form, "on") == "yes":
                    await turn_on(connection, workflow_id, check=check)
                else:
                    await turn_off(connection, workflow_id)
        except InvalidDefinition as error:
            words = _("It cannot be turned on as it is.")
            return await listed.show(request, asked, NotTurned(workflow_id, words, error.mistakes))
        except ConfigurationError as error:
            return await listed.show(request, asked, NotTurned(workflow_id, why_refused(error)))
        return Redirect(f"{address(asked)}#workflow-{workflow_id}", status_code=303)

    return [workflows] if planning is None else [workflows, switch]


def address(asked: Mapping[str, str]) -> str:
    """Where a page of the list is, of these filters."""
    given = {name: value for name, value in asked.items() if value}
    return f"{PATH}?{urlencode(given)}" if given else PATH


class _List:
    def __init__(self, database: Database, helping: Helping) -> None:
        self._helping = helping
        self._database = database

    async def show(
        self, request: AdminRequest, asked: Mapping[str, str], not_turned: NotTurned | None = None
    ) -> Response[str]:
        """A page of the list; five queries, however many workflows there are."""
        filters = WorkflowFilters(name=asked["name"] or None, survey_id=asked["survey"] or None)
        async with self._database.read_only().transaction() as connection:
            found = await list_workflows(
                connection, filters, after=asked["after"] or None, limit=PAGE_LENGTH + 1
            )
            shown = found[:PAGE_LENGTH]
            latest = await latest_runs(connection, [one.id for one in shown])
            surveys = await list_survey_names(connection)
            accounts = await list_accounts(connection)
        names = {one.id: one.name for one in surveys} | {one.id: one.name for one in accounts}
        chosen = {name: value for name, value in asked.items() if name != "after"}
        more = {**chosen, "after": shown[-1].id} if len(found) > PAGE_LENGTH else None
        values: dict[str, Any] = {
            "help": await self._helping.of("workflows", request),
            "workflows": shown,
            "events": {one.id: event_words(one.definition.event, names) for one in shown},
            "latest": latest,
            "most_failed": MOST_FAILED_COUNTED,
            "surveys": surveys,
            "asked": asked,
            "is_filtered": any(chosen.values()),
            "not_turned": not_turned,
            "may_edit": may_edit_workflows(request.user),
            "following": None if more is None else address(more),
            "first": address(chosen),
        }
        return page(request, "workflows/list.html", status=200 if not_turned is None else 422, **values)
