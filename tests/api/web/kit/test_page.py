"""Visits: a page shows what its visitor has just written, and notices once."""

from threading import Event, Thread

import pytest

from api.web.kit.page import FLASH_COOKIE, POSITION_COOKIE
from projections.engine import reader as reading
from tests.kit.application import Goatherd, Tenant
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

BEHIND = "will be on this page in a moment"


def notices(page: Element) -> list[str]:
    return [p.text for p in page.one("div", id="flashes").all("p")]


def test_a_page_waits_for_what_its_visitor_has_just_written(
    tiny_goatherd: Goatherd, tiny_visitor: Visitor
):
    tiny_goatherd.catch_up()
    sent = tiny_visitor.post("/tiny", {"name": "Bells"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/tiny")
    requested = Event()

    def follow() -> None:
        requested.wait()
        tiny_goatherd.catch_up()

    follower = Thread(target=follow)
    follower.start()
    requested.set()
    page = tiny_visitor.see("/tiny")
    follower.join()

    assert "Bells" in page.one("h1").text
    assert notices(page) == []


def test_a_page_that_has_waited_too_long_says_that_it_is_behind(
    tiny_goatherd: Goatherd, tiny_visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reading, "PATIENCE_SECONDS", 0.05)
    tiny_goatherd.catch_up()
    tiny_visitor.post("/tiny", {"name": "Bells"})

    early = tiny_visitor.see("/tiny")
    tiny_goatherd.catch_up()
    later = tiny_visitor.see("/tiny")

    assert "Bells" not in early.one("h1").text
    assert BEHIND in notices(early)[0]
    assert "Bells" in later.one("h1").text
    assert notices(later) == []


def test_a_file_that_has_waited_too_long_is_sent_as_it_is(
    tiny_goatherd: Goatherd, tiny_visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reading, "PATIENCE_SECONDS", 0.05)
    tiny_goatherd.catch_up()
    tiny_visitor.post("/tiny", {"name": "Bells"})

    early = tiny_visitor.see("/tiny/asking?path=/projects")

    assert "That worked." in early.one("h1").text
    assert BEHIND in notices(early)[0]


@pytest.mark.parametrize(
    "cookie", ("", "-1", "goat", "1.5", "\N{ARABIC-INDIC DIGIT THREE}", "9" * 40)
)
def test_a_position_that_is_none_breaks_no_page(
    tiny_visitor: Visitor, monkeypatch: pytest.MonkeyPatch, cookie: str
):
    monkeypatch.setattr(reading, "PATIENCE_SECONDS", 0.05)
    raw = cookie.encode().decode("latin-1")

    tiny_visitor.cookies[POSITION_COOKIE] = raw

    assert tiny_visitor.see("/tiny")


def test_a_notice_is_shown_once_as_text(tiny_goatherd: Goatherd, tiny_visitor: Visitor):
    notice = 'Made <b onclick=alert(1)>"Bells"</b>; \N{GOAT}'
    tiny_visitor.post("/tiny", {"name": "Bells", "notice": notice})
    tiny_goatherd.catch_up()

    first, second = tiny_visitor.see("/tiny"), tiny_visitor.see("/tiny")

    assert notices(first) == [notice]
    assert first.all("b") == []
    assert notices(second) == []


def test_a_long_notice_is_cut_and_fits_into_a_cookie(
    tiny_goatherd: Goatherd, tiny_visitor: Visitor
):
    tiny_visitor.post("/tiny", {"name": "Bells", "notice": "\N{GOAT}" * 5_000})
    tiny_goatherd.catch_up()
    assert len(tiny_visitor.cookies[FLASH_COOKIE]) < 4_000

    page = tiny_visitor.see("/tiny")

    assert notices(page) == ["\N{GOAT}" * 400]


def test_a_notice_that_is_not_ours_is_not_shown(tiny_visitor: Visitor):
    theirs = tiny_visitor.sessions.signed("session", b"Send your key to evil.example.")
    tiny_visitor.cookies[FLASH_COOKIE] = theirs

    page = tiny_visitor.see("/tiny")

    assert notices(page) == []
    assert FLASH_COOKIE not in tiny_visitor.cookies


def test_a_form_that_is_sent_twice_is_carried_out_once(
    tiny_goatherd: Goatherd, tiny_visitor: Visitor
):
    fields: dict[str, str | list[str]] = {"name": "Bells", "idempotency_key": "0" * 32}
    head = tiny_goatherd.head

    first, second = (tiny_visitor.post("/tiny", fields) for _ in range(2))

    assert first.status_code == second.status_code == 303
    assert len(tiny_goatherd.since(head)) == 1


def test_htmx_is_told_where_to_go_and_does_not_follow_by_itself(tiny_visitor: Visitor):
    answer = tiny_visitor.post(
        "/tiny", {"name": "Bells"}, headers={"HX-Request": "true"}
    )

    assert answer.status_code == 200
    assert answer.headers["hx-redirect"] == "/tiny"


def test_what_the_api_refuses_is_a_page_with_its_sentence_and_status(
    tiny_visitor: Visitor, tiny_home: Tenant
):
    no_name = tiny_visitor.post("/tiny", {"name": ""})
    unknown = tiny_visitor.get(
        "/tiny/asking", params={"path": f"/creators/{tiny_home.project_id}"}
    )

    assert no_name.status_code == 400
    assert "Name" in read(no_name.text).one("h1").text
    assert unknown.status_code == 404


def test_what_a_page_asks_needs_the_scopes_it_needs_of_everyone(
    tiny_goatherd: Goatherd, tiny_home: Tenant
):
    reader = Visitor(tiny_goatherd)
    reader.sign_in(tiny_home.with_key("read").key)

    answer = reader.get("/tiny/asking", params={"path": "/admin/projections"})

    api = tiny_home.with_key("read").get("/admin/projections")
    assert answer.status_code == api.status_code == 403
    message = "Your key may not do this: it needs the scope admin and has read."
    assert read(answer.text).one("h1").text == message


def test_one_request_has_one_id_inside_and_out(
    tiny_visitor: Visitor, tiny_goatherd: Goatherd
):
    head = tiny_goatherd.head
    request_id = "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40"

    answer = tiny_visitor.post(
        "/tiny", {"name": "Bells"}, headers={"X-Request-Id": request_id}
    )

    (event,) = tiny_goatherd.since(head)
    assert answer.headers.get_list("X-Request-Id") == [request_id]
    assert str(event.correlation_id) == request_id


def test_an_organization_without_a_readable_name_has_pages_all_the_same(
    tiny_goatherd: Goatherd, tiny_home: Tenant
):
    writer = Visitor(tiny_goatherd)
    writer.sign_in(tiny_home.with_key("write").key)

    answer = writer.post("/tiny", {"name": "Bells"})

    assert answer.status_code == 303
