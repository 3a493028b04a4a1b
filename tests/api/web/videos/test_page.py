"""/videos as a page: the videos that count of all creators."""

from datetime import UTC, datetime

import pytest

from tests.kit.application import Tenant
from tests.kit.creator_with_numbers import DAYS, Watched, a_watched_creator
from tests.kit.markup import Element
from tests.kit.visitor import Visitor


@pytest.fixture
def watched(home: Tenant) -> Watched:
    return a_watched_creator(home)


def titles(page: Element) -> list[str]:
    rows = page.one("tbody").all("tr") if page.all("tbody") else []
    return [row.one("th").all("a")[0].text for row in rows]


def head_of(page: Element, label: str) -> Element:
    (found,) = [one for one in page.all("th", scope="col") if one.text == label]
    return found


@pytest.mark.usefixtures("watched")
def test_what_drove_views_is_first_and_every_column_sorts(visitor: Visitor):
    page = visitor.see(f"/videos?{DAYS}")

    assert titles(page) == ["Video 2", "<i>Old</i> goat"]
    assert head_of(page, "New views")["aria-sort"] == "descending"
    for label in ("Posted", "All views", "Likes", "Comments", "Shares", "Saves"):
        visitor.see(head_of(page, label).one("a")["href"])
    by_views = visitor.see(head_of(page, "All views").one("a")["href"])
    assert titles(by_views) == ["<i>Old</i> goat", "Video 2"]
    (row, _) = by_views.one("tbody").all("tr")
    assert row.one("td", data_label="All views").text == "125"
    assert row.one("td", data_label="New views").text == "+25"


def test_a_second_look_has_the_numbers_that_came_meanwhile(
    visitor: Visitor, watched: Watched
):
    def numbers() -> list[tuple[str, str]]:
        rows = visitor.see(f"/videos?{DAYS}&sort=view_count").one("tbody").all("tr")
        ranked = visitor.see(f"/videos?{DAYS}").one("tbody").all("tr")
        shown = [
            (
                row.one("td", data_label="All views").text,
                row.one("td", data_label="New views").text,
            )
            for row in rows
        ]
        assert sorted(row.text for row in ranked) == sorted(row.text for row in rows)
        return shown

    first, again = numbers(), numbers()
    watched.looked(2.9, v1=225)
    watched.tenant.goatherd.catch_up()

    assert first == again
    assert first[0] == ("125", "+25")
    assert numbers()[0] == ("225", "+125")


def test_filters_narrow_it_and_stay_in_the_file(visitor: Visitor, watched: Watched):
    home = watched.tenant
    page = visitor.see(f"/videos?{DAYS}&search=OLD")
    (link,) = [a for a in page.all("a") if a.text == "Download CSV"]

    answer = visitor.get(link["href"])

    assert titles(page) == ["<i>Old</i> goat"]
    assert answer.headers["content-type"].startswith("text/csv")
    assert len(answer.text.splitlines()) == 2
    assert titles(visitor.see(f"/videos?{DAYS}&posted_from=2026-03-01")) == ["Video 2"]
    assert "No video found" in visitor.see(f"/videos?{DAYS}&tag=none").text
    campaign = home.campaign("Spring")
    home.goatherd.catch_up()
    chosen = visitor.see(f"/videos?{DAYS}&campaign_id={campaign}")
    assert titles(chosen) == []
    assert "Spring" in chosen.one("select", name="campaign_id").text


@pytest.mark.parametrize(
    "query",
    ("from=2026-03-05&to=2026-03-01", "posted_from=2026-03-05&posted_to=2026-03-01"),
)
def test_days_that_cannot_be_are_told_on_the_page(visitor: Visitor, query: str):
    page = visitor.see(f"/videos?{query}", status=400)

    assert "These days cannot be shown" in page.text


def test_an_excluded_video_is_on_the_page_that_it_leads_to(
    visitor: Visitor, watched: Watched
):
    home = watched.tenant
    first = visitor.see(f"/videos?{DAYS}").one("tbody").all("tr")[0].all("a")[0]
    home.delete(f"/videos/{first['href'].rpartition('/')[2]}")
    home.goatherd.catch_up()
    page = visitor.see(f"/videos?{DAYS}")
    (link,) = [a for a in page.all("a") if a.text == "Removed videos"]

    excluded = visitor.see(link["href"])

    assert titles(page) == ["<i>Old</i> goat"]
    assert "Video 2" in excluded.text


def test_a_video_was_posted_on_the_day_of_the_organizations_zone(
    visitor: Visitor, home: Tenant
):
    home.patch("/organization", {"time_zone": "America/New_York"})
    posted_at = datetime(2026, 3, 2, 1, tzinfo=UTC)
    home.found(home.add("goat")["id"], title="Late", posted_at=posted_at)
    home.goatherd.catch_up()

    (row,) = visitor.see("/videos").one("tbody").all("tr")

    assert row.one("time").text == "1 Mar 2026"
    assert row.one("time")["title"] == "1 Mar 2026, 20:00"


def test_without_videos_the_page_says_where_they_come_from(visitor: Visitor):
    assert "No videos yet" in visitor.see("/videos").text


def test_another_organization_sees_none_of_them(visitor: Visitor, stranger: Tenant):
    a_watched_creator(stranger)

    assert titles(visitor.see(f"/videos?{DAYS}")) == []


def test_a_row_names_its_project_where_all_projects_are_shown(
    visitor: Visitor, watched: Watched
):
    home = watched.tenant
    alone = visitor.see(f"/videos?{DAYS}")
    home.post("/projects", {"name": "Client B"})
    home.goatherd.catch_up()

    everything = visitor.see(f"/videos?{DAYS}&project=all")
    of_one = visitor.see(f"/videos?{DAYS}&project={home.project_id}")

    name = next(
        one["name"]
        for one in home.get("/projects").json()["data"]
        if one["id"] == str(home.project_id)
    )
    assert all(name in row.one("th").text for row in everything.one("tbody").all("tr"))
    assert name not in of_one.one("tbody").text
    assert name not in alone.one("tbody").text
