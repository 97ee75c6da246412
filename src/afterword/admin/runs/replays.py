"""Problems and replays: what failed, by its cause, with one button; and how far what was asked for is."""

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import ClientException, NotFoundException, PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import Select

from afterword.accounts.rights import may_operate
from afterword.admin.forms import text_of
from afterword.admin.ids import read_id
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.outcomes import ConfigurationError
from afterword.store.database import Database
from afterword.translating import gettext as _
from afterword.workflows.running.cancelling import cancel_run
from afterword.workflows.running.problems import list_problems
from afterword.workflows.running.replays import (
    FROM_FAILED,
    get_replay,
    list_replays,
    runs_by_id,
    runs_of_problem,
    start_replay,
    stop_replay,
)

LARGEST_FORM = 65_536
LONGEST_TASK_ID = 100


def replay_routes(database: Database) -> list[HTTPRouteHandler]:
    """The pages of problems and replays, and the buttons that lead to them."""

    @get("/workflows/problems")
    async def problems(request: AdminRequest) -> Response[str]:
        """List what failed, by its cause."""
        async with database.transaction() as connection:
            found = await list_problems(connection)
        return page(request, "problems.html", problems=found, may_operate=may_operate(request.user))

    @get("/workflows/replays")
    async def replays(request: AdminRequest) -> Response[str]:
        """List the replays, newest first."""
        async with database.transaction() as connection:
            found = await list_replays(connection)
        return page(request, "replays.html", what_words=what_words, replays=found)

    @get("/workflows/replays/{replay_id:str}")
    async def replay(request: AdminRequest, replay_id: FromPath[str]) -> Response[str]:
        """Tell how far one replay is."""
        async with database.transaction() as connection:
            told = await get_replay(connection, _number(replay_id))
        if told is None:
            raise NotFoundException(_("There is no such replay."))
        return page(
            request, "replay.html", what_words=what_words, replay=told, may_operate=may_operate(request.user)
        )

    @post("/workflows/replays", request_max_body_size=LARGEST_FORM)
    async def start(request: AdminRequest) -> Redirect:
        """Replay the runs of a problem, or one run."""
        _check_may(request)
        form = await request.form()
        chosen, what = _chosen(form)
        from_task = text_of(form, "from") or FROM_FAILED
        if len(from_task) > LONGEST_TASK_ID or not from_task.isprintable():
            raise ClientException(_("A replay begins at failed, start, or a task's id."))
        person_id = None if request.user is None else request.user.id
        try:
            async with database.transaction() as connection:
                number = await start_replay(
                    connection, chosen, what=what, from_task=from_task, person_id=person_id
                )
        except ConfigurationError as error:
            raise ClientException(str(error)) from None
        return Redirect(f"/workflows/replays/{number}", status_code=303)

    @post("/workflows/replays/{replay_id:str}/stop", request_max_body_size=LARGEST_FORM)
    async def stop(request: AdminRequest, replay_id: FromPath[str]) -> Redirect:
        """Let what is queued be."""
        _check_may(request)
        number = _number(replay_id)
        async with database.transaction() as connection:
            await stop_replay(connection, number)
        return Redirect(f"/workflows/replays/{number}", status_code=303)

    @post("/workflows/runs/{run_id:str}/cancel", request_max_body_size=LARGEST_FORM)
    async def cancel(request: AdminRequest, run_id: FromPath[str]) -> Redirect:
        """Cancel a run that is not at its end."""
        _check_may(request)
        number = _number(run_id)
        async with database.transaction() as connection:
            await cancel_run(connection, number)
        return Redirect(f"/workflows/runs/{number}", status_code=303)

    return [problems, replays, replay, start, stop, cancel]


def _chosen(form: Any) -> tuple[Select[Any], str]:
    """The runs that the form names, and in words which they are."""
    problem, run = text_of(form, "problem"), text_of(form, "run")
    if problem:
        number = _number(problem)
        return runs_of_problem(number), f"problem {number}"
    number = _number(run)
    return runs_by_id([number]), f"run {number}"


def what_words(what: str) -> str:
    """Which runs a replay is of, as :func:`_chosen` tells it, in the reader's language."""
    kind, _space, number = what.partition(" ")
    match kind:
        case "problem":
            return _("problem %(number)s", number=number)
        case "run":
            return _("run %(number)s", number=number)
        case _other:
            return what


def _check_may(request: AdminRequest) -> None:
    if not may_operate(request.user):
        raise PermissionDeniedException(_("Your role may look at runs, and not replay or cancel them."))


def _number(text: str) -> int:
    number = read_id(text)
    if number is None:
        raise NotFoundException(_("There is no such number."))
    return number
