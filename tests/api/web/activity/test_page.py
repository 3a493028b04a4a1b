"""The page of what happened: by day, by kind, one click to yesterday, and the card."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.kit.application import Tenant
from tests.kit.markup import Element
from tests.kit.visitor import Visitor

PATH = "/activity"


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    creator = home.add(f"goat.{uuid4().hex[:20]}")
    noon = datetime.now(UTC).replace(hour=0, minute=30)
    for days, title in ((1, "Yesterday's cheese"), (3, "Older cheese")):
        home.found(creator["id"], title=title, posted_at=noon - timedelta(days=days))
    home.goatherd.catch_up()
    return creator


def lines(page: Element) -> list[tuple[str, str]]:
    """The kind and the sentence of each row."""
    return [
        (line.all("span")[0].text, line.one("a").text)
        for found in page.all("ol", class_="activity")
        for line in found.all("li")
    ]


def link(page: Element, text: str) -> str:
    (found,) = [each for each in page.one("main").all("a") if each.text == text]
    return found["href"]


def test_rows_are_grouped_by_day_newest_first(
    visitor: Visitor, creator: dict[str, Any]
):
    page = visitor.see(PATH)

    days = [heading.text for heading in page.one("main").all("h2")]
    assert [day.split()[0] for day in days[:2]] == ["Today", "Yesterday"]
    assert len(days) == 3
    handle = creator["tiktok_handle"]
    assert [sentence.partition(" by ")[0] for _, sentence in lines(page)] == [
        f"@{handle} was added",
        f'@{handle} posted "Yesterday\'s cheese".',
        f'@{handle} posted "Older cheese".',
    ]


def test_yesterday_is_one_click(visitor: Visitor, creator: dict[str, Any]):
    page = visitor.see(link(visitor.see(PATH), "Yesterday"))

    assert [kind for kind, _ in lines(page)] == ["Posted"]
    assert "Yesterday's cheese" in lines(page)[0][1]
    assert creator["id"] in page.one("ol", class_="activity").one("a")["href"]


def test_a_kind_is_chosen_and_left_out_again_by_its_link(
    visitor: Visitor, creator: dict[str, Any]
):
    posted = visitor.see(link(visitor.see(PATH), "Posted"))
    both = visitor.see(link(posted, "Added"))
    added = visitor.see(link(both, "Posted"))

    assert creator["id"]
    kinds = [[kind for kind, _ in lines(page)] for page in (posted, both, added)]
    assert kinds == [["Posted", "Posted"], ["Added", "Posted", "Posted"], ["Added"]]


def test_nothing_of_a_kind_is_said_with_the_way_back(
    visitor: Visitor, creator: dict[str, Any]
):
    page = visitor.see(f"{PATH}?kinds=failing")

    assert creator["id"]
    assert "Nothing of this kind happened" in page.one("main").text
    assert lines(visitor.see(link(page, "Show everything")))


def test_a_wrong_filter_in_an_address_is_said_on_the_page(visitor: Visitor):
    answer = visitor.ask("GET", f"{PATH}?kinds=sneezed")

    assert answer.status_code == 400
    assert "<h1>Activity</h1>" in answer.text


def test_the_file_has_the_rows_of_the_page(visitor: Visitor, creator: dict[str, Any]):
    page = visitor.see(f"{PATH}?kinds=posted")

    answer = visitor.ask("GET", link(page, "Download CSV"))

    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.count("posted,") == 2
    assert creator["tiktok_handle"] in answer.text


def test_home_has_the_newest_rows_and_leads_to_all(
    visitor: Visitor, creator: dict[str, Any]
):
    page = visitor.see("/")
    card = page.one("section", aria_labelledby="activity-title")

    assert "Older cheese" in card.text
    assert [each.text for each in card.one("div", class_="head").all("a")] == [
        *("Yesterday", "All activity"),
    ]
    assert len(lines(visitor.see(link(page, "All activity")))) == 3
    assert creator["id"] in card.text or creator["tiktok_handle"] in card.text
