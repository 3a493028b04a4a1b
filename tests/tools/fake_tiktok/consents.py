"""Consents at the pretended TikTok: codes, and tokens that change."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from infra.private_file import write_private

ACCESS_SECONDS = 7_200
REFRESH_SECONDS = 180 * 86_400
_CODE_SECONDS = 300

FakeAnswer = tuple[int, dict[str, Any]]


class FakeApp(Struct, frozen=True, kw_only=True):
    """The registered app: its key, its secret, and the address of people's return."""

    client_key: str
    client_secret: str
    redirect_url: str


class _Code(Struct):
    open_id: str
    scopes: list[str]
    challenge: str | None
    made_at: float


class _Consent(Struct):
    scopes: list[str]
    refresh: str
    refresh_ends_at: float
    access: dict[str, float]


class _State(Struct):
    codes: dict[str, _Code] = {}
    consents: dict[str, _Consent] = {}


class FakeConsents:
    """Consents by account; threads may share it.

    A refresh token works once: the new one replaces it. ``file`` keeps all consents
    over a restart.
    """

    def __init__(self, app: FakeApp, *, file: Path | None = None) -> None:
        self.app = app
        self.clock: Callable[[], float] = time.time
        self._file = file
        self._lock = threading.RLock()
        self._state = _State()
        if file is not None and file.exists():
            self._state = msgspec.json.decode(file.read_bytes(), type=_State)

    def allow(self, open_id: str, scopes: list[str], challenge: str | None) -> str:
        """Return the code for an account that has consented."""
        with self._lock:
            code = secrets.token_urlsafe(24)
            self._state.codes[code] = _Code(open_id, scopes, challenge, self.clock())
            self._keep()
            return code

    def token(self, form: Mapping[str, str]) -> FakeAnswer:
        if not self._is_app(form):
            return _refused(401, "invalid_client", "Client key or secret is incorrect.")
        with self._lock:
            match form.get("grant_type"):
                case "authorization_code":
                    return self._exchange(form)
                case "refresh_token":
                    return self._refresh(form.get("refresh_token", ""))
                case _:
                    return _refused(400, "unsupported_grant_type", "It is unknown.")

    def revoke(self, form: Mapping[str, str]) -> FakeAnswer:
        """Answer the endpoint that ends a consent."""
        if not self._is_app(form):
            return _refused(401, "invalid_client", "Client key or secret is incorrect.")
        with self._lock:
            open_id = self.account_of(form.get("token", ""))
            if open_id is None:
                return _refused(400, "invalid_grant", "The token is not valid.")
            self.withdraw(open_id)
            return 200, {}

    def withdraw(self, open_id: str) -> None:
        """End the consent of an account, as its owner does in TikTok's settings."""
        with self._lock:
            self._state.consents.pop(open_id, None)
            self._keep()

    def account_of(self, access: str) -> str | None:
        """Return the account of a token, None if it is not valid."""
        with self._lock:
            for open_id, consent in self._state.consents.items():
                if consent.access.get(access, 0) > self.clock():
                    return open_id
            return None

    def scopes_of(self, open_id: str) -> list[str] | None:
        """Return the scopes of an account, None if it has not consented."""
        with self._lock:
            consent = self._state.consents.get(open_id)
            return None if consent is None else list(consent.scopes)

    def _exchange(self, form: Mapping[str, str]) -> FakeAnswer:
        code = self._state.codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "")
        if (
            code is None
            or self.clock() - code.made_at > _CODE_SECONDS
            or form.get("redirect_uri") != self.app.redirect_url
            or (code.challenge and _challenge(verifier) != code.challenge)
        ):
            return _refused(400, "invalid_grant", "Authorization code is expired.")
        self._state.consents[code.open_id] = _Consent(code.scopes, "", 0, {})
        return self._issued(code.open_id)

    def _refresh(self, refresh: str) -> FakeAnswer:
        for open_id, consent in self._state.consents.items():
            if consent.refresh == refresh and consent.refresh_ends_at > self.clock():
                return self._issued(open_id)
        return _refused(400, "invalid_grant", "Refresh token is invalid or expired.")

    def _issued(self, open_id: str) -> FakeAnswer:
        now, consent = self.clock(), self._state.consents[open_id]
        access = f"act.{secrets.token_urlsafe(32)}"
        consent.refresh = f"rft.{secrets.token_urlsafe(32)}"
        consent.refresh_ends_at = now + REFRESH_SECONDS
        consent.access[access] = now + ACCESS_SECONDS
        self._keep()
        return 200, {
            "access_token": access,
            "expires_in": ACCESS_SECONDS,
            "open_id": open_id,
            "refresh_expires_in": REFRESH_SECONDS,
            "refresh_token": consent.refresh,
            "scope": ",".join(consent.scopes),
            "token_type": "Bearer",
        }

    def _is_app(self, form: Mapping[str, str]) -> bool:
        given = form.get("client_key"), form.get("client_secret")
        return given == (self.app.client_key, self.app.client_secret)

    def _keep(self) -> None:
        if self._file is not None:
            text = msgspec.json.encode(self._state).decode()
            write_private(self._file, text)


def _challenge(verifier: str) -> str:
    return sha256(verifier.encode()).hexdigest()


def _refused(status: int, error: str, description: str) -> FakeAnswer:
    return status, {
        "error": error,
        "error_description": description,
        "log_id": secrets.token_hex(8),
    }
