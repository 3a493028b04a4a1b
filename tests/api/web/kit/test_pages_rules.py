"""The rules of pages, asked of every page there is."""

import re
from pathlib import Path

import pytest
from litestar.routes import HTTPRoute

from api.http.access.auth import SCOPES
from api.http.route_info import RouteInfo
from domain.events import Scope
from tests.kit.application import Tenant, data_of
from tests.kit.documented import assembled
from tests.kit.markup import read
from tests.kit.visitor import Visitor

TEMPLATES = Path(__file__).parents[4] / "api/web/templates"
A_UUID = "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40"
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# Addresses for programs, and addresses without signing in.
NOT_PAGES = re.compile(r"/(api/v1|docs|health|metrics|openapi|schema)\b")
OPEN = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/key"),
    ("POST", "/sign-in/key"),
    # Somebody who forgot their password is not signed in.
    ("GET", "/sign-in/forgotten"),
    ("POST", "/sign-in/forgotten"),
    # The cookie of the first step says who enters a code.
    ("GET", "/sign-in/code"),
    ("POST", "/sign-in/code"),
    # Nobody is signed in on the way to a provider; a cookie and its answer say who.
    ("GET", "/sign-in/oidc"),
    ("GET", "/sign-in/oidc/callback"),
    ("GET", "/sign-in/forgotten"),
    ("POST", "/sign-in/forgotten"),
    # A passkey needs no cookie of a session.
    ("POST", "/sign-in/passkey"),
    ("POST", "/sign-in/passkey/new"),
    ("POST", "/sign-in/passkey/options"),
    ("GET", "/sign-in/{token}"),
    ("POST", "/sign-in/{token}"),
    # The address has the secret of the link that sets a password.
    ("GET", "/password/{token}"),
    ("POST", "/password/{token}"),
    ("POST", "/password/{token}/passkey"),
    # The address has the secret of the invitation.
    ("GET", "/invitations/{token}"),
    ("POST", "/invitations/{token}/accept"),
    ("POST", "/invitations/{token}/decline"),
    ("POST", "/sign-out"),
    ("GET", "/assets/{digest}/{name}"),
    # An address says by its signature that a page showed it.
    ("GET", "/images/{signed}"),
    # Drawn goats of the demo belong to nobody.
    ("GET", "/images/drawn/{kind}/{name}"),
    # A reader of roots needs no key.
    ("GET", "/.well-known/goatherd-key.json"),
    ("GET", "/.well-known/goatherd-root.json"),
    ("GET", "/.well-known/goatherd-consistency.json"),
    ("GET", "/.well-known/webhook-keys/{file_name}"),
    # A creator who consents has no account here; the address has the link's secret.
    ("GET", "/connect/{token}"),
    ("GET", "/s/{token}"),
    ("POST", "/s/{token}"),
    ("GET", "/unsubscribe/{token}"),
    ("POST", "/unsubscribe/{token}"),
    ("GET", "/connect/{token}/consent"),
    ("GET", "/connect/callback"),
    ("POST", "/connect/confirm"),
}


def routes() -> dict[tuple[str, str], RouteInfo]:
    """Every route that is not of the API's, by method and path."""
    return {
        (str(method), route.path_format): RouteInfo.of(handler)
        for route in assembled().routes
        if isinstance(route, HTTPRoute) and not NOT_PAGES.match(route.path_format)
        for method, (handler, _) in route.route_handler_map.items()
        if method != "OPTIONS"
    }


ROUTES = routes()
PAGES = sorted(place for place, events in ROUTES.items() if events.is_page)
# A client without a browser would wait for their end, which never comes.
STREAMS = {"/creators/stream", "/system/read-models/stream"}
LOOKS = [path for method, path in PAGES if method == "GET" and path not in STREAMS]
SENDS = [path for method, path in PAGES if method == "POST"]


def filled(path: str) -> str:
    """The path with an id in each of its places, and a number for a position."""
    return re.sub(r"{\w+}", A_UUID, path.replace("{position}", "1"))


def policy_of(header: str) -> dict[str, str]:
    """The sources that are allowed, by directive."""
    parts = (part.strip().partition(" ") for part in header.split(";"))
    return {name: sources for name, _, sources in parts}


