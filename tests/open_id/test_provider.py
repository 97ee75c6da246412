"""What a provider of OpenID Connect says is believed when it is signed, for us, for this sign-in, and not else."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import OctKey
from tests.fixtures.issuer import CLIENT_ID, CLIENT_SECRET, Issuer, key

from afterword.open_id.failures import SignInFailed
from afterword.open_id.id_tokens import Claims, read_claims
from afterword.open_id.provider import Client, Provider


def provider_at(issuer: Issuer, *, secret: str = CLIENT_SECRET) -> Provider:
    client = Client(issuer.url, CLIENT_ID, secret, "http://127.0.0.1/sign-in/open-id/callback")
    return Provider(client, allow_private=False)


async def signed_in(issuer: Issuer, provider: Provider | None = None) -> Claims:
    provider = provider or provider_at(issuer)
    begun, address = await provider.begin()
    issuer.sign_in(address)
    return (await provider.finish(begun, "the-code")).claims


async def refusal(issuer: Issuer, provider: Provider | None = None) -> str:
    with pytest.raises(SignInFailed) as caught:
        await signed_in(issuer, provider)
    return caught.value.code


async def test_a_code_is_exchanged_for_who_somebody_is(issuer: Issuer) -> None:
    provider = provider_at(issuer)
    for _ in range(2):
        claims = await signed_in(issuer, provider)
        assert (claims.sub, claims.email, claims.is_verified) == ("1", "ada@example.org", True)
    assert issuer.calls.count("/keys") == 1
    assert CLIENT_SECRET not in repr(Client(issuer.url, CLIENT_ID, CLIENT_SECRET, ""))


LONG_AGO = 1_700_000_000


@pytest.mark.parametrize(
    "says",
    [
        {"iss": "https://other.example"},
        {"aud": "another program"},
        {"aud": [CLIENT_ID, "another program"]},
        {"azp": "another program"},
        {"exp": LONG_AGO},
        {"exp": None},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"iat": LONG_AGO * 3},
    ],
)
async def test_what_is_not_for_us_or_not_good_any_more_is_refused(
    issuer: Issuer, says: dict[str, Any]
) -> None:
    issuer.says |= says
    assert await refusal(issuer) in {"id-token-not-valid", "provider-unreadable"}


async def test_several_audiences_are_taken_when_we_are_the_party(issuer: Issuer) -> None:
    issuer.says |= {"aud": [CLIENT_ID, "another program"], "azp": CLIENT_ID}
    assert (await signed_in(issuer)).sub == "1"


async def test_what_somebody_else_signed_is_refused(issuer: Issuer) -> None:
    issuer.signs_with = key("first", "somebody else")
    assert await refusal(issuer) == "id-token-not-valid"
    issuer.signs_with, issuer.algorithm = OctKey.import_key(CLIENT_SECRET * 2, {"kid": "first"}), "HS256"
    assert await refusal(issuer) == "id-token-not-valid"


async def test_keys_that_are_changed_are_found_again_and_one_that_is_nowhere_refused(issuer: Issuer) -> None:
    provider = provider_at(issuer)
    await signed_in(issuer, provider)
    issuer.keys = [key("second")]
    assert (await signed_in(issuer, provider)).sub == "1"
    issuer.signs_with = key("third")
    assert await refusal(issuer, provider) == "id-token-not-valid"


async def test_an_address_that_the_token_does_not_tell_is_asked_for(issuer: Issuer) -> None:
    issuer.says = {"sub": "1"}
    issuer.userinfo = {"sub": "1", "email": "ada@example.org", "email_verified": "true"}
    claims = await signed_in(issuer)
    assert (claims.email, claims.is_verified) == ("ada@example.org", True)
    issuer.userinfo["sub"] = "2"
    assert await refusal(issuer) == "provider-unreadable"


Break = Callable[[Issuer], object]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda one: setattr(one, "breaks", "/.well-known/openid-configuration"), "provider-refuses"),
        (lambda one: setattr(one, "breaks", "/token"), "provider-refuses"),
        (lambda one: setattr(one, "breaks", "/keys"), "provider-refuses"),
        (lambda one: one.changes.update(issuer="https://other.example"), "provider-is-another"),
        (lambda one: one.changes.update(jwks_uri="http://other.example/keys"), "provider-unreadable"),
        (lambda one: one.changes.update(token_endpoint="http://169.254.169.254/"), "provider-unreadable"),
        (lambda one: one.changes.update(token_endpoint=7), "provider-unreadable"),
        (lambda one: setattr(one, "url", "http://127.0.0.1:1"), "provider-does-not-answer"),
    ],
)
async def test_a_provider_that_misbehaves_lets_nobody_in(issuer: Issuer, change: Break, code: str) -> None:
    change(issuer)
    assert await refusal(issuer) == code


async def test_a_wrong_secret_lets_nobody_in(issuer: Issuer) -> None:
    assert await refusal(issuer, provider_at(issuer, secret="another")) == "provider-refuses"


@pytest.mark.parametrize(
    ("said", "verified"), [(True, True), ("true", True), (False, False), ("False", False), (None, None)]
)
def test_whether_an_address_is_vouched_for(said: object, verified: bool | None) -> None:
    assert read_claims({"sub": "1", "email_verified": said}).is_verified is verified


async def test_clocks_may_differ_by_half_a_minute(issuer: Issuer) -> None:
    issuer.says |= {"exp": int(time.time()) - 30}
    assert (await signed_in(issuer)).sub == "1"


async def test_who_is_to_prove_anew_who_they_are_is_asked_there_and_an_old_proof_is_refused(
    issuer: Issuer,
) -> None:
    provider = provider_at(issuer)
    for auth_time, is_taken in ((None, True), (int(time.time()), True), (int(time.time()) - 600, False)):
        begun, address = await provider.begin(anew=True)
        issuer.sign_in(address)
        assert (issuer.asked["prompt"], issuer.asked["max_age"]) == ("login", "0")
        issuer.says |= {"auth_time": auth_time}
        if is_taken:
            assert (await provider.finish(begun, "the-code")).claims.sub == "1"
            continue
        with pytest.raises(SignInFailed) as caught:
            await provider.finish(begun, "the-code")
        assert caught.value.code == "not-asked-anew"
    await signed_in(issuer, provider)  # an old one is good enough for signing in
    assert "prompt" not in issuer.asked


async def test_a_provider_that_signs_nobody_out_has_no_address_for_it(issuer: Issuer) -> None:
    assert await provider_at(issuer).sign_out_address("token") is None
    issuer.changes = {"end_session_endpoint": "http://login.example/logout"}
    with pytest.raises(SignInFailed):
        await provider_at(issuer).sign_out_address("token")
