"""TikTok's consent (OAuth 2): codes and refresh tokens are exchanged for tokens."""

import re
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from application.connect.sealing import code_challenge
from domain.connection.consent import SCOPES, granted_scopes
from domain.scrape.verdicts import (
    Blocked,
    RateLimited,
    SchemaChanged,
    Transient,
)
from infra.http_out.refusals import RefusedError
from infra.http_out.tiktok_api import Deadline, TikTokReply, open_http, send
from infra.logs import masked
from infra.settings import Settings

TOKEN_PATH, REVOKE_PATH = "/v2/oauth/token/", "/v2/oauth/revoke/"
USER_PATH = "/v2/user/info/"
ACCOUNT_FIELDS = "open_id,username"
# A person or a connection of the database waits for the answer.
PATIENCE_SECONDS = 10.0
TOO_FAST_SECONDS = 5.0

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_FOREVER = 2**31  # in seconds; nobody means a longer lifetime of a token
_LONGEST_DETAIL = 300
# After these errors the code or token can't be used any more. Other errors may pass, or
# are ours.
_REFUSALS = frozenset({"invalid_grant", "access_denied"})
# TikTok's errors for a token that it has forgotten.
_UNKNOWN_TOKEN = _REFUSALS | {"invalid_request", "access_token_invalid"}


class ConsentRefusedError(Exception):
    """TikTok refuses the code or token, and will refuse it the next time."""


class UnknownTokenError(Exception):
    """TikTok does not know the token to revoke."""


class TikTokApp(Struct, frozen=True, kw_only=True):
    """The operator's own app at TikTok, and the addresses of TikTok."""

    client_key: str
    client_secret: str
    base_url: str
    auth_url: str
    redirect_url: str

    def __repr__(self) -> str:
        return "TikTokApp(***)"


class TokenGrant(Struct, frozen=True, kw_only=True):
    """Tokens for an account, the scopes it allows, and the lifetimes of the tokens."""

    access: str
    refresh: str
    open_id: str
    scopes: tuple[str, ...]
    access_seconds: float
    refresh_seconds: float

    def __repr__(self) -> str:
        return "TokenGrant(***)"


class _TokensAnswered(Struct, frozen=True):
    """The flat object with which the endpoint answers, in success and in failure."""

    access_token: Any = None
    refresh_token: Any = None
    open_id: Any = None
    scope: Any = None
    expires_in: Any = None
    refresh_expires_in: Any = None
    error: Any = None
    error_description: Any = None


class _Consenting(Struct, frozen=True):
    open_id: str
    username: str


class _ConsentingData(Struct, frozen=True):
    user: _Consenting


class _AccountAnswered(Struct, frozen=True):
    data: _ConsentingData


def app_of(settings: Settings) -> TikTokApp | None:
    """Return the operator's app, None if the settings are incomplete."""
    key, secret = settings.display_client_key, settings.display_client_secret
    redirect = settings.display_redirect_url
    if key is None or secret is None or redirect is None:
        return None
    return TikTokApp(
        client_key=key,
        client_secret=secret,
        base_url=settings.display_base_url,
        auth_url=settings.display_auth_url,
        redirect_url=redirect,
    )


