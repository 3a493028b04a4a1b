"""Targets of campaigns count, for any history, the numbers of a plain loop."""

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain import events as e
from domain.streams import video_stream
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.projections.analytics.oracle import Oracle
from tests.projections.analytics.summary_oracle import SummaryOracle

SCOPES = ("gained", "posts_in_days", "lifetime")
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
approx = partial(pytest.approx, abs=2e-6)


class Programme:
    """A project with a random history of 40 days, and campaigns in it."""

    def __init__(self, goatherd: Goatherd, seed: str, zone: str) -> None:
        self.random = Random(seed)  # noqa: S311 - histories, not secrets
        self.zone = ZoneInfo(zone)
        self.tenant = goatherd.tenant(time_zone=zone)
        self.began = goatherd.head
        self.now = datetime.now(UTC)
        self.creators = [self.tenant.add(f"goat.{n}")["id"] for n in range(4)]
        self.videos: dict[str, list[str]] = {one: [] for one in self.creators}
        for creator in self.creators[:3]:
            for _ in range(self.random.randint(2, 6)):
                self._finds(creator)
        self.campaigns = [self._campaign(n) for n in range(14)]
        for _ in range(30):
            self.looks(self.moment())
        goatherd.catch_up()

    def moment(self) -> datetime:
        """Some time of the last 40 days, often a midnight or one of the last hours."""
        if self.random.random() < 0.2:
            return self.now - timedelta(minutes=self.random.randrange(600))
        day = self.now.astimezone(self.zone).date()
        day -= self.random.randrange(40) * DAY
        midnight = datetime.combine(day, time(), tzinfo=self.zone)
        found = midnight + timedelta(hours=self.random.choice((0, 0, 3.2, 12, 23.99)))
        return min(found.astimezone(UTC), self.now)

    def looks(self, at: datetime) -> None:
        creator = self.random.choice(self.creators[:3])
        names = self.videos[creator]
        names = self.random.sample(names, self.random.randint(1, len(names)))
        counts = {
            name: self.random.choice((None, self.random.randrange(10**6)))
            for name in names
        }
        self.tenant.goatherd.append(
            new_id(),
            e.VideoStatsSnapshotRecorded(
                organization_id=self.tenant.organization_id,
                project_id=self.tenant.project_id,
                creator_id=UUID(creator),
                observed_at=at,
                provider="test",
                video_ids=tuple(counts),
                view_counts=tuple(counts.values()),
                like_counts=self._others(len(counts)),
                comment_counts=self._others(len(counts)),
                share_counts=self._others(len(counts)),
                save_counts=self._others(len(counts), unknown=0.5),
            ),
        )

    def _others(self, amount: int, unknown: float = 0.1) -> tuple[int | None, ...]:
        """Counts, of which one is sometimes unknown, and sometimes are all."""
        if self.random.random() < unknown:
            return (None,) * amount
        return tuple(
            self.random.choice((None, *(self.random.randrange(10**5),) * 9))
            for _ in range(amount)
        )

    def oracle(self, *, as_of: int | None = None) -> SummaryOracle:
        own = [
            recorded
            for recorded in self.tenant.goatherd.since(self.began)
            if getattr(recorded.event, "organization_id", None)
            == self.tenant.organization_id
        ]
        return SummaryOracle(Oracle(own, as_of))

    def expected(
        self, campaign: dict[str, Any], oracle: SummaryOracle
    ) -> dict[str, tuple[int | None, int | None]]:
        """Return what counts for a campaign, each with its growth of 7 days."""
        now = _end_of_quarter(self.now)
        began = _end_of_quarter(datetime.fromisoformat(campaign["created_at"]))
        if campaign["starts_on"]:
            began = self._midnight(campaign["starts_on"])
        ended = now
        if campaign["ends_on"]:
            ended = self._midnight(campaign["ends_on"], days=1)
        question = (UUID(campaign["id"]), campaign["target_scope"], began, ended, now)
        return {
            "views": oracle.target(*question),
            "posts": oracle.target_of_posts(*question),
            "engagement": oracle.target_of_engagement(*question),
        }

    def _midnight(self, day: str, days: int = 0) -> datetime:
        on = date.fromisoformat(day) + days * DAY
        return datetime.combine(on, time(), tzinfo=self.zone).astimezone(UTC)

    def _finds(self, creator: str) -> None:
        name = str(new_id().int % 10**18 + 10**18)
        self.videos[creator].append(name)
        status: Any = self.random.choice(("auto_tracked",) * 5 + ("pending_review",))
        self.tenant.found(creator, name, status=status, posted_at=self.moment())

    def _campaign(self, number: int) -> str:
        """Create one with random days and members, some of them below others."""
        today = self.now.astimezone(self.zone).date()
        first = today - self.random.randrange(-2, 30) * DAY
        last = first + self.random.randrange(25) * DAY
        body: dict[str, Any] = {
            "name": f"Campaign {number}",
            "target_views": self.random.choice((10, 10**6, 10**8)),
            "target_at": (self.now + 20.5 * DAY).isoformat(),
            "target_scope": SCOPES[number % 3],
            "target_posts": self.random.randint(1, 9),
            "target_engagement": self.random.choice((10, 10**6)),
            "cost_minor": 500_000,
            "currency": "EUR",
        }
        if self.random.random() < 0.8:
            body["starts_on"] = first.isoformat()
        if self.random.random() < 0.5:
            body["ends_on"] = max(last, today if "starts_on" not in body else last)
            body["ends_on"] = body["ends_on"].isoformat()
        path = f"/projects/{self.tenant.project_id}/campaigns"
        campaign_id = data_of(self.tenant.post(path, body), status=201)["id"]
        items = [("creator", id_) for id_ in self.random.sample(self.creators, 2)]
        if self.random.random() < 0.6:
            name = self.random.choice(self.videos[self.creators[0]])
            items.append(("video", str(video_stream(self.tenant.project_id, name))))
        if number > 2 and self.random.random() < 0.5:
            items = [
                ("campaign", self.random.choice(self.campaigns_so_far)),
                *items[:1],
            ]
        put = [{"item_type": kind, "item_id": id_} for kind, id_ in items]
        self.tenant.post(f"/campaigns/{campaign_id}/items", {"items": put})
        self.campaigns_so_far = [*getattr(self, "campaigns_so_far", []), campaign_id]
        return campaign_id


