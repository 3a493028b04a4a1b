"""The HTTP server of the pretended TikTok."""

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import msgspec

from domain.connection.consent import SCOPES
from tests.tools.fake_tiktok.accounts import Accounts, FakeAccount
from tests.tools.fake_tiktok.consents import FakeAnswer, FakeConsents
from tests.tools.fake_tiktok.display import FakeDisplay
from tests.tools.fake_tiktok.pages import apps_page, consent_page, page

_LARGEST_BODY = 1024 * 1024
AUTH_PATH = "/v2/auth/authorize/"


class FakeHandler(BaseHTTPRequestHandler):
    """Answers a request to the pretended TikTok."""

    tiktok: "FakeTikTok"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a page, or the user of a token."""
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if url.path == AUTH_PATH:
            self._consent(query)
        elif url.path == "/v2/user/info/":
            self._json(self.tiktok.display.user(self._token(), query.get("fields", "")))
        elif url.path == "/":
            self._apps()
        else:
            self._html(404, page("Not found", "<h1>There is nothing here</h1>"))

    def do_POST(self) -> None:
        """Answer a form, the token endpoint, or videos."""
        url = urlsplit(self.path)
        fields = dict(parse_qsl(url.query)).get("fields", "")
        body = self._body()
        display, consents = self.tiktok.display, self.tiktok.consents
        match url.path:
            case "/v2/oauth/token/":
                self._json(consents.token(_form(body)))
            case "/v2/oauth/revoke/":
                self._json(consents.revoke(_form(body)))
            case "/v2/video/list/":
                self._json(display.list_videos(self._token(), fields, _json(body)))
            case "/v2/video/query/":
                self._json(display.query_videos(self._token(), fields, _json(body)))
            case "/consent":
                self._answer_consent(parse_qs(body.decode()))
            case "/withdraw":
                account = self.tiktok.by_username(_form(body).get("username", ""))
                if account is not None:
                    consents.withdraw(account.open_id)
                self._go("/")
            case _:
                self._html(404, page("Not found", "<h1>There is nothing here</h1>"))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: addresses have codes and tokens."""

    def _consent(self, query: dict[str, str]) -> None:
        app = self.tiktok.consents.app
        wrong = [
            name
            for name, value in (
                ("client_key", app.client_key),
                ("redirect_uri", app.redirect_url),
                ("response_type", "code"),
            )
            if query.get(name) != value
        ]
        if wrong:
            text = f"<h1>Something went wrong</h1><p>Check {', '.join(wrong)}.</p>"
            self._html(400, page("Something went wrong", text))
            return
        scopes = [s for s in query.get("scope", "").split(",") if s in SCOPES]
        accounts = [*self.tiktok.accounts().values()]
        self._html(200, consent_page(query, accounts, scopes))

    def _answer_consent(self, form: dict[str, list[str]]) -> None:
        consents = self.tiktok.consents
        state = form.get("state", [""])[0]
        account = self.tiktok.by_username(form.get("username", [""])[0])
        given: dict[str, str] = {"state": state}
        if form.get("answer") != ["allow"] or account is None:
            given |= {
                "error": "access_denied",
                "error_description": "User has denied the authorization",
            }
        else:
            scopes = form.get("scope", [])
            challenge = form.get("code_challenge", [None])[0]
            given["code"] = consents.allow(account.open_id, scopes, challenge)
            given["scopes"] = ",".join(scopes)
        self._go(f"{consents.app.redirect_url}?{urlencode(given)}")

    def _apps(self) -> None:
        found = [
            (account, scopes)
            for account in self.tiktok.accounts().values()
            if (scopes := self.tiktok.consents.scopes_of(account.open_id)) is not None
        ]
        self._html(200, apps_page(found))

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(min(length, _LARGEST_BODY))

    def _json(self, answer: FakeAnswer) -> None:
        status, body = answer
        self._send(status, msgspec.json.encode(body), "application/json")

    def _html(self, status: int, text: str) -> None:
        self._send(status, text.encode(), "text/html; charset=utf-8")

    def _go(self, address: str) -> None:
        self._send(303, b"", "text/plain", location=address)

    def _send(
        self, status: int, body: bytes, kind: str, *, location: str | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)


class FakeTikTok:
    """A pretended TikTok that listens on a socket; ``serve`` answers until ``close``.

    ``handler`` answers each request.
    """

    handler: type[FakeHandler] = FakeHandler

    def __init__(
        self, accounts: Accounts, consents: FakeConsents, listener: socket.socket
    ) -> None:
        self.accounts = accounts
        self.consents = consents
        self.display = FakeDisplay(accounts, consents)
        bound = type("BoundHandler", (self.handler,), {"tiktok": self})
        address: Any = listener.getsockname()
        self._server = ThreadingHTTPServer(address, bound, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = listener
        self._server.daemon_threads = True
        self.url = f"http://{address[0]}:{address[1]}"

    def serve(self) -> None:
        """Answer until ``close`` is called."""
        self._server.serve_forever(poll_interval=0.1)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def by_username(self, username: str) -> FakeAccount | None:
        return self.accounts().get(username)


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode()))


def _json(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
