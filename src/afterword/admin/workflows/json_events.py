"""JSON events: each one's address, who may send to it, and the fields that are picked from a sample."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.api_tokens import add_api_token
from afterword.accounts.people import Person, find_person
from afterword.accounts.rights import may_edit_workflows, may_make_token_of, may_see_customers
from afterword.accounts.scopes import SENDS_JSON_EVENTS
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.setting_up.work import Work
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.admin.workflows.access import check_may_edit, why_refused
from afterword.events.models import json_event_origin
from afterword.outcomes import ConfigurationError
from afterword.pages.wording import sentence
from afterword.translating import gettext as _
from afterword.translating import ngettext
from afterword.workflows.definitions import JsonEvent, JsonField
from afterword.workflows.saving.guide import give_another_address
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.listing import get_workflow
from afterword.workflows.saving.refusals import InvalidDefinition
from afterword.workflows.saving.workflows import save_revision
from afterword.workflows.starting.capture import MOST_SUGGESTED, captured, pick, switch_capture
from afterword.workflows.starting.endpoints import (
    EndpointSettings,
    ListedEndpoint,
    NoSuchEndpoint,
    drop_unused_endpoint,
    get_endpoint,
    list_endpoints,
    require_authentication,
)
from afterword.workflows.starting.feeding import newest_kept

PATH = "/workflows/json-events"
LARGEST_FORM = 512 * 1024
"""Bytes; a sample's fields with their names and paths come back with the ticks."""
KEPT_SHOWN = 20


class _Refused(ConfigurationError):
    """Nothing was changed; the message is for who asked."""


class _Picked(msgspec.Struct, frozen=True):
    """What was ticked and typed of a sample: names by path, and the paths that are ticked."""

    names: dict[str, str]
    ticked: frozenset[str]
    workflow_id: str = ""


NOTHING_PICKED = _Picked({}, frozenset())


def json_event_routes(work: Work) -> list[HTTPRouteHandler]:
    """The list, and the page of each with its buttons."""
    pages = _JsonEventPages(work)

    @get(PATH)
    async def json_events(request: AdminRequest) -> Response[str]:
        """List the JSON events."""
        async with work.database.read_only().transaction() as connection:
            listed = await list_endpoints(connection)
        may_edit = may_edit_workflows(request.user)
        return page(request, "workflows/json_events.html", endpoints=listed, may_edit=may_edit)

    @get(f"{PATH}/{{endpoint_id:str}}")
    async def json_event(request: AdminRequest, endpoint_id: FromPath[str]) -> Response[str]:
        """One JSON event."""
        return await pages.show(request, endpoint_id, said=request.query_params.get("said", ""))

    @post(f"{PATH}/{{endpoint_id:str}}", request_max_body_size=LARGEST_FORM)
    async def change(request: AdminRequest, endpoint_id: FromPath[str]) -> Response[str] | Redirect:
        """Change what a button says."""
        check_may_edit(request)
        return await pages.change(request, endpoint_id)

    return [json_events, json_event, change]


