"""Challenges of passkeys: signed texts that a browser answers once, within 5 minutes.

A challenge is for one purpose and one browser, which a cookie tells from others.
Nothing is stored until an answer is accepted, so that requests fill no table.
"""

import time
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from secrets import token_bytes, token_urlsafe
from typing import Literal, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Struct

from api.http.access.sessions import Sessions, set_cookie
from api.http.request import Request
from application.accounts.passkeys import Ceremony, RelyingParty, challenge_in

Purpose: TypeAlias = Literal["sign in", "add", "first start", "link", "prove"]

_COOKIE = "goatherd_passkey"
_PURPOSE = "passkey"
_SECONDS = 300


class _Challenge(Struct, frozen=True, array_like=True):
    """The signed part; ``person_id`` is that of the person who is asked, if known."""

    purpose: Purpose
    until: int
    nonce: bytes
    browser: bytes
    person_id: UUID | None


class OpenedChallenge(Struct, frozen=True, kw_only=True):
    """A challenge of this browser that is still valid, and the person it is for."""

    ceremony: Ceremony
    person_id: UUID | None


def relying_party(request: Request) -> RelyingParty | None:
    """Return the site as the browser knows it; None at an address without a name.

    Browsers keep passkeys for names of hosts, such as localhost, and not for numbers.
    """
    host = (request.raw_header(b"host") or b"").decode("latin-1").lower()
    name = urlsplit(f"//{host}").hostname
    if not name or not name.isascii() or _is_number(name):
        return None
    scheme = "https" if request.is_tls else "http"
    return RelyingParty(id=name, origin=f"{scheme}://{host}")


def new_challenge(
    request: Request,
    sessions: Sessions,
    purpose: Purpose,
    *,
    person_id: UUID | None = None,
) -> bytes:
    """Return a new challenge for the browser, which gets a cookie if it has none."""
    browser = request.sent_cookies.get(_name(request))
    if browser is None:
        browser = token_urlsafe(16)
    header = set_cookie(
        _name(request), browser, seconds=_SECONDS, is_tls=request.is_tls
    )
    request.context.response_headers.append(header)
    until = int(time.time()) + _SECONDS
    challenge = _Challenge(purpose, until, token_bytes(16), _digest(browser), person_id)
    return sessions.signed(_PURPOSE, msgspec.msgpack.encode(challenge)).encode()


def answered_challenge(
    request: Request, sessions: Sessions, purpose: Purpose, credential: str
) -> OpenedChallenge | None:
    """Return the challenge that a device's answer names.

    None stands for one of another browser, purpose or time, or of somebody else's.
    """
    party = relying_party(request)
    text = challenge_in(credential)
    payload = sessions.verified(_PURPOSE, text.decode("latin-1"))
    if party is None or payload is None:
        return None
    challenge = msgspec.msgpack.decode(payload, type=_Challenge)
    browser = _digest(request.sent_cookies.get(_name(request), ""))
    is_ours = challenge.purpose == purpose and challenge.browser == browser
    if not is_ours or challenge.until <= time.time():
        return None
    ceremony = Ceremony(
        challenge=text,
        expires_at=datetime.fromtimestamp(challenge.until, UTC),
        party=party,
    )
    return OpenedChallenge(ceremony=ceremony, person_id=challenge.person_id)


def _name(request: Request) -> str:
    return f"__Host-{_COOKIE}" if request.is_tls else _COOKIE


def _digest(browser: str) -> bytes:
    return sha256(browser.encode("latin-1", "replace")).digest()[:16]


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
