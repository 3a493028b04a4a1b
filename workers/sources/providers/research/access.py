"""The access token, fetched when it is needed, once for all threads."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from domain.scrape.verdicts import Transient
from infra.http_out.client import HttpClient
from infra.http_out.refusals import RefusedError
from infra.http_out.tiktok_api import Deadline, send
from workers.sources.providers.research.envelope import token_of

PATH = "/v2/oauth/token/"
# A token is valid for two hours; a token near its end may end during the request.
_EARLY_SECONDS = 300.0


class AccessToken:
    """The client's access token.

    Make one for each process and share it between threads.
    """

    def __init__(self, http: HttpClient, *, key: str, secret: str) -> None:
        self._http = http
        self._key = key
        self._secret = secret
        self._turn = threading.Lock()
        self._token: str | None = None
        self._good_until = 0.0  # in time.monotonic()

    def get(self, deadline: Deadline) -> str:
        """Return a token that should be valid for some minutes.

        Raises:
            RefusedError: there is no token; it is Blocked if the client's key and
                secret are refused.
        """
        with self._alone(deadline):
            if self._token is None or deadline.clock() >= self._good_until:
                self._token = self._fetch(deadline)
            return self._token

    def discard(self, token: str, *, deadline: Deadline) -> None:
        """Discard the refused token, unless there is a newer one already.

        Raises:
            RefusedError: another thread was fetching a token for too long.
        """
        with self._alone(deadline):
            if self._token == token:
                self._token = None

    def _fetch(self, deadline: Deadline) -> str:
        requested_at = deadline.clock()
        form = {
            "client_key": self._key,
            "client_secret": self._secret,
            "grant_type": "client_credentials",
        }
        reply = send(self._http, "POST", PATH, form=form, deadline=deadline)
        token, seconds = token_of(reply)
        self._good_until = requested_at + max(seconds - _EARLY_SECONDS, seconds / 2)
        return token

    @contextmanager
    def _alone(self, deadline: Deadline) -> Generator[None]:
        if not self._turn.acquire(timeout=deadline.left()):
            raise RefusedError(Transient("Others were fetching an access token."))
        try:
            yield
        finally:
            self._turn.release()
