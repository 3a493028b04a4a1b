"""The inbox as a page, without a browser: what waits, deciding, and taking it back."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain import events as e
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.builders import NOON
from tests.kit.markup import Element
from tests.kit.visitor import Visitor

HOSTILE = '</h2><script>alert(1)</script>"\N{RIGHT-TO-LEFT OVERRIDE}'


@pytest.fixture
def inbox(home: Tenant) -> str:
    return f"/projects/{home.project_id}/inbox"


@pytest.fixture
def waiting(home: Tenant) -> list[str]:
    """Three videos that wait, in the order in which they are shown."""
    creator = home.add("goat", tracking_mode="selective")
    found = [
        home.found(
            creator["id"], f"730000000000000000{number}", status="pending_review",
            title=f"Video with {number} goats", posted_at=NOON,
        )
        for number in range(1, 4)
    ]  # fmt: skip
    home.goatherd.catch_up()
    return found[::-1]


def shown(page: Element) -> list[str]:
    return [row["data-video"] for row in page.one("ol", id="videos").all("li")]


def statuses(goatherd: Goatherd, *video_ids: str) -> list[type[e.Event]]:
    """The type of each video's last event."""
    return [type(goatherd.events(video_id)[-1]) for video_id in video_ids]


def decided(visitor: Visitor, inbox: str, decision: str, *ids: str) -> httpx.Response:
    answer = visitor.post(inbox, {"decision": decision, "video": list(ids)})
    visitor.goatherd.catch_up()
    return answer


def notices(page: Element) -> str:
    return page.one("div", id="flashes").text


def test_what_waits_is_shown_with_what_is_known_of_it(
    visitor: Visitor, inbox: str, waiting: list[str]
):
    page = visitor.see(inbox)

    assert shown(page) == waiting
    first = page.one("ol", id="videos").all("li")[0]
    assert first.one("h2").text == "Video with 3 goats"
    assert "@goat" in first.text
    assert f"posted {NOON.day} {NOON:%b %Y}, 12:00" in first.text
    link = first.all("a")[-1]
    assert link["href"] == "https://www.tiktok.com/@goat/video/7300000000000000003"
    assert "noreferrer" in link["rel"]
    assert not page.all("img", class_="thumbnail")


def test_each_row_decides_without_any_script(
    goatherd: Goatherd, visitor: Visitor, inbox: str, waiting: list[str]
):
    page = visitor.see(inbox)
    rows = page.one("ol", id="videos").all("li")
    for row, decision in zip(rows[:2], ("include", "exclude"), strict=True):
        fields = {i["name"]: i["value"] for i in row.one("form").all("input")}
        assert decision in {b["value"] for b in row.one("form").all("button")}
        answer = visitor.post(inbox, {**fields, "decision": decision})
        assert (answer.status_code, answer.headers["location"]) == (303, inbox)
    goatherd.catch_up()

    assert statuses(goatherd, *waiting[:2]) == [e.VideoIncluded, e.VideoExcluded]
    assert shown(visitor.see(inbox)) == waiting[2:]


def test_the_last_decision_can_be_taken_back_without_any_script(
    goatherd: Goatherd, visitor: Visitor, inbox: str, waiting: list[str]
):
    decided(visitor, inbox, "exclude", *waiting[:2])
    after = visitor.see(inbox)
    bar = after.one("form", id="undo")
    ids = [i["value"] for i in bar.all("input", name="video")]

    fields = {i["name"]: i["value"] for i in bar.all("input") if i["name"] != "video"}
    answer = visitor.post(inbox, {**fields, "video": ids})
    goatherd.catch_up()

    assert "hidden" not in bar.attributes
    assert "2 videos were removed." in bar.text
    assert answer.status_code == 303
    assert statuses(goatherd, *waiting[:2]) == [e.VideoPutBack, e.VideoPutBack]
    page = visitor.see(inbox)
    assert shown(page) == waiting
    assert "hidden" in page.one("form", id="undo").attributes
    assert notices(page) == "2 videos were put back."


def test_what_somebody_else_decided_is_said_and_not_taken_back(
    home: Tenant, visitor: Visitor, inbox: str, waiting: list[str]
):
    decision = {"video_id": waiting[0], "decision": "include"}
    data_of(home.post(f"{inbox}/review", {"decisions": [decision]}))

    decided(visitor, inbox, "include", *waiting[:2], str(uuid4()))

    bar = visitor.see(inbox).one("form", id="undo")
    assert bar.one("span").text == (
        "1 video was included. 1 video left alone: included already. "
        "1 video could not be found any more."
    )
    assert [i["value"] for i in bar.all("input", name="video")] == [waiting[1]]


def test_the_script_is_told_what_was_done(
    visitor: Visitor, inbox: str, waiting: list[str]
):
    answer = visitor.post(
        inbox,
        {"decision": "include", "video": [waiting[0], str(uuid4())]},
        headers={"HX-Request": "true"},
    )

    assert answer.status_code == 200
    assert answer.json() == {
        "message": "1 video was included. 1 video could not be found any more.",
        "done": [waiting[0]],
    }


def test_one_form_sent_twice_decides_once(
    goatherd: Goatherd, visitor: Visitor, inbox: str, waiting: list[str]
):
    fields: dict[str, Any] = {
        "decision": "exclude",
        "video": [waiting[0]],
        "idempotency_key": "1",
    }

    for _ in range(2):
        assert visitor.post(inbox, fields).status_code == 303

    assert len(goatherd.events(waiting[0])) == 2


