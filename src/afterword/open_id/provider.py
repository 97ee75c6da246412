"""A provider of OpenID Connect: where people are sent to sign in, and what it says of who comes back.

Its addresses come from its own discovery document, and each is checked like any that is called. What it publishes
(addresses, keys) is remembered for an hour; a key that is not known is looked for once more.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote_plus, urlencode

import msgspec
from cachetools import TTLCache

from afterword.open_id.failures import SignInFailed
from afterword.open_id.id_tokens import (
    CLOCK_SKEW_SECONDS,
    Claims,
    check_id_token,
    read_claims,
    usable_algorithms,
)
from afterword.outgoing.addresses import InvalidAddress, parse_address
from afterword.outgoing.answers import Answer
from afterword.outgoing.calls import Caller
from afterword.outgoing.failures import BrokenOff, Unreachable

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

SCOPE = "openid email profile"
DISCOVERY = "/.well-known/openid-configuration"
REMEMBER_SECONDS = 3600.0
LARGEST_ANSWER = 512 * 1024
SECRET_BYTES = 32
OK = 200
FORM = "application/x-www-form-urlencoded"

T = TypeVar("T")


class Metadata(msgspec.Struct, frozen=True):
    """What a provider publishes of itself (OpenID Connect Discovery), as far as it is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Tokens(msgspec.Struct, frozen=True):
    """What a code was exchanged for."""

    id_token: str
    access_token: str = ""


class Begun(msgspec.Struct, frozen=True):
    """A sign-in that was begun; whoever sent somebody there keeps it, for nobody else to see.

    ``anew_since`` is when somebody was sent to prove anew who they are, in seconds since 1970.
    """

    state: str
    nonce: str
    verifier: str
    anew_since: float | None = None


class SignedIn(msgspec.Struct, frozen=True):
    """Who came back: what the provider says of them, and the ID token that says it."""

    claims: Claims
    id_token: str


class Client(msgspec.Struct, frozen=True):
    """What we are at the provider, as it was registered there.

    ``redirect_uri`` is where people come back to who signed in, ``signed_out_uri`` who signed out.
    """

    issuer: str
    client_id: str
    client_secret: str | None
    redirect_uri: str
    signed_out_uri: str = ""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Client({self.client_id!r})"


