"""Sessions: what opens pages, what does not, and which forms are ours."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
import pytest

from api.http.access.sessions import (
    COOKIE,
    LIFETIME_SECONDS,
    Cookies,
    Sessions,
    set_cookie,
)
from application.backup.finish import END_KEY_SESSIONS
from infra.embedded.processes import wait_until
from infra.keys.digests import digest_of
from tests.kit.application import Goatherd, Tenant, code_of, settings_for
from tests.kit.markup import read
from tests.kit.patience import PATIENTLY
from tests.kit.visitor import Visitor

OURS = "http://testserver.local"


def is_in(visitor: Visitor) -> bool:
    """True if the cookies open a page; otherwise the page to sign in is shown."""
    answer = visitor.get("/creators")
    assert answer.status_code in {200, 303}
    return answer.status_code == 200


def changed(sealed: str, *, at: int) -> str:
    """The cookie with one of its bytes another."""
    signed = bytearray(urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4)))
    signed[at] ^= 1
    return urlsafe_b64encode(signed).rstrip(b"=").decode()


def test_a_session_opens_until_it_is_over(passer_by: Visitor, home: Tenant):
    digest = digest_of(home.key)
    secret = settings_for(home.goatherd.url).secret or ""

    def begun(seconds_ago: float) -> str:
        earlier = time.time() - seconds_ago
        sessions = Sessions(secret, wall_clock=lambda: earlier)
        return sessions.sealed(sessions.begin(digest))

    passer_by.cookies[COOKIE] = begun(LIFETIME_SECONDS - 60)
    assert is_in(passer_by)
    passer_by.cookies[COOKIE] = begun(LIFETIME_SECONDS + 1)
    assert not is_in(passer_by)


def test_a_restore_ends_every_session_with_a_key_that_began_before(
    passer_by: Visitor, home: Tenant
):
    secret = settings_for(home.goatherd.url).secret or ""
    earlier = time.time() - 60
    sessions = Sessions(secret, wall_clock=lambda: earlier)
    sealed = sessions.sealed(sessions.begin(digest_of(home.key)))
    passer_by.cookies[COOKIE] = sealed
    before = is_in(passer_by)
    try:
        home.goatherd.query(END_KEY_SESSIONS)

        assert before
        assert wait_until(lambda: not is_in(passer_by), seconds=PATIENTLY)
        passer_by.sign_in(home.key)
        assert is_in(passer_by)
        # Signing out tidies the table.
        passer_by.post("/sign-out")
        passer_by.cookies[COOKIE] = sealed
        assert not is_in(passer_by)
    finally:
        home.goatherd.query("DELETE FROM ended_sessions WHERE nonce = ''")


@pytest.mark.parametrize("at", (0, 5, 40, -33, -32, -1))
def test_a_session_in_which_a_byte_was_changed_opens_nothing(visitor: Visitor, at: int):
    assert is_in(visitor)

    visitor.cookies[COOKIE] = changed(visitor.cookies[COOKIE], at=at)

    assert not is_in(visitor)


def test_a_session_of_another_installation_opens_nothing(
    passer_by: Visitor, home: Tenant
):
    theirs = Sessions("another secret, as long as it takes")
    session = theirs.begin(digest_of(home.key))

    passer_by.cookies[COOKIE] = theirs.sealed(session)

    assert not is_in(passer_by)


def test_what_was_signed_for_something_else_opens_nothing(
    visitor: Visitor, home: Tenant
):
    session = visitor.sessions.begin(digest_of(home.key))
    payload = msgspec.msgpack.encode(session)
    assert visitor.sessions.signed("session", payload) == visitor.sessions.sealed(
        session
    )

    visitor.cookies[COOKIE] = visitor.sessions.signed("flash", payload)

    assert not is_in(visitor)


@pytest.mark.parametrize(
    "cookie",
    (
        "",
        "goat",
        "%00",
        "=",
        "A" * 600,
        "\N{GOAT}".encode().decode("latin-1"),
        '"quoted"',
        "a,b",
        # A signature of nothing, and something else than a session signed.
        pytest.param("signed:", id="nothing"),
        pytest.param("signed:\x93\x01\x02", id="no session"),
        pytest.param("signed:{}", id="JSON"),
    ),
)
def test_what_is_no_session_opens_nothing(passer_by: Visitor, cookie: str):
    kind, _, payload = cookie.partition(":")
    if kind == "signed":
        cookie = passer_by.sessions.signed("session", payload.encode("latin-1"))

    passer_by.cookies[COOKIE] = cookie

    assert not is_in(passer_by)


def test_a_session_is_worth_nothing_to_the_api(visitor: Visitor):
    sealed = visitor.cookies[COOKIE]
    assert is_in(visitor)

    by_cookie = visitor.get("/api/v1/creators", headers={"Accept": "*/*"})
    as_key = visitor.get(
        "/api/v1/creators", headers={"Authorization": f"Bearer {sealed}"}
    )

    assert code_of(by_cookie) == (401, "invalid_api_key")
    assert code_of(as_key) == (401, "invalid_api_key")


def test_a_key_in_a_header_is_worth_nothing_to_pages(passer_by: Visitor, home: Tenant):
    answer = passer_by.get("/creators", headers={"Authorization": f"Bearer {home.key}"})

    assert answer.status_code == 303


def test_pages_count_as_requests_of_the_plan(passer_by: Visitor, goatherd: Goatherd):
    closed = goatherd.tenant(plan="closed")
    passer_by.sign_in(closed.key)

    answer = passer_by.get("/creators")

    assert answer.status_code == 429
    assert answer.headers["retry-after"]
    assert "RateLimit" in answer.headers
    assert "Each page counts as a request of your plan" in read(answer.text).text


def test_a_page_counts_once_whatever_it_asks(passer_by: Visitor, goatherd: Goatherd):
    limited = goatherd.tenant(plan="free")
    passer_by.sign_in(limited.key)

    def left() -> int:
        answer = passer_by.get("/creators")
        return int(answer.headers["X-RateLimit-Remaining"])

    assert left() - left() == 1


# Forms.


def test_a_form_of_the_session_is_taken(tiny_visitor: Visitor):
    answer = tiny_visitor.post("/tiny/echo", {"text": "a"})

    assert answer.status_code == 200
    assert answer.json()["text"] == "a"


@pytest.mark.parametrize(
    "csrf", ("", "goat", "A" * 43, "\N{GOAT}", "another session's", "none")
)
def test_a_form_without_the_sessions_token_is_refused(
    tiny_visitor: Visitor, tiny_home: Tenant, csrf: str
):
    if csrf == "another session's":
        another = Visitor(tiny_home.goatherd)
        another.sign_in(tiny_home.key)
        csrf = another.csrf
        assert csrf != tiny_visitor.csrf
    fields: dict[str, str | list[str]] = {"name": "Other", "csrf": csrf}
    if csrf == "none":
        fields["csrf"] = []
    before = tiny_home.goatherd.kept()

    answer = tiny_visitor.post("/tiny", fields)

    assert answer.status_code == 400
    assert "does not belong to your session" in read(answer.text).one("h1").text
    assert tiny_home.goatherd.kept() == before


FROM_ELSEWHERE = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.local.evil.example"},
    {"Origin": "http://testserver.local:8080"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": OURS},
)


@pytest.mark.parametrize("headers", FROM_ELSEWHERE, ids=str)
def test_a_form_from_another_site_is_refused_whatever_it_carries(
    tiny_visitor: Visitor, tiny_home: Tenant, headers: dict[str, str]
):
    before = tiny_home.goatherd.kept()

    answer = tiny_visitor.post("/tiny", {"name": "Other"}, headers=headers)

    assert answer.status_code == 400
    assert tiny_home.goatherd.kept() == before


@pytest.mark.parametrize("headers", FROM_ELSEWHERE, ids=str)
def test_nobody_is_signed_in_or_out_by_another_site(
    visitor: Visitor, passer_by: Visitor, home: Tenant, headers: dict[str, str]
):
    signed_in = passer_by.post("/sign-in", {"key": home.key}, headers=headers)
    signed_out = visitor.post("/sign-out", headers=headers)

    assert signed_in.status_code == 400
    assert signed_out.status_code == 400
    assert passer_by.cookies == {}
    assert is_in(visitor)


@pytest.mark.parametrize(
    "headers",
    (
        {},
        {"Origin": OURS},
        {"Sec-Fetch-Site": "same-origin", "Origin": OURS},
        {"Sec-Fetch-Site": "none"},
    ),
    ids=str,
)
def test_a_form_from_here_is_taken(tiny_visitor: Visitor, headers: dict[str, str]):
    answer = tiny_visitor.post("/tiny/echo", {"text": "a"}, headers=headers)

    assert answer.status_code == 200


def test_a_form_of_a_session_that_is_over_changes_nothing(
    tiny_visitor: Visitor, tiny_home: Tenant
):
    csrf = tiny_visitor.csrf
    tiny_visitor.cookies.clear()
    before = tiny_home.goatherd.kept()

    answer = tiny_visitor.post("/tiny", {"name": "Other", "csrf": csrf})

    assert answer.status_code == 401
    assert "session is over" in read(answer.text).one("h1").text
    assert tiny_home.goatherd.kept() == before


# Cookies.


def test_a_cookie_is_for_tls_alone_where_there_is_tls():
    _, plain = set_cookie("a", "b", seconds=1, is_tls=False)
    _, secure = set_cookie("a", "b", seconds=1, is_tls=True)

    assert b"Secure" not in plain
    assert secure == plain + b"; Secure"


@pytest.mark.parametrize("proto", ("https", "https, http"))
def test_a_proxy_says_that_there_is_tls(passer_by: Visitor, home: Tenant, proto: str):
    answer = passer_by.post(
        "/sign-in", {"key": home.key}, headers={"X-Forwarded-Proto": proto}
    )

    assert "; Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "header", (None, b"", b"=", b"a", b"\xff\xfe", b"; ;", b"goat", b"=goat")
)
def test_cookies_that_cannot_be_read_are_not_there(header: bytes | None):
    assert "goat" not in Cookies.of(header)


@pytest.mark.parametrize(
    "others",
    (b'a={"b": 1}', b"a b=1", b"[]=1", b"\xff=\xfe", b"a", b"", b'a="', b"$=("),
)
def test_what_other_sites_on_this_host_keep_does_not_hide_ours(others: bytes):
    cookies = Cookies.of(others + b"; goat=bell; " + others)

    assert cookies["goat"] == "bell"


def test_a_cookie_that_is_there_twice_is_the_first():
    # Browsers send that of the longest path, which is the closest, first.
    assert Cookies.of(b"goat=1; goat=2") == {"goat": "1"}
