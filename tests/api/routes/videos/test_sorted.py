"""Videos in the order of their figures, page by page."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.kit.application import Tenant, ago, code_of, data_of

FIGURES = ("view_count", "like_count", "comment_count", "share_count", "save_count")
SORTS = ("posted_at", *FIGURES, "engagement_rate")

# By TikTok's id: views, likes, comments, shares, saves; and days since it was posted.
# Two are alike, one has no views, one's likes are unknown, one was never seen.
SEEN: dict[str, tuple[int | None, ...]] = {
    "101": (1_000, 10, 5, 1, 4),
    "102": (50, 25, 0, 0, None),
    "103": (1_000, 10, 5, 1, 4),
    "104": (0, 0, 0, 0, 0),
    "105": (2**53 + 1, None, 7, 3, 2**40),
    "106": (3, 3, 3, 3, 3),
}
POSTED = {"101": 5, "102": 1, "103": 5, "104": 9, "105": None, "106": 2, "107": 3}


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    """A creator with seven videos, six of which were seen."""
    creator = home.add("goat")
    days = {tiktok: None if d is None else _days(d) for tiktok, d in POSTED.items()}
    for tiktok, posted_at in days.items():
        status = "included" if tiktok == "106" else "auto_tracked"
        home.found(creator["id"], tiktok, status=status, posted_at=posted_at)
    _see(home, creator["id"], SEEN)
    home.goatherd.catch_up()
    return creator


def _days(days: int) -> datetime:
    return datetime(2026, 7, 1, tzinfo=UTC) - timedelta(days=days)


def _see(
    home: Tenant, creator_id: str, seen: dict[str, tuple[int | None, ...]]
) -> None:
    views, likes, comments, shares, saves = zip(*seen.values(), strict=True)
    home.saw_videos(
        creator_id,
        dict(zip(seen, views, strict=True)),
        like_counts=likes,
        comment_counts=comments,
        share_counts=shares,
        save_counts=saves,
    )


def _value(video: dict[str, Any], sort: str) -> Any:  # noqa: ANN401
    if sort != "engagement_rate":
        return video[sort]
    views, likes, comments, shares, saves = (video[name] for name in FIGURES)
    if not views or None in {likes, comments, shares}:
        return None
    return (likes + comments + shares + (saves or 0)) / views


def _in_order(
    videos: Sequence[dict[str, Any]], sort: str, *, descends: bool
) -> list[str]:
    known = [video for video in videos if _value(video, sort) is not None]
    unknown = [video for video in videos if _value(video, sort) is None]
    known.sort(key=lambda v: (_value(v, sort), UUID(v["id"]).bytes), reverse=descends)
    unknown.sort(key=lambda v: UUID(v["id"]).bytes, reverse=descends)
    return [video["tiktok_video_id"] for video in (*known, *unknown)]


def _all(home: Tenant, **params: str | int) -> list[str]:
    rows: list[str] = []
    while True:
        answer = home.get("/videos", params=params)
        rows += [video["tiktok_video_id"] for video in data_of(answer)]
        cursor = answer.json()["meta"]["nextCursor"]
        if cursor is None:
            return rows
        params["cursor"] = cursor


@pytest.mark.parametrize("order", ("desc", "asc"))
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", (1, 2, 50))
def test_pages_have_every_video_once_in_the_order_asked(
    home: Tenant, creator: dict[str, Any], sort: str, order: str, limit: int
):
    of_creator = {"creator_id": creator["id"]}
    videos = data_of(home.get("/videos", params=of_creator))

    rows = _all(home, **of_creator, sort=sort, order=order, limit=limit)

    assert rows == _in_order(videos, sort, descends=order == "desc")
    assert len(rows) == len(POSTED)


def test_what_is_unknown_comes_last_both_ways(home: Tenant, creator: dict[str, Any]):
    of_creator = {"creator_id": creator["id"]}

    most = _all(home, **of_creator, sort="like_count", order="desc")
    least = _all(home, **of_creator, sort="like_count", order="asc")

    assert most[0] == "102"
    assert least[0] == "104"
    assert set(most[-2:]) == set(least[-2:]) == {"105", "107"}


@pytest.mark.usefixtures("creator")
def test_the_oldest_come_first_of_all_creators_if_asked(home: Tenant):
    newest_first = _all(home, limit=2)

    rows = _all(home, order="asc", limit=2)

    assert rows == newest_first[::-1]
    assert len(rows) == len(POSTED)


def test_status_and_project_count_in_every_order(home: Tenant, creator: dict[str, Any]):
    of_creator = {"creator_id": creator["id"], "sort": "view_count"}
    second = data_of(home.post("/projects", {"name": "Second"}), status=201)["id"]

    included = _all(home, **of_creator, tracking_status="included,out_of_window")
    here = _all(home, **of_creator, project_id=str(home.project_id))
    elsewhere = _all(home, **of_creator, project_id=second)

    assert included == ["106"]
    assert len(here) == len(POSTED)
    assert elsewhere == []


def test_another_organization_sees_none_of_them(
    stranger: Tenant, creator: dict[str, Any]
):
    params = {"creator_id": creator["id"], "sort": "view_count"}

    assert data_of(stranger.get("/videos", params=params)) == []


@pytest.mark.parametrize("other", ({"sort": "like_count"}, {"order": "asc"}))
def test_a_cursor_is_worth_nothing_in_another_order(
    home: Tenant, creator: dict[str, Any], other: dict[str, str]
):
    params = {"creator_id": creator["id"], "sort": "view_count", "limit": 1}
    answer = home.get("/videos", params=params)
    cursor = answer.json()["meta"]["nextCursor"]

    answer = home.get("/videos", params={**params, **other, "cursor": cursor})

    assert code_of(answer) == (400, "invalid_cursor")


@pytest.mark.parametrize("sort", SORTS)
def test_all_creators_videos_are_in_one_order(
    home: Tenant, creator: dict[str, Any], sort: str
):
    other = home.add("sheep")
    home.found(other["id"], "201", posted_at=_days(4))
    _see(home, other["id"], {"201": (900, 20, 3, 2, 1)})
    home.goatherd.catch_up()

    rows = _all(home, project_id=str(home.project_id), sort=sort, limit=2)

    every = data_of(home.get("/videos"))
    assert rows == _in_order(every, sort, descends=True)
    assert {*rows} == {*POSTED, "201"}
    assert creator["id"] != other["id"]


def test_no_video_is_left_out_after_one_whose_figure_has_changed(home: Tenant):
    creator = home.add("goat")["id"]
    found = {home.found(creator, number): number for number in ("1", "2", "3", "4")}
    # The later ids have the larger figures, so that an id alone would skip the rest.
    ids = sorted(found, reverse=True)
    home.saw_videos(creator, {found[id_]: 0 for id_ in ids}, at=ago(2))
    gained = dict(zip(ids, (40, 30, 20, 10), strict=True))
    home.saw_videos(creator, {found[id_]: gained[id_] for id_ in ids}, at=ago(1))
    home.goatherd.catch_up()
    params = {"creator_id": creator, "sort": "new_views", "limit": "1"}

    first = home.get("/videos", params=params).json()
    home.saw_videos(creator, {found[ids[0]]: 45}, at=ago(0.5))
    home.goatherd.catch_up()
    params |= {"cursor": first["meta"]["nextCursor"], "limit": "4"}

    assert [row["id"] for row in first["data"]] == ids[:1]
    rest = data_of(home.get("/videos", params=params))
    assert [row["id"] for row in rest] == ids[1:]
