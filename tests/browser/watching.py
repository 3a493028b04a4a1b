"""Things that a browser shall never do on our pages, watched during each test."""

import re
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Request,
    WebError,
)

# Addresses that never leave the browser.
_AT_HOME = frozenset({"about", "blob", "data"})
# Everything that was started has then happened, and has been reported.
_A_MOMENT = "new Promise(done => setTimeout(done, 20))"
_MOST_MOVES = 5
# The browser gave it up itself: the page was left, or a newer one asked for instead.
_GIVEN_UP = "net::ERR_ABORTED"


class Watch:
    """Everything that went wrong in the pages of one browser context.

    That is: errors on the console, to which the reports of broken content security
    policies belong; exceptions that nobody caught; dialogs; requests to other places
    than ``origin``; requests that failed. A test says beforehand what it ``expects``.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._seen: list[str] = []
        self._expected: list[re.Pattern[str]] = []

    @classmethod
    def over(cls, context: BrowserContext, *, origin: str) -> Self:
        watch = cls(origin)
        context.on("console", watch._note_message)
        context.on("weberror", watch._thrown)
        context.on("dialog", watch._answer_dialog)
        context.on("request", watch._requested)
        context.on("requestfailed", watch._failed)
        return watch

    def expects(self, pattern: str) -> None:
        """Say that something may go wrong, by a regular expression of how it is told.

        A dialog that is expected is accepted, any other is dismissed.
        """
        self._expected.append(re.compile(pattern))

    def settle(self, context: BrowserContext) -> None:
        """Hear of everything that has happened so far."""
        for page in context.pages:
            for _ in range(_MOST_MOVES):
                page.wait_for_load_state()
                # It fails if the page was just being left for another.
                with suppress(Error):
                    page.evaluate(_A_MOMENT)
                    break

    @property
    def complaints(self) -> list[str]:
        """The complaints that the test did not expect."""
        return [seen for seen in self._seen if not self._is_expected(seen)]

    def _is_expected(self, seen: str) -> bool:
        return any(pattern.search(seen) for pattern in self._expected)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "assert"}:
            where = message.location["url"]
            self._seen.append(f"console: {message.text} ({where})")

    def _thrown(self, error: WebError) -> None:
        self._seen.append(f"exception: {error.error}")

    def _answer_dialog(self, dialog: Dialog) -> None:
        message = f"dialog: {dialog.type} {dialog.message}"
        self._seen.append(message)
        if self._is_expected(message):
            dialog.accept()
        else:
            dialog.dismiss()

    def _requested(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in _AT_HOME or f"{url.scheme}://{url.netloc}" == self._origin:
            return
        self._seen.append(f"request to elsewhere: {request.method} {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != _GIVEN_UP:
            message = f"{request.method} {request.url}: {request.failure}"
            self._seen.append(f"failed request: {message}")
