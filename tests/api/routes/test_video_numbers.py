"""A video's observations, and its views next to those of its peers at the same age."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain import events as e
from domain.streams import video_stream
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, code_of, data_of

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def creator(home: Tenant) -> str:
    return home.add(f"goat.{uuid4().hex[:20]}")["id"]


def counted(
    tenant: Tenant, creator: str, day: float, views: dict[str, int | None]
) -> None:
    """Let a scrape have counted videos so many days after the first."""
    at = FIRST + timedelta(days=day)
    tenant.saw_videos(creator, views, at=at, comment_counts=(0,) * len(views))


def points_of(tenant: Tenant, video_id: str) -> list[dict[str, Any]]:
    return data_of(tenant.get(f"/videos/{video_id}/age-curve"))["points"]


def test_a_curve_has_the_median_of_the_peers_at_the_same_age(
    home: Tenant, creator: str
):
    # One a day; each has 10 times its number of views on its first day, double later.
    names = [str(7_000 + nth) for nth in range(7)]
    ids = [
        home.found(creator, name, posted_at=FIRST + timedelta(days=nth))
        for nth, name in enumerate(names)
    ]
    for nth, name in enumerate(names):
        counted(home, creator, nth + 0.5, {name: 10 * (nth + 1)})
        counted(home, creator, nth + 1.5, {name: 20 * (nth + 1)})
    home.goatherd.catch_up()

    points = points_of(home, ids[6])

    assert [point["age_days"] for point in points] == [*range(1, 91)]
    assert points[0] == {
        "age_days": 1,
        "at": "2026-01-08T00:00:00Z",
        "views": 70,
        "peer_median": 35.0,
        "peers": 6,
    }
    assert (points[1]["views"], points[1]["peer_median"]) == (140, 70.0)
    # Four others came before it, and a median is of five.
    assert {p["peer_median"] for p in points_of(home, ids[4])} == {None}
    assert points_of(home, ids[4])[0]["peers"] == 4


def test_a_video_without_a_time_of_posting_has_no_curve(home: Tenant, creator: str):
    unknown = home.found(creator, "7001")
    counted(home, creator, 1, {"7001": 5})
    home.goatherd.catch_up()

    assert points_of(home, unknown) == []


def test_a_video_that_does_not_count_has_a_curve_of_its_own_and_is_no_peer(
    home: Tenant, creator: str
):
    names = [str(7_000 + nth) for nth in range(6)]
    ids = [
        home.found(creator, name, posted_at=FIRST + timedelta(days=nth))
        for nth, name in enumerate(names)
    ]
    waiting = home.found(
        creator,
        "7100",
        posted_at=FIRST + timedelta(days=5.5),
        status="pending_review",
    )
    later = home.found(creator, "7101", posted_at=FIRST + timedelta(days=6))
    for nth, name in enumerate(names):
        counted(home, creator, nth + 0.5, {name: 10 * (nth + 1)})
    counted(home, creator, 6, {"7100": 900})
    counted(home, creator, 6.5, {"7101": 7})
    home.goatherd.catch_up()

    first = points_of(home, waiting)[0]
    of_later = points_of(home, later)[0]
    data_of(home.delete(f"/videos/{ids[5]}"))
    home.goatherd.catch_up()
    without = points_of(home, later)[0]

    assert (first["age_days"], first["views"]) == (1, 900)
    assert (first["peer_median"], first["peers"]) == (35.0, 6)
    assert (of_later["views"], of_later["peers"]) == (7, 6)
    assert (without["peers"], without["peer_median"]) == (5, 30.0)


def test_a_single_video_has_a_curve_without_peers(home: Tenant):
    organization_id, project_id = home.organization_id, home.project_id
    video_id = video_stream(project_id, "7200")
    home.goatherd.append(
        video_id,
        e.VideoAdded(
            organization_id=organization_id,
            project_id=project_id,
            tiktok_video_id="7200",
            handle="nobody",
            kind="video",
        ),
    )
    home.goatherd.append(
        new_id(),
        e.VideoStatsSnapshotRecorded(
            organization_id=organization_id,
            project_id=project_id,
            creator_id=None,
            observed_at=FIRST,
            provider="test",
            video_ids=("7200",),
            view_counts=(40,),
            like_counts=(None,),
            comment_counts=(None,),
            share_counts=(None,),
            save_counts=(None,),
            posted_at=(FIRST - timedelta(hours=1),),
        ),
    )
    home.goatherd.catch_up()

    points = points_of(home, str(video_id))

    assert points[0]["at"] == "2026-01-01T23:00:00Z"
    assert [(p["views"], p["peers"]) for p in points[:2]] == [(40, 0), (40, 0)]


def test_observations_are_listed_with_what_each_scrape_counted(
    home: Tenant, creator: str
):
    video_id = home.found(creator, "7001", posted_at=FIRST)
    home.found(creator, "7002", posted_at=FIRST)
    for day, views in enumerate((5, None, 7)):
        counted(home, creator, day, {"7001": views, "7002": 1_000})
    home.goatherd.catch_up()
    path = f"/videos/{video_id}/observations"

    first = home.get(path, params={"limit": "2"})
    cursor = first.json()["meta"]["nextCursor"]
    second = home.get(path, params={"limit": "2", "cursor": cursor})

    rows = [*data_of(first), *data_of(second)]
    assert [(row["observed_at"], row["view_count"]) for row in rows] == [
        ("2026-01-03T00:00:00Z", 7),
        ("2026-01-02T00:00:00Z", None),
        ("2026-01-01T00:00:00Z", 5),
    ]
    assert {(row["like_count"], row["comment_count"]) for row in rows} == {(None, 0)}
    assert {row["provider"] for row in rows} == {"test"}
    assert second.json()["meta"]["nextCursor"] is None
    assert rows[0]["position"] > rows[1]["position"]


def test_neither_shows_more_than_the_plan_or_another_organizations_videos(
    goatherd: Goatherd, home: Tenant
):
    short = goatherd.tenant(plan="short")
    creator = short.add("goat")["id"]
    video_id = short.found(creator, "7001", posted_at=FIRST)
    counted(short, creator, 1, {"7001": 5})
    goatherd.catch_up()

    assert data_of(short.get(f"/videos/{video_id}/observations")) == []
    assert points_of(short, video_id) == []
    for part in ("observations", "age-curve"):
        answer = home.get(f"/videos/{video_id}/{part}")
        assert code_of(answer) == (404, "not_found")


def test_what_contradicts_or_cannot_be_is_shown_and_changes_no_number(
    home: Tenant, creator: str
):
    video_id = home.found(creator, "7001", posted_at=FIRST)
    counted(home, creator, 1, {"7001": 5})
    moved = FIRST + timedelta(days=2)
    home.saw_videos(
        creator, {"7001": -5}, at=FIRST + timedelta(days=3), posted_at=(moved,)
    )
    home.goatherd.catch_up()
    named, day = "2026-01-03T00:00:00Z", str(FIRST.date())
    of_creator = {"entity": "creator", "entity_id": creator, "from": day, "to": day}

    video = home.get(f"/videos/{video_id}").json()["data"]
    newest, oldest = data_of(home.get(f"/videos/{video_id}/observations"))
    posts = home.get(
        "/analytics/explain", params={**of_creator, "metric": "posts", "date": day}
    ).json()["data"]
    history = data_of(home.get(f"/creators/{creator}/history"))

    assert (video["posted_at"], video["view_count"]) == ("2026-01-01T00:00:00Z", 5)
    assert (newest["view_count"], newest["other_posted_at"]) == (-5, named)
    assert (oldest["view_count"], oldest["other_posted_at"]) == (5, None)
    # At midnight it was posted on the day that begins then.
    assert posts["value"] == 1
    assert [each["other_posted_at"] for each in posts["observations"]] == [[named]]
    shown = [e for e in history if e["event"] == "video_stats_snapshot_recorded"]
    assert shown[0]["data"]["other_posting_times"] == [
        {"video_id": video_id, "posted_at": named, "first_known": video["posted_at"]}
    ]
    assert "another time of posting of 1 video" in shown[0]["summary"]
    assert "other_posting_times" not in shown[1]["data"]