@pytest.mark.parametrize("chosen", ({}, {"decision": "", "video": "{first}"}))
def test_nothing_selected_is_nothing_decided(
    goatherd: Goatherd,
    visitor: Visitor,
    inbox: str,
    waiting: list[str],
    chosen: dict[str, str],
):
    head = goatherd.head
    fields = {name: text.format(first=waiting[0]) for name, text in chosen.items()}

    answer = visitor.post(inbox, {"decision": "include", **fields})

    assert answer.status_code == 303
    assert "Nothing was selected" in notices(visitor.see(inbox))
    assert (goatherd.head, shown(visitor.see(inbox))) == (head, waiting)


@pytest.mark.parametrize(
    "fields",
    (
        {"decision": "maybe", "video": [str(uuid4())]},
        {"decision": "include", "video": ["1"]},
        {"decision": "include", "video": [str(uuid4()) for _ in range(101)]},
        {"decision": "include", "other": "1"},
        {"video": [str(uuid4())]},
    ),
    ids=["undecided", "no id", "101", "other field", "no decision"],
)
def test_a_review_that_is_none_stores_nothing(
    goatherd: Goatherd, visitor: Visitor, inbox: str, fields: dict[str, Any]
):
    head = goatherd.head

    answer = visitor.post(inbox, fields)

    assert answer.status_code == 400
    assert goatherd.head == head


@pytest.mark.parametrize("token", ("", "goat"))
def test_a_form_of_another_session_decides_nothing(
    goatherd: Goatherd, visitor: Visitor, inbox: str, waiting: list[str], token: str
):
    fields = {"decision": "include", "video": [waiting[0]], "csrf": token}

    answer = visitor.post(inbox, fields)

    assert answer.status_code == 400
    assert len(goatherd.events(waiting[0])) == 1


def test_a_key_that_may_only_read_sees_what_waits_and_no_button(
    home: Tenant, visitor: Visitor, inbox: str, waiting: list[str]
):
    visitor.sign_in(home.with_key("read").key)

    page = visitor.see(inbox)
    answer = visitor.post(inbox, {"decision": "include", "video": [waiting[0]]})

    assert shown(page) == waiting
    assert "read the inbox, but not decide" in page.text
    words = {button.text for button in page.one("main").all("button")}
    assert not words & {"Include", "Remove", "Undo"}
    assert answer.status_code == 403


def test_an_empty_inbox_says_where_videos_come_from(
    home: Tenant, visitor: Visitor, inbox: str
):
    home.goatherd.catch_up()

    page = visitor.see(inbox)

    nothing = page.one("div", id="nothing")
    assert "hidden" not in nothing.attributes
    assert "whose videos you review first" in nothing.text
    assert nothing.one("a")["href"] == f"/creators?project_id={home.project_id}"


def test_a_title_is_text_whatever_it_is(home: Tenant, visitor: Visitor, inbox: str):
    creator = home.add("goat")
    home.found(creator["id"], status="pending_review", title=HOSTILE)
    home.goatherd.catch_up()

    page = visitor.see(inbox)

    row = page.one("ol", id="videos").one("li")
    assert row.one("h2").text == HOSTILE
    assert not row.all("script")
    assert row.one("input", type="checkbox")["aria-label"] == f"Select {HOSTILE}"


def test_the_way_to_an_inbox_is_the_one_that_was_looked_at_last(
    home: Tenant, stranger: Tenant, visitor: Visitor
):
    second = data_of(home.post("/projects", {"name": "Second"}), status=201)["id"]
    home.goatherd.catch_up()

    def goes_to(query: str = "") -> str:
        return visitor.get(f"/inbox{query}").headers["location"]

    first, other = (f"/projects/{each}/inbox" for each in (home.project_id, second))
    assert goes_to(f"?project={home.project_id}") == first
    visitor.see(first)
    assert goes_to() == first
    visitor.see(other)
    assert goes_to() == other
    theirs = goes_to(f"?project={stranger.project_id}")
    assert visitor.get(theirs).status_code == 404
    assert goes_to() == other


def test_the_decision_about_one_project_is_not_undone_in_another(
    home: Tenant, visitor: Visitor, inbox: str, waiting: list[str]
):
    second = data_of(home.post("/projects", {"name": "Second"}), status=201)["id"]
    decided(visitor, inbox, "include", waiting[0])

    there = visitor.see(f"/projects/{second}/inbox").one("form", id="undo")

    assert "hidden" in there.attributes
    assert not there.all("input", name="video")


def test_what_the_browser_says_was_decided_is_believed_only_with_our_signature(
    visitor: Visitor, inbox: str, waiting: list[str]
):
    decided(visitor, inbox, "include", waiting[0])
    cookie = visitor.cookies["goatherd_decided"]
    visitor.cookies["goatherd_decided"] = ("B" if cookie[0] == "A" else "A") + cookie[
        1:
    ]

    bar = visitor.see(inbox).one("form", id="undo")

    assert "hidden" in bar.attributes


def test_another_organizations_inbox_is_not_there(stranger: Tenant, visitor: Visitor):
    stranger.goatherd.catch_up()

    for project_id in (stranger.project_id, uuid4()):
        visitor.see(f"/projects/{project_id}/inbox", status=404)
