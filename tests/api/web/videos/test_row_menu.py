"""The menu of a row of videos, which is a page where there is no script."""

import pytest

from tests.api.web.creators.test_row_menu import actions
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.markup import Element
from tests.kit.visitor import Visitor

BACK = "/videos?search=hay"


@pytest.fixture
def video_id(home: Tenant) -> str:
    creator_id = home.add("ada")["id"]
    video_id = home.found(creator_id, "7301", title="Hay")
    home.campaign("Launch")
    home.goatherd.catch_up()
    return video_id


def menu(visitor: Visitor, video_id: str) -> Element:
    page = visitor.see(f"/videos/{video_id}/actions?back={BACK}")
    return page.one("div", id="menu")


def test_each_action_is_done_and_leads_back_to_the_list(
    visitor: Visitor, home: Tenant, video_id: str
):
    (row,) = visitor.see("/videos").one("tbody").all("a", data_menu="")
    head = home.goatherd.head

    def do(action: str, **fields: str) -> None:
        place = menu(visitor, video_id)
        done = visitor.submit(place, f"/videos/{action}", **fields)
        assert (done.status_code, done.headers["Location"]) == (303, BACK), action
        home.goatherd.catch_up()

    def tracking() -> tuple[bool, str]:
        video = data_of(home.get(f"/videos/{video_id}"))
        return video["tracking_enabled"], video["tracking_status"]

    assert row["href"] == f"/videos/{video_id}/actions"
    assert actions(menu(visitor, video_id)) == [
        *("Scrape now", "Exclude", "Add", "Remove"),
        *("Open on TikTok", "Notes and tags"),
    ]
    do("scrape")
    names = [one.event.stored_name for one in home.goatherd.since(head)]
    assert "scrape_requested" in names
    (campaign,) = data_of(home.get("/campaigns"))
    do("add-to-campaign", campaign_id=campaign["id"])
    items = data_of(home.get(f"/campaigns/{campaign['id']}/items"))
    assert [one["item_id"] for one in items] == [video_id]
    do("exclude")
    assert tracking() == (False, "auto_tracked")
    assert actions(menu(visitor, video_id))[0] == "Include"
    do("include")
    assert tracking() == (True, "included")
    do("remove")
    removed = data_of(home.get(f"/projects/{home.project_id}/videos/excluded"))
    assert [one["id"] for one in removed] == [video_id]
    assert not visitor.see("/videos?shown=all").all("tbody")


def test_nothing_is_offered_for_a_video_of_an_erased_person(
    visitor: Visitor, home: Tenant, video_id: str
):
    (creator,) = data_of(home.get("/creators"))
    body = {"confirm": "ada", "figures": "anonymous"}
    data_of(home.post(f"/creators/{creator['id']}/erase", body))
    home.goatherd.catch_up()

    (row,) = visitor.see("/videos").one("tbody").all("tr")

    assert [a["href"] for a in row.all("a") if "tiktok" in a["href"]] == []
    assert actions(menu(visitor, video_id)) == []
    assert "This person was erased." in menu(visitor, video_id).text


@pytest.mark.parametrize("back", ("https://evil.example", "//evil.example", "/keys"))
def test_it_leads_back_nowhere_but_to_the_list(
    visitor: Visitor, video_id: str, back: str
):
    page = visitor.see(f"/videos/{video_id}/actions?back={back}")

    assert {one["value"] for one in page.all("input", name="back")} == {"/videos"}


def test_a_key_that_only_reads_sees_links_and_strangers_see_nothing(
    goatherd: Goatherd, home: Tenant, stranger: Tenant, visitor: Visitor, video_id: str
):
    theirs = stranger.found(stranger.add("ada")["id"], "7302")
    goatherd.catch_up()
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    assert actions(menu(reader, video_id)) == ["Open on TikTok", "Notes and tags"]
    visitor.see(f"/videos/{theirs}/actions", status=404)
