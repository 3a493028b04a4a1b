"""The way in and out, without a browser."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from api.http.access.sessions import COOKIE
from api.web.sign_in.links import make_link
from infra.embedded.processes import wait_until
from tests.kit.application import Goatherd, Tenant, serving
from tests.kit.markup import read
from tests.kit.visitor import Visitor

NO_KEY = "tga_" + "0" * 64


def link_for(tenant: Tenant) -> str:
    """A link of the start; that of a key with all scopes asks for the owner first."""
    with tenant.goatherd.store.pool.connection() as connection:
        return make_link(connection, tenant.key)


def test_a_key_becomes_a_session_that_scripts_and_other_sites_cannot_use(
    passer_by: Visitor, home: Tenant
):
    page = passer_by.see("/")

    answer = passer_by.submit(page, "/sign-in", key=f" {home.key}\t")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith(f"{COOKIE}=")
    for said in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"):
        assert f"; {said}" in cookie
    assert home.key not in cookie
    assert passer_by.see("/creators").one("h1").text == "Creators"


@pytest.mark.parametrize("key", ("", "goat", NO_KEY, "é", "tga_", f"{NO_KEY}\n1"))
def test_what_is_no_key_is_told_so_and_is_not_echoed(passer_by: Visitor, key: str):
    answer = passer_by.submit(passer_by.see("/"), "/sign-in", key=key)

    page = read(answer.text)
    assert answer.status_code == 401
    assert "is not valid here" in page.one("p", role="alert").text
    assert "value" not in page.one("input", name="key").attributes
    assert passer_by.cookies == {}


def test_an_expired_key_opens_nothing(passer_by: Visitor, home: Tenant):
    earlier = datetime.now(UTC) - timedelta(seconds=1)
    expired = home.with_key(expires_at=earlier)

    answer = passer_by.submit(passer_by.see("/"), "/sign-in", key=expired.key)

    assert answer.status_code == 401


def test_whoever_is_in_is_led_on(visitor: Visitor):
    assert visitor.get("/").status_code == 200
    assert not visitor.see("/").all("form", action="/sign-in")
    assert visitor.get("/?next=/inbox?a=1").headers["location"] == "/inbox?a=1"


def test_the_address_that_the_form_is_sent_to_leads_to_the_form(passer_by: Visitor):
    answer = passer_by.get("/sign-in")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert passer_by.see("/").all("form")[0]["action"] == "/sign-in"


@pytest.mark.parametrize(
    "path",
    (
        "/creators",
        "/creators?search=goat",
        "/creators?a=%C3%A9%20%26%2F",
    ),
)
def test_a_page_leads_to_the_way_in_and_back(
    passer_by: Visitor, home: Tenant, path: str
):
    shown_out = passer_by.get(path)
    assert shown_out.status_code == 303

    page = passer_by.see(shown_out.headers["location"])
    answer = passer_by.submit(page, "/sign-in", key=home.key)

    assert answer.headers["location"] == path


@pytest.mark.parametrize(
    "elsewhere",
    (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/a\r\nLocation: https://evil.example",
        "/\tevil",
        "/é",
        "/",
        "",
    ),
)
def test_nobody_is_led_elsewhere(passer_by: Visitor, home: Tenant, elsewhere: str):
    answer = passer_by.post("/sign-in", {"key": home.key, "next": elsewhere})

    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


def test_where_to_go_next_is_not_run(passer_by: Visitor):
    hostile = '"><script>alert(1)</script>'

    page = passer_by.get("/", params={"next": hostile})

    assert "<script>alert" not in page.text
    assert read(page.text).all("input", name="next")[0]["value"] == hostile


def test_a_link_signs_in_once(passer_by: Visitor, home: Tenant):
    link = link_for(home.with_key("read"))

    first, second = passer_by.get(link), Visitor(home.goatherd).get(link)

    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert passer_by.see("/creators")
    assert second.status_code == 401
    assert "has been used" in read(second.text).one("p", role="alert").text


def test_of_many_who_follow_a_link_at_a_time_one_gets_in(
    goatherd: Goatherd, home: Tenant
):
    link = link_for(home.with_key("read"))

    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda _: Visitor(goatherd).get(link), range(16))

    assert sorted(a.status_code for a in answers) == [303] + [401] * 15


def test_looking_ahead_does_not_use_a_link_up(passer_by: Visitor, home: Tenant):
    link = link_for(home.with_key("read"))

    ahead = passer_by.get(link, headers={"Sec-Purpose": "prefetch;prerender"})

    assert ahead.status_code == 204
    assert passer_by.cookies == {}
    assert passer_by.get(link).status_code == 303


def test_a_link_is_good_for_a_day(passer_by: Visitor, home: Tenant):
    link = link_for(home.with_key("read"))
    home.goatherd.query(
        "UPDATE sign_in_links SET expires_at = now() - interval '1 second'"
    )

    answer = passer_by.get(link)

    assert answer.status_code == 401
    assert passer_by.cookies == {}


def test_a_link_of_a_revoked_key_opens_nothing(passer_by: Visitor, home: Tenant):
    other = home.with_key("read")
    link = link_for(other)
    assert home.delete(f"/api-keys/{other.key_id}").status_code == 200
    home.goatherd.catch_up()

    assert passer_by.get(link).status_code == 401


def test_signing_out_makes_the_browser_forget(visitor: Visitor):
    page = visitor.see("/creators")

    answer = visitor.submit(page, "/sign-out")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert COOKIE not in visitor.cookies
    assert visitor.get("/creators").status_code == 303


def test_signing_out_ends_the_session_for_whoever_copied_its_cookie(
    visitor: Visitor, goatherd: Goatherd
):
    page = visitor.see("/creators")
    copied = dict(visitor.cookies)

    with serving(goatherd.url) as other_process:
        elsewhere = Visitor(Goatherd(other_process, goatherd.store, goatherd.url))
        elsewhere.cookies |= copied

        def opens_there() -> bool:
            return elsewhere.get("/creators").status_code == 200

        before = opens_there()
        # That the session is live is remembered here, too, when it ends.
        visitor.see("/creators")
        visitor.submit(page, "/sign-out")
        visitor.cookies |= copied
        here = visitor.get("/creators")
        noticed = wait_until(lambda: not opens_there(), seconds=1)

    assert before
    assert here.status_code == 303
    assert noticed


def test_a_part_of_a_page_has_the_whole_page_go_to_the_way_in(passer_by: Visitor):
    answer = passer_by.get("/creators", headers={"HX-Request": "true"})

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/"


def test_whoever_guesses_is_slowed_and_whoever_knows_is_not(
    passer_by: Visitor, home: Tenant
):
    keys = [passer_by.post("/sign-in", {"key": NO_KEY}) for _ in range(21)]
    link = passer_by.get("/sign-in/goat")

    assert [answer.status_code for answer in keys] == [401] * 20 + [429]
    assert int(keys[-1].headers["retry-after"]) > 0
    assert link.status_code == 429
    assert passer_by.post("/sign-in", {"key": home.key}).status_code == 303
