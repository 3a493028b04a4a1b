"""The provider: what its documents say, its keys, and tokens in exchange for codes."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key
from msgspec import Meta, Struct

from application.accounts.oidc.client import OidcClient, SignInSecrets
from application.accounts.oidc.errors import (
    InvalidTokenError,
    ProviderFailedError,
    UnknownKeyError,
)
from application.accounts.oidc.id_token import Claims, Expected, trusted_claims
from infra.http_out.addresses import is_public
from infra.http_out.client import HttpClient, body_of, trusted_certificates
from infra.http_out.refusals import RefusedError

T = TypeVar("T")

_SCOPE = "openid email profile"
_KEPT_SECONDS = 3_600.0
# A token with an unknown key has the keys fetched once more, so often in a minute.
_MOST_EARLY = 5
_EARLY_SECONDS = 60.0
_REQUEST_SECONDS = 8.0
_LARGEST = 1_000_000
_MOST_KEYS = 100
_OK = 200

_Address = Annotated[
    str, Meta(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[!-~]*)?$", max_length=2_000)
]


class Discovery(Struct, frozen=True, kw_only=True):
    """The discovery document, in which the provider describes itself."""

    issuer: str
    authorization_endpoint: _Address
    token_endpoint: _Address
    jwks_uri: _Address
    userinfo_endpoint: _Address | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None
    authorization_response_iss_parameter_supported: bool = False


class _KeySet(Struct):
    keys: Annotated[list[dict[str, Any]], Meta(max_length=_MOST_KEYS)]


class _Reply(Struct, frozen=True):
    """An answer, with what the library for OAuth asks of one."""

    status_code: int
    body: bytes

    def json(self) -> object:
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            msg = "The body is no JSON."
            raise ValueError(msg) from error

    def raise_for_status(self) -> None:
        if self.status_code != _OK:
            msg = f"The token endpoint answered HTTP {self.status_code}."
            raise ProviderFailedError(msg)


class OidcProvider:
    """An OpenID provider; its documents are fetched when they are needed, and kept.

    The operator chose the issuer, which may be inside this network. Other hosts that it
    names must have public addresses. Threads may share a provider.
    """

    def __init__(
        self, client: OidcClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._discovery = _Kept(self._discover, clock)
        self._keys = _Kept(self._fetch_keys, clock)
        self._own = urlsplit(client.issuer)
        self._http = _http(inside=True)
        self._http_of_others = _http(inside=False)

    def discovery(self) -> Discovery:
        """Return the provider's description of itself.

        Raises:
            ProviderFailedError: it can't be reached, or is another one.
        """
        return self._discovery.get()

    def address_of_consent(
        self, secrets: SignInSecrets, *, redirect_url: str, anew: bool
    ) -> str:
        """Return the page of the provider on which somebody proves who they are.

        With ``anew`` the provider asks them even if they are signed in there.

        Raises:
            ProviderFailedError: the provider can't be reached.
        """
        address, _ = self._oauth(redirect_url).create_authorization_url(
            self.discovery().authorization_endpoint,
            state=secrets.state,
            code_verifier=secrets.verifier,
            nonce=secrets.nonce,
            max_age=str(self._client.max_age_seconds),
            **({"prompt": "login"} if anew else {}),
        )
        return str(address)

    def check_sender(self, issuer: str | None) -> None:
        """Refuse an answer of another provider (RFC 9207).

        Raises:
            InvalidTokenError: it names another issuer, or none and should.
        """
        discovery = self.discovery()
        is_missing = issuer is None
        if is_missing and not discovery.authorization_response_iss_parameter_supported:
            return
        if issuer != discovery.issuer:
            msg = "The answer is from another issuer."
            raise InvalidTokenError(msg)

    def claims(
        self, code: str, secrets: SignInSecrets, *, redirect_url: str
    ) -> tuple[str, Claims]:
        """Return the issuer, and what it says about the person who brought a code.

        Raises:
            SignInRefusedError: the code is not valid, the token can't be trusted, or
                the provider can't be reached.
        """
        discovery = self.discovery()
        granted = self._grant(code, secrets, redirect_url)
        token, access_token = granted.get("id_token"), granted.get("access_token")
        if not isinstance(token, str):
            msg = "There is no ID token in the answer of the token endpoint."
            raise InvalidTokenError(msg)
        expected = Expected(
            issuer=discovery.issuer,
            client_id=self._client.client_id,
            nonce=secrets.nonce,
            max_age=self._client.max_age_seconds,
        )
        try:
            claims = trusted_claims(token, self._keys.get(), expected)
        except UnknownKeyError:
            claims = trusted_claims(token, self._keys.renewed(), expected)
        if discovery.userinfo_endpoint and isinstance(access_token, str):
            claims = self._completed(claims, discovery.userinfo_endpoint, access_token)
        return discovery.issuer, claims

    def _completed(self, claims: Claims, address: str, access_token: str) -> Claims:
        """Return the claims with those that the token leaves to the user info."""
        roles = self._client.role_claim
        names = ("email", "name", roles if roles in claims else roles.partition(".")[0])
        if all(name in claims for name in names):
            return claims
        more = self._user_info(address, access_token)
        if more.get("sub") != claims["sub"]:
            msg = "The user info is about somebody else."
            raise InvalidTokenError(msg)
        return {**more, **claims}

    # Requests

    def _oauth(self, redirect_url: str) -> Any:  # noqa: ANN401 - the library has no types
        methods = self.discovery().token_endpoint_auth_methods_supported
        by_body = methods and "client_secret_basic" not in methods
        return OAuth2Client(
            _Session(self._send),
            self._client.client_id,
            self._client.client_secret,
            "client_secret_post" if by_body else "client_secret_basic",
            scope=_SCOPE,
            redirect_uri=redirect_url,
            code_challenge_method="S256",
        )

    def _grant(
        self, code: str, secrets: SignInSecrets, redirect_url: str
    ) -> Mapping[str, Any]:
        try:
            return self._oauth(redirect_url).fetch_token(
                self.discovery().token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=secrets.verifier,
                redirect_uri=redirect_url,
            )
        except OAuth2Error as error:
            name = str(error.error)[:50]
            cause = f"The token endpoint refused the code: {name!a}."
            raise InvalidTokenError(cause) from None
        except (ValueError, RecursionError) as error:
            cause = f"The answer of the token endpoint: {type(error).__name__}."
            raise ProviderFailedError(cause) from None

    def _discover(self) -> Discovery:
        address = self._client.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = self._document(address, Discovery)
        # Providers differ in a slash at the end, and so do people who copy an address.
        if found.issuer.rstrip("/") != self._client.issuer.rstrip("/"):
            raise ProviderFailedError(
                f"The discovery document is of the issuer {found.issuer[:200]!a}, and "
                f"GOATHERD_OIDC_ISSUER is {self._client.issuer!a}."
            )
        for each in (
            *(found.authorization_endpoint, found.token_endpoint, found.jwks_uri),
            *filter(None, [found.userinfo_endpoint]),
        ):
            if not _is_usable(each, needs_tls=self._own.scheme == "https"):
                msg = f"The endpoint {each!a} is no address, or has no TLS."
                raise ProviderFailedError(msg)
        return found

    def _fetch_keys(self) -> Sequence[Key]:
        keys: list[Key] = []
        for each in self._document(self.discovery().jwks_uri, _KeySet).keys:
            # The set may have keys for encryption, or of a kind that is not known.
            if each.get("kty") not in {"RSA", "EC"} or each.get("use") == "enc":
                continue
            try:
                keys.append(import_key(each))
            except (JoseError, ValueError, TypeError, KeyError):
                continue
        return keys

    def _user_info(self, address: str, access_token: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}"}
        try:
            return self._document(address, dict[str, Any], headers=headers)
        except UnicodeEncodeError:
            msg = "The access token is not ASCII."
            raise ProviderFailedError(msg) from None

    def _document(
        self, address: str, form: type[T], *, headers: Mapping[str, str] | None = None
    ) -> T:
        reply = self._send("GET", address, headers=headers)
        where = urlsplit(address).path
        if reply.status_code != _OK:
            msg = f"{where!a} answered HTTP {reply.status_code}."
            raise ProviderFailedError(msg)
        try:
            return msgspec.json.decode(reply.body, type=form)
        except (msgspec.MsgspecError, RecursionError):
            msg = f"{where!a} answered with something else than expected."
            raise ProviderFailedError(msg) from None

    def _send(
        self,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> _Reply:
        is_own = urlsplit(address).hostname == self._own.hostname
        http = self._http if is_own else self._http_of_others
        request = http.build_request(method, address, headers=headers, content=body)
        what = f"{method} {urlsplit(address)._replace(query='').geturl()}"
        try:
            with http.requested(request, what=what, seconds=_REQUEST_SECONDS) as (
                note,
                response,
            ):
                read = body_of(response, most=_LARGEST)
                note.understood = f"{len(read):,} bytes were read"
                return _Reply(response.status_code, read)
        except RefusedError as error:
            raise ProviderFailedError(f"{what}: {error}") from None


class _Session:
    """The session over which the library for OAuth sends its requests."""

    def __init__(self, send: Callable[..., _Reply]) -> None:
        self._send = send

    def post(
        self,
        address: str,
        *,
        data: Mapping[str, str],
        headers: Mapping[str, str],
        auth: Any,  # noqa: ANN401 - the library has no types
    ) -> _Reply:
        sent = dict(headers)
        address, sent, body = auth.prepare("POST", address, sent, urlencode(data))
        return self._send("POST", address, headers=sent, body=body)


class _Kept(Generic[T]):
    """A document that is fetched when it is needed, and kept for an hour."""

    def __init__(self, fetch: Callable[[], T], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._found: tuple[float, T] | None = None
        self._early: list[float] = []

    def get(self) -> T:
        with self._lock:
            now = self._clock()
            if self._found is None or now - self._found[0] > _KEPT_SECONDS:
                self._found = now, self._fetch()
            return self._found[1]

    def renewed(self) -> T:
        """Return it, fetched early unless that was done too often."""
        with self._lock:
            now = self._clock()
            early = [at for at in self._early if now - at < _EARLY_SECONDS]
            if self._found is None or len(early) < _MOST_EARLY:
                self._early = [*early, now]
                self._found = now, self._fetch()
            return self._found[1]


def _is_usable(address: str, *, needs_tls: bool) -> bool:
    try:
        parts, port = urlsplit(address), urlsplit(address).port
    except ValueError:
        return False
    return port != 0 and (parts.scheme == "https" or not needs_tls)


def _http(*, inside: bool) -> HttpClient:
    return HttpClient(
        tls=trusted_certificates(),
        headers={
            "Accept": "application/json",
            # A few kilobytes cannot become gigabytes.
            "Accept-Encoding": "identity",
            "User-Agent": "goatherd",
        },
        may_reach=None if inside else is_public,
        failed="The provider did not answer",
        most_kept=0,
    )
