"""Videos that do not count: no page says that there are none."""

import pytest

from tests.kit.application import Tenant, data_of
from tests.kit.creator_with_numbers import DAYS, Watched
from tests.kit.visitor import Visitor

# As many pages as say what videos there are.
_WHY = (
    "7 videos are not included: 4 were posted outside the tracked days, 1 waits in the "
    "inbox, 1 was switched off by hand and 1 was removed."
)


@pytest.fixture
def goat(home: Tenant) -> Watched:
    """A creator whose seven videos do not count, for each reason that there is."""
    goat = Watched(home, "goat")
    goat.followers(0, 100)
    for number in range(4):
        home.found(goat.id, f"20{number}", status="out_of_window")
    home.found(goat.id, "301", status="pending_review")
    off, gone = home.found(goat.id, "302"), home.found(goat.id, "303")
    home.goatherd.catch_up()
    home.delete(f"/videos/{gone}")
    path = f"/projects/{home.project_id}/videos/bulk-tracking-disable"
    home.post(path, {"video_ids": [off]})
    home.goatherd.catch_up()
    return goat


def test_the_api_counts_videos_by_whether_they_count(home: Tenant, goat: Watched):
    home.found(goat.id, "401")
    home.goatherd.catch_up()
    campaign = home.campaign("Spring", ("creator", goat.id))
    home.goatherd.catch_up()
    amounts = {
        "counted": 1,
        "pending_review": 1,
        "out_of_window": 4,
        "turned_off": 1,
        "excluded": 1,
    }
    nothing = dict.fromkeys(amounts, 0)
    other = home.add("other")["id"]
    home.goatherd.catch_up()

    def amounts_of(query: str) -> object:
        return data_of(home.get(f"/videos/amounts?{query}"))

    assert amounts_of("") == amounts_of(f"project_id={home.project_id}") == amounts
    assert amounts_of(f"creator_id={goat.id}") == amounts
    assert amounts_of(f"campaign_id={campaign}") == amounts
    assert amounts_of(f"creator_id={other}&campaign_id={campaign}") == nothing


def test_every_page_says_how_many_do_not_count_and_why(
    visitor: Visitor, home: Tenant, goat: Watched
):
    campaign = home.campaign("Spring", ("creator", goat.id))
    home.goatherd.catch_up()
    pages = (
        f"/creators/{goat.id}?{DAYS}",
        f"/creators/{goat.id}/videos",
        "/videos?search=nothing",
        f"/videos?search=nothing&campaign_id={campaign}",
        "/",
        f"/campaigns/{campaign}",
    )

    wrong = [
        path
        for path in pages
        if (text := visitor.see(path).text).count(_WHY) != 1 or "No videos yet" in text
    ]

    assert wrong == []
    # One that was switched off is in the list, with the reason.
    (row,) = visitor.see("/videos").one("tbody").all("tr")
    assert "not included: decided by hand" in row.text
    all_of_them = visitor.see("/videos?shown=all").one("tbody").all("tr")
    assert len(all_of_them) == 6
    shown = [row.text for row in all_of_them]
    assert sum("not included: posted outside the tracked days" in x for x in shown) == 4


def test_a_list_without_videos_that_count_says_so(visitor: Visitor, home: Tenant):
    home.found(home.add("goat")["id"], status="out_of_window")
    home.goatherd.catch_up()

    page = visitor.see("/videos")

    assert "No video is included yet" in page.text
    why = "1 video is not included: it was posted outside the tracked days."
    assert why in page.text
    shown = page.one("div", class_="empty").one("a")["href"]
    assert len(visitor.see(f"/videos{shown.removeprefix('/videos')}").all("tbody")) == 1


def test_one_button_lets_older_videos_count(
    visitor: Visitor, home: Tenant, goat: Watched
):
    page = visitor.see(f"/creators/{goat.id}?{DAYS}")

    answer = visitor.submit(page, f"/creators/{goat.id}/videos/older")

    assert answer.headers["location"] == f"/creators/{goat.id}/videos"
    home.goatherd.catch_up()
    creator = data_of(home.get(f"/creators/{goat.id}"))
    assert creator["tracking_start_date"] is None
    # The policy lets them count from here on, and there is nothing left to press.
    assert "/older" not in visitor.get(f"/creators/{goat.id}").text


def test_without_videos_nothing_is_said_of_them(visitor: Visitor, home: Tenant):
    goat = Watched(home, "kid")
    goat.followers(0, 100)
    home.goatherd.catch_up()

    assert "not included" not in visitor.see(f"/creators/{goat.id}?{DAYS}").text
    assert "No videos yet" in visitor.see(f"/creators/{goat.id}/videos").text
