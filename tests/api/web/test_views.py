"""Views on the pages of lists: opened, saved and deleted."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.kit.application import Tenant, ago, data_of
from tests.kit.people import member_of, owner_of
from tests.kit.visitor import Visitor


@pytest.mark.parametrize(
    ("address", "arrives"),
    (
        (
            "/creators?health=failing&figure=posts&bound=at_most&number=0&period=7d",
            None,
        ),
        ("/creators?status=failing&sort=followers&order=asc", None),
        ("/creators?from=2026-03-01&to=2026-03-05&stopped_posting=false", None),
        (
            "/videos?hashtag=goat&shown=all",
            "/videos?hashtag=goat&shown=all&sort=new_views",
        ),
        ("/campaigns?period=last_week&sort=posts", None),
    ),
)
def test_a_saved_view_shows_the_list_as_it_was(
    visitor: Visitor, home: Tenant, address: str, arrives: str | None
):
    home.campaign("Spring")
    home.goatherd.catch_up()
    page = visitor.see(address)

    saved = visitor.submit(page, "/views", name="Mine")

    home.goatherd.catch_up()
    where = urlsplit(saved.headers["location"])
    expected = urlsplit(arrives or address)
    assert where.path == expected.path
    assert parse_qs(where.query) == parse_qs(expected.query)
    again = visitor.see(saved.headers["location"])
    shown = again.all("a", aria_current="true", class_="theirs")
    (current,) = [one for one in shown if one["href"].startswith("/views/")]
    assert current.text == "Mine"
    opened = visitor.get(current["href"])
    assert opened.headers["location"] == saved.headers["location"]


def test_stopped_posting_is_in_the_menu_and_shows_who_stopped(
    visitor: Visitor, home: Tenant
):
    creator_id = home.add("quiet")["id"]
    for days in (40, 39, 38):
        home.found(creator_id, posted_at=ago(days))
    home.add("new")
    home.goatherd.catch_up()
    (link,) = [
        one
        for one in visitor.see("/creators").all("a")
        if one.text == "Stopped posting"
    ]

    page = visitor.see(visitor.get(link["href"]).headers["location"])

    assert [one.text for one in page.all("th", scope="col")] == [
        *("Creator", "Followers", "New views", "Posts a week", "Last posted"),
    ]
    rows = page.one("tbody", id="rows").all("tr")
    assert len(rows) == 1
    assert "quiet" in rows[0].text


def test_a_view_is_deleted_where_it_is_shown_unless_it_is_built_in(
    visitor: Visitor, home: Tenant
):
    home.goatherd.catch_up()
    saved = visitor.submit(visitor.see("/creators?tag=a"), "/views", name="Tagged")
    home.goatherd.catch_up()
    page = visitor.see(saved.headers["location"])
    (view,) = [v for v in data_of(home.get("/views")) if v["name"] == "Tagged"]

    gone = visitor.submit(page, f"/views/{view['id']}/delete")

    home.goatherd.catch_up()
    assert gone.headers["location"] == "/creators"
    assert [v["name"] for v in data_of(home.get("/views"))] == ["Stopped posting"]
    built_in = visitor.see("/creators?stopped_posting=true&sort=last_posted_at")
    assert "Delete Stopped posting" not in built_in.text


def test_the_page_says_who_sees_a_view_and_changes_it(home: Tenant):
    home.goatherd.catch_up()
    ada, ben = owner_of(home).browser, member_of(home).browser
    home.goatherd.catch_up()
    project = data_of(home.get(f"/projects/{home.project_id}"))
    address = f"/creators?tag=a&project={home.project_id}"

    saved = ben.submit(ben.see(address), "/views", **{"name": "Mine", "for": "me"})
    home.goatherd.catch_up()
    where = saved.headers["location"]
    alone, hidden = ben.see(where), ada.see(where)
    (change,) = [
        one["action"] for one in alone.all("form") if one["action"].endswith("/for")
    ]
    ben.submit(alone, change, **{"for": "everyone"})
    home.goatherd.catch_up()
    shared, seen = ben.see(where), ada.see(where)

    assert "for you alone" in alone.text
    assert "Share with everybody" in alone.text
    assert "Mine" not in hidden.one("details", id="views").text
    for page in (shared, seen):
        menu = page.one("details", id="views").text
        assert f"for everybody who sees {project['name']}" in menu
        assert "Keep for me alone" in menu
