"""The cookies of a browser in which somebody signed in before; they give no access.

Wrong tries of such a browser are counted by themselves, so that nobody else's slow it
down: a signed cookie holds for one email address. Another one has random text, by whose
digest a person's browsers are known, so that they hear of a new one.
"""

from hashlib import sha256
from secrets import token_bytes, token_urlsafe

from api.http.access.sessions import Cookies, Sessions
from domain.email import same_email

COOKIE = "goatherd_device"
BROWSER = "goatherd_browser"
LIFETIME_SECONDS = 365 * 86_400

_PURPOSE = "device"
_NONCE_BYTES = 16
# In base64, four letters stand for three bytes.
_TEXT_BYTES = 24
_TEXT_LENGTH = 32


def known_browser(cookies: Cookies) -> str | None:
    """Return the random text of this browser, None if it has none."""
    text = cookies.get(BROWSER, "")
    is_ours = len(text) == _TEXT_LENGTH and text.isascii()
    return text if is_ours else None


def new_browser() -> str:
    """Return random text for a browser in which nobody signed in before."""
    return token_urlsafe(_TEXT_BYTES)


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
