"""A visitor of pages without a browser: cookies, forms, and the shown page."""

from collections.abc import Mapping
from http.cookies import SimpleCookie
from itertools import count
from typing import Any, cast
from urllib.parse import urlencode

import httpx
from litestar.testing import TestClient
from litestar.types import ASGIApp, Receive, Scope, Send

from api.http.access.sessions import COOKIE, Session, Sessions
from infra.keys.digests import digest_of
from tests.kit.application import Goatherd, settings_for
from tests.kit.markup import Element, read

_NUMBERS = count(1)


class AsServed:
    """The application as it is asked from an address, and by a server.

    Litestar's own client leaves out of the scope what pages hand on.
    """

    def __init__(self, app: ASGIApp, address: str) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given: dict[str, Any] = {
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            **scope,
            "client": (self._address, 50_000),
        }
        await self._app(cast("Scope", given), receive, send)


class Visitor:
    """A person at an address of their own, who keeps cookies.

    Redirects are shown, not followed.
    """

    def __init__(self, goatherd: Goatherd) -> None:
        self.goatherd = goatherd
        high, low = divmod(next(_NUMBERS), 256)
        self._client = TestClient(
            AsServed(goatherd.client.app, f"10.0.{high}.{low}"),
            raise_server_exceptions=False,
        )
        # Where its pools were opened.
        self._client.blocking_portal = goatherd.client.blocking_portal
        self.sessions = Sessions(settings_for(goatherd.url).secret or "")
        self.cookies: dict[str, str] = {}

    def sign_in(self, key: str) -> Session:
        """Begin a session with a key, as the form to sign in does."""
        session = self.sessions.begin(digest_of(key))
        self.cookies[COOKIE] = self.sessions.sealed(session)
        return session

    @property
    def csrf(self) -> str:
        """The token that forms of the session carry."""
        session = self.sessions.opened(self.cookies.get(COOKIE))
        return "" if session is None else self.sessions.csrf_token(session)

    def csrf_in(self, path: str) -> str:
        """The token of a form on a page, for sessions of people."""
        return self.see(path).all("input", name="csrf")[0]["value"]

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        **sent: Any,  # noqa: ANN401 - as httpx takes them
    ) -> httpx.Response:
        """Send a request with the cookies there are, and keep those that come back."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        given = {"Accept": "text/html", "Cookie": cookies, **(headers or {})}
        encoded = [(k.encode(), v.encode("latin-1")) for k, v in given.items()]
        self._client.cookies.clear()
        answer = self._client.request(
            method, path, headers=encoded, follow_redirects=False, **sent
        )
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    def get(self, path: str, **sent: Any) -> httpx.Response:  # noqa: ANN401
        return self.ask("GET", path, **sent)

    def see(self, path: str, *, status: int = 200) -> Element:
        """The page at a path, which must answer with the status."""
        answer = self.get(path)
        assert answer.status_code == status, answer.text
        return read(answer.text)

    def post(
        self,
        path: str,
        fields: Mapping[str, str | list[str]] | None = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send a form with the session's token; a field given as "csrf" replaces it."""
        body = urlencode({"csrf": self.csrf, **(fields or {})}, doseq=True)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            **(headers or {}),
        }
        return self.ask("POST", path, content=body, headers=headers)

    def submit(
        self, page: Element, action: str, **fields: str | list[str]
    ) -> httpx.Response:
        """Fill in the form of a page that goes to ``action``, and send it.

        Fields that are not named stay as the page had them.
        """
        form = page.one("form", action=action, method="post")
        return self.post(action, {**filled_in(form), **fields})


def filled_in(form: Element) -> dict[str, list[str]]:
    """The fields that a browser would send of a form that nobody touched."""
    found: dict[str, list[str]] = {}
    for control in form.inside():
        name = control.attributes.get("name")
        if not name:
            continue
        values = found.setdefault(name, [])
        if control.tag == "textarea":
            # The first line break after the tag belongs to neither.
            text = "".join(c for c in control.children if isinstance(c, str))
            values.append(text.removeprefix("\n"))
        elif control.tag == "select":
            options = control.all("option")
            chosen = [o for o in options if "selected" in o.attributes] or options[:1]
            values += [o.attributes.get("value", o.text) for o in chosen]
        elif control.tag == "input" and _is_sent(control):
            is_chosen = control.attributes.get("type") in {"checkbox", "radio"}
            values.append(control.attributes.get("value", "on" if is_chosen else ""))
    return found


def _is_sent(control: Element) -> bool:
    kind = control.attributes.get("type", "text")
    if kind in {"checkbox", "radio"}:
        return "checked" in control.attributes
    return kind not in {"button", "submit", "reset", "file", "image"}
