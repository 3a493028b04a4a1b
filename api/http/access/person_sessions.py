"""Sessions of people at each request: the cookie, and the principal behind it.

The cookie is random text, and a row has its digest. Only pages accept it: a person
calls the API with a key, so that no other site can make a browser call the API.
"""

import time
from collections.abc import Awaitable, Callable
from hashlib import sha256

from msgspec import Struct

from api.http.access.auth import Principal
from api.http.access.sessions import Cookies, Session

_NAME = "goatherd_person"
# A browser accepts the prefix only from a server with TLS, for the whole host, so that
# no page of a neighbouring host can set the cookie.
_NAME_WITH_TLS = f"__Host-{_NAME}"

LIFETIME_SECONDS = 90 * 86_400
_LONGEST = 100
_MAX_CACHED = 10_000

SessionLookup = Callable[[str], Awaitable[Principal | None]]


class OpenedSession(Struct, frozen=True):
    """A valid session: its CSRF tokens, and the principal whose rights it has."""

    session: Session
    principal: Principal


class PersonSessions:
    """Reads the cookies of people who are signed in.

    ``look_up`` returns the principal of a cookie's value, None if the session is over.
    The answer that a session is valid is cached for ``keep_for`` seconds, so that a
    session which another process ended is refused that soon.
    """

    def __init__(
        self,
        look_up: SessionLookup,
        is_anybody_registered: Callable[[], Awaitable[bool]],
        *,
        keep_for: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._is_anybody_registered = is_anybody_registered
        self._keep_for = keep_for
        self._clock = clock
        self._cache: dict[bytes, tuple[float, OpenedSession]] = {}
        self.has_people = False

    async def opened(self, cookies: Cookies, *, is_tls: bool) -> OpenedSession | None:
        """Return the session in the cookies; None if there is none, or it is over."""
        token = cookies.get(cookie_name(is_tls=is_tls))
        if token is None or not 0 < len(token) <= _LONGEST:
            return None
        digest = _digest(token)
        started_at = self._clock()
        cached = self._cache.get(digest)
        if cached is not None and started_at < cached[0]:
            return cached[1]
        principal = await self._look_up(token)
        if principal is None:
            self._cache.pop(digest, None)
            return None
        opened = OpenedSession(Session(digest, 0, b"person"), principal)
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()
        self._cache[digest] = (started_at + self._keep_for, opened)
        return opened

    def remembers(self, cookies: Cookies, *, is_tls: bool) -> bool:
        """Tell whether this process knew the session a while ago; it may be over."""
        token = cookies.get(cookie_name(is_tls=is_tls), "")
        return _digest(token) in self._cache

    def forget_all(self) -> None:
        """Look every session up again: one ended, or a person's name changed."""
        self._cache.clear()

    async def look_for_people(self) -> None:
        """Note whether anybody has an account, who is then asked for a password."""
        if not self.has_people:
            self.has_people = await self._is_anybody_registered()


def _digest(token: str) -> bytes:
    return sha256(token.encode("latin-1", "replace")).digest()


def cookie_name(*, is_tls: bool) -> str:
    """Return the name of the cookie on a connection with or without TLS."""
    return _NAME_WITH_TLS if is_tls else _NAME