def test_whatever_is_not_the_apis_is_a_page_or_known_to_be_open():
    assert {place for place, events in ROUTES.items() if not events.is_page} == OPEN
    assert PAGES


def test_a_page_is_looked_at_or_sent_a_form_and_demands_a_scope():
    for (method, path), events in ROUTES.items():
        assert method in {"GET", "POST"}, path
        assert (events.form is not None) is (method == "POST"), path
        assert events.body is None, path
        if events.is_page:
            assert events.scope in SCOPES, path


def test_a_form_that_changes_something_demands_more_than_read():
    only_read = [path for path in SENDS if ROUTES["POST", path].scope == "read"]

    # The columns are a choice of the reader's own, kept in a cookie. A selection of
    # campaigns is compared or downloaded, which changes nothing.
    of_campaigns = ["/campaigns/chosen.csv", "/campaigns/compare"]
    # Everybody changes their own account, whatever their role is.
    of_oneself = [
        *("/you", "/you/email", "/you/email/link", "/you/email/{token}", "/you/erase"),
        *("/you/keys", "/you/keys/{key_id}/revoke", "/you/leave"),
        "/you/new-sign-ins/dismiss",
        "/you/oidc/connect",
        *("/you/oidc/disconnect", "/you/organization"),
        *("/you/passkeys", "/you/passkeys/options", "/you/passkeys/proof"),
        *("/you/passkeys/{passkey_id}/remove", "/you/password", "/you/second-factor"),
        "/you/second-factor/recovery-codes",
        "/you/second-factor/remove",
        "/you/sessions/{session_id}/end",
    ]
    of_readers = ["/creators/columns", "/notifications/read"]
    assert sorted(only_read) == [*of_campaigns, *of_readers, *of_oneself]


def test_a_page_is_for_those_who_signed_in(
    passer_by: Visitor, subtests: pytest.Subtests
):
    for method, path in PAGES:
        with subtests.test(f"{method} {path}"):
            answer = passer_by.ask(method, filled(path))

            if (method, path) == ("GET", "/"):
                # The form to sign in stands where Home is.
                assert answer.status_code == 200
                assert read(answer.text).all("form")[0]["action"] == "/sign-in"
                continue
            assert answer.status_code == 303
            assert re.match(r"/(\?next=|\Z)", answer.headers["location"])


def test_a_page_answers_head_as_get_without_a_body(
    visitor: Visitor, subtests: pytest.Subtests
):
    # HEAD first: looking at a page may note that it was seen.
    for path in LOOKS:
        with subtests.test(path):
            head = visitor.ask("HEAD", filled(path))
            get = visitor.get(filled(path))

            assert head.status_code == get.status_code
            assert head.headers.get("content-type") == get.headers.get("content-type")
            assert head.content == b""


@pytest.mark.parametrize("scope", SCOPES)
def test_a_page_refuses_a_key_without_its_scope_as_the_api_does(
    passer_by: Visitor, home: Tenant, scope: Scope, subtests: pytest.Subtests
):
    others: list[Scope] = [other for other in SCOPES if other != scope]
    passer_by.sign_in(home.with_key(*others).key)
    sentence = f"Your key may not do this: it needs the scope {scope} and has "
    pages = [page for page in PAGES if ROUTES[page].scope == scope]
    assert pages
    for method, path in pages:
        with subtests.test(f"{method} {path}"):
            answer = passer_by.ask(method, filled(path))

            title = read(answer.text).one("h1").text
            assert answer.status_code == 403
            assert title == f"{sentence}{' and '.join(others)}."
            assert policy_of(answer.headers["Content-Security-Policy"]) == POLICY


def test_a_form_needs_the_sessions_token(
    visitor: Visitor, home: Tenant, subtests: pytest.Subtests
):
    home.goatherd.catch_up()
    before = home.goatherd.kept()
    for path in SENDS:
        with subtests.test(path):
            answer = visitor.post(filled(path), {"csrf": "goat"})

            assert answer.status_code == 400
            assert home.goatherd.kept() == before


# A link of somebody's own that is over is gone.
STATUSES = {200, 301, 303, 400, 404, 410}


