"""GET /videos over all creators: filters, what is new in some days, and CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.kit.application import Tenant, ago, code_of, data_of

# When each was posted, in days ago; None is unknown.
POSTED = {"101": 40, "102": 20, "103": 5, "201": 10, "202": None}
TITLES = {
    "101": "Étoile du NORD",
    "102": "a.b",
    "103": "acb",
    "201": "étoile",
    "202": None,
}


@pytest.fixture
def ids(home: Tenant) -> dict[str, str]:
    """Videos of two creators; 202 waits for review, 103 was never seen."""
    found = {name: home.add(name)["id"] for name in ("goat", "sheep")}
    for video, days in POSTED.items():
        found[video] = home.found(
            found["goat" if video < "200" else "sheep"],
            video,
            status="pending_review" if video == "202" else "auto_tracked",
            title=TITLES[video],
            posted_at=days and ago(days),
        )
    home.saw_videos(found["goat"], {"101": 100}, at=ago(39))
    home.saw_videos(found["goat"], {"101": 1_000, "102": 50}, at=ago(15))
    home.saw_videos(found["goat"], {"101": 1_005, "102": 90}, at=ago(2))
    home.saw_videos(found["sheep"], {"201": 10, "202": 7}, at=ago(8))
    home.saw_videos(found["sheep"], {"201": 30, "202": 9}, at=ago(1))
    home.goatherd.catch_up()
    return found


def listed(home: Tenant, **query: str) -> list[str]:
    """Every video of a list, read two at a time."""
    rows: list[str] = []
    while True:
        answer = home.get("/videos", params={"limit": "2", **query})
        rows += [row["tiktok_video_id"] for row in data_of(answer)]
        following = answer.json()["meta"]["nextCursor"]
        if following is None:
            return rows
        query["cursor"] = following


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize(
    ("query", "order"),
    (
        # 202 does not count, and has numbers of its own.
        ({"period": "7d"}, ["102", "201", "101", "202"]),
        ({"period": "7d", "order": "asc"}, ["202", "101", "201", "102"]),
        ({"period": "30d"}, ["101", "102", "201", "202"]),
    ),
)
def test_videos_are_sorted_by_what_came_in_the_days_and_unknown_ones_last(
    home: Tenant, query: dict[str, str], order: list[str]
):
    rows = listed(home, sort="new_views", **query)

    assert rows == [*order, "103"]


def test_each_has_its_figures_and_the_list_says_how_long_it_is(
    home: Tenant, ids: dict[str, str]
):
    today = datetime.now(UTC).date()
    query = {"sort": "view_count", "period": "7d", "limit": "4"}

    answer = home.get("/videos", params=query)

    rows, meta = data_of(answer), answer.json()["meta"]
    shown = [
        (row["tiktok_video_id"], row["figures"]["views"], row["figures"]["new_views"])
        for row in rows
    ]
    assert shown == [
        ("101", 1_005, 5),
        ("102", 90, 40),
        ("201", 30, 20),
        ("202", 9, 2),
    ]
    assert [row["tiktok_handle"] for row in rows] == ["goat", "goat", "sheep", "sheep"]
    assert meta["totalCount"] == len(POSTED)
    assert (meta["firstDay"], meta["lastDay"], meta["tz"]) == (
        str(today - timedelta(days=6)),
        str(today),
        "UTC",
    )
    assert ids["101"] == rows[0]["id"]


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize(
    ("search", "found"),
    (
        ("ÉTOILE", {"101", "201"}),
        ("e\u0301toile", {"101", "201"}),
        ("nord", {"101"}),
        (" du n", {"101"}),
        ("a.b", {"102"}),
        ("a[", set[str]()),
        ("\\", set[str]()),
        ("***:x", set[str]()),
    ),
)
def test_a_search_finds_a_part_of_the_title_in_any_letter_case(
    home: Tenant, search: str, found: set[str]
):
    assert {*listed(home, search=search)} == found
    assert {*listed(home, search=search, sort="new_views")} == found


def test_filters_choose_by_tag_by_posting_and_by_creator(
    home: Tenant, ids: dict[str, str]
):
    home.patch(f"/videos/{ids['101']}", {"tags": ["Été", "B"]})
    home.patch(f"/videos/{ids['102']}", {"tags": ["été"]})
    home.goatherd.catch_up()
    day = (datetime.now(UTC) - timedelta(days=20)).date()

    def rows(**query: str) -> set[str]:
        assert {*listed(home, **query)} == {*listed(home, sort="new_views", **query)}
        return {*listed(home, **query)}

    assert rows(tag="ÉTÉ") == {"101", "102"}
    assert rows(tag="b,été") == {"101"}
    assert rows(posted_from=str(day)) == {"102", "103", "201"}
    assert rows(posted_to=str(day)) == {"101", "102"}
    assert rows(posted_from=str(day), posted_to=str(day)) == {"102"}
    assert rows(creator_id=ids["sheep"]) == {"201", "202"}
    assert rows(project_id=str(uuid4())) == set()


def test_a_campaign_has_the_videos_of_its_tree(home: Tenant, ids: dict[str, str]):
    below = home.campaign("below", ("creator", ids["sheep"]))
    above = home.campaign("above", ("campaign", below), ("video", ids["102"]))
    home.goatherd.catch_up()

    assert {*listed(home, campaign_id=above)} == {"102", "201", "202"}
    assert listed(home, campaign_id=above, sort="view_count")[:2] == ["102", "201"]
    assert {*listed(home, campaign_id=below, period="7d")} == {"201", "202"}
    assert listed(home, campaign_id=str(uuid4())) == []


def test_csv_holds_the_whole_list_but_never_what_is_excluded(
    home: Tenant, ids: dict[str, str]
):
    home.patch(f"/videos/{ids['201']}", {"tags": ["=SUM(A1)"]})
    home.delete(f"/videos/{ids['102']}")
    home.goatherd.catch_up()
    query = {"format": "csv", "limit": "1", "period": "7d"}

    by_new = home.get("/videos", params={**query, "sort": "new_views"})
    by_views = home.get("/videos", params={**query, "sort": "view_count"})

    assert by_new.headers["content-type"].startswith("text/csv")
    assert by_new.headers["content-disposition"].endswith('"videos.csv"')
    rows = [*csv.DictReader(io.StringIO(by_new.text))]
    assert [row["tiktok_video_id"] for row in rows[:2]] == ["201", "101"]
    assert [row["new_views"] for row in rows] == ["20", "5", "2", ""]
    assert rows[0]["tags"] == "'=SUM(A1)"
    assert (rows[0]["tiktok_handle"], rows[0]["view_count"]) == ("sheep", "30")
    sorted_rows = [*csv.DictReader(io.StringIO(by_views.text))]
    assert [row["tiktok_video_id"] for row in sorted_rows] == [
        "101",
        "201",
        "202",
        "103",
    ]


def test_excluded_videos_have_a_list_of_their_own_and_a_way_back(
    home: Tenant, ids: dict[str, str]
):
    for video in ("102", "201"):
        home.delete(f"/videos/{ids[video]}")
    home.goatherd.catch_up()
    excluded = f"/projects/{home.project_id}/videos/excluded"

    every = [row["tiktok_video_id"] for row in home.every(excluded, limit=1)]
    decision = {"video_id": ids["102"], "decision": "put_back"}
    inbox = f"/projects/{home.project_id}/inbox"
    home.post(f"{inbox}/review", {"decisions": [decision]})
    home.goatherd.catch_up()

    assert every == ["201", "102"]
    assert {*listed(home)} == {"101", "102", "103", "202"}
    left = data_of(home.get(excluded))
    assert [row["tracking_status"] for row in left] == ["excluded"]
    assert left[0]["id"] == ids["201"]
    waiting = {row["tiktok_video_id"] for row in data_of(home.get(inbox))}
    assert waiting == {"102", "202"}
    unknown = home.get(f"/projects/{uuid4()}/videos/excluded")
    assert code_of(unknown) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "name"),
    (
        ({"period": "7d", "to": "2026-01-01"}, "/period"),
        ({"period": "8d"}, "/period"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "/from"),
        ({"posted_from": "2026-02-01", "posted_to": "2026-01-01"}, "/posted_from"),
        ({"posted_to": "1066-10-14"}, "/posted_to"),
        ({"sort": "beauty"}, "/sort"),
        ({"tag": "a,,b"}, "/tag"),
        ({"search": "x" * 101}, "/search"),
        ({"campaign_id": "x"}, "/campaign_id"),
    ),
)
def test_what_a_list_cannot_be_of_is_refused_by_name(
    home: Tenant, query: dict[str, str], name: str
):
    answer = home.get("/videos", params=query)

    assert code_of(answer) == (400, "invalid_query")
    assert answer.json()["meta"]["fields"][0]["path"] == name


def test_days_before_the_plans_are_refused_and_periods_cut(home: Tenant):
    short = home.goatherd.tenant(plan="short")
    today = datetime.now(UTC).date()

    own = short.get("/videos", params={"from": str(today - timedelta(days=8))})
    cut = short.get("/videos", params={"period": "90d"})

    assert code_of(own)[1] == "retention_exceeded"
    assert cut.json()["meta"]["firstDay"] == str(today - timedelta(days=7))


def test_another_organization_is_in_no_list(stranger: Tenant, ids: dict[str, str]):
    query: Any = {"creator_id": ids["goat"], "sort": "new_views"}

    assert data_of(stranger.get("/videos", params=query)) == []
    path = f"/projects/{stranger.project_id}/videos/excluded"
    assert data_of(stranger.get(path)) == []