@pytest.mark.parametrize("zone", ("Europe/Berlin", "America/St_Johns"))
def test_targets_count_what_happened_in_the_days(goatherd: Goatherd, zone: str):
    programme = Programme(goatherd, zone, zone)
    tenant, oracle, head = programme.tenant, programme.oracle(), goatherd.head
    rows = data_of(
        tenant.get(
            "/analytics/aggregate/campaign-leaderboard",
            params={"project_id": str(tenant.project_id)},
        )
    )
    ranked = {row["campaign_id"]: row["progress"] for row in rows}
    seen: dict[str, set[bool]] = {scope: set() for scope in SCOPES}
    counted: dict[str, set[bool]] = {
        name: set() for name in ("views", "posts", "engagement")
    }

    for campaign_id in programme.campaigns:
        campaign = _shown(tenant, campaign_id)
        progress = campaign["progress"]
        scope = campaign["target_scope"]
        assert progress["target_scope"] == scope
        for name, (reached, growth) in programme.expected(campaign, oracle).items():
            shown = progress if name == "views" else progress[name]
            target = campaign[f"target_{name}"]
            percentage = None if reached is None else 100 * reached // target
            assert (shown["reached"], shown["percentage"]) == (reached, percentage)
            ends_with_days = scope == "gained" or (scope, name) == (
                "posts_in_days",
                "posts",
            )
            if not ends_with_days or campaign["ends_on"] is None:
                projected = None
                if reached is not None and growth is not None:
                    projected = reached + round(growth / 7 * 20)
                assert shown["projected_at_target"] == projected
            counted[name].add(bool(reached))
        reached, cpm = progress["reached"], progress["effective_cpm_minor"]
        assert (cpm is None) == (not reached or reached < 0)
        if cpm is not None:
            assert cpm == approx(1_000 * 500_000 / reached)
        assert ranked[campaign_id] == progress
        seen[scope].add(bool(reached))
    assert all(True in found for found in (*seen.values(), *counted.values()))

    # Later records change no answer of before, and are in those of now.
    for _ in range(10):
        programme.looks(programme.moment())
    goatherd.catch_up()
    later = programme.oracle()
    changed = 0
    for campaign_id in programme.campaigns:
        now = _shown(tenant, campaign_id)
        then = _shown(tenant, campaign_id, as_of=str(head))
        reached = ranked[campaign_id]["reached"]
        assert then["progress"]["reached"] == reached
        for name in ("posts", "engagement"):
            was = ranked[campaign_id][name]["reached"]
            assert then["progress"][name]["reached"] == was
        expected = programme.expected(now, later)
        assert now["progress"]["reached"] == expected["views"][0]
        for name in ("posts", "engagement"):
            assert now["progress"][name]["reached"] == expected[name][0]
        changed += now["progress"]["reached"] != reached
    assert changed


