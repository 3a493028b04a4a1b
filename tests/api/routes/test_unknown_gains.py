"""A gain is unknown, and not 0, as long as everything was seen only once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.creator_with_numbers import Watched

MARCH_2 = datetime(2026, 3, 2, 15, tzinfo=UTC)
DAYS = {"from": "2026-02-20", "to": "2026-03-19"}
GAINS = {"new_views", "likes", "comments", "shares", "new_followers"}


class Programme:
    """A project with a new creator, who was seen once: a profile and two videos."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.new = tenant.add("newcomer")["id"]
        for name in ("1001", "1002"):
            posted_at = MARCH_2 - timedelta(days=20)
            tenant.found(self.new, name, posted_at=posted_at)
        self.saw(MARCH_2, followers=500, views=(1_000, 2_000))

    def saw(self, at: datetime, *, followers: int, views: tuple[int, int]) -> None:
        self.tenant.saw(self.new, observed_at=at, follower_count=followers)
        self.tenant.saw_videos(
            self.new,
            dict(zip(("1001", "1002"), views, strict=True)),
            at=at,
            like_counts=views,
            comment_counts=views,
            share_counts=views,
        )
        self.tenant.goatherd.catch_up()

    def kpis(self, **params: str) -> dict[str, Any]:
        of = params or {"project_id": str(self.tenant.project_id)}
        path = "/analytics/kpis"
        return data_of(self.tenant.get(path, params=DAYS | {"tz": "UTC"} | of))

    def listed(self, **params: str) -> Any:  # noqa: ANN401 - an answer
        answer = self.tenant.get("/creators", params=DAYS | params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def programme(goatherd: Goatherd) -> Programme:
    return Programme(goatherd.tenant())


@pytest.mark.parametrize("kind", ("project", "campaign", "creator"))
def test_a_figure_that_was_seen_once_is_unknown_until_it_is_seen_again(
    programme: Programme, kind: str
):
    ids = {"project": str(programme.tenant.project_id), "creator": programme.new}
    if kind == "campaign":
        ids[kind] = programme.tenant.campaign("Spring", ("creator", programme.new))
        programme.tenant.goatherd.catch_up()
    of = {f"{kind}_id": ids[kind]}

    once = programme.kpis(**of)
    programme.saw(MARCH_2 + timedelta(hours=6), followers=500, views=(1_000, 2_000))
    again = programme.kpis(**of)
    programme.saw(MARCH_2 + timedelta(hours=9), followers=507, views=(1_010, 2_000))
    grown = programme.kpis(**of)

    assert {name: once[name]["value"] for name in GAINS} == dict.fromkeys(GAINS)
    for name in GAINS:
        assert once[name]["known_from"] == "2026-03-02"
        assert once[name]["known_share"] == 1.0
    for name in ("engagement_rate", "average_views_per_post"):
        assert (once[name]["value"], once[name]["known_from"]) == (None, None)
    assert (once["views"]["value"], once["views"]["known_from"]) == (3_000, None)
    # Seen twice, it is known to have gained nothing.
    assert {name: again[name]["value"] for name in GAINS} == dict.fromkeys(GAINS, 0)
    assert again["new_views"]["known_from"] is None
    assert (grown["new_views"]["value"], grown["new_followers"]["value"]) == (10, 7)


def test_points_of_a_chart_and_their_sum_say_what_is_known(programme: Programme):
    of = {"entity": "creator", "entity_id": programme.new, "metric": "views"}
    days = {"from": "2026-03-01", "to": "2026-03-03", "tz": "UTC"}

    once = data_of(programme.tenant.get("/analytics", params=of | days))
    explained = data_of(programme.tenant.get("/analytics/explain", params=of | days))
    programme.saw(MARCH_2 + timedelta(hours=6), followers=500, views=(1_000, 2_000))
    again = data_of(programme.tenant.get("/analytics", params=of | days))

    # A baseline adds nothing to its day, and levels stand.
    points = [point["value"] for point in once["series"][0]["points"]]
    assert points == [None, 0, 0]
    assert once["series"][0]["total"] is None
    assert explained["value"] is None
    assert [one["baseline"] for one in explained["observations"]] == [True, True]
    assert again["series"][0]["total"] == 0


@pytest.mark.parametrize("direction", ("asc", "desc"))
def test_lists_have_unknown_gains_last_and_leave_them_out_of_sums(
    programme: Programme, direction: str
):
    old = Watched(programme.tenant, "old")
    programme.tenant.found(old.id, "3001", posted_at=MARCH_2 - timedelta(days=30))
    # The first day lies before those of the list.
    for day, count in ((-20, 900), (1, 880)):
        old.followers(day, count)
        old.looked(day, v3001=count)
    programme.tenant.goatherd.catch_up()

    for sort in ("new_views", "new_followers"):
        found = programme.listed(sort=sort, order=direction)
        rows = [(one["tiktok_handle"], one["figures"]) for one in found["data"]]
        assert [handle for handle, _ in rows] == ["old", "newcomer"]
        assert rows[0][1][sort] == -20
        assert (rows[1][1][sort], rows[1][1]["known_from"]) == (None, "2026-03-02")
        assert rows[1][1]["followers"] == 500
        totals = found["meta"]["totals"]
        assert (totals[sort], totals["known_from"]) == (-20, None)
    at_least_none = programme.listed(figures="new_views>=0")
    assert at_least_none["data"] == []
    ranked = data_of(
        programme.tenant.get(
            "/analytics/aggregate/creator-leaderboard",
            params={"project_id": str(programme.tenant.project_id), **DAYS},
        )
    )
    assert [row["known_from"] for row in ranked] == [None, "2026-03-02"]


def test_the_sum_of_unknown_gains_is_unknown(programme: Programme):
    totals = programme.listed()["meta"]["totals"]

    assert (totals["new_views"], totals["new_followers"]) == (None, None)
    assert totals["known_from"] == "2026-03-02"


def test_a_video_posted_while_its_creator_is_watched_is_known_at_once(
    programme: Programme,
):
    fresh = programme.tenant.add("fresh")["id"]
    programme.tenant.saw(fresh, observed_at=MARCH_2, follower_count=5)
    at = MARCH_2 + timedelta(hours=5)
    programme.tenant.found(fresh, "4001", posted_at=at - timedelta(hours=1))
    programme.tenant.saw_videos(fresh, {"4001": 0}, at=at)
    programme.tenant.goatherd.catch_up()

    kpis = programme.kpis(creator_id=fresh)

    assert (kpis["new_views"]["value"], kpis["new_followers"]["value"]) == (0, None)
