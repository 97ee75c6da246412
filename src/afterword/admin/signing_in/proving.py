"""Proving once more who one is, before one changes how people come in.

Whoever finds somebody's browser open may look around; they are not to make an API token, an owner or another way in.
So those forms ask for the password (or a fresh sign-in at the company's own provider) when the last proof is a while
ago. The page that asks carries the form along: with the right password it is taken as it was sent.
"""

from typing import cast
from urllib.parse import urlencode

import msgspec
from litestar import Response, post
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from afterword.accounts.people import Person, has_password
from afterword.accounts.sessions import Session, prove_session
from afterword.admin.forms import text_of
from afterword.admin.pages import page
from afterword.admin.signing_in.by_open_id import PATH as OPEN_ID
from afterword.admin.signing_in.kept_forms import PROOF, KeptForms, Pairs, fields_of
from afterword.admin.signing_in.letting_in import FIRST_PAGE, LettingIn, NotThePassword, own_path
from afterword.admin.signing_in.sessions import AdminRequest, address_of
from afterword.admin.signing_in.tries import TriedTooOften
from afterword.store.database import Database

PATH = "/sign-in/anew"
LARGEST_FORM = 8 * 1024
STATUS = {"": 403, "wrong": 422, "too-often": 429}


class ProofPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says that asks for a proof: the form that it carries along, and the ways to prove it.

    ``problem`` is why a password that was given did not do: *wrong* or *too-often*.
    """

    problem: str
    action: str
    fields: Pairs
    by_password: bool
    provider: str
    provider_address: str


class ProofWanted(PermissionDeniedException):
    """Whoever is signed in has to prove once more who they are, before the form is taken that they sent."""

    def __init__(self, page: "ProofPage") -> None:
        super().__init__()
        self.page = page


class Proving:
    """Asks for a proof where there is none that is fresh."""

    def __init__(self, database: Database, letting_in: LettingIn, kept_forms: KeptForms) -> None:
        self._database = database
        self._letting_in = letting_in
        self._kept_forms = kept_forms

    async def want(self, request: AdminRequest) -> None:
        """Go on only if whoever is signed in proved who they are a short while ago, or does so by this very form.

        Raises:
            ProofWanted: they are to prove it first; :func:`ask_for_proof` is the page.
        """
        session = cast("Session", request.auth)
        if session.is_proved:
            return
        form = await request.form()
        problem = ""
        if request.method == "POST" and PROOF in form:
            problem = await self._try_password(session, text_of(form, PROOF))
            if not problem:
                return
        raise await self._wanted(request, session, problem)

    async def _try_password(self, session: Session, password: str) -> str:
        """Take a password as the proof; answers what is wrong with it."""
        known = self._letting_in.knowing_password(self._database, session, password)
        try:
            async with known as (connection, person):
                self._check_lets_in(person)
                await prove_session(connection, session.id)
        except TriedTooOften:
            return "too-often"
        except NotThePassword:
            return "wrong"
        return ""

    def _check_lets_in(self, person: Person) -> None:
        """Refuse the password of somebody whom passwords do not let in any more."""
        if not self._letting_in.sessions.takes_password_of(person):
            raise NotThePassword

    async def _wanted(self, request: AdminRequest, session: Session, problem: str) -> ProofWanted:
        sessions = self._letting_in.sessions
        async with self._database.read_only().transaction() as connection:
            by_password = sessions.takes_password_of(session.person) and await has_password(
                connection, session.person.id
            )
        provider = sessions.provider_name if session.signed_in_by == "open-id" else ""
        here = address_of(request)
        form = await request.form()
        going_on = here if request.method == "GET" else own_path(text_of(form, "next"))
        if request.method == "POST" and request.url.path != PATH and provider:
            going_on = await self._kept_forms.keep(request) or FIRST_PAGE
        sent = tuple(pair for pair in fields_of(form) if pair[0] != PROOF)
        return ProofWanted(
            ProofPage(
                problem=problem,
                action=PATH if request.method == "GET" else here,
                fields=(("next", here),) if request.method == "GET" else sent,
                by_password=by_password,
                provider=provider,
                provider_address=f"{OPEN_ID}?{urlencode({'anew': '1', 'next': going_on})}",
            )
        )


def proving_routes(proving: Proving) -> list[HTTPRouteHandler]:
    """The form of a page that is shown only to who proved anew who they are."""

    @post(PATH, request_max_body_size=LARGEST_FORM)
    async def go_on(request: AdminRequest) -> Redirect:
        """Take the proof, and lead on."""
        await proving.want(request)
        return Redirect(own_path(text_of(await request.form(), "next")), status_code=303)

    return [go_on]


def ask_for_proof(request: AdminRequest, error: ProofWanted) -> Response[str]:
    """The page that asks for the password, or a fresh sign-in, and carries along the form that wants it."""
    return page(request, "prove.html", status=STATUS[error.page.problem], asked=error.page, field=PROOF)