class Provider:
    """The provider that people sign in at.

    ``allow_private`` lets its names lead into private networks.
    """

    def __init__(self, client: Client, *, allow_private: bool) -> None:
        self._client = client
        self._allow_private = allow_private
        self._remembered: TTLCache[str, Any] = TTLCache(8, REMEMBER_SECONDS)

    async def begin(self, *, anew: bool = False) -> tuple[Begun, str]:
        """Begin a sign-in: what is to be kept of it, and the address to send the person to.

        ``anew``: the provider is to ask who they are even if it knows (``prompt=login``, ``max_age=0``).

        Raises:
            SignInFailed: the provider cannot be asked what its addresses are.
        """
        metadata = await self._metadata()
        state, nonce, verifier = (secrets.token_urlsafe(SECRET_BYTES) for _ in range(3))
        begun = Begun(state, nonce, verifier, time.time() if anew else None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": SCOPE,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if anew else {}),
        }
        return begun, _with_query(metadata.authorization_endpoint, query)

    async def sign_out_address(self, id_token: str) -> str | None:
        """Where a browser goes to be signed out at the provider too (RP-Initiated Logout 1.0), and then comes back.

        ``None`` where the provider has no such address.

        Raises:
            SignInFailed: the provider cannot be asked what its addresses are.
        """
        endpoint = (await self._metadata()).end_session_endpoint
        if endpoint is None:
            return None
        _check_address(endpoint)
        query = {
            "id_token_hint": id_token,
            "client_id": self._client.client_id,
            "post_logout_redirect_uri": self._client.signed_out_uri,
        }
        return _with_query(endpoint, query)

    async def finish(self, begun: Begun, code: str) -> SignedIn:
        """Exchange the code that somebody came back with, and check who the provider says they are.

        Raises:
            SignInFailed: the provider does not answer, refuses the code, or says what cannot be believed.
        """
        metadata = await self._metadata()
        tokens = await self._exchange(metadata, begun, code)
        claims = await self._checked(metadata, tokens.id_token, begun.nonce)
        _check_signed_in_anew(claims, begun)
        if claims.email is None and metadata.userinfo_endpoint and tokens.access_token:
            claims = await self._more(metadata.userinfo_endpoint, claims, tokens.access_token)
        return SignedIn(claims, tokens.id_token)

    async def _metadata(self) -> Metadata:
        known: Metadata | None = self._remembered.get("metadata")
        if known is not None:
            return known
        issuer = self._client.issuer.rstrip("/")
        metadata = _read(await self._call("GET", f"{issuer}{DISCOVERY}"), Metadata)
        if metadata.issuer.rstrip("/") != issuer:
            raise SignInFailed(
                "provider-is-another", "The provider says that it is another issuer than is set."
            )
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _check_address(getattr(metadata, name))
        self._remembered["metadata"] = metadata
        return metadata

    async def _exchange(self, metadata: Metadata, begun: Begun, code: str) -> Tokens:
        client = self._client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": begun.verifier,
        }
        headers = {"Content-Type": FORM}
        by_basic = "client_secret_basic" in metadata.token_endpoint_auth_methods_supported
        if client.client_secret is not None and by_basic:
            pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = client.client_id
            if client.client_secret is not None:
                form["client_secret"] = client.client_secret
        answer = await self._call(
            "POST", metadata.token_endpoint, headers=headers, body=urlencode(form).encode()
        )
        return _read(answer, Tokens)

    async def _checked(self, metadata: Metadata, token: str, nonce: str) -> Claims:
        algorithms = usable_algorithms(metadata.id_token_signing_alg_values_supported)
        for is_last in (False, True):
            try:
                return check_id_token(
                    token,
                    await self._keys(metadata.jwks_uri, anew=is_last),
                    issuer=metadata.issuer,
                    client_id=self._client.client_id,
                    nonce=nonce,
                    algorithms=algorithms,
                )
            except KeyError:
                if is_last:
                    break
        raise SignInFailed(
            "id-token-not-valid", "The provider's ID token is signed with a key that it does not publish."
        )

    async def _keys(self, address: str, *, anew: bool) -> "KeySet":
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jwk import KeySet  # noqa: PLC0415

        known: KeySet | None = None if anew else self._remembered.get("keys")
        if known is not None:
            return known
        answer = await self._call("GET", address)
        try:
            keys = KeySet.import_key_set(msgspec.json.decode(answer.body))
        except (JoseError, msgspec.MsgspecError, ValueError, KeyError, TypeError):
            raise SignInFailed("provider-unreadable", "The provider's keys cannot be read.") from None
        self._remembered["keys"] = keys
        return keys

    async def _more(self, address: str, claims: Claims, access_token: str) -> Claims:
        """What the ID token does not say, from the provider's userinfo; of the same person, or refused."""
        _check_address(address)
        answer = await self._call("GET", address, headers={"Authorization": f"Bearer {access_token}"})
        more = read_claims(_read(answer, dict[str, Any]))
        if more.sub != claims.sub:
            raise SignInFailed("provider-unreadable", "The provider's userinfo is of somebody else.")
        return more

    async def _call(
        self,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        caller = Caller(allow_private=self._allow_private)
        try:
            answer = await caller.call(
                method, address, headers=headers or {}, body=body, largest_answer=LARGEST_ANSWER
            )
        except (Unreachable, BrokenOff) as error:
            raise SignInFailed(
                "provider-does-not-answer", f"The provider does not answer: {error}."
            ) from None
        finally:
            await caller.close()
        if answer.status != OK:
            raise SignInFailed("provider-refuses", f"The provider answers with status {answer.status}.")
        return answer


def _with_query(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def _check_signed_in_anew(claims: Claims, begun: Begun) -> None:
    """A provider that says when somebody signed in is held to it.

    One that is told ``max_age`` has to say so; Entra ID and Google do not (as documented), and are taken at their word.
    """
    if begun.anew_since is None or claims.auth_time is None:
        return
    if claims.auth_time < begun.anew_since - CLOCK_SKEW_SECONDS:
        raise SignInFailed(
            "not-asked-anew", "The provider was to ask the person anew, and says that it did not."
        )


def _read(answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise SignInFailed("provider-unreadable", "What the provider answers cannot be read.") from None


def _check_address(address: str) -> None:
    try:
        parse_address(address, "provider")
    except InvalidAddress as error:
        raise SignInFailed("provider-unreadable", f"An address of the provider's: {error.words}.") from None
