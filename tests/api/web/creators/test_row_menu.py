"""The menu of a row of creators, which is a page where there is no script."""

import pytest

from tests.api.web.creators.test_bulk import statuses
from tests.kit.application import Goatherd, Tenant
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

BACK = "/creators?search=a"


def menu(visitor: Visitor, creator_id: str) -> Element:
    page = visitor.see(f"/creators/{creator_id}/actions?back={BACK}")
    return page.one("div", id="menu")


def actions(place: Element) -> list[str]:
    return [one.text for one in place.all("button") + place.all("a")]


def tags(home: Tenant, creator_id: str) -> list[str]:
    home.goatherd.catch_up()
    return home.shown(creator_id)["tags"]


def test_the_menu_has_what_the_status_allows(visitor: Visitor, home: Tenant):
    ada, bea, cleo = (home.add(name)["id"] for name in ("ada", "bea", "cleo"))
    home.patch(f"/creators/{ada}", {"tags": ["spring"]})
    home.campaign("Launch")
    home.disable(bea)
    home.delete(f"/creators/{cleo}")
    home.goatherd.catch_up()

    assert actions(menu(visitor, ada)) == [
        *(
            "Scrape now",
            "Add tags",
            "Remove the tag spring",
            "Add",
            "Disable",
            "Remove…",
        ),
        *("Open on TikTok", "Settings"),
    ]
    assert actions(menu(visitor, bea)) == [
        *("Re-enable", "Add tags", "Add", "Remove…", "Open on TikTok", "Settings"),
    ]
    assert actions(menu(visitor, cleo)) == ["Bring back", "Open on TikTok", "Settings"]
    rows = visitor.see("/creators?status=all").one("tbody").all("a", data_menu="")
    assert [row["href"] for row in rows] == [
        f"/creators/{one}/actions" for one in (cleo, bea, ada)
    ]


def test_each_action_is_done_and_leads_back_to_the_list(visitor: Visitor, home: Tenant):
    creator_id = home.add("ada")["id"]
    home.goatherd.catch_up()
    head = home.goatherd.head

    def do(action: str, **fields: str) -> None:
        place = menu(visitor, creator_id)
        done = visitor.submit(place, f"/creators/{action}", **fields)
        assert (done.status_code, done.headers["Location"]) == (303, BACK)

    do("scrape")
    names = [one.event.stored_name for one in home.goatherd.since(head)]
    assert "scrape_requested" in names
    do("tag", tags="spring, tier A")
    assert tags(home, creator_id) == ["spring", "tier A"]
    place = menu(visitor, creator_id)
    (spring,) = [one for one in place.all("form") if "the tag spring" in one.text]
    sent = {one["name"]: one["value"] for one in spring.all("input", type="hidden")}
    visitor.post(spring["action"], {**sent, "tags": spring.one("button")["value"]})
    assert tags(home, creator_id) == ["tier A"]
    campaign_id = home.campaign("Launch")
    home.goatherd.catch_up()
    do("add-to-campaign", campaign_id=campaign_id)
    home.goatherd.catch_up()
    items = home.get(f"/campaigns/{campaign_id}/items").json()["data"]
    assert [one["item_id"] for one in items] == [creator_id]
    question = visitor.submit(menu(visitor, creator_id), "/creators/remove")
    assert "Remove 1 creator?" in question.text
    visitor.submit(read(question.text), "/creators/remove")
    assert statuses(home) == {"ada": "removed"}
    do("bring-back")
    assert statuses(home) == {"ada": "active"}


@pytest.mark.parametrize("back", ("https://evil.example", "//evil.example", "/keys"))
def test_it_leads_back_nowhere_but_to_the_list(
    visitor: Visitor, home: Tenant, back: str
):
    creator_id = home.add("ada")["id"]
    home.goatherd.catch_up()

    page = visitor.see(f"/creators/{creator_id}/actions?back={back}")

    assert {one["value"] for one in page.all("input", name="back")} == {"/creators"}


def test_a_key_that_only_reads_sees_links_and_strangers_see_nothing(
    goatherd: Goatherd, home: Tenant, stranger: Tenant, visitor: Visitor
):
    creator_id = home.add("ada")["id"]
    theirs = stranger.add("ada")["id"]
    home.goatherd.catch_up()
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    assert actions(menu(reader, creator_id)) == ["Open on TikTok", "Settings"]
    visitor.see(f"/creators/{theirs}/actions", status=404)
