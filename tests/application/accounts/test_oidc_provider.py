"""Answers of an OpenID provider are trusted as far as they are proven."""

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from application.accounts.oidc import provider as module
from application.accounts.oidc.client import OidcClient, SignInSecrets
from application.accounts.oidc.errors import (
    InvalidTokenError,
    ProviderFailedError,
    SignInRefusedError,
    TooLongAgoError,
)
from application.accounts.oidc.provider import OidcProvider
from tests.kit.openid import (
    CLIENT_ID,
    CLIENT_SECRET,
    LyingProvider,
    lying_provider,
)
from tests.kit.patience import at_most
from tests.kit.scripted_site import Answer, json_answer

REDIRECT = "https://goatherd.example.com/sign-in/oidc/callback"


@pytest.fixture
def liar() -> Iterator[LyingProvider]:
    with lying_provider() as provider:
        yield provider


def client_at(url: str, **changed: Any) -> OidcClient:  # noqa: ANN401
    client = OidcClient(
        issuer=url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        organization_id=UUID(int=1),
        role_claim="roles",
        roles={"herders": "member"},
        max_age_seconds=600,
    )
    return msgspec.structs.replace(client, **changed)


def signed_in(
    liar: LyingProvider,
    *,
    provider: OidcProvider | None = None,
    **changed: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """The claims of somebody who goes to the provider and comes back."""
    provider = provider or OidcProvider(client_at(liar.url, **changed))
    secrets = SignInSecrets.new()
    address = provider.address_of_consent(secrets, redirect_url=REDIRECT, anew=False)
    back = liar.authorize(address)
    assert secrets.is_state(back["state"])
    _, claims = provider.claims(back["code"], secrets, redirect_url=REDIRECT)
    return claims


def test_an_honest_provider_is_trusted(liar: LyingProvider):
    claims = signed_in(liar)

    assert (claims["sub"], claims["email"]) == ("ada", "ada@example.com")
    # The token has all that is needed, so nothing else is asked.
    assert liar.site.paths == ["/.well-known/openid-configuration", "/token", "/keys"]


def test_a_token_that_is_not_for_this_sign_in_is_refused(
    liar: LyingProvider, subtests: pytest.Subtests
):
    now = int(time.time())
    lies: dict[str, dict[str, Any]] = {
        "another issuer": {"iss": "https://evil.example.com"},
        "no issuer": {"iss": None},
        "another audience": {"aud": "another-client"},
        "no audience": {"aud": None},
        "an empty audience": {"aud": []},
        "two audiences and no party": {"aud": [CLIENT_ID, "another"]},
        "another party": {"azp": "another"},
        "two audiences and another party": {
            "aud": [CLIENT_ID, "another"],
            "azp": "another",
        },
        "another nonce": {"nonce": "n" * 43},
        "no nonce": {"nonce": None},
        "over": {"exp": now - 120},
        "without an end": {"exp": None},
        "an end that is a text": {"exp": "tomorrow"},
        "from the future": {"iat": now + 600, "exp": now + 1_200},
        "not before later": {"nbf": now + 600},
        "no time": {"iat": None},
        "no subject": {"sub": None},
        "an empty subject": {"sub": ""},
        "a subject that is a number": {"sub": 7},
        "a long subject": {"sub": "a" * 256},
        "a proof from the future": {"auth_time": now + 600},
        "a proof that is no time": {"auth_time": "yesterday"},
    }
    provider = OidcProvider(client_at(liar.url))
    for name, claims in lies.items():
        liar.claims = claims
        with subtests.test(name), pytest.raises(InvalidTokenError):
            signed_in(liar, provider=provider)
    liar.claims = {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID, "auth_time": None}
    assert signed_in(liar, provider=provider)["sub"] == "ada"


def test_a_proof_of_long_ago_is_asked_for_again(liar: LyingProvider):
    liar.claims = {"auth_time": int(time.time()) - 700}

    with pytest.raises(TooLongAgoError):
        signed_in(liar)
    assert signed_in(liar, max_age_seconds=800)["sub"] == "ada"


def test_personal_keys_depend_on_the_provider_unless_their_person_comes_in_otherwise():
    client, now = client_at("https://id.example.com"), datetime.now(UTC)
    recently, long_ago = (now - timedelta(seconds=ago) for ago in (599, 600))

    vouched = {
        (passwords, own, at): client.vouches_for_keys(
            confirmed_at=at, has_own_way_in=own, passwords=passwords, now=now
        )
        for passwords in (True, False)
        for own in (True, False)
        for at in (recently, long_ago, None)
    }

    # A password, or no identity, is enough while passwords are switched on.
    assert [each for each, works in vouched.items() if not works] == [
        (True, False, long_ago),
        (False, True, long_ago),
        (False, True, None),
        (False, False, long_ago),
        (False, False, None),
    ]


def _unsigned(claims: dict[str, Any]) -> str:
    # The library refuses to make one.
    parts = [{"alg": "none"}, claims]
    packed = [urlsafe_b64encode(msgspec.json.encode(one)).decode() for one in parts]
    return ".".join([*(one.rstrip("=") for one in packed), ""])


def _by_secret(claims: dict[str, Any]) -> str:
    key = OctKey.import_key(CLIENT_SECRET)
    return jwt.encode({"alg": "HS256", "kid": "first"}, claims, key)


def _by_public_key(liar: LyingProvider) -> Callable[[dict[str, Any]], str]:
    key = OctKey.import_key(liar.key.as_pem(private=False).hex())
    return lambda claims: jwt.encode({"alg": "HS256", "kid": "first"}, claims, key)


def _changed(liar: LyingProvider) -> Callable[[dict[str, Any]], str]:
    def sign(claims: dict[str, Any]) -> str:
        first = liar.signed(claims).split(".")
        second = liar.signed({**claims, "roles": ["chiefs"]}).split(".")
        return ".".join((first[0], second[1], first[2]))

    return sign


def test_a_token_without_the_providers_signature_is_refused(
    liar: LyingProvider, subtests: pytest.Subtests
):
    another = RSAKey.generate_key(2048, {"kid": "first"})
    unknown = RSAKey.generate_key(2048, {"kid": "unknown"})
    curve = ECKey.generate_key("P-256", {"kid": "first"})
    lies: dict[str, Callable[[dict[str, Any]], str]] = {
        "none": _unsigned,
        "the secret of the client": _by_secret,
        "the public key as a secret": _by_public_key(liar),
        "another key of the same name": lambda c: liar.signed(c, key=another),
        "an unknown key": lambda c: liar.signed(c, key=unknown),
        "a key of another kind": lambda c: jwt.encode(
            {"alg": "ES256", "kid": "first"}, c, curve
        ),
        "changed after signing": _changed(liar),
        "no signature": lambda c: liar.signed(c).rpartition(".")[0] + ".",
        "no token": lambda _: "goat",
        "an empty text": lambda _: "",
        "not of ASCII": lambda _: "ü.ü.ü",
    }
    provider = OidcProvider(client_at(liar.url))
    for name, sign in lies.items():
        liar.sign = sign
        with subtests.test(name), pytest.raises(InvalidTokenError):
            signed_in(liar, provider=provider)


def test_a_code_works_once_and_with_its_own_verifier(liar: LyingProvider):
    provider, secrets = OidcProvider(client_at(liar.url)), SignInSecrets.new()
    address = provider.address_of_consent(secrets, redirect_url=REDIRECT, anew=False)
    used, stolen = liar.authorize(address), liar.authorize(address)
    provider.claims(used["code"], secrets, redirect_url=REDIRECT)

    for code, other, redirect in (
        (used["code"], secrets, REDIRECT),
        (stolen["code"], SignInSecrets.new(), REDIRECT),
        (liar.authorize(address)["code"], secrets, "https://evil.example.com/"),
    ):
        with pytest.raises(InvalidTokenError):
            provider.claims(code, other, redirect_url=redirect)


def test_the_sender_of_an_answer_is_compared(liar: LyingProvider):
    silent = OidcProvider(client_at(liar.url))
    silent.check_sender(None)
    liar.discovery = {"authorization_response_iss_parameter_supported": True}
    outspoken = OidcProvider(client_at(liar.url))

    for provider in (silent, outspoken):
        provider.check_sender(liar.url)
        with pytest.raises(InvalidTokenError):
            provider.check_sender("https://evil.example.com")
    with pytest.raises(InvalidTokenError):
        outspoken.check_sender(None)


def test_keys_that_were_exchanged_are_fetched_once_more_and_not_always(
    liar: LyingProvider,
):
    now = 0.0
    provider = OidcProvider(client_at(liar.url), clock=lambda: now)
    signed_in(liar, provider=provider)
    newer = RSAKey.generate_key(2048, {"kid": "second"})
    liar.keys, liar.sign = [newer], lambda c: liar.signed(c, key=newer)

    assert signed_in(liar, provider=provider)["sub"] == "ada"
    assert liar.site.paths.count("/keys") == 2

    unknown = RSAKey.generate_key(2048, {"kid": "third"})
    liar.sign = lambda c: liar.signed(c, key=unknown)
    for _ in range(10):
        with pytest.raises(InvalidTokenError):
            signed_in(liar, provider=provider)
    assert liar.site.paths.count("/keys") == 1 + 5
    now = 61.0
    with pytest.raises(InvalidTokenError):
        signed_in(liar, provider=provider)
    assert liar.site.paths.count("/keys") == 1 + 5 + 1


def test_what_is_known_of_the_provider_is_kept_for_an_hour(liar: LyingProvider):
    now = 0.0
    provider = OidcProvider(client_at(liar.url), clock=lambda: now)
    for _ in range(3):
        signed_in(liar, provider=provider)
    paths = liar.site.paths
    assert paths.count("/.well-known/openid-configuration") == 1
    assert paths.count("/keys") == 1

    # Keys that were taken back are forgotten, too.
    newer = RSAKey.generate_key(2048, {"kid": "second"})
    liar.keys, now = [newer], 3_700.0
    with pytest.raises(InvalidTokenError):
        signed_in(liar, provider=provider)


def test_a_provider_that_is_another_one_or_does_not_answer_is_named_in_the_log(
    liar: LyingProvider,
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
):
    monkeypatch.setattr(module, "_REQUEST_SECONDS", 0.5)
    huge = Answer(pieces=lambda: iter([b" " * 100_000] * 30))
    deep = Answer(body=b'{"issuer":' + b"[" * 200_000)
    answers: dict[str, tuple[str, Answer]] = {
        "no keys": ("/keys", Answer(status=500)),
        "keys that are none": ("/keys", json_answer({"keys": "goat"})),
        "no tokens": ("/token", Answer(status=503)),
        "tokens that are none": ("/token", json_answer(["goat"])),
        "tokens in HTML": ("/token", Answer(body=b"<html>")),
        "a huge answer": ("/token", huge),
        "huge keys": ("/keys", huge),
        "a deep document": ("/.well-known/openid-configuration", deep),
        "elsewhere": (
            "/.well-known/openid-configuration",
            Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        ),
        "an answer that never ends": (
            "/keys",
            Answer(pieces=liar.site.drip),
        ),
        "a head that never ends": ("/token", Answer(dripping_head=True)),
    }
    honest = dict(liar.site.answers)
    for name, (path, answer) in answers.items():
        liar.site.answers = {**honest, path: answer}
        began_at = time.monotonic()
        with subtests.test(name):
            with pytest.raises(ProviderFailedError) as failed:
                signed_in(liar)
            assert failed.value.cause
            assert time.monotonic() - began_at < at_most(3)
    liar.site.answers = honest
    for name, lie in {
        "another issuer": {"issuer": "https://evil.example.com"},
        "an endpoint inside": {"token_endpoint": "http://127.0.0.2:1/token"},
        "an endpoint that is none": {"jwks_uri": "file:///etc/passwd"},
        "a port that is none": {"jwks_uri": "http://127.0.0.1:99999/"},
        "half an address": {"token_endpoint": "http://[::1/"},
        "no endpoint": {"token_endpoint": None},
    }.items():
        liar.discovery = lie
        with subtests.test(name):
            with pytest.raises(ProviderFailedError) as failed:
                signed_in(liar)
            assert ("not public" in failed.value.cause) is ("inside" in name)


def test_a_provider_with_tls_names_no_endpoint_without(liar: LyingProvider):
    provider = OidcProvider(client_at(liar.url.replace("http", "https")))
    said = msgspec.json.encode(liar.says())

    with pytest.raises(ProviderFailedError):
        provider.discovery()
    assert b"http://" in said


def test_what_a_token_leaves_out_is_asked_for(liar: LyingProvider):
    liar.claims = {"email": None, "roles": None}
    liar.user_info = {"sub": "ada", "email": "ada@alps.example", "roles": ["herders"]}

    claims = signed_in(liar)
    request = liar.site.received[-1]

    assert (claims["email"], claims["roles"]) == ("ada@alps.example", ["herders"])
    assert request.headers["authorization"] == "Bearer goat"
    liar.user_info["sub"] = "ben"
    with pytest.raises(InvalidTokenError):
        signed_in(liar)


def test_a_slash_at_the_end_of_the_issuer_makes_no_other_issuer(liar: LyingProvider):
    liar.discovery = {"issuer": f"{liar.url}/"}
    liar.claims = {"iss": f"{liar.url}/"}

    assert signed_in(liar)["sub"] == "ada"


def test_a_refusal_has_no_personal_data_and_no_secret(liar: LyingProvider):
    liar.claims = {"aud": "another", "email": "ada@secret.example"}

    with pytest.raises(SignInRefusedError) as refused:
        signed_in(liar)

    said = f"{refused.value} {refused.value.cause} {client_at(liar.url)!r}"
    for hidden in ("secret.example", CLIENT_SECRET, "another"):
        assert hidden not in said
