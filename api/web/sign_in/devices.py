"""The cookie of a browser in which somebody signed in before.

Wrong tries of such a browser are counted by themselves, so that nobody else's slow it
down. The cookie gives no access, and holds for one email address.
"""

from hashlib import sha256
from secrets import token_bytes

from api.http.access.sessions import Cookies, Sessions
from domain.email import same_email

COOKIE = "goatherd_device"
LIFETIME_SECONDS = 365 * 86_400

_PURPOSE = "device"
_NONCE_BYTES = 16


def known_device(sessions: Sessions, cookies: Cookies, email: str) -> bytes | None:
    """Return what tells this browser from others, None if it is not known."""
    payload = sessions.verified(_PURPOSE, cookies.get(COOKIE))
    if payload is None or payload[_NONCE_BYTES:] != _digest(email):
        return None
    return payload


def new_device(sessions: Sessions, email: str) -> str:
    """Return the cookie for a browser in which somebody signed in with an address."""
    return sessions.signed(_PURPOSE, token_bytes(_NONCE_BYTES) + _digest(email))


def _digest(email: str) -> bytes:
    return sha256(same_email(email).encode()).digest()
