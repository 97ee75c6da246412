"""Signing in at the company's own provider: sent there, and let in on the way back."""

import secrets
from hmac import compare_digest

import msgspec
import structlog
from litestar import Response, get
from litestar.datastructures import Cookie
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from afterword.accounts.identities import Identity, NotInvited, person_of
from afterword.admin.pages import page
from afterword.admin.signing_in.letting_in import LettingIn, own_path
from afterword.admin.signing_in.sessions import AdminRequest
from afterword.open_id.failures import SignInFailed
from afterword.open_id.id_tokens import Claims
from afterword.open_id.provider import Begun, Client, Provider, SignedIn
from afterword.outcomes import ConfigurationError
from afterword.outgoing.addresses import InvalidAddress, parse_address
from afterword.settings import Settings
from afterword.store.database import Database
from afterword.store.sessions import DatabaseStore
from afterword.translating import N_, translated
from afterword.translating import gettext as _

log = structlog.get_logger()

PATH = "/sign-in/open-id"
BACK_WITHIN_SECONDS = 600
KEY_BYTES = 32
LONGEST_READ = 4096

WORDS = {
    "no-verified-address": N_(
        "Your provider does not say that your email address is yours, so it is not taken."
    ),
    "not-invited": N_("Nobody has invited your email address here. Ask an owner or administrator."),
    "address-of-another": N_(
        "Your email address is that of somebody else here. Ask an owner or administrator."
    ),
    "not-this-browser": N_("This sign-in was begun too long ago, or in another browser. Please begin again."),
    "denied": N_("Your provider did not let you in."),
    "somebody-else": N_("You signed in as somebody else there. Please begin again, as yourself."),
    "not-asked-anew": N_("Your provider did not ask you anew who you are. Sign out there, and begin again."),
}
"""By code; for every other the provider is at fault, and the log says how."""
FAULT = N_(
    "Your provider could not be asked who you are. Try again; if it stays so, the log says what is wrong."
)


class SentAway(msgspec.Struct, frozen=True):
    """A sign-in that was begun in this browser, and where it is to lead; ``proves`` is who is to prove who they are."""

    begun: Begun
    going_to: str
    proves: str | None = None


def open_id_routes(
    database: Database,
    settings: Settings,
    store: DatabaseStore,
    letting_in: LettingIn,
    provider: Provider | None,
) -> list[HTTPRouteHandler]:
    """The way to the provider, and back; neither is there where none is set."""
    ways = _Ways(database, settings, store, letting_in, provider)

    @get(PATH)
    async def leave(request: AdminRequest) -> Response[str] | Redirect:
        """Send somebody to the provider."""
        return await ways.leave(request)

    @get(f"{PATH}/callback")
    async def come_back(request: AdminRequest) -> Response[str] | Redirect:
        """Let in who comes back with what the provider gave them."""
        return await ways.come_back(request)

    return [leave, come_back]


def provider_of(settings: Settings) -> Provider | None:
    """The provider that is set, if one is.

    Raises:
        ConfigurationError: its address is none, or may not be called.
    """
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    try:
        parse_address(settings.oidc_issuer, "oidc_issuer")
    except InvalidAddress as error:
        raise ConfigurationError(f"settings: {error}.") from None
    public_url = settings.public_url.rstrip("/")
    client = Client(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        redirect_uri=f"{public_url}{PATH}/callback",
        signed_out_uri=f"{public_url}/sign-in",
    )
    return Provider(client, allow_private=settings.allow_private_addresses)


class _Ways:
    def __init__(
        self,
        database: Database,
        settings: Settings,
        store: DatabaseStore,
        letting_in: LettingIn,
        provider: Provider | None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._store = store
        self._letting_in = letting_in
        self._provider = provider

    async def leave(self, request: AdminRequest) -> Response[str] | Redirect:
        provider = self._the_provider()
        going_to = own_path(request.query_params.get("next"))
        proves = request.user if "anew" in request.query_params else None
        if request.user is not None and proves is None:
            return Redirect(going_to, status_code=303)
        try:
            begun, address = await provider.begin(anew=proves is not None)
        except SignInFailed as error:
            return self._refuse(request, error.code, error.words)
        key = secrets.token_urlsafe(KEY_BYTES)
        kept = msgspec.json.encode(SentAway(begun, going_to, None if proves is None else proves.id))
        await self._store.set(_name(key), kept, BACK_WITHIN_SECONDS)
        return Redirect(address, status_code=303, cookies=[self._cookie(key)])

    async def come_back(self, request: AdminRequest) -> Response[str] | Redirect:
        provider = self._the_provider()
        given = {
            name: request.query_params.get(name, "")[:LONGEST_READ] for name in ("state", "code", "error")
        }
        sent = await self._sent_away(request, given["state"])
        if sent is None:
            return self._refuse(request, "not-this-browser")
        if given["error"] or not given["code"]:
            return self._refuse(request, "denied")
        try:
            answer = await self._let_in(request, sent, await provider.finish(sent.begun, given["code"]))
        except NotInvited as error:
            return self._refuse(request, error.why)
        except SignInFailed as error:
            return self._refuse(request, error.code, error.words)
        answer.cookies.append(self._cookie(""))
        return answer

    async def _let_in(self, request: AdminRequest, sent: SentAway, signed_in: SignedIn) -> Redirect:
        async with self._database.transaction() as connection:
            person = await person_of(
                connection,
                self._identity(signed_in.claims),
                new_people=None if sent.proves else self._settings.oidc_new_people_role,
            )
            if sent.proves not in {None, person.id}:
                raise NotInvited("somebody-else")
            return await self._letting_in.in_at_once(
                request, connection, person.id, sent.going_to, by="open-id", id_token=signed_in.id_token
            )

    async def _sent_away(self, request: AdminRequest, state: str) -> SentAway | None:
        """What was begun in this browser with this state; it is good once."""
        key = request.cookies.get(self._letting_in.sessions.away_cookie_name, "")[:LONGEST_READ]
        kept = await self._store.get(_name(key)) if key and state else None
        if kept is None:
            return None
        sent = msgspec.json.decode(kept, type=SentAway)
        if not compare_digest(sent.begun.state.encode(), state.encode("utf-8", "replace")):
            return None
        await self._store.delete(_name(key))
        return sent

    def _identity(self, claims: Claims) -> Identity:
        verified = claims.is_verified
        if verified is None:
            verified = self._settings.oidc_trust_email
        whole = f"{claims.given_name or ''} {claims.family_name or ''}".strip()
        return Identity(
            issuer=str(self._settings.oidc_issuer).rstrip("/"),
            subject=claims.sub,
            email=(claims.email or "").strip() if verified else "",
            name=claims.name or whole or claims.preferred_username or "",
        )

    def _the_provider(self) -> Provider:
        if self._provider is None:
            raise NotFoundException(_("No provider to sign in at is set."))
        return self._provider

    def _refuse(self, request: AdminRequest, code: str, words: str = "") -> Response[str]:
        log.warning("open_id_sign_in_failed", code=code, words=words)
        return page(request, "open_id_failed.html", status=403, words=translated(WORDS.get(code, FAULT)))

    def _cookie(self, key: str) -> Cookie:
        sessions = self._letting_in.sessions
        return sessions.cookie(sessions.away_cookie_name, key, seconds=BACK_WITHIN_SECONDS)


def _name(key: str) -> str:
    return f"open-id/{key}"
