"""The page of what happened: by day, by kind, one click to yesterday, and the card."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from api.web.kit.forms.project_choices import SomeCampaigns
from tests.kit.application import Tenant, data_of
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
    within = page.all("main") or [page]
    (found,) = [each for each in within[0].all("a") if each.text == text]
    return found["href"]


def leaving(page: Element, name: str) -> str:
    """The address of the chip of a creator or campaign, without it."""
    (chip,) = [
        each
        for each in page.one("main").all("a", class_="button")
        if each.text.startswith(name) and ": show" in each.text
    ]
    return chip["href"]


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


def test_a_removed_video_leads_to_the_removed_videos(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    video = home.found(creator["id"])
    data_of(home.delete(f"/videos/{video}"))
    home.goatherd.catch_up()

    line = visitor.see(PATH).one("main").all("ol", class_="activity")[0].all("li")[0]

    assert line.one("a")["href"] == f"/projects/{home.project_id}/excluded"
    assert visitor.get(line.one("a")["href"]).status_code == 200


def test_rows_of_all_projects_name_the_project_of_each(visitor: Visitor, home: Tenant):
    other = data_of(home.post("/projects", {"name": "Autumn"}), status=201)["id"]
    for project_id in (home.project_id, other):
        home.post(f"/projects/{project_id}/creators", {"tiktok_handle": "goat"})
    home.goatherd.catch_up()
    own = data_of(home.get(f"/projects/{home.project_id}"))["name"]

    def projects(path: str) -> list[str]:
        found = visitor.see(path).one("main").all("ol", class_="activity")
        named = [
            [span.text for span in line.one("span", class_="said").all("span")]
            for day in found
            for line in day.all("li")
        ]
        return sorted(name for names in named for name in names)

    # The account in both has two rows that differ in nothing else.
    for path in (f"{PATH}?project=all", "/?project=all"):
        assert projects(path) == sorted([own, "Autumn"]), path
    assert projects(f"{PATH}?project={other}") == []


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


def test_a_creator_has_its_newest_rows_and_leads_to_all_of_them(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    home.add(f"goat.{uuid4().hex[:20]}")
    home.saw(creator["id"], follower_count=5)
    home.goatherd.catch_up()

    page = visitor.see(f"/creators/{creator['id']}")
    card = page.one("section", aria_labelledby="activity-title")
    every = link(card, "All activity")

    assert every == f"/activity?creator_id={creator['id']}"
    assert [kind for kind, _ in lines(card)] == ["Added", "Posted", "Posted"]
    assert [kind for kind, _ in lines(visitor.see(link(card, "Yesterday")))] == [
        "Posted"
    ]


def test_the_creator_and_the_campaign_of_the_rows_are_named_and_given_up(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    campaign = home.campaign("Spring")
    home.goatherd.catch_up()
    handle = f"@{creator['tiktok_handle']}"
    of_both = f"{PATH}?creator_id={creator['id']}&campaign_id={campaign}"

    page = visitor.see(of_both)
    without = visitor.see(leaving(page, handle))

    assert leaving(page, "Spring") == (f"{PATH}?creator_id={creator['id']}")
    (chosen,) = without.one("select", id="campaign").all("option", selected="")
    assert chosen.text == "Spring"
    assert handle not in without.one("main").text
    unknown = visitor.see(f"{PATH}?creator_id={uuid4()}")
    assert leaving(unknown, "One creator").rstrip("?") == PATH


def test_a_campaign_is_named_although_many_are_newer(
    visitor: Visitor, home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    campaign = home.campaign("The oldest")
    home.goatherd.catch_up()

    async def none_of_them(_: object) -> SomeCampaigns:
        return SomeCampaigns()

    monkeypatch.setattr("api.web.activity.page.some_campaigns", none_of_them)
    page = visitor.see(f"{PATH}?campaign_id={campaign}")

    (chosen,) = page.one("select", id="campaign").all("option", selected="")
    assert chosen.text == "The oldest"


def test_a_creators_activity_does_not_depend_on_the_chosen_project(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    home.goatherd.catch_up()
    visitor.see(f"/?project={other}")

    page = visitor.see(f"{PATH}?creator_id={creator['id']}")
    file = visitor.ask("GET", link(page, "Download CSV"))

    assert len(lines(page)) == 3
    assert file.text.count(creator["id"]) >= 3


def test_home_of_all_projects_has_the_newest_rows_of_each(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    path = f"/projects/{other}/creators"
    added = home.post(path, {"tiktok_handle": f"goat.{uuid4().hex[:20]}"})
    home.goatherd.catch_up()

    page = visitor.see("/?project=all")
    card = page.one("section", aria_labelledby="activity-title")

    said = " ".join(sentence for _, sentence in lines(card))
    assert added.json()["data"]["tiktok_handle"] in said
    assert creator["tiktok_handle"] in said
    assert len(lines(visitor.see(link(card, "All activity")))) == 4
