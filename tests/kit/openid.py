"""OpenID providers on this machine: one that tells the truth, and one that may lie."""

import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import Key, RSAKey
from msgspec import Struct, field

from infra.embedded.processes import wait_until
from tests.kit.patience import PATIENTLY
from tests.kit.ports import free_port, listens
from tests.kit.scripted_site import Answer, ReceivedRequest, ScriptedSite, json_answer

CLIENT_ID, CLIENT_SECRET = "goatherd", "s3cret of the client that is long enough"


class MockProvider(Struct, frozen=True):
    """oidc-provider-mock, which signs anybody in whose name is in its form."""

    url: str

    def knows(self, subject: str, **claims: object) -> None:
        """Say something about a person from now on."""
        answer = httpx.put(f"{self.url}/users/{subject}", json=claims)
        assert answer.status_code < 300, answer.text

    def sign_in(self, address: str, subject: str) -> str:
        """Prove at the address who somebody is; return where the browser goes next."""
        answer = httpx.post(address, data={"sub": subject})
        assert answer.status_code == 302, answer.text
        return path_of(answer.headers["location"])

    def deny(self, address: str) -> str:
        answer = httpx.post(address, data={"action": "deny"})
        assert answer.status_code == 302, answer.text
        return path_of(answer.headers["location"])


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(scheme="", netloc="").geturl()


@contextmanager
def mock_provider() -> Generator[MockProvider]:
    """A provider in a process of its own, whose libraries warn of their own age."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-W", "ignore", "-m", "oidc_provider_mock"),
            *("--port", str(port), "--require-nonce", "true"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert wait_until(lambda: listens(port), seconds=PATIENTLY)
        yield MockProvider(f"http://127.0.0.1:{port}")
    finally:
        # The provider keeps nothing, and would wait for open connections.
        process.kill()
        process.wait()


class _Code(Struct):
    nonce: str
    challenge: str
    redirect_uri: str


class LyingProvider(Struct):
    """A provider that says what a test wants; without lies it is an honest one.

    ``discovery`` and ``claims`` replace what it says; a claim that is None is left out.
    ``keys`` are those it publishes, and ``sign`` makes the token of claims.
    """

    site: ScriptedSite
    key: RSAKey
    discovery: dict[str, Any] = field(default_factory=dict[str, Any])
    claims: dict[str, Any] = field(default_factory=dict[str, Any])
    user_info: dict[str, Any] = field(default_factory=dict[str, Any])
    keys: Sequence[Key] = ()
    sign: Callable[[dict[str, Any]], str] | None = None
    codes: dict[str, _Code] = field(default_factory=dict[str, _Code])

    @property
    def url(self) -> str:
        return self.site.url

    def authorize(self, address: str) -> dict[str, str]:
        """Answer at the address with a code; return what the browser brings back."""
        sent = dict(parse_qsl(urlsplit(address).query))
        assert sent["response_type"] == "code"
        assert sent["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = _Code(
            nonce=sent["nonce"],
            challenge=sent["code_challenge"],
            redirect_uri=sent["redirect_uri"],
        )
        return {"code": code, "state": sent["state"]}

    def signed(self, claims: Mapping[str, Any], *, key: Key | None = None) -> str:
        """Return a token that is signed as an honest provider signs it."""
        key = key or self.key
        header = {"alg": "RS256", "kid": key.kid}
        return jwt.encode(header, dict(claims), key, algorithms=["RS256"])

    def says(self) -> dict[str, Any]:
        """Everything that its discovery document says."""
        honest: dict[str, Any] = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/me",
        }
        return {**honest, **self.discovery}

    def token(self, request: ReceivedRequest) -> Answer:
        """Exchange a code, once."""
        form = dict(parse_qsl(request.body.decode()))
        code = self.codes.pop(form.get("code", ""), None)
        challenge = sha256(form.get("code_verifier", "").encode()).digest()
        encoded = urlsafe_b64encode(challenge).rstrip(b"=").decode()
        if (
            code is None
            or code.challenge != encoded
            or code.redirect_uri != form.get("redirect_uri")
            or not request.headers.get("authorization", "").startswith("Basic ")
        ):
            return json_answer({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        honest = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "ada",
            "nonce": code.nonce,
            "iat": now,
            "exp": now + 60,
            "auth_time": now,
            "email": "ada@example.com",
            "name": "Ada",
            "roles": ["herders"],
        }
        said = {k: v for k, v in {**honest, **self.claims}.items() if v is not None}
        made = self.sign(said) if self.sign else self.signed(said)
        return json_answer(
            {"access_token": "goat", "token_type": "Bearer", "id_token": made}
        )

    def published(self, request: ReceivedRequest) -> Answer:
        del request
        keys = self.keys or [self.key]
        return json_answer({"keys": [key.as_dict(private=False) for key in keys]})


# Making one takes a while.
_KEY = RSAKey.generate_key(2048, {"kid": "first"})


@contextmanager
def lying_provider() -> Generator[LyingProvider]:
    with ScriptedSite() as site:
        provider = LyingProvider(site=site, key=_KEY)
        site.answers = {
            "/.well-known/openid-configuration": lambda _: json_answer(provider.says()),
            "/token": provider.token,
            "/keys": provider.published,
            "/me": lambda _: json_answer(provider.user_info),
        }
        yield provider
