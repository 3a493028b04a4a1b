"""Activity that figures cause: videos that took off, targets reached and missed."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import events as e
from domain.analytics.targets import Progress
from infra.embedded.processes import wait_until
from infra.ids import new_id
from projections.activity.projection import Activity
from projections.analytics.summaries import target_counts
from projections.analytics.summaries.target_counts import CampaignTarget
from projections.engine.reader import Reader
from projections.rebuild.rebuild import rebuild
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.patience import PATIENTLY
from workers.policies import figures
from workers.policies.figures import FigurePolicies

# Looks take place in the last hour, so that a later one lies before the present too.
NOW = datetime.now(UTC) - timedelta(hours=1)
LATER = timedelta(minutes=20)
if (NOW + LATER).date() > NOW.date():
    # The later look is on the same day.
    NOW -= LATER
DAY = timedelta(days=1)
MONTH_AGO = (NOW - 30 * DAY).date().isoformat()
OUTCOMES = "campaign_target_reached,campaign_target_missed"


def look(goatherd: Goatherd, now: datetime = NOW) -> bool:
    goatherd.catch_up()
    policies = FigurePolicies(goatherd.store, url=goatherd.url)
    policies.look_at_targets(now)
    is_done = policies.look_at_videos(now)
    goatherd.catch_up()
    return is_done


def listed(tenant: Tenant, **params: str) -> list[dict[str, Any]]:
    tenant.goatherd.catch_up()
    return data_of(tenant.get("/activity", params=params))


def posted(
    tenant: Tenant,
    creator_id: str,
    *,
    days_ago: float,
    views: int,
    **video: Any,  # noqa: ANN401
) -> str:
    """Let a creator have posted a video that had these views after 18 hours."""
    name = str(uuid4().int % 10**18 + 10**18)
    at = NOW - days_ago * DAY
    video_id = tenant.found(creator_id, name, posted_at=at, **video)
    tenant.saw_videos(creator_id, {name: views}, at=at + 0.75 * DAY, posted_at=(at,))
    return video_id


@pytest.fixture
def creator(home: Tenant) -> str:
    """A creator whose six videos have 1,000 views each."""
    creator_id: str = home.add(f"goat.{uuid4().hex[:20]}")["id"]
    for days_ago in range(10, 16):
        posted(home, creator_id, days_ago=days_ago, views=1_000)
    return creator_id


def test_a_video_takes_off_once_in_its_first_days(home: Tenant, creator: str):
    took_off = posted(home, creator, days_ago=3.5, views=4_500, title="Over the fence")
    posted(home, creator, days_ago=2, views=2_999)
    posted(home, creator, days_ago=0.9, views=50_000)
    posted(home, creator, days_ago=8.1, views=50_000)
    posted(home, creator, days_ago=4, views=50_000, status="pending_review")

    look(home.goatherd)
    look(home.goatherd)

    (row,) = listed(home, kinds="took_off")
    assert row["subject"]["id"] == took_off
    assert row["summary"].startswith('"Over the fence" of @goat.'), row["summary"]
    assert row["summary"].endswith(
        " took off: 4,500 views after 3 days, 4.5 times as many as usual for "
        "the creator."
    )
    assert row["data"] == {
        "age_days": 3,
        "views": 4_500,
        "peer_median": 1_000.0,
        "peers": 7,
        "outlier_factor": 4.5,
        "project_id": str(home.project_id),
        "creator_id": creator,
    }


def test_a_video_takes_off_later_if_its_views_come_later(home: Tenant, creator: str):
    video_id = posted(home, creator, days_ago=2.5, views=2_000)
    look(home.goatherd)
    before = listed(home, kinds="took_off")
    name = home.goatherd.events(video_id)[0]
    assert isinstance(name, e.VideoDiscovered)
    home.saw_videos(creator, {name.tiktok_video_id: 3_000}, at=NOW - DAY)
    look(home.goatherd)

    (row,) = listed(home, kinds="took_off")
    assert before == []
    assert (row["subject"]["id"], row["data"]["views"]) == (video_id, 3_000)


def test_no_video_takes_off_while_its_creator_is_imported(
    home: Tenant, creator: str, monkeypatch: pytest.MonkeyPatch
):
    posted(home, creator, days_ago=3, views=9_000)
    home.goatherd.append(
        new_id(),
        e.ScrapeRequested(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=UUID(creator),
            handle="goat",
            job_type="creator_profiles",
            trigger="imported",
        ),
    )

    is_done_at_once = look(home.goatherd)
    at_once = listed(home, kinds="took_off")
    monkeypatch.setattr(figures, "_IMPORT_SETTLES", timedelta(0))
    is_done_later = look(home.goatherd)

    assert (is_done_at_once, at_once) == (False, [])
    assert is_done_later
    assert len(listed(home, kinds="took_off")) == 1


def test_no_video_of_a_removed_creator_takes_off(home: Tenant, creator: str):
    posted(home, creator, days_ago=3, views=9_000)
    home.delete(f"/creators/{creator}")

    look(home.goatherd)

    assert listed(home, kinds="took_off") == []


def test_an_erasure_takes_what_took_off_along(home: Tenant, creator: str):
    posted(home, creator, days_ago=3, views=9_000)
    look(home.goatherd)
    handle = home.shown(creator)["tiktok_handle"]
    before = listed(home, kinds="took_off")
    answer = home.post(f"/creators/{creator}/erase", {"confirm": handle})
    assert answer.status_code < 300, answer.text
    look(home.goatherd)

    assert len(before) == 1
    assert listed(home, kinds="took_off") == []


def test_a_video_takes_off_in_the_project_to_which_its_creator_moved(
    home: Tenant, stranger: Tenant, creator: str
):
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    moved = home.post(
        f"/creators/{creator}/move", {"project_id": other, "history": "whole"}
    )
    assert moved.status_code < 300, moved.text
    posted(home, creator, days_ago=3, views=9_000)

    look(home.goatherd)

    assert len(listed(home, kinds="took_off", project_id=other)) == 1
    assert listed(home, kinds="took_off", project_id=str(home.project_id)) == []
    assert listed(stranger, kinds="took_off") == []


def campaign(tenant: Tenant, creator: str, **fields: Any) -> str:  # noqa: ANN401
    path = f"/projects/{tenant.project_id}/campaigns"
    made = data_of(tenant.post(path, {"name": "Spring", **fields}), status=201)
    items = [{"item_type": "creator", "item_id": creator}]
    answer = tenant.post(f"/campaigns/{made['id']}/items", {"items": items})
    assert answer.status_code == 201, answer.text
    return made["id"]


def test_a_target_is_reached_once_whatever_counts(home: Tenant, creator: str):
    # The first video's views are a baseline, which nobody gained: the sixth video is
    # the one that completes what was gained, and the fifth one the views of all time.
    for scope, days_ago in (("gained", 10), ("posts_in_days", 11), ("lifetime", 11)):
        campaign_id = campaign(
            home,
            creator,
            starts_on=MONTH_AGO,
            target_scope=scope,
            target_views=5_000,
            target_posts=7,
        )
        look(home.goatherd)
        look(home.goatherd)

        (row,) = listed(home, kinds=OUTCOMES, campaign_id=campaign_id)
        assert row["kind"] == "campaign_target_reached"
        assert row["subject"] == {
            "type": "campaign",
            "id": campaign_id,
            "name": "Spring",
        }
        seen = (NOW - (days_ago - 0.75) * DAY).date()
        assert row["at"] == f"{seen + DAY}T00:00:00Z", scope
        assert row["data"] == {
            "metric": "views",
            "target": 5_000,
            "target_scope": scope,
            "reached": 5_000,
            "project_id": str(home.project_id),
        }, scope


def test_a_target_that_is_reached_today_is_reached_now(home: Tenant, creator: str):
    campaign_id = campaign(
        home,
        creator,
        starts_on=MONTH_AGO,
        target_views=5_100,
    )
    look(home.goatherd)
    before = listed(home, kinds=OUTCOMES)
    name = str(uuid4().int % 10**18 + 10**18)
    home.found(creator, name, posted_at=NOW - DAY)
    home.saw_videos(creator, {name: 150}, at=NOW)
    later = NOW + LATER
    look(home.goatherd, later)

    (row,) = listed(home, kinds=OUTCOMES, campaign_id=campaign_id)
    assert before == []
    assert datetime.fromisoformat(row["at"]) == later
    assert row["data"]["reached"] == 5_150
    assert row["summary"] == (
        "Spring reached its target: 5,150 of 5,100 views gained in its days."
    )


def test_a_target_is_missed_at_its_end_and_may_be_completed_later(
    home: Tenant, creator: str
):
    ended = NOW - 2 * DAY
    campaign_id = campaign(
        home,
        creator,
        starts_on=MONTH_AGO,
        target_scope="posts_in_days",
        target_views=7_000,
        target_engagement=10,
        target_at=ended.isoformat(),
    )
    look(home.goatherd)
    look(home.goatherd)
    (missed,) = listed(home, kinds=OUTCOMES, campaign_id=campaign_id)
    first = home.goatherd.query(
        "SELECT tiktok_video_id FROM videos WHERE organization_id = %s LIMIT 1",
        home.organization_id,
    )[0][0]
    home.saw_videos(creator, {first: 3_000}, at=NOW)
    look(home.goatherd, NOW + LATER)
    completed, _ = listed(home, kinds=OUTCOMES, campaign_id=campaign_id)

    assert missed["kind"] == "campaign_target_missed"
    assert datetime.fromisoformat(missed["at"]) == ended
    assert missed["summary"] == (
        "Spring missed its target: 6,000 of 7,000 views of videos posted in its days."
    )
    assert completed["kind"] == "campaign_target_reached"
    history = data_of(home.get(f"/campaigns/{campaign_id}/history"))
    of = "views of videos posted in its days) by Goatherd."
    assert [row["summary"] for row in history[:2]] == [
        f"Target reported as reached (8,000 of 7,000 {of}",
        f"Target reported as missed (6,000 of 7,000 {of}",
    ]


def instants_read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[UUID, datetime]]:
    """Note each campaign and instant whose progress a look reads."""
    read: list[tuple[UUID, datetime]] = []
    progress_of = target_counts.progress_of_campaigns

    async def noted(
        reader: Reader,
        organization_id: UUID,
        campaigns: Sequence[CampaignTarget],
        *,
        now: datetime,
    ) -> Mapping[UUID, Progress]:
        read.extend((one.id, now) for one in campaigns)
        return await progress_of(reader, organization_id, campaigns, now=now)

    monkeypatch.setattr(target_counts, "progress_of_campaigns", noted)
    return read


def test_an_instant_is_read_once_for_all_targets_and_not_for_reached_ones(
    home: Tenant, creator: str, monkeypatch: pytest.MonkeyPatch
):
    targets = {"target_views": 5_000, "target_posts": 5, "target_engagement": 10}
    campaign_id = campaign(home, creator, starts_on=MONTH_AGO, **targets)
    read = instants_read(monkeypatch)

    look(home.goatherd)
    at_first = [at for id_, at in read if id_ == UUID(campaign_id)]
    read.clear()
    look(home.goatherd)
    again = [at for id_, at in read if id_ == UUID(campaign_id)]

    assert len(listed(home, kinds=OUTCOMES, campaign_id=campaign_id)) == 2
    assert len(at_first) > 2
    assert len({*at_first}) == len(at_first)
    assert again == [NOW]


def test_nothing_is_read_of_a_campaign_whose_last_day_is_long_over(
    home: Tenant, creator: str, monkeypatch: pytest.MonkeyPatch
):
    days = {"starts_on": (NOW - 60 * DAY).date().isoformat()}
    made = {
        (scope, days_ago): campaign(
            home,
            creator,
            **days,
            ends_on=(NOW - days_ago * DAY).date().isoformat(),
            target_scope=scope,
            **targets,
        )
        for scope, days_ago, targets in (
            ("gained", 33, {"target_views": 10**9}),
            ("gained", 29, {"target_views": 10**9}),
            ("posts_in_days", 33, {"target_posts": 10**6}),
            ("posts_in_days", 34, {"target_views": 10**9}),
            ("lifetime", 33, {"target_views": 10**9}),
        )
    }
    read = instants_read(monkeypatch)

    look(home.goatherd)

    left = {name for name, id_ in made.items() if (UUID(id_), NOW) in read}
    assert left == {("gained", 29), ("posts_in_days", 34), ("lifetime", 33)}


def test_a_campaign_in_time_and_a_deleted_one_have_no_outcome(
    home: Tenant, creator: str
):
    ends = {"in time": NOW + DAY, "deleted": NOW - DAY, "endless": None}
    campaigns = {
        name: campaign(
            home,
            creator,
            name=name,
            starts_on=MONTH_AGO,
            target_views=9_999,
            target_at=None if end is None else end.isoformat(),
        )
        for name, end in ends.items()
    }
    home.delete(f"/campaigns/{campaigns['deleted']}")

    look(home.goatherd)

    assert listed(home, kinds=OUTCOMES) == []


def test_a_change_follows_a_report_by_the_version_that_is_shown(
    home: Tenant, creator: str
):
    video_id = posted(home, creator, days_ago=3, views=9_000)
    campaign_id = campaign(home, creator, starts_on=MONTH_AGO, target_views=5_000)
    home.goatherd.catch_up()
    paths = (f"/campaigns/{campaign_id}", f"/videos/{video_id}")
    before = [home.get(path).headers["etag"] for path in paths]
    look(home.goatherd)

    for path, old in zip(paths, before, strict=True):
        change = {"readme": "Seen."}
        late = home.patch(path, change, headers={"If-Match": old})
        now = home.get(path).headers["etag"]
        in_time = home.patch(path, change, headers={"If-Match": now})
        assert (late.status_code, in_time.status_code) == (412, 200), path


def test_the_rows_are_the_same_after_a_rebuild(home: Tenant, creator: str):
    posted(home, creator, days_ago=3, views=9_000)
    for days_left in (-1, 1):
        campaign(
            home,
            creator,
            starts_on=MONTH_AGO,
            target_views=10_000 if days_left > 0 else 10**6,
            target_at=(NOW + days_left * DAY).isoformat(),
        )
    look(home.goatherd)
    live = listed(home)
    rebuilt = rebuild(home.goatherd.store, Activity(), by="test")

    assert {"took_off", *OUTCOMES.split(",")} <= {row["kind"] for row in live}
    assert rebuilt.comparison.is_equal
    assert listed(home) == live


def test_take_offs_of_two_organizations_are_in_appends_of_their_own(
    home: Tenant, stranger: Tenant, creator: str
):
    others: str = stranger.add("other.goat")["id"]
    for days_ago in range(10, 16):
        posted(stranger, others, days_ago=days_ago, views=1_000)
    ids = [
        posted(home, creator, days_ago=3, views=9_000),
        posted(stranger, others, days_ago=3, views=9_000),
    ]

    look(home.goatherd)

    commands = {
        recorded.causation_id
        for id_ in ids
        for recorded in home.goatherd.log(id_)
        if isinstance(recorded.event, e.VideoTookOff)
    }
    assert len(commands) == 2


@contextmanager
def running(policies: FigurePolicies) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=policies.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_fault_among_take_offs_does_not_stop_the_targets(
    home: Tenant, creator: str, monkeypatch: pytest.MonkeyPatch
):
    campaign(home, creator, starts_on=MONTH_AGO, target_views=5_000)
    monkeypatch.setattr(figures, "_YOUNG", "SELECT 1 / 0")
    home.goatherd.catch_up()

    with running(FigurePolicies(home.goatherd.store, url=home.goatherd.url)):
        assert wait_until(lambda: bool(listed(home, kinds=OUTCOMES)), seconds=PATIENTLY)


def test_an_import_repeats_the_look_at_videos_alone(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    looks: list[str] = []

    def at_videos(*_: object) -> bool:
        looks.append("videos")
        return False

    monkeypatch.setattr(figures, "_IMPORT_SETTLES", timedelta(0))
    monkeypatch.setattr(FigurePolicies, "look_at_videos", at_videos)
    monkeypatch.setattr(
        FigurePolicies, "look_at_targets", lambda *_: looks.append("targets")
    )
    home.goatherd.catch_up()

    with running(FigurePolicies(home.goatherd.store, url=home.goatherd.url)):
        assert wait_until(lambda: len(looks) > 3, seconds=PATIENTLY)

    assert looks.count("targets") == 1


def test_the_dispatchers_thread_looks_once_the_read_models_know_the_log(
    home: Tenant, creator: str
):
    posted(home, creator, days_ago=3, views=9_000)
    home.goatherd.catch_up()

    with running(FigurePolicies(home.goatherd.store, url=home.goatherd.url)):
        found = wait_until(
            lambda: bool(listed(home, kinds="took_off")), seconds=PATIENTLY
        )

    assert found
