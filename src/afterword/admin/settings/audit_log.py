"""The audit log, newest first: filtered by who and what kind, each filter and page an address of its own."""

from typing import get_args
from urllib.parse import urlencode

from litestar import Response, get
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler

from afterword.accounts.audit import AFTERWORD, COMMAND_LINE, Entry, Kind, list_entries
from afterword.accounts.managing import list_people
from afterword.accounts.rights import may_read_audit_log
from afterword.admin.ids import read_id
from afterword.admin.pages import page
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.store.database import Database
from afterword.translating import N_
from afterword.translating import gettext as _

PATH = "/settings/audit"
PAGE_SIZE = 50
KINDS: dict[str, str] = {
    "account": N_("Connected accounts"),
    "person": N_("People"),
    "token": N_("API tokens"),
    "workflow": N_("Workflows"),
    "sending": N_("Sending"),
    "run": N_("Runs"),
    "replay": N_("Replays"),
    "extension": N_("Extensions"),
    "survey": N_("Surveys"),
    "json-event": N_("JSON events"),
    "subscription": N_("Event subscriptions"),
}
assert tuple(KINDS) == get_args(Kind)  # noqa: S101 - each kind has a name


def audit_routes(database: Database) -> list[HTTPRouteHandler]:
    """The page."""

    @get(PATH)
    async def audit_log(request: AdminRequest) -> Response[str]:
        """Show who changed what."""
        if not may_read_audit_log(request.user):
            raise PermissionDeniedException(_("The audit log is for owners and administrators."))
        asked = {name: request.query_params.get(name, "") for name in ("who", "kind", "subject")}
        older_than = read_id(request.query_params.get("before", ""))
        async with database.transaction() as connection:
            found = await list_entries(
                connection,
                actor_id=asked["who"],
                kind=asked["kind"],
                subject_id=asked["subject"],
                older_than=older_than,
                limit=PAGE_SIZE + 1,
            )
            people = await list_people(connection)
        filters = {name: value for name, value in asked.items() if value}
        older = {**filters, "before": str(found[PAGE_SIZE - 1].id)} if len(found) > PAGE_SIZE else None
        return page(
            request,
            "settings/audit.html",
            entries=found[:PAGE_SIZE],
            asked=asked,
            kinds=KINDS,
            actors={
                **{one.id: one.name for one in people},
                COMMAND_LINE.id: COMMAND_LINE.name,
                AFTERWORD.id: AFTERWORD.name,
            },
            older=None if older is None else f"{PATH}?{urlencode(older)}",
            newest=f"{PATH}?{urlencode(filters)}" if filters else PATH,
            is_first=older_than is None,
            link_of=link_of,
        )

    return [audit_log]


def link_of(entry: Entry) -> str:
    """The page of what was changed; empty where it has none, or is gone."""
    if entry.what in {"removed", "deleted", "ended"}:
        return ""
    return {
        "account": f"/settings/accounts/{entry.subject_id}",
        "person": f"/settings/people#person-{entry.subject_id}",
        "token": f"/settings/tokens#token-{entry.subject_id}",
        "workflow": f"/workflows/{entry.subject_id}",
        "sending": "/workflows/sending",
        "run": f"/workflows/runs/{entry.subject_id}",
        "replay": f"/workflows/replays/{entry.subject_id}",
        "extension": f"/settings/extensions#{entry.subject_id}",
        "survey": f"/surveys/{entry.subject_id}",
        "json-event": f"/workflows/json-events/{entry.subject_id}",
        "subscription": "",
    }[entry.kind]