class TikTokLogin:
    """Sends people to TikTok's consent page, and exchanges the codes they bring."""

    def __init__(self, app: TikTokApp) -> None:
        self._app = app
        self._http = open_http(app.base_url, keeps_alive=False)

    def consent_url(self, *, state: str, verifier: str) -> str:
        """Return the address of TikTok's consent page."""
        query = {
            "client_key": self._app.client_key,
            "scope": ",".join(SCOPES),
            "response_type": "code",
            "redirect_uri": self._app.redirect_url,
            "state": state,
            "code_challenge": code_challenge(verifier),
            "code_challenge_method": "S256",
            # A creator that consented before sees the rights again.
            "disable_auto_auth": "1",
        }
        return f"{self._app.auth_url}?{urlencode(query)}"

    def exchange(self, code: str, *, verifier: str) -> TokenGrant:
        """Return the tokens for a code.

        Raises:
            ConsentRefusedError: the code is not valid, or was used.
            RefusedError: TikTok gave no tokens.
        """
        return self._granted(
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": self._app.redirect_url,
            }
        )

    def refresh(self, refresh_token: str) -> TokenGrant:
        """Return new tokens; the old ones can't be used from then on.

        Raises:
            ConsentRefusedError: the refresh token is not valid any more.
            RefusedError: TikTok gave no tokens; it may have made some.
        """
        return self._granted(
            {"grant_type": "refresh_token", "refresh_token": refresh_token}
        )

    def revoke(self, access_token: str) -> None:
        """Revoke a consent, by a valid access token.

        Raises:
            UnknownTokenError: TikTok does not know the token, but maybe the consent.
            RefusedError: TikTok did not confirm the revocation.
        """
        reply = self._send(REVOKE_PATH, {"token": access_token})
        if reply.status >= 500 or reply.status in {403, 408, 429}:
            raise _by_status(reply, "TikTok did not revoke the token")
        error = _decoded(reply).error if reply.body.strip() else None
        if not isinstance(error, str) or not error:
            return
        if error in _UNKNOWN_TOKEN:
            raise UnknownTokenError
        raise _by_status(reply, "TikTok did not revoke the token")

    def username(self, grant: TokenGrant) -> str:
        """Return the handle of the account that consented.

        Raises:
            RefusedError: TikTok does not say it, or names another account.
        """
        deadline = Deadline(PATIENCE_SECONDS)
        reply = send(
            self._http,
            "GET",
            USER_PATH,
            deadline=deadline,
            token=grant.access,
            params={"fields": ACCOUNT_FIELDS},
        )
        if reply.status != 200:
            raise _by_status(reply, "TikTok did not say whose account it is")
        try:
            account = msgspec.json.decode(reply.body, type=_AccountAnswered).data.user
        except (msgspec.DecodeError, RecursionError):
            raise _unreadable(reply) from None
        if account.open_id != grant.open_id:
            detail = "TikTok answered with another account than that of the consent."
            raise RefusedError(SchemaChanged(detail))
        return account.username

    def _granted(self, form: dict[str, str]) -> TokenGrant:
        reply = self._send(TOKEN_PATH, form)
        flat = _decoded(reply)
        if isinstance(flat.error, str) and flat.error:
            if flat.error in _REFUSALS and reply.status < 500:
                raise ConsentRefusedError(_detail(flat))
            raise _by_status(reply, _detail(flat))
        if reply.status != 200:
            raise _unreadable(reply)
        return _grant_of(flat)

    def _send(self, path: str, form: dict[str, str]) -> TikTokReply:
        return send(
            self._http,
            "POST",
            path,
            deadline=Deadline(PATIENCE_SECONDS),
            form={
                "client_key": self._app.client_key,
                "client_secret": self._app.client_secret,
                **form,
            },
        )


def _decoded(reply: TikTokReply) -> _TokensAnswered:
    try:
        return msgspec.json.decode(reply.body, type=_TokensAnswered)
    except (msgspec.DecodeError, RecursionError):
        raise _unreadable(reply) from None


def _grant_of(flat: _TokensAnswered) -> TokenGrant:
    texts = (flat.access_token, flat.refresh_token, flat.open_id)
    if not all(isinstance(text, str) and _TOKEN.fullmatch(text) for text in texts):
        raise RefusedError(SchemaChanged("TikTok's answer has no tokens."))
    times = (flat.expires_in, flat.refresh_expires_in)
    if not all(isinstance(s, int) and 0 < s < _FOREVER for s in times):
        raise RefusedError(SchemaChanged("TikTok's tokens have no time to live."))
    return TokenGrant(
        access=flat.access_token,
        refresh=flat.refresh_token,
        open_id=flat.open_id,
        scopes=granted_scopes(str(flat.scope or "")),
        access_seconds=float(flat.expires_in),
        refresh_seconds=float(flat.refresh_expires_in),
    )


def _unreadable(reply: TikTokReply) -> RefusedError:
    size = len(reply.body)
    return _by_status(reply, f"{size:,} bytes that are not TikTok's JSON")


def _by_status(reply: TikTokReply, detail: str) -> RefusedError:
    detail = f"HTTP {reply.status}: {detail}."
    if reply.status == 429:
        return RefusedError(RateLimited(reply.retry_after or TOO_FAST_SECONDS, detail))
    if reply.status == 408 or reply.status >= 500:
        return RefusedError(Transient(detail))
    if reply.status == 200:
        return RefusedError(SchemaChanged(detail))
    return RefusedError(Blocked(detail))


def _detail(flat: _TokensAnswered) -> str:
    text = f"{flat.error}: {flat.error_description}"
    return masked(text)[:_LONGEST_DETAIL]
