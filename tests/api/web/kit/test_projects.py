"""The project of pages: in the address, remembered, and all projects at once."""

from copy import copy
from urllib.parse import urlencode
from uuid import UUID

import pytest

from tests.kit.application import Tenant, data_of
from tests.kit.markup import Element
from tests.kit.visitor import Visitor


@pytest.fixture
def second(home: Tenant) -> str:
    """A second project with one creator; the first has another creator."""
    home.add("ada")
    id_ = data_of(home.post("/projects", {"name": "Second"}), status=201)["id"]
    home.post(f"/projects/{id_}/creators", {"tiktok_handle": "bea"})
    home.campaign("Spring")
    home.goatherd.catch_up()
    return id_


def chosen(page: Element) -> str:
    return page.one("div", id="switcher").one("a", aria_current="true").text


def test_a_project_in_the_address_is_remembered_by_all_pages(
    visitor: Visitor, second: str, subtests: pytest.Subtests
):
    assert chosen(visitor.see("/creators")) == "All projects"

    visitor.see(f"/videos?project={second}")

    for path in ("/", "/creators", "/videos", "/campaigns", "/compare", "/search"):
        with subtests.test(path):
            page = visitor.see(path)
            assert chosen(page) == "Second"
            links = [a["href"] for a in page.one("nav", aria_label="Main").all("a")]
            assert links == [
                f"{place}?project={second}"
                for place in ("/", "/creators", "/videos", "/campaigns", "/inbox")
            ]
    assert "@ada" not in visitor.see("/creators").one("div", id="list").text
    visitor.see("/creators?project=all")
    both = visitor.see("/creators").one("div", id="list").text
    assert "@ada" in both
    assert "@bea" in both


def test_each_page_of_a_project_is_there_without_one(visitor: Visitor, second: str):
    home = visitor.see("/?project=all")
    campaigns = visitor.see("/campaigns?project=all")
    inbox = visitor.see("/inbox?project=all")

    assert home.one("h1").text == "All projects"
    rows = home.one("section", aria_labelledby="projects-title").one("tbody").all("tr")
    assert {row.one("a").text for row in rows} == {"First project", "Second"}
    assert campaigns.one("tbody").one("tr").one("a").text == "Spring"
    assert "First project" in campaigns.one("tbody").text
    assert inbox.one("h1").text == "Inbox"
    assert second


def test_the_switcher_keeps_the_page_and_its_days(visitor: Visitor, second: str):
    query = urlencode({"period": "7d", "sort": "new_views", "project": second})

    links = visitor.see("/creators?period=7d&sort=new_views&cursor=").one(
        "div", id="switcher"
    )
    elsewhere = visitor.see("/settings/organization").one("div", id="switcher")

    assert f"/creators?{query}" in [a["href"] for a in links.all("a")]
    assert f"/?project={second}" in [a["href"] for a in elsewhere.all("a")]


def test_pages_of_errors_keep_the_project(home: Tenant, visitor: Visitor, second: str):
    visitor.see(f"/creators?project={second}")
    reader = Visitor(home.goatherd)
    reader.sign_in(home.with_key("read").key)

    pages = {
        "404": visitor.see(f"/creators/{second}", status=404),
        "403": reader.see("/audit", status=403),
    }

    assert {status: chosen(page) for status, page in pages.items()} == {
        "404": "Second",
        "403": "All projects",
    }


def test_another_organizations_project_is_not_remembered(
    visitor: Visitor, second: str, stranger: Tenant
):
    stranger.goatherd.catch_up()
    visitor.see(f"/creators?project={second}")

    answer = visitor.get(f"/?project={stranger.project_id}")

    assert answer.status_code == 404
    assert chosen(visitor.see("/creators")) == "Second"
    visitor.cookies["goatherd_project"] = str(stranger.project_id)
    assert chosen(visitor.see("/creators")) == "All projects"


def test_older_addresses_of_lists_name_the_project_as_before(
    visitor: Visitor, second: str
):
    page = visitor.see(f"/creators?project_id={second}")

    assert chosen(page) == "Second"
    assert "@ada" not in page.one("div", id="list").text


def test_videos_of_several_projects_are_reviewed_together(
    visitor: Visitor, home: Tenant, second: str
):
    in_second = copy(home)
    in_second.project_id = UUID(second)
    for creator in home.get("/creators").json()["data"]:
        tenant = in_second if creator["project_id"] == second else home
        tenant.found(creator["id"], status="pending_review")
    home.goatherd.catch_up()
    page = visitor.see("/inbox?project=all")
    ids = [box["value"] for box in page.all("input", type="checkbox", name="video")]

    answer = visitor.post("/inbox", {"video": ids, "decision": "include"})

    assert len(ids) == 2
    assert answer.headers["location"] == "/inbox"
    home.goatherd.catch_up()
    left = visitor.see("/inbox?project=all")
    assert left.one("ol", id="videos").all("li") == []
    assert left.one("span", id="done").text == "2 videos were included."
    states = {
        home.get(f"/videos/{id_}").json()["data"]["tracking_status"] for id_ in ids
    }
    assert states == {"included"}
