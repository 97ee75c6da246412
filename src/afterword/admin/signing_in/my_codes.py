"""*One-time codes*, under *My account*: set up with a phone, recovery codes, turned off."""

from typing import cast

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from afterword.accounts.one_time_codes import (
    WrongCode,
    address_of,
    new_secret,
    recovery_codes_left,
    renew_recovery_codes,
    required_of,
    set_up,
    take_code,
    take_codes_away,
)
from afterword.accounts.secrets import SecretBox
from afterword.accounts.sessions import Session
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.settings.account_forms import Wrong
from afterword.admin.signing_in.letting_in import LettingIn, own_path
from afterword.admin.signing_in.sessions import AdminRequest, WantProof
from afterword.admin.signing_in.tries import TriedTooOften
from afterword.store.database import Database
from afterword.store.sessions import DatabaseStore
from afterword.translating import gettext as _

PATH = "/account/codes"
LARGEST_FORM = 8 * 1024
SET_UP_WITHIN_SECONDS = 1800
QR_SCALE = 5


def my_codes_routes(
    database: Database, box: SecretBox, store: DatabaseStore, letting_in: LettingIn, want_proof: WantProof
) -> list[HTTPRouteHandler]:
    """The page, and its forms; each wants somebody who proved who they are a short while ago."""
    codes_page = _CodesPage(database, box, store, letting_in)

    @get(PATH)
    async def codes(request: AdminRequest) -> Response[str]:
        """Show how one-time codes are set up, or that they are."""
        await want_proof(request)
        return await codes_page.show(request)

    @post(PATH, request_max_body_size=LARGEST_FORM)
    async def confirm(request: AdminRequest) -> Response[str]:
        """Ask for codes from now on, once one of the phone's was right."""
        await want_proof(request)
        return await codes_page.set_up(request, text_of(await request.form(), "code"))

    @post(f"{PATH}/{{what:str}}", request_max_body_size=LARGEST_FORM)
    async def change(request: AdminRequest, what: FromPath[str]) -> Response[str] | Redirect:
        """Make other recovery codes (``recovery``), or ask for no codes any more (``off``)."""
        if what not in {"recovery", "off"}:
            raise NotFoundException(_("There is no such page."))
        await want_proof(request)
        return await codes_page.change(request, what, text_of(await request.form(), "code"))

    return [codes, confirm, change]


class _CodesPage:
    def __init__(
        self, database: Database, box: SecretBox, store: DatabaseStore, letting_in: LettingIn
    ) -> None:
        self._database = database
        self._box = box
        self._store = store
        self._letting_in = letting_in

    async def show(
        self,
        request: AdminRequest,
        *,
        problem: Wrong | None = None,
        status: int = 422,
        recovery: list[str] | None = None,
    ) -> Response[str]:
        """The page, with what became of what was asked for; recovery codes are shown this once."""
        session = _session(request)
        async with self._database.transaction() as connection:
            left = await recovery_codes_left(connection, session.person.id)
        secret = await self._secret(session) if left is None else ""
        required = self._letting_in.sessions.codes_required
        return page(
            request,
            "my_codes.html",
            status=200 if problem is None else status,
            left=left,
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            qr=_qr(address_of(secret, session.person.email)) if secret else "",
            recovery=recovery or [],
            required=session.signed_in_by == "password" and required_of(session.person, required),
            problem=problem,
            going_on=own_path(request.query_params.get("next") or text_of(await request.form(), "next")),
        )

    async def set_up(self, request: AdminRequest, code: str) -> Response[str]:
        session = _session(request)
        secret, code = await self._secret(session), code.replace(" ", "")
        recovery = None
        try:
            async with self._database.transaction() as connection:
                if await recovery_codes_left(connection, session.person.id) is None:
                    recovery = await set_up(
                        connection, self._box, session.person.id, secret=secret, code=code
                    )
        except WrongCode:
            words = _("This code is not right. Type the one that your phone shows now.")
            return await self.show(request, problem=Wrong(words, "code"))
        await self._store.delete(_name(session))
        return await self.show(request, recovery=recovery)

    async def change(self, request: AdminRequest, what: str, code: str) -> Response[str] | Redirect:
        person = _session(request).person
        tries = f"code/{person.id}"
        try:
            await self._letting_in.tries.count(tries)
        except TriedTooOften:
            words = _("That was tried too often. Please wait five minutes, then try again.")
            return await self.show(request, problem=Wrong(words, what), status=429)
        recovery = None
        try:
            async with self._database.transaction() as connection:
                await take_code(connection, self._box, person.id, code)
                if what == "off":
                    await take_codes_away(connection, person.id)
                else:
                    recovery = await renew_recovery_codes(connection, person.id)
        except WrongCode:
            words = _("This code is not right, is too old, or was used already.")
            return await self.show(request, problem=Wrong(words, what))
        await self._letting_in.tries.forget(tries)
        if recovery is None:
            return Redirect("/account?done=codes", status_code=303)
        return await self.show(request, recovery=recovery)

    async def _secret(self, session: Session) -> str:
        """The secret that this session is about to set up; the same for half an hour, so that a slip costs no scan."""
        kept = await self._store.get(_name(session))
        if kept is not None:
            return self._box.decrypt(kept)
        secret = new_secret()
        await self._store.set(_name(session), self._box.encrypt(secret), SET_UP_WITHIN_SECONDS)
        return secret


def _qr(address: str) -> str:
    """A QR code as the address of a picture."""
    import segno  # noqa: PLC0415

    made = segno.make(address, error="m", micro=False)
    return made.svg_data_uri(scale=QR_SCALE, border=3, dark="#000", light="#fff", svgns=True)


def _name(session: Session) -> str:
    return f"codes-set-up/{session.id}"


def _session(request: AdminRequest) -> Session:
    return cast("Session", request.auth)