def test_a_campaign_of_today_does_not_count_the_past(home: Tenant):
    creator = home.add("goat")
    posted = datetime(2026, 3, 1, tzinfo=UTC)
    home.found(creator["id"], "1", posted_at=posted)
    home.saw_videos(creator["id"], {"1": 49_400_000}, at=posted + DAY)
    path = f"/projects/{home.project_id}/campaigns"
    body = {"name": "November", "target_views": 25_000_000}
    campaign = data_of(home.post(path, body), status=201)
    items = {"item_type": "creator", "item_id": creator["id"]}
    data_of(home.post(f"/campaigns/{campaign['id']}/items", items), status=201)
    home.goatherd.catch_up()

    gained = _shown(home, campaign["id"])
    change = {"target_scope": "lifetime"}
    data_of(home.patch(f"/campaigns/{campaign['id']}", change))
    home.goatherd.catch_up()
    of_all_time = _shown(home, campaign["id"])

    assert gained["target_scope"] == "gained"
    assert (gained["progress"]["reached"], gained["progress"]["status"]) == (0, None)
    assert of_all_time["progress"]["percentage"] == 197
    assert of_all_time["progress"]["status"] == "completed"
    history = data_of(home.get(f"/campaigns/{campaign['id']}/history"))
    summaries = [entry["summary"] for entry in history]
    assert any("25,000,000 views of all time" in text for text in summaries)
    assert any("25,000,000 views gained in its days" in text for text in summaries)
    wrong = home.patch(f"/campaigns/{campaign['id']}", {"target_scope": "ever"})
    assert wrong.status_code == 400
    assert "target_scope" in wrong.json()["error"]


def test_posts_of_its_days_are_counted_to_the_instant(home: Tenant):
    creator = home.add("goat")
    first, after = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
    moments = (first - MOMENT, first, first + DAY, after - MOMENT, after)
    for number, posted_at in enumerate(moments, 1):
        home.found(creator["id"], str(number), posted_at=posted_at)
    campaigns: dict[str, str] = {}
    for scope in SCOPES:
        body = {
            "name": scope,
            "starts_on": "2026-03-02",
            "ends_on": "2026-03-08",
            "target_posts": 4,
            "target_scope": scope,
        }
        path = f"/projects/{home.project_id}/campaigns"
        campaigns[scope] = data_of(home.post(path, body), status=201)["id"]
        items = {"item_type": "creator", "item_id": creator["id"]}
        data_of(home.post(f"/campaigns/{campaigns[scope]}/items", items), status=201)
    home.goatherd.catch_up()
    head = str(home.goatherd.head)

    for params in ({}, {"as_of": head}):
        counted = {
            scope: _shown(home, id_, **params)["progress"]["posts"]["reached"]
            for scope, id_ in campaigns.items()
        }
        assert counted == {"gained": 3, "posts_in_days": 3, "lifetime": 5}


