"""ID tokens: signed by the issuer, for us, for this sign-in, and still good; else refused."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from afterword.open_id.failures import SignInFailed

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

CLOCK_SKEW_SECONDS = 60
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"}
)
"""Signatures by a key of the issuer's that nobody else has; so none by a shared secret, and never ``none``."""
USUAL_ALGORITHM = "RS256"


class Claims(msgspec.Struct, frozen=True):
    """What an issuer says of somebody. Some write ``email_verified`` as a text.

    ``auth_time`` is when they last signed in there, in seconds since 1970.
    """

    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    email: str | None = None
    email_verified: bool | str | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    preferred_username: str | None = None
    auth_time: float | None = None

    @property
    def is_verified(self) -> bool | None:
        """Whether the issuer vouches for the address; ``None`` where it says nothing of that."""
        if isinstance(self.email_verified, str):
            return self.email_verified.lower() == "true"
        return self.email_verified


def usable_algorithms(offered: Sequence[str]) -> list[str]:
    """Of the algorithms that an issuer says it signs with, those that are taken."""
    return sorted(ALGORITHMS.intersection(offered or [USUAL_ALGORITHM]))


def read_claims(values: object) -> Claims:
    """Read what an issuer says of somebody.

    Raises:
        SignInFailed: it names nobody, or is no such thing.
    """
    try:
        return msgspec.convert(values, Claims)
    except msgspec.ValidationError as error:
        raise SignInFailed("provider-unreadable", f"What the provider says of the person: {error}.") from None


def check_id_token(
    token: str, keys: "KeySet", *, issuer: str, client_id: str, nonce: str, algorithms: Sequence[str]
) -> Claims:
    """Check an ID token, as OpenID Connect Core 3.1.3.7 asks; answers what it says.

    Raises:
        SignInFailed: it is not by this issuer, not for us, not for this sign-in, or not good any more.
        KeyError: it is signed with a key that is not among these; there may be newer ones.
    """
    from joserfc import jwt  # noqa: PLC0415
    from joserfc.errors import InvalidKeyIdError, JoseError  # noqa: PLC0415

    rules = jwt.JWTClaimsRegistry(
        leeway=CLOCK_SKEW_SECONDS,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        claims = jwt.decode(token, keys, algorithms=algorithms).claims
        rules.validate(claims)
    except InvalidKeyIdError:
        raise KeyError from None
    except (JoseError, ValueError) as error:
        raise SignInFailed(
            "id-token-not-valid", f"The provider's ID token: {type(error).__name__}."
        ) from None
    _check_audience(claims, client_id)
    return read_claims(claims)


def _check_audience(claims: dict[str, Any], client_id: str) -> None:
    audience, party = claims["aud"], claims.get("azp")
    audiences = [audience] if isinstance(audience, str) else list(audience)
    is_ours = client_id in audiences and party in ({client_id} if len(audiences) > 1 else {None, client_id})
    if not is_ours:
        raise SignInFailed("id-token-not-valid", "The provider's ID token is for another program.")
