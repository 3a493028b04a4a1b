"""The pretended TikTok as tests control and watch it."""

import socket
import time
from collections.abc import Mapping

from tests.tools.fake_tiktok.accounts import Accounts
from tests.tools.fake_tiktok.consents import (
    FakeAnswer,
    FakeApp,
    FakeConsents,
)
from tests.tools.fake_tiktok.server import FakeHandler, FakeTikTok


class ControlledConsents(FakeConsents):
    """Consents whose answers may come late or get lost.

    ``answers_after`` is the time of an answer in seconds, and so many of the next
    refreshes as ``loses_answers`` change the tokens and are not answered. ``refreshes``
    counts the refreshes, and ``revoked`` has the accounts that the app gave back.
    """

    def __init__(self, app: FakeApp) -> None:
        super().__init__(app)
        self.answers_after = 0.0
        self.loses_answers = 0
        self.refreshes = 0
        self.revoked: list[str] = []

    def token(self, form: Mapping[str, str]) -> FakeAnswer:
        answer = super().token(form)
        is_refreshed = form.get("grant_type") == "refresh_token" and answer[0] == 200
        self.refreshes += is_refreshed
        self.wait()
        if is_refreshed and self.loses_answers:
            self.loses_answers -= 1
            # The server closes the connection.
            raise ConnectionAbortedError
        return answer

    def wait(self) -> None:
        time.sleep(self.answers_after)

    def revoke(self, form: Mapping[str, str]) -> FakeAnswer:
        open_id = self.account_of(form.get("token", ""))
        answer = super().revoke(form)
        if answer[0] == 200 and open_id is not None:
            self.revoked.append(open_id)
        return answer

    def withdraw_scope(self, open_id: str, scope: str) -> None:
        """Take one scope back from a consent."""
        with self._lock:
            self._state.consents[open_id].scopes.remove(scope)

    def end_access(self) -> None:
        """End all access tokens now."""
        with self._lock:
            for consent in self._state.consents.values():
                consent.access.clear()


class RecordedHandler(FakeHandler):
    def parse_request(self) -> bool:
        is_read = super().parse_request()
        if is_read:
            assert isinstance(self.tiktok, RecordedTikTok)
            self.tiktok.requests.append(self.path.partition("?")[0])
        return is_read


class RecordedTikTok(FakeTikTok):
    """A pretended TikTok; ``requests`` are the paths of all requests, in order."""

    handler = RecordedHandler

    def __init__(
        self, accounts: Accounts, consents: FakeConsents, listener: socket.socket
    ) -> None:
        self.requests: list[str] = []
        super().__init__(accounts, consents, listener)
