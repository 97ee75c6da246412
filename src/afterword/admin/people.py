"""People: who belongs to the installation, invited, given roles, removed; and what each role may do."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast, get_args

import msgspec
import structlog
from litestar import Response, get, post
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.managing import ChangedMeanwhile, change_role, list_people, remove_person
from afterword.accounts.one_time_codes import take_codes_away
from afterword.accounts.people import (
    InvalidPerson,
    Person,
    Role,
    add_person,
    add_service_account,
    find_person,
)
from afterword.accounts.rights import PERMISSIONS, may_give_role, may_manage_people
from afterword.accounts.sessions import count_sessions, end_sessions
from afterword.accounts.welcome import new_link
from afterword.admin.forms import text_of
from afterword.admin.helping import Helping
from afterword.admin.ids import read_revision
from afterword.admin.pages import page
from afterword.admin.settings.account_forms import Wrong
from afterword.admin.signing_in.sessions import AdminRequest, Sessions, WantProof
from afterword.distributions.invited_people import Invited, send_invitation
from afterword.distributions.sending import Mailer
from afterword.outcomes import Outcome
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.translating import N_, retold
from afterword.translating import gettext as _
from afterword.workflows.starting.handing_over import hand_over, what_hangs_on

log = structlog.get_logger()

PATH = "/settings/people"
LARGEST_FORM = 8 * 1024
ROLES: Mapping[Role, str] = MappingProxyType(
    {
        "owner": N_("Owner"),
        "administrator": N_("Administrator"),
        "manager": N_("Manager"),
        "analyst": N_("Analyst"),
        "api_user": N_("API user"),
    }
)
NOTHING_TYPED: Mapping[str, str] = MappingProxyType(
    {"email": "", "name": "", "role": "manager", "service": "", "service_role": "api_user"}
)

NEED_NO_PROOF = frozenset({"remove", "role", "sign-out"})
"""What gives nobody another way in."""


class Asked(msgspec.Struct, frozen=True):
    """What a form asks for: what is to be done, another role, who takes tokens over, the version that was shown."""

    do: str
    role: str
    heir: str
    version: str


SERVICE_FIELDS: Mapping[str, str] = MappingProxyType({"name": "service", "role": "service_role"})
"""What the form of a service account calls what a person calls otherwise."""


class _Refused(Exception):
    """Nothing was changed; the message is for who asked."""

    field = ""


def people_routes(
    database: Database, settings: Settings, sessions: Sessions, helping: Helping, want_proof: WantProof
) -> list[HTTPRouteHandler]:
    """The page and its buttons."""
    people_page = _PeoplePage(database, settings, sessions, helping, want_proof)

    @get(PATH)
    async def people(request: AdminRequest) -> Response[str]:
        """List everybody."""
        return await people_page.show(request)

    @post(PATH, request_max_body_size=LARGEST_FORM)
    async def add(request: AdminRequest) -> Response[str]:
        """Invite somebody."""
        form = await request.form()
        typed = {field: text_of(form, field).strip() for field in ("email", "name", "role")}
        try:
            return await people_page.add(request, typed)
        except (InvalidPerson, _Refused) as error:
            return await people_page.show(request, problem=Wrong(str(error), error.field), typed=typed)

    @post(f"{PATH}/services", request_max_body_size=LARGEST_FORM)
    async def add_service(request: AdminRequest) -> Response[str] | Redirect:
        """Make a service account."""
        form = await request.form()
        typed = {"service": text_of(form, "service").strip(), "service_role": text_of(form, "service_role")}
        try:
            return await people_page.add_service(request, typed)
        except (InvalidPerson, _Refused) as error:
            field = SERVICE_FIELDS.get(error.field, "")
            return await people_page.show(request, problem=Wrong(str(error), field), typed=typed)

    @post(f"{PATH}/{{person_id:str}}", request_max_body_size=LARGEST_FORM)
    async def change(request: AdminRequest, person_id: FromPath[str]) -> Response[str] | Redirect:
        """Change something about somebody, by one of the buttons beside their name."""
        form = await request.form()
        asked = Asked(*(text_of(form, field) for field in Asked.__struct_fields__))
        try:
            link = await people_page.change(request, person_id, asked)
        except ChangedMeanwhile as error:
            return await people_page.show(request, problem=Wrong(str(error)), status=409)
        except (InvalidPerson, _Refused) as error:
            return await people_page.show(request, problem=Wrong(str(error)))
        return Redirect(PATH, status_code=303) if link is None else await people_page.tell(request, link)

    return [people, add, add_service, change]


class _PeoplePage:
    def __init__(
        self,
        database: Database,
        settings: Settings,
        sessions: Sessions,
        helping: Helping,
        want_proof: WantProof,
    ) -> None:
        self._helping = helping
        self._want_proof = want_proof
        self._database = database
        self._sessions = sessions
        self._settings = settings
        self._mailer = Mailer(settings)

    async def show(
        self,
        request: AdminRequest,
        *,
        problem: Wrong | None = None,
        status: int = 422,
        typed: Mapping[str, str] = NOTHING_TYPED,
        invited: Invited | None = None,
        not_mailed: str | None = None,
    ) -> Response[str]:
        """The page, with what became of what was asked for."""
        async with self._database.transaction() as connection:
            people = await list_people(connection)
            sessions = await count_sessions(connection, idle=self._sessions.idle)
            hanging = await what_hangs_on(connection)
        return page(
            request,
            "people.html",
            help=await self._helping.of("people", request),
            status=200 if problem is None else status,
            people=[one for one in people if not one.is_service],
            services=[one for one in people if one.is_service],
            hanging=hanging,
            sessions=sessions,
            roles=ROLES,
            permissions=PERMISSIONS,
            may_manage=may_manage_people(request.user),
            may_give_role=may_give_role,
            problem=problem,
            typed={**NOTHING_TYPED, **typed},
            invited=invited,
            not_mailed=not_mailed,
        )

    async def add(self, request: AdminRequest, typed: Mapping[str, str]) -> Response[str]:
        role = _role_that_may_be_given(request, typed["role"])
        if role == "owner":
            await self._want_proof(request)
        async with self._database.transaction() as connection:
            known = await add_person(connection, email=typed["email"], name=typed["name"], role=role)
            link = await new_link(connection, known.id, self._settings.public_url)
        return await self.tell(request, _invited(request, known, link))

    async def add_service(self, request: AdminRequest, typed: Mapping[str, str]) -> Redirect:
        role = _role_that_may_be_given(request, typed["service_role"])
        async with self._database.transaction() as connection:
            added = await add_service_account(connection, name=typed["service"], role=role)
        return Redirect(f"{PATH}#person-{added.id}", status_code=303)

    async def change(self, request: AdminRequest, person_id: str, asked: Asked) -> Invited | None:
        _check_may_manage(request)
        if asked.do not in NEED_NO_PROOF or asked.role == "owner":
            await self._want_proof(request)
        seen = read_revision(asked.version)
        async with self._database.transaction() as connection:
            known = await _known(connection, person_id)
            new_role = _role_that_may_be_given(request, asked.role or known.role, before=known.role)
            match asked.do:
                case "remove":
                    if asked.heir:
                        await hand_over(connection, known, asked.heir)
                    await remove_person(connection, person_id, seen=seen)
                case "role":
                    await change_role(connection, person_id, new_role, seen=seen)
                case "reset-codes":
                    await take_codes_away(connection, person_id)
                case "sign-out":
                    await end_sessions(connection, person_id)
                case _:
                    link = await new_link(connection, known.id, self._settings.public_url)
                    return _invited(request, known, link)
        return None

    async def tell(self, request: AdminRequest, invited: Invited) -> Response[str]:
        """Mail the link; it is shown too, to be given by other ways."""
        try:
            await send_invitation(self._mailer, self._settings, invited)
        except Outcome as error:
            log.warning("invitation_not_mailed", reason=error.reason.code)
            return await self.show(request, invited=invited, not_mailed=retold(error.reason.words))
        return await self.show(request, invited=invited)


def _invited(request: AdminRequest, known: Person, link: str) -> Invited:
    return Invited(known, link, "Afterword" if request.user is None else request.user.name)


async def _known(connection: AsyncConnection, person_id: str) -> Person:
    known = await find_person(connection, person_id)
    if known is None:
        raise _Refused(_("Somebody else removed this person meanwhile."))
    return known


def _check_may_manage(request: AdminRequest) -> None:
    if not may_manage_people(request.user):
        raise PermissionDeniedException(_("Your role may look at people, and not change them."))


def _role_that_may_be_given(request: AdminRequest, text: str, *, before: Role | None = None) -> Role:
    _check_may_manage(request)
    if text not in get_args(Role):
        raise _Refused(_("Choose one of the roles."))
    role = cast("Role", text)
    if not may_give_role(request.user, role, before=before):
        raise _Refused(_("Owners are made, changed and removed by owners alone."))
    return role