class _JsonEventPages:
    def __init__(self, work: Work) -> None:
        self._work = work

    async def show(
        self,
        request: AdminRequest,
        endpoint_id: str,
        *,
        said: str = "",
        problem: str = "",
        token: str = "",
        picked: _Picked = NOTHING_PICKED,
    ) -> Response[str]:
        """The page; ``said`` is what was done before it, by a word in its address."""
        work, may_edit = self._work, may_edit_workflows(request.user)
        async with work.database.transaction() as connection:
            listed, endpoint = await self._found(connection, endpoint_id)
            sees_events = may_see_customers(request.user)
            sample = await captured(connection, endpoint_id) if sees_events else None
            kept = await newest_kept(connection, json_event_origin(endpoint_id), limit=KEPT_SHOWN)
            owner = await find_person(connection, endpoint.person_id)
            fields = await _fields_of(connection, listed)
        made = request.query_params.get("made", "")
        values: dict[str, Any] = {
            "made": next((one for one in listed.workflows if one.id == made), None),
            "said": said,
            "problem": problem,
            "token": token,
            "may_edit": may_edit,
            "may_make_token": owner is not None and may_make_token_of(request.user, owner),
            "sees_events": sees_events,
        }
        return page(
            request,
            "workflows/json_event.html",
            status=422 if problem else 200,
            listed=listed,
            endpoint=endpoint,
            address=endpoint.address if may_edit else "",
            sample=sample,
            most_suggested=MOST_SUGGESTED,
            picked=picked,
            fields=fields,
            kept=kept,
            **values,
        )

    async def change(self, request: AdminRequest, endpoint_id: str) -> Response[str] | Redirect:
        form = await request.form()
        picked = _picked(form)
        try:
            return await self._do(request, endpoint_id, form, picked)
        except NoSuchEndpoint as error:
            raise NotFoundException(str(error)) from None
        except InvalidDefinition as error:
            words = "; ".join(one.words for one in error.mistakes)
            return await self.show(request, endpoint_id, problem=f"{sentence(words)}.", picked=picked)
        except ConfigurationError as error:
            return await self.show(request, endpoint_id, problem=why_refused(error), picked=picked)

    async def _do(
        self, request: AdminRequest, endpoint_id: str, form: Any, picked: _Picked
    ) -> Response[str] | Redirect:
        match text_of(form, "do"):
            case "regenerate":
                place = await self._regenerate(endpoint_id)
            case "authentication":
                place = await self._authenticate(endpoint_id, required=text_of(form, "required") == "yes")
            case "capture":
                place = await self._capture(endpoint_id, on=text_of(form, "on") == "yes")
            case "token":
                await self._work.want_proof(request)
                token = await self._make_token(request, endpoint_id)
                return await self.show(request, endpoint_id, token=token)
            case "pick":
                place = await self._pick(request, endpoint_id, picked)
            case "remove":
                await self._remove(endpoint_id)
                return Redirect(PATH, status_code=303)
            case _:
                raise _Refused(_("There is nothing to do here."))
        return Redirect(f"{PATH}/{endpoint_id}{place}", status_code=303)

    async def _found(
        self, connection: AsyncConnection, endpoint_id: str
    ) -> tuple[ListedEndpoint, EndpointSettings]:
        listed = next((one for one in await list_endpoints(connection) if one.id == endpoint_id), None)
        if listed is None:
            raise NotFoundException(str(NoSuchEndpoint(endpoint_id)))
        public_url = self._work.settings.public_url
        return listed, await get_endpoint(connection, self._work.box, endpoint_id, public_url=public_url)

    async def _regenerate(self, endpoint_id: str) -> str:
        work = self._work
        async with work.database.transaction() as connection:
            told = await give_another_address(
                connection, work.box, endpoint_id, public_url=work.settings.public_url
            )
        return f"?said={'told' if told else 'regenerated'}#address-part"

    async def _authenticate(self, endpoint_id: str, *, required: bool) -> str:
        async with self._work.database.transaction() as connection:
            await require_authentication(connection, endpoint_id, required=required)
        return "#authentication"

    async def _capture(self, endpoint_id: str, *, on: bool) -> str:
        async with self._work.database.transaction() as connection:
            await switch_capture(connection, endpoint_id, on=on)
        return "#sample"

    async def _make_token(self, request: AdminRequest, endpoint_id: str) -> str:
        async with self._work.database.transaction() as connection:
            _listed, endpoint = await self._found(connection, endpoint_id)
            owner = await find_person(connection, endpoint.person_id)
            if owner is None or not may_make_token_of(request.user, owner):
                raise PermissionDeniedException(_("Your role may make API tokens for itself alone."))
            name = f"JSON Event {endpoint_id}"
            return await add_api_token(connection, owner.id, name, scopes=[SENDS_JSON_EVENTS])

    async def _remove(self, endpoint_id: str) -> None:
        async with self._work.database.transaction() as connection:
            if not await drop_unused_endpoint(connection, endpoint_id):
                raise _Refused(_("A Workflow starts with it; delete that first."))

    async def _pick(self, request: AdminRequest, endpoint_id: str, picked: _Picked) -> str:
        """Add the ticked fields to the workflow as it is now, as a revision of its own."""
        wanted = [JsonField(" ".join(picked.names[path].split()), path) for path in sorted(picked.ticked)]
        if not wanted:
            raise _Refused(_("Tick the fields that the Workflow is to have."))
        unnamed = [one.path for one in wanted if not one.name]
        if unnamed:
            raise _Refused(_("Name each field that you tick: %(paths)s.", paths=", ".join(unnamed)))
        work, person = self._work, cast("Person", request.user)
        async with work.database.transaction() as connection:
            workflow = await get_workflow(connection, picked.workflow_id)
            event = workflow.definition.event
            if not isinstance(event, JsonEvent) or event.endpoint != endpoint_id:
                raise _Refused(_("“%(name)s” does not start with this JSON event.", name=workflow.name))
            _refuse_taken(event.fields, wanted)
            changed = msgspec.structs.replace(event, fields=pick(event.fields, wanted))
            await save_revision(
                connection,
                workflow.id,
                msgspec.structs.replace(workflow.definition, event=changed),
                person_id=person.id,
                expected_revision=workflow.revision,
                check=check_on_saving(work.planning.types),
            )
        return f"?said=picked&made={workflow.id}#sample"


def _refuse_taken(known: Sequence[JsonField], wanted: Sequence[JsonField]) -> None:
    """A field is not replaced by one of its name that stands elsewhere in the event: somebody may count on it."""
    paths = {field.name.casefold(): field for field in known}
    taken = [one for one in wanted if paths.get(one.name.casefold(), one).path != one.path]
    if taken:
        there = ", ".join(f"{one.name} ({paths[one.name.casefold()].path})" for one in taken)
        message = ngettext(
            "A JSON field of this name is there already: %(there)s. Give the new one another name.",
            "JSON fields of these names are there already: %(there)s. Give the new ones other names.",
            len(taken),
            there=there,
        )
        raise _Refused(message)


async def _fields_of(connection: AsyncConnection, listed: ListedEndpoint) -> dict[str, str]:
    """The names that the first workflow has for paths."""
    if not listed.workflows:
        return {}
    event = (await get_workflow(connection, listed.workflows[0].id)).definition.event
    return {field.path: field.name for field in event.fields} if isinstance(event, JsonEvent) else {}


def _picked(form: Any) -> _Picked:
    ticked = form.getall("field", [])
    names = {}
    for number in range(MOST_SUGGESTED):
        path = text_of(form, f"path-{number}")
        if path:
            names[path] = text_of(form, f"name-{number}").replace("\x00", "").strip()
    return _Picked(names, frozenset(ticked) & names.keys(), text_of(form, "workflow"))
