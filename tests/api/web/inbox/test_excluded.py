"""The excluded videos of a project as a page, without a browser, and the way back."""

from uuid import uuid4

import pytest

from tests.kit.application import Tenant, data_of
from tests.kit.visitor import Visitor


@pytest.fixture
def excluded(home: Tenant) -> list[str]:
    """Three excluded videos, in the order in which they are shown."""
    creator = home.add("goat")
    found = [
        home.found(
            creator["id"], f"73000{number}", status="excluded", title=f"Goat <{number}>"
        )
        for number in range(3)
    ]
    home.found(creator["id"], "731", status="auto_tracked")
    home.goatherd.catch_up()
    return found[::-1]


def test_excluded_videos_are_shown_and_go_back_into_the_inbox(
    home: Tenant, visitor: Visitor, excluded: list[str]
):
    path = f"/projects/{home.project_id}/excluded"
    page = visitor.see(path)
    rows = page.one("ol", class_="videos").all("li")
    assert [row.one("h2").text for row in rows] == ["Goat <2>", "Goat <1>", "Goat <0>"]
    first = {i["name"]: i["value"] for i in rows[0].one("form").all("input")}

    one = visitor.post(path, first)
    home.goatherd.catch_up()
    bulk = page.one("form", id="bulk").all("input")
    fields = {i["name"]: i["value"] for i in bulk}
    two = visitor.post(path, {**fields, "video": excluded[1:]})
    home.goatherd.catch_up()

    assert (one.status_code, one.headers["location"]) == (303, path)
    assert two.status_code == 303, two.text
    empty = visitor.see(path)
    assert "2 videos were put back." in empty.one("div", id="flashes").text
    assert "Nothing is removed" in empty.text
    inbox = data_of(home.get(f"/projects/{home.project_id}/inbox"))
    assert [video["id"] for video in inbox] == excluded


def test_nothing_is_put_back_if_nothing_was_selected(
    home: Tenant, visitor: Visitor, excluded: list[str]
):
    path = f"/projects/{home.project_id}/excluded"
    visitor.see(path)
    head = home.goatherd.head

    answer = visitor.post(path, {})

    assert answer.status_code == 303
    assert home.goatherd.head == head
    page = visitor.see(path)
    assert "Nothing was selected" in page.one("div", id="flashes").text
    assert len(page.one("ol", class_="videos").all("li")) == len(excluded)


def test_who_may_read_only_gets_no_buttons(home: Tenant, excluded: list[str]):
    reader = Visitor(home.goatherd)
    reader.sign_in(home.with_key("read").key)

    page = reader.see(f"/projects/{home.project_id}/excluded")

    assert len(page.one("ol", class_="videos").all("li")) == len(excluded)
    assert "not put them back" in page.text
    assert not page.all("input", name="video")


def test_the_inbox_leads_there(home: Tenant, visitor: Visitor):
    home.goatherd.catch_up()
    path = f"/projects/{home.project_id}/excluded"

    page = visitor.see(f"/projects/{home.project_id}/inbox")

    assert page.all("a", href=path)
    assert visitor.get(f"/projects/{uuid4()}/excluded").status_code == 404
