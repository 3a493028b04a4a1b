"""Sessions of people: a signed cookie in place of the key they signed in with.

The cookie has the digest of a key, never the key, and cannot be used with the API. The
key is looked up at each request, so that revoking it ends the session. Signing out also
ends the session, and ``api.http.access.live_sessions`` stores that.
"""

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from secrets import token_bytes
from typing import Self

import msgspec
from msgspec import Struct

COOKIE = "goatherd_session"
LIFETIME_SECONDS = 7 * 86_400

_MAC_BYTES = 32
_MAX_LENGTH = 512


class Session(Struct, frozen=True, array_like=True):
    """A session of a person who signed in with a key.

    ``key_digest`` is the SHA-256 digest of the key, ``until`` is in seconds since 1970,
    and ``nonce`` distinguishes two sessions with one key.
    """

    key_digest: bytes
    until: int
    nonce: bytes


class Sessions:
    """Makes and reads cookies, with keys derived from the installation's secret."""

    def __init__(
        self, secret: str, *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._secret = secret.encode()
        self._wall_clock = wall_clock

    def begin(self, key_digest: bytes) -> Session:
        """Return a new session for the owner of a key."""
        until = int(self._wall_clock()) + LIFETIME_SECONDS
        return Session(key_digest, until, token_bytes(16))

    def sealed(self, session: Session) -> str:
        """Return the session as signed text."""
        return self.signed("session", msgspec.msgpack.encode(session))

    def opened(self, text: str | None) -> Session | None:
        """Return the session in a cookie; None if the cookie is invalid or expired."""
        payload = self.verified("session", text)
        if payload is None:
            return None
        try:
            session = msgspec.msgpack.decode(payload, type=Session)
        except msgspec.DecodeError:
            return None
        return session if session.until > self._wall_clock() else None

    def csrf_token(self, session: Session) -> str:
        """Return a new token for the forms of a session; all of its tokens are valid.

        Each has a mask of its own: if pages repeated a secret, the lengths of their
        compressed answers would give it away.
        """
        mask = token_bytes(_MAC_BYTES)
        masked = mask + _xor(mask, self._csrf_mac(session))
        return urlsafe_b64encode(masked).rstrip(b"=").decode()

    def is_csrf_token(self, session: Session, text: str | None) -> bool:
        """Return whether a text is one of the session's CSRF tokens."""
        try:
            masked = urlsafe_b64decode((text or "").encode("ascii") + b"==")
        except (Base64Error, ValueError):
            return False
        if len(masked) != 2 * _MAC_BYTES:
            return False
        mac = _xor(masked[:_MAC_BYTES], masked[_MAC_BYTES:])
        return hmac.compare_digest(mac, self._csrf_mac(session))

    def signed(self, purpose: str, payload: bytes) -> str:
        """Return bytes as text with a signature that is valid for one purpose."""
        signed = payload + self._mac(purpose, payload)
        return urlsafe_b64encode(signed).rstrip(b"=").decode()

    def verified(
        self, purpose: str, text: str | None, *, longest: int = _MAX_LENGTH
    ) -> bytes | None:
        """Return the bytes signed for the purpose; None without a signature."""
        if text is None or len(text) > longest:
            return None
        try:
            signed = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        except (Base64Error, UnicodeEncodeError, ValueError):
            return None
        payload, mac = signed[:-_MAC_BYTES], signed[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(purpose, payload)):
            return None
        return payload

    def _csrf_mac(self, session: Session) -> bytes:
        return self._mac("csrf", session.nonce + session.key_digest)

    def _mac(self, purpose: str, payload: bytes) -> bytes:
        message = b"goatherd " + purpose.encode() + b"\0" + payload
        return hmac.digest(self._secret, message, "sha256")


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


class Cookies(dict[str, str]):
    """The cookies of a request, as they were sent.

    The library's own reader fails at an invalid cookie that another program on this
    host has set, and then loses ours.
    """

    @classmethod
    def of(cls, header: bytes | None) -> Self:
        """Read the Cookie header."""
        found = cls()
        for pair in (header or b"").decode("latin-1").split(";"):
            name, sign, value = pair.strip().partition("=")
            if sign and name:
                found.setdefault(name, value)
        return found


def set_cookie(
    name: str,
    value: str,
    *,
    seconds: int,
    is_tls: bool,
    path: str = "/",
    is_framed: bool = False,
) -> tuple[bytes, bytes]:
    """Return the header that sets a cookie; with 0 seconds it deletes the cookie.

    A page in a frame of another site is sent its cookie only if ``is_framed`` is true,
    and only over TLS. Browsers keep such a cookie for each of these sites apart.
    """
    if is_framed and is_tls:
        sites = "SameSite=None; Secure; Partitioned"
    else:
        sites = "SameSite=Lax; Secure" if is_tls else "SameSite=Lax"
    rules = f"Path={path}; Max-Age={seconds}; HttpOnly; {sites}"
    text = f"{name}={value}; {rules}"
    return b"set-cookie", text.encode("latin-1")