def test_a_page_says_what_browsers_may_load_whatever_becomes_of_it(
    visitor: Visitor, subtests: pytest.Subtests
):
    for path in LOOKS:
        with subtests.test(path):
            answer = visitor.get(filled(path))
            unknown = visitor.get(filled(path), params={"utm_source": "slack"})

            for response in (answer, unknown):
                assert response.status_code in STATUSES, response.text
                if response.headers["Content-Type"].startswith("text/html"):
                    policy = policy_of(response.headers["Content-Security-Policy"])
                    assert policy == POLICY
                    assert response.headers["Referrer-Policy"] == "same-origin"
                    # A page with a secret is not compressed, either.
                    cached = response.headers["Cache-Control"]
                    assert cached in {"no-store", "no-store, no-transform"}
            # A parameter that somebody's program added to an address breaks no page.
            assert unknown.status_code == answer.status_code


@pytest.mark.parametrize(
    ("method", "path", "status"),
    (
        ("GET", "/nowhere", 404),
        ("GET", f"/creators/{A_UUID}", 404),
        ("GET", "/creators/x/y/z", 404),
        ("GET", "/creators?sort=age", 400),
        ("GET", "/system/bans", 403),
        ("PUT", "/creators", 405),
        ("POST", "/creators/add", 415),
    ),
)
def test_whoever_is_signed_in_gets_on_from_a_page_that_failed(
    home: Tenant, passer_by: Visitor, method: str, path: str, status: int
):
    passer_by.sign_in(home.with_key("read", "write").key)

    answer = passer_by.ask(method, path)

    page = read(answer.text)
    assert answer.status_code == status
    links = [a["href"] for a in page.one("nav", aria_label="Main").all("a")]
    assert links == [
        "/",
        "/creators",
        "/videos",
        "/campaigns",
        "/inbox",
    ]
    assert passer_by.submit(page, "/sign-out").status_code == 303


def test_the_frame_of_a_page_that_failed_names_whose_it_is(
    home: Tenant, visitor: Visitor
):
    home.goatherd.catch_up()
    visitor.see("/creators")
    name = data_of(home.get("/organization"))["name"]

    page = visitor.see(f"/creators/{A_UUID}", status=404)

    assert page.one("span", title=name).text == name
    assert page.all("button", class_="switcher")


def test_whoever_is_not_signed_in_is_shown_no_frame(passer_by: Visitor, home: Tenant):
    passer_by.sign_in(home.key)
    passer_by.cookies = {name: f"{v}x" for name, v in passer_by.cookies.items()}

    page = passer_by.see("/nowhere", status=404)

    assert page.all("nav") == []
    assert page.all("form") == []


@pytest.mark.parametrize("path", ("/", "/sign-in/goat", "/nowhere", "/creators/x/y/z"))
def test_so_do_those_for_everybody_and_those_that_do_not_exist(
    passer_by: Visitor, path: str
):
    answer = passer_by.get(path)

    assert answer.status_code in {200, 401, 404}
    assert policy_of(answer.headers["Content-Security-Policy"]) == POLICY


def test_a_method_that_a_page_does_not_have_is_refused_as_a_page(visitor: Visitor):
    answer = visitor.ask("PUT", "/creators")

    assert answer.status_code == 405
    assert read(answer.text).one("h1").text


FORBIDDEN = (
    r"<style\b",
    r"\sstyle\s*=",
    r"\son\w+\s*=",
    r"<script(?![^>]*\ssrc=)[^>]*>",
    r"\bhx-on\b",
    r"\bhx-vals\s*=\s*['\"]js:",
    r"javascript:",
    r"\|\s*safe\b",
    r"(?:src|href|action)\s*=\s*[\"'](?:https?:)?//(?!www\.tiktok\.com/)",
)


def test_a_template_has_nothing_in_line_that_the_policy_forbids():
    templates = {path: path.read_text() for path in TEMPLATES.rglob("*.html")}

    found = {
        (str(path.relative_to(TEMPLATES)), forbidden)
        for path, text in templates.items()
        for forbidden in FORBIDDEN
        if re.search(forbidden, text, re.IGNORECASE)
    }

    assert templates
    assert not found