def test_a_zone_and_a_position_pin_the_progress_for_ever(home: Tenant):
    creator = home.add("goat")["id"]
    # 23:30 on March 9 in UTC, and 8:30 on March 10 in Tokyo.
    posted = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)
    home.found(creator, "1", posted_at=posted)
    home.saw(creator, observed_at=posted - DAY)
    for hours, views in ((-24, None), (0.5, 100), (1, 130), (24, 200)):
        if views is not None:
            at = posted + timedelta(hours=hours)
            home.saw_videos(creator, {"1": views}, at=at)
    path = f"/projects/{home.project_id}/campaigns"
    body = {"name": "March", "starts_on": "2026-03-10", "ends_on": "2026-03-10"}
    body |= {"target_views": 1_000, "target_at": "2026-03-11T00:00:00Z"}
    campaign = data_of(home.post(path, body), status=201)["id"]
    items = {"item_type": "creator", "item_id": creator}
    data_of(home.post(f"/campaigns/{campaign}/items", items), status=201)
    home.goatherd.catch_up()
    pinned = {"as_of": str(home.goatherd.head), "tz": "Asia/Tokyo"}

    def ranked(**params: str) -> dict[str, Any]:
        place = "/analytics/aggregate/campaign-leaderboard"
        params = {"project_id": str(home.project_id), **params}
        (row,) = data_of(home.get(place, params=params))
        return {"tz": row["tz"], "progress": row["progress"]}

    def shown(**params: str) -> dict[str, Any]:
        found = _shown(home, campaign, **params)
        return {"tz": found["tz"], "progress": found["progress"]}

    then = shown(**pinned)
    assert then == ranked(tz="Asia/Tokyo") == shown(tz="Asia/Tokyo")
    assert (then["tz"], then["progress"]["reached"]) == ("Asia/Tokyo", 130)
    own = shown()
    assert own == ranked()
    assert (own["tz"], own["progress"]["reached"]) == ("UTC", 100)

    data_of(home.patch("/organization", {"time_zone": "America/New_York"}))
    home.saw_videos(creator, {"1": 5_000}, at=posted + timedelta(hours=2))
    home.goatherd.catch_up()

    assert shown(**pinned) == ranked(**pinned) == then
    moved = shown(as_of=pinned["as_of"])
    assert moved["tz"] == "America/New_York"
    assert moved["progress"] != own["progress"]
    assert shown()["progress"] != own["progress"]
    wrong = home.get(f"/campaigns/{campaign}", params={"tz": "Mars/Olympus"})
    assert code_of(wrong) == (400, "invalid_query")


def test_a_campaign_of_before_counts_all_views_until_somebody_chooses(home: Tenant):
    campaign_id = new_id()
    # As it was stored before there was a scope.
    before = e.CampaignCreated(
        organization_id=home.organization_id,
        project_id=home.project_id,
        name="Old",
    )
    target = e.CampaignTargetChanged(
        organization_id=home.organization_id, target_views=10
    )
    home.goatherd.append(campaign_id, before, target)
    home.goatherd.catch_up()

    assert _shown(home, str(campaign_id))["target_scope"] == "lifetime"
    data_of(home.patch(f"/campaigns/{campaign_id}", {"target_views": 20}))
    home.goatherd.catch_up()
    assert _shown(home, str(campaign_id))["target_scope"] == "lifetime"
    data_of(home.patch(f"/campaigns/{campaign_id}", {"target_scope": "gained"}))
    home.goatherd.catch_up()
    assert _shown(home, str(campaign_id))["progress"]["target_scope"] == "gained"


def _shown(tenant: Tenant, campaign_id: str, **params: str) -> dict[str, Any]:
    return data_of(tenant.get(f"/campaigns/{campaign_id}", params=params))


def _end_of_quarter(instant: datetime) -> datetime:
    seconds = -(-instant.timestamp() // 900) * 900
    return datetime.fromtimestamp(seconds, UTC)
