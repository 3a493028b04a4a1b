"""A creator's videos: the table, and actions on one or many of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain import events as e
from domain.streams import video_stream
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.builders import NOON
from tests.kit.creator_with_numbers import a_watched_creator
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

# By TikTok's id: views and likes.
SEEN = {"101": (2_000_000, 10), "102": (50, 25), "103": (300, 300)}
UNSEEN = ["Photo post 104", "Video 105"]
NEWEST_FIRST = ["Kid 103", "Kid 102", "Kid 101", *UNSEEN]


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    """A creator with three videos that were seen and two that were not."""
    creator = home.add("goat")
    for day, tiktok in enumerate(SEEN, start=1):
        posted_at = datetime(2026, 7, day, 12, 30, tzinfo=UTC)
        home.found(creator["id"], tiktok, title=f"Kid {tiktok}", posted_at=posted_at)
    home.found(creator["id"], "104", status="pending_review", kind="photo")
    home.found(creator["id"], "105", status="out_of_window")
    home.saw_videos(
        creator["id"],
        {tiktok: views for tiktok, (views, _) in SEEN.items()},
        like_counts=[likes for _, likes in SEEN.values()],
        comment_counts=(0, 0, 0),
        share_counts=(0, 0, 0),
    )
    home.goatherd.catch_up()
    return creator


def videos_of(creator: dict[str, Any]) -> str:
    return f"/creators/{creator['id']}/videos"


def id_of(home: Tenant, tiktok_video_id: str) -> str:
    return str(video_stream(home.project_id, tiktok_video_id))


def rows(page: Element) -> list[Element]:
    return page.one("tbody").all("tr")


def names(page: Element) -> list[str]:
    return [row.all("a")[0].text for row in rows(page)]


def seen_first(page: Element) -> list[str]:
    """The names, those that nobody saw in one order: it is that of their ids."""
    found = names(page)
    return found if len(found) < len(NEWEST_FIRST) else found[:3] + sorted(found[3:])


def stored(home: Tenant, tiktok_video_id: str) -> dict[str, Any]:
    home.goatherd.catch_up()
    return data_of(home.get(f"/videos/{id_of(home, tiktok_video_id)}"))


def test_videos_are_shown_with_their_figures(visitor: Visitor, creator: dict[str, Any]):
    page = visitor.see(videos_of(creator))

    # The newest first, and last what nobody knows the time of.
    assert seen_first(page) == NEWEST_FIRST
    first = rows(page)[2]
    (photo,) = (row for row in rows(page) if "Photo post 104" in row.text)
    assert "Photo post" in photo.text
    assert "not included: waits in the inbox" in photo.text
    cells = [cell.text for cell in first.all("td")]
    assert cells[1:8] == ["1 Jul 2026", "2M", "10", "0", "0", "\u2013", "0%"]
    (views, *_) = first.all("span", data_exact="")
    assert (views.text, views["title"]) == ("2M", "2,000,000")
    links = [a["href"] for a in first.all("a")]
    assert "https://www.tiktok.com/@goat/video/101" in links
    assert page.all("img", class_="tile") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    (
        ("sort=view_count", ["Kid 101", "Kid 103", "Kid 102", *UNSEEN]),
        ("sort=view_count&order=asc", ["Kid 102", "Kid 103", "Kid 101", *UNSEEN]),
        ("sort=engagement_rate", ["Kid 103", "Kid 102", "Kid 101", *UNSEEN]),
        ("status=pending_review", ["Photo post 104"]),
        ("status=out_of_window", ["Video 105"]),
        ("status=&sort=&order=&cursor=", None),
    ),
)
def test_the_table_is_sorted_and_filtered(
    visitor: Visitor, creator: dict[str, Any], query: str, expected: list[str] | None
):
    page = visitor.see(f"{videos_of(creator)}?{query}")

    assert seen_first(page) == (expected or NEWEST_FIRST)


def test_a_head_sorts_by_its_column_and_then_the_other_way(
    visitor: Visitor, creator: dict[str, Any]
):
    path = videos_of(creator)

    def head(page: Element) -> Element:
        (found,) = (th for th in page.all("th") if th.text.startswith("Views"))
        return found

    page = visitor.see(path)
    assert "aria-sort" not in head(page).attributes
    page = visitor.see(head(page).one("a")["href"])
    assert head(page)["aria-sort"] == "descending"
    page = visitor.see(head(page).one("a")["href"])
    assert head(page)["aria-sort"] == "ascending"
    assert names(page)[0] == "Kid 102"


def test_pages_follow_each_other_in_the_order_asked(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    for number in range(60):
        home.found(creator["id"], str(1_000 + number), title=f"No {number}")
    home.goatherd.catch_up()

    first = visitor.see(f"{videos_of(creator)}?sort=like_count")
    (following,) = (a["href"] for a in first.all("a") if a.text == "Next page")
    second = visitor.see(following)

    assert len(names(first)) == 50
    assert len(names(second)) == 15
    assert not set(names(first)) & set(names(second))
    assert [a.text for a in second.all("a") if a.text == "Next page"] == []


@pytest.mark.parametrize("query", ("sort=nothing", "status=excluded"))
def test_what_the_table_does_not_know_is_refused(
    visitor: Visitor, creator: dict[str, Any], query: str
):
    visitor.see(f"{videos_of(creator)}?{query}", status=400)


def test_a_video_is_switched_off_and_on(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path, video_id = f"{videos_of(creator)}?sort=view_count", id_of(home, "101")
    action = f"{videos_of(creator)}/{video_id}/tracking"

    answer = visitor.submit(visitor.see(path), action)

    assert answer.headers["location"] == f"{path}#v-{video_id}"
    assert stored(home, "101")["tracking_enabled"] is False
    page = visitor.see(path)
    assert page.one("form", action=action).one("button")["aria-checked"] == "false"

    visitor.submit(page, action)

    now = stored(home, "101")
    assert (now["tracking_status"], now["tracking_enabled"]) == ("included", True)


def test_many_are_switched_off_and_on_at_once(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = videos_of(creator)
    action = f"{path}/counting"
    ids = [id_of(home, tiktok) for tiktok in ("101", "102", "104")]

    visitor.submit(visitor.see(path), action, to="off", video_ids=ids)

    assert [stored(home, t)["tracking_enabled"] for t in SEEN] == [False, False, True]
    page = visitor.see(path)
    notice = page.one("div", id="flashes").text
    assert notice == "2 videos are excluded now. 1 was excluded before."

    visitor.submit(page, action, to="on", video_ids=ids)

    assert [stored(home, t)["tracking_enabled"] for t in SEEN] == [True, True, True]
    assert stored(home, "104")["tracking_status"] == "included"


def test_no_selection_changes_nothing(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path, head = videos_of(creator), home.goatherd.head

    visitor.submit(visitor.see(path), f"{path}/counting", to="off")

    assert home.goatherd.head == head
    assert "No video was selected." in visitor.see(path).text


def test_what_comes_back_in_a_form_stays_a_query(
    visitor: Visitor, creator: dict[str, Any]
):
    path = videos_of(creator)
    page = visitor.see(path)

    answer = visitor.submit(
        page, f"{path}/counting", to="off", back="x\r\nSet-Cookie: a=b#//evil.example"
    )

    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith(f"{path}?x%0")
    assert "\n" not in location
    assert "#" not in location


def test_a_video_is_added_by_its_url(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = videos_of(creator)
    url = "https://www.tiktok.com/@goat/video/106"

    answer = visitor.submit(visitor.see(path), path, url=url)

    assert (answer.status_code, answer.headers["location"]) == (303, path)
    name = home.goatherd.store.names.pseudonym("106")
    assert stored(home, name)["tracking_status"] == "direct_add"
    assert "The video is included now." in visitor.see(path).text


@pytest.mark.parametrize(
    ("url", "message"),
    (
        ("https://vm.tiktok.com/ZMabc/", "short link"),
        ("https://www.tiktok.com/@goat", "not the URL of a TikTok video"),
        ("javascript:alert(1)", "not the URL of a TikTok video"),
        ("", "must not be empty"),
    ),
)
def test_what_is_no_video_is_said_and_kept(
    visitor: Visitor, home: Tenant, creator: dict[str, Any], url: str, message: str
):
    path, head = videos_of(creator), home.goatherd.head

    answer = visitor.submit(visitor.see(path), path, url=url)

    assert answer.status_code == 400
    page = read(answer.text)
    assert message in page.one("p", id="h-url").text
    assert page.one("input", id="f-url")["value"] == url
    assert home.goatherd.head == head


def test_a_video_is_removed_after_a_question(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = videos_of(creator)
    one = f"{path}/{id_of(home, '101')}"
    page = visitor.see(one)
    assert "Yes, remove it" in page.all("details")[-1].text

    answer = visitor.submit(page, f"{one}/exclude")

    assert answer.headers["location"] == path
    home.goatherd.catch_up()
    page = visitor.see(path)
    assert "Kid 101" not in names(page)
    assert (
        "https://www.tiktok.com/@goat/video/101" in page.one("div", id="flashes").text
    )


def test_notes_of_a_video_are_edited_by_two(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    one = f"{videos_of(creator)}/{id_of(home, '101')}"
    page = visitor.see(one)
    home.patch(f"/videos/{id_of(home, '101')}", {"readme": "Theirs."})
    home.goatherd.catch_up()

    merged = visitor.submit(page, f"{one}/notes", description="\nMine.\n")
    home.goatherd.catch_up()
    conflicting = visitor.submit(page, f"{one}/notes", readme="Mine, too.")

    assert merged.status_code == 303
    assert stored(home, "101")["description"] == "\nMine.\n"
    assert conflicting.status_code == 412
    shown = read(conflicting.text)
    assert shown.one("pre").text == "Theirs."
    assert stored(home, "101")["readme"] == "Theirs."
    assert visitor.submit(shown, f"{one}/notes").status_code == 303
    now = stored(home, "101")
    assert (now["readme"], now["description"]) == ("Mine, too.", "\nMine.\n")


def test_tags_of_a_video_are_typed_with_commas(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    one = f"{videos_of(creator)}/{id_of(home, '101')}"

    saved = visitor.submit(visitor.see(one), f"{one}/notes", tags="Launch, paid,launch")
    home.goatherd.catch_up()
    page = visitor.see(one)
    home.patch(f"/videos/{id_of(home, '101')}", {"tags": ["Theirs"]})
    home.goatherd.catch_up()
    conflicting = visitor.submit(page, f"{one}/notes", tags="Mine")

    assert saved.status_code == 303
    assert page.one("input", id="f-tags")["value"] == "Launch, paid"
    assert conflicting.status_code == 412
    assert read(conflicting.text).one("pre").text == "Theirs"
    assert stored(home, "101")["tags"] == ["Theirs"]
    again = visitor.submit(visitor.see(one), f"{one}/notes", tags="a" * 41)
    refused = read(again.text)
    assert refused.one("input", id="f-tags")["aria-invalid"] == "true"
    assert "40" in refused.one("p", id="h-tags").text


def test_scrapes_are_asked_for(visitor: Visitor, home: Tenant, creator: dict[str, Any]):
    path = videos_of(creator)
    one = f"{path}/{id_of(home, '101')}"

    visitor.submit(visitor.see(path), f"{path}/scrape", job_type="video_stats")
    visitor.submit(visitor.see(one), f"{one}/scrape")

    home.goatherd.catch_up()
    scrapes = data_of(home.get(f"/creators/{creator['id']}/scrapes"))
    assert [s["job_type"] for s in scrapes].count("video_stats") == 2


def test_a_missing_video_says_since_when(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    home.goatherd.append(
        id_of(home, "104"),
        e.VideoWentMissing(
            organization_id=home.organization_id,
            missing_since=datetime(2026, 11, 3, 8, 5, tzinfo=UTC),
            scrape_id=new_id(),
        ),
    )
    home.goatherd.catch_up()

    page = visitor.see(videos_of(creator))

    (row,) = (row for row in rows(page) if "Photo post 104" in row.text)
    assert "Missing since 3 Nov 2026, 08:05" in row.text


def test_who_may_read_only_sees_videos_without_forms(
    goatherd: Goatherd, home: Tenant, creator: dict[str, Any]
):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    table = reader.see(videos_of(creator))
    one = reader.see(f"{videos_of(creator)}/{id_of(home, '101')}")

    for page in (table, one):
        assert page.one("main").all("form", method="post") == []
    assert rows(table)[0].all("td")[-1].text == "Yes"


@pytest.mark.usefixtures("creator")
def test_a_video_of_another_creator_is_not_found_here(visitor: Visitor, home: Tenant):
    second = home.add("kid")
    home.goatherd.catch_up()

    visitor.see(f"{videos_of(second)}/{id_of(home, '101')}", status=404)


def test_a_creator_without_videos_says_what_to_do(visitor: Visitor, home: Tenant):
    creator = home.add("kid")
    home.goatherd.catch_up()

    page = visitor.see(videos_of(creator))

    assert "No videos yet" in page.text
    assert page.one("div", class_="empty").one("button").text == "Find new videos"


CHARTS = ("video", "likes", "talk")


def test_a_video_has_a_chart_for_counts_of_each_size(visitor: Visitor, home: Tenant):
    goat = a_watched_creator(home)
    one = f"{videos_of({'id': goat.id})}/{id_of(home, '2')}"

    page = visitor.see(one)

    figures = [page.one("figure", id=f"chart-{one}") for one in CHARTS]
    heads = [
        [head.text for head in figure.one("thead").all("th")][1:-1]
        for figure in figures
    ]
    assert heads == [["Views"], ["Likes"], ["Comments", "Shares"]]
    # The posting day, a Monday: from then on by week, as it is long ago.
    (first, second, *_) = figures[0].one("tbody").all("tr")
    assert first.one("th").text == "Week of 2 Mar 2026"
    assert second.all("td")[0].text == "45"
    numbers = [
        [cell.text for cell in figure.one("tbody").all("tr")[0].all("td")][:-1]
        for figure in figures
    ]
    assert numbers == [["45"], ["4"], ["0", "0"]]
    legends = [figure.one("ul", aria_label="Legend").text for figure in figures]
    # Marks follow the names: which there are depends on the day of the test.
    assert [legend.partition(" Not over yet ")[0] for legend in legends] == [
        "Views",
        "Likes",
        "Comments Shares",
    ]
    assert all("Videos posted" in legend for legend in legends)


def test_a_video_lists_its_observations_newest_first(
    visitor: Visitor, home: Tenant, creator: dict[str, Any]
):
    path = f"{videos_of(creator)}/{id_of(home, '101')}"

    opened = visitor.see(path).one("details", id="observations")

    (row,) = opened.one("tbody").all("tr")
    assert [cell.text for cell in (*row.all("th"), *row.all("td"))] == [
        *("1 Mar 2026, 12:00", "2,000,000", "10", "0", "0", "\N{EN DASH}", "test")
    ]
    # One that no scrape has counted has none.
    never = visitor.see(f"{videos_of(creator)}/{id_of(home, '104')}")
    assert never.all("details", id="observations") == []


def test_a_video_is_drawn_next_to_the_median_of_those_before_it(
    visitor: Visitor, home: Tenant
):
    creator = home.add("goat")
    names = [str(201 + number) for number in range(6)]
    for name in names:
        home.found(creator["id"], name, posted_at=NOON - timedelta(days=3))
    views = dict(zip(names, (10, 20, 30, 40, 50, 90), strict=True))
    at = NOON - timedelta(days=2, hours=12)
    home.saw_videos(creator["id"], views, at=at)
    home.goatherd.catch_up()
    # Videos with the same time are in the order of their ids, the greatest last.
    last = max(names, key=lambda name: id_of(home, name))
    views = dict(zip(names, (10, 20, 30, 40, 50, 90), strict=True))
    others = sorted(views[name] for name in names if name != last)

    page = visitor.see(f"{videos_of(creator)}/{id_of(home, last)}")

    chart = page.one("figure", id="chart-age")
    assert f"{views[last] / others[2]:.3g} times the median" in chart.text
    day_after = chart.one("tbody").all("tr")[0]
    assert [cell.text for cell in day_after.all("td")][:2] == [
        str(views[last]),
        str(others[2]),
    ]
    assert day_after.one("th").text.startswith("1 day, ")
    first = min(names, key=lambda name: id_of(home, name))
    alone = visitor.see(f"{videos_of(creator)}/{id_of(home, first)}")
    assert alone.all("figure", id="chart-age") == []
