"""An inbox as a page: how many wait, those of one creator, and the order."""

from typing import Any

import pytest

from tests.kit.application import Tenant, data_of
from tests.kit.markup import Element
from tests.kit.visitor import Visitor

VIEWS = {"71": 5, "72": 900, "73": 40}


@pytest.fixture
def creators(home: Tenant) -> list[dict[str, Any]]:
    """A creator with waiting videos with views, and one with many without views."""
    ada, bob = home.add("ada"), home.add("bob")
    for tiktok in VIEWS:
        home.found(ada["id"], tiktok, status="pending_review", title=f"Kid {tiktok}")
    home.saw_videos(ada["id"], VIEWS)
    for _ in range(58):
        home.found(bob["id"], status="pending_review")
    home.goatherd.catch_up()
    return [ada, bob]


def titles(page: Element) -> list[str]:
    rows = page.one("ol", id="videos").all("li")
    return [row.one("h2").text for row in rows]


@pytest.mark.usefixtures("creators")
def test_the_exact_number_is_told_here_and_in_the_navigation(
    home: Tenant, visitor: Visitor
):
    second = data_of(home.post("/projects", {"name": "Second"}), status=201)["id"]
    home.goatherd.catch_up()

    inbox = visitor.see(f"/projects/{home.project_id}/inbox")
    other = visitor.see(f"/projects/{second}/inbox")

    assert inbox.one("span", id="amount").text == "61"
    for page in (inbox, other):
        links = [a.text for a in page.one("nav", aria_label="Main").all("a")]
        assert "Inbox 61 waiting" in links


@pytest.mark.usefixtures("creators")
def test_those_of_one_creator_are_shown_and_stay_when_one_is_decided(
    home: Tenant, visitor: Visitor
):
    path = f"/projects/{home.project_id}/inbox?creator=%40Ada&sort=most_views"
    page = visitor.see(path)
    row = page.one("ol", id="videos").all("li")[0]
    fields = {i["name"]: i["value"] for i in row.one("form").all("input")}

    answer = visitor.post(path.partition("?")[0], {**fields, "decision": "include"})

    assert titles(page) == ["Kid 72", "Kid 73", "Kid 71"]
    assert answer.headers["location"] == path
    home.goatherd.catch_up()
    after = visitor.see(path)
    assert titles(after) == ["Kid 73", "Kid 71"]
    assert after.one("span", id="amount").text == "2"


@pytest.mark.parametrize(
    ("query", "expected"),
    (
        ("creator=ada&sort=fewest_views", ["Kid 71", "Kid 73", "Kid 72"]),
        ("creator=ada&sort=nothing", ["Kid 73", "Kid 72", "Kid 71"]),
        ("creator=nobody", []),
    ),
)
@pytest.mark.usefixtures("creators")
def test_the_order_is_chosen_and_what_is_none_is_told(
    home: Tenant, visitor: Visitor, query: str, expected: list[str]
):
    page = visitor.see(f"/projects/{home.project_id}/inbox?{query}")

    assert titles(page) == expected
    assert ("No creator @nobody" in page.text) is (not expected)
