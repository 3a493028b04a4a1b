"""Sessions of people at each request: the cookie, and the principal behind it.

The cookie is random text, and a row has its digest. Only pages accept it: a person
calls the API with a key, so that no other site can make a browser call the API.
"""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from api.http.access.auth import Principal, PrincipalLookup
from api.http.access.recent_answers import RecentAnswers
from api.http.access.sessions import Cookies, Session
from infra.keys.digests import digest_of

_NAME = "goatherd_person"
# A browser accepts the prefix only from a server with TLS, for the whole host, so that
# no page of a neighbouring host can set the cookie.
_NAME_WITH_TLS = f"__Host-{_NAME}"

_LONGEST = 100


class OpenedSession(Struct, frozen=True):
    """A valid session: its CSRF tokens, and the principal whose rights it has."""

    session: Session
    principal: Principal


class PersonSessions:
    """Reads the cookies of people who are signed in.

    ``look_up`` returns the principal behind the digest of a cookie's value, None if the
    session is over. A session that another process ended is refused after half a
    second.
    """

    def __init__(
        self,
        look_up: PrincipalLookup,
        is_anybody_registered: Callable[[], Awaitable[bool]],
    ) -> None:
        async def open_(digest: bytes) -> OpenedSession | None:
            principal = await look_up(digest)
            if principal is None:
                return None
            return OpenedSession(Session(digest, 0, b"person"), principal)

        self._recent = RecentAnswers(open_)
        self._is_anybody_registered = is_anybody_registered
        self.has_people = False

    async def opened(self, cookies: Cookies, *, is_tls: bool) -> OpenedSession | None:
        """Return the session in the cookies; None if there is none, or it is over."""
        token = cookies.get(cookie_name(is_tls=is_tls))
        if token is None or not 0 < len(token) <= _LONGEST:
            return None
        return await self._recent.of(digest_of(token))

    def remembers(self, cookies: Cookies, *, is_tls: bool) -> bool:
        """Tell whether this process knew the session a while ago; it may be over."""
        token = cookies.get(cookie_name(is_tls=is_tls), "")
        return digest_of(token) in self._recent

    def forget_all(self) -> None:
        """Look every session up again: one ended, or a person's name changed."""
        self._recent.forget()

    async def look_for_people(self) -> None:
        """Note whether anybody has an account, who is then asked for a password."""
        if not self.has_people:
            self.has_people = await self._is_anybody_registered()


def cookie_name(*, is_tls: bool) -> str:
    """Return the name of the cookie on a connection with or without TLS."""
    return _NAME_WITH_TLS if is_tls else _NAME
