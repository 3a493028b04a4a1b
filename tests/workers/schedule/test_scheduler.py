import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain import events as e
from domain.organization.plans import DEFAULT_PLANS, Limits, Plans
from domain.streams import video_stream
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.builders import Home, asking, make_home, next_events
from tests.kit.commands import request_scrape
from tests.kit.schedule import (
    ALL,
    HOUR,
    change_plan,
    change_settings,
    decide_on,
    discover,
    finish_all,
    hours_of,
    level,
    move_window,
    now_of,
    requests,
    rows_of,
    run_sql,
    scheduled,
)
from workers import lease_watch
from workers.schedule import scheduler as scheduling
from workers.schedule.scheduler import Scheduler, SchedulerLeaseLostError

DAY = 24 * HOUR


@pytest.fixture
def scheduler(store: Store) -> Scheduler:
    return Scheduler(store, DEFAULT_PLANS)


@pytest.fixture
def billie(home: Home) -> UUID:
    """A creator with a counted video, whose first scrapes are done."""
    billie = home.creator("billie")
    discover(home, billie, "7001")
    finish_all(home.store)
    return billie


def rest(home: Home, event: e.ProjectArchived | e.ProjectRestored) -> None:
    """Let the only project be archived or restored."""
    stream = home.organization_id
    history = home.store.load(stream)[stream]
    home.store.append(next_events(stream, history, [event]), context=asking())
    level(home.store)


def make_due(store: Store) -> None:
    """Let everything be due that can be, but not as if it had been missed."""
    run_sql(
        store,
        "UPDATE scrape_schedule SET due_at = clock_timestamp() - interval '1 minute' "
        "WHERE due_at <> 'infinity'",
    )


# Due scrapes and their times


def test_what_was_added_is_planned_for_an_interval_later(
    home: Home, scheduler: Scheduler, billie: UUID
):
    requested = scheduler.round()

    rows = rows_of(home.store, billie)
    hours = {
        name: (row["due_at"] - row["last_requested_at"]) / HOUR
        for name, row in rows.items()
    }
    assert requested == 3
    assert 24 * 0.9 <= hours["creator_profiles"] <= 24 * 1.1
    assert 12 * 0.9 <= hours["discover_videos"] <= 12 * 1.1
    assert 6 * 0.9 <= hours["video_stats"] <= 6 * 1.1
    assert scheduled(home.store) == []


def test_what_is_due_is_asked_for_once_and_is_due_again_an_interval_later(
    home: Home, scheduler: Scheduler, billie: UUID
):
    scheduler.round()
    now = now_of(home.store)

    make_due(home.store)
    rounds = [scheduler.round(now) for _ in range(3)]

    assert rounds == [3, 0, 0]
    assert scheduled(home.store) == [(billie, job_type) for job_type in ALL]
    for name, hours in (("creator_profiles", 24), ("video_stats", 6)):
        row = rows_of(home.store, billie)[name]
        assert now + hours * HOUR * 0.9 <= row["due_at"] <= now + hours * HOUR * 1.1
        assert row["last_requested_at"] == now
    recorded = home.store.load(row["last_scrape_id"])[row["last_scrape_id"]][0]
    assert recorded.actor == "schedule"
    # The follower takes in what the scheduler wrote itself: nothing is planned anew.
    before = rows_of(home.store, billie)
    level(home.store)
    after = rows_of(home.store, billie)
    assert {n: r["due_at"] for n, r in after.items()} == {
        n: r["due_at"] for n, r in before.items()
    }


def test_nothing_is_due_in_an_archived_project_until_it_is_restored(
    home: Home, scheduler: Scheduler, billie: UUID
):
    scheduler.round()
    make_due(home.store)
    rest(home, e.ProjectArchived(project_id=home.project_id))

    for _ in range(2):
        scheduler.round()
        make_due(home.store)
    move_window(home, billie, tracking_start_date=None)
    level(home.store)
    scheduler.round()
    asleep, before = rows_of(home.store, billie), scheduled(home.store)
    rest(home, e.ProjectRestored(project_id=home.project_id))
    scheduler.round()
    make_due(home.store)
    scheduler.round()

    assert before == []
    assert all(row["is_never"] for row in asleep.values())
    assert scheduled(home.store) == [(billie, job_type) for job_type in ALL]


def test_a_creator_who_leaves_an_archived_project_is_due_again(
    home: Home, scheduler: Scheduler, billie: UUID
):
    scheduler.round()
    rest(home, e.ProjectArchived(project_id=home.project_id))
    scheduler.round()
    moved = e.CreatorMoved(
        organization_id=home.organization_id,
        old_project_id=home.project_id,
        new_project_id=new_id(),
        history="whole",
    )
    history = home.store.load(billie)[billie]
    home.store.append(next_events(billie, history, [moved]), context=asking())
    level(home.store)

    scheduler.round()
    make_due(home.store)
    scheduler.round()

    assert scheduled(home.store) == [(billie, job_type) for job_type in ALL]
    project_id = run_sql(
        home.store,
        "SELECT DISTINCT project_id FROM scrape_schedule WHERE creator_id = %s",
        billie,
    )
    assert project_id == [(moved.new_project_id,)]


def test_nothing_is_asked_for_while_the_run_before_is_open(
    home: Home, scheduler: Scheduler, billie: UUID
):
    scheduler.round()
    make_due(home.store)
    scheduler.round()
    run_sql(home.store, "UPDATE scrape_schedule SET due_at = clock_timestamp()")

    # First there is no job of it yet, then it is queued, then somebody is at it.
    not_derived = scheduler.round()
    level(home.store)
    make_due(home.store)
    queued = scheduler.round()
    run_sql(
        home.store,
        "UPDATE scrape_job SET state = 'leased', lease_until = now() + '1 min' "
        "WHERE state = 'ready'",
    )
    make_due(home.store)
    running = scheduler.round()
    put_off = rows_of(home.store, billie)["creator_profiles"]["due_at"]
    finish_all(home.store)
    make_due(home.store)
    after = scheduler.round()

    assert (not_derived, queued, running) == (0, 0, 0)
    assert after == 3
    assert HOUR < put_off - now_of(home.store) < 2.4 * HOUR


def test_an_older_run_that_is_still_open_counts_as_well(
    home: Home, scheduler: Scheduler, billie: UUID
):
    for _ in range(2):
        request_scrape(
            home.store, billie, job_type="creator_profiles",
            organization_id=home.organization_id, plans=DEFAULT_PLANS,
            now=now_of(home.store), context=asking(),
        )  # fmt: skip
    level(home.store)
    last = rows_of(home.store, billie)["creator_profiles"]["last_scrape_id"]
    run_sql(
        home.store, "UPDATE scrape_job SET state = 'done' WHERE scrape_id = %s", last
    )
    scheduler.round()
    make_due(home.store)

    scheduler.round()

    assert scheduled(home.store) == [(billie, name) for name in ALL[1:]]


def test_a_run_by_hand_saves_the_next_scheduled_one(
    home: Home, scheduler: Scheduler, billie: UUID
):
    scheduler.round()
    make_due(home.store)
    request_scrape(
        home.store, billie, job_type="creator_profiles",
        organization_id=home.organization_id, plans=DEFAULT_PLANS,
        now=now_of(home.store), context=asking(),
    )  # fmt: skip
    finish_all(home.store)

    scheduler.round()

    assert scheduled(home.store) == [(billie, name) for name in ALL[1:]]
    row = rows_of(home.store, billie)["creator_profiles"]
    assert row["due_at"] - row["last_requested_at"] >= 24 * HOUR * 0.9


def test_what_was_missed_runs_once_and_is_spread_out(home: Home, scheduler: Scheduler):
    handles = [f"goat{number}" for number in range(120)]
    for start in range(0, 120, 50):
        home.add(*handles[start : start + 50])
    finish_all(home.store)
    scheduler.round()

    # Nobody scheduled for ten days.
    later = now_of(home.store) + 10 * DAY
    at_once = scheduler.round(later)
    (spread,) = run_sql(
        home.store,
        "SELECT min(due_at), max(due_at) FROM scrape_schedule "
        "WHERE due_at <> 'infinity'",
    )
    finish_all(home.store)
    for minutes in range(1, 10):
        scheduler.round(later + minutes * HOUR / 60)
        finish_all(home.store)

    # 240 rows, about one a second.
    assert at_once < 24
    assert spread[0] >= later
    assert spread[1] - spread[0] > HOUR / 60
    assert len(scheduled(home.store)) == len(set(scheduled(home.store))) == 240


def test_a_batch_is_the_oldest_first_and_no_larger_than_it_may_be(
    home: Home, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scheduling, "BATCH", 3)
    goats = [home.creator(f"goat{number}") for number in range(8)]
    finish_all(home.store)
    scheduler.round()
    for number, goat in enumerate(goats):
        run_sql(
            home.store,
            "UPDATE scrape_schedule SET due_at = clock_timestamp() - %s "
            "WHERE subject_id = %s AND job_type = 'discover_videos'",
            (number + 1) * HOUR / 120,
            goat,
        )

    amounts = [scheduler.round() for _ in range(4)]

    assert amounts == [3, 3, 2, 0]
    order = [creator for creator, _, trigger in requests(home.store)
             if trigger == "scheduled"]  # fmt: skip
    assert {*order[:3]} == {*goats[-3:]}
    assert {*order[3:6]} == {*goats[2:5]}


# Scheduled creators


@pytest.mark.parametrize(
    ("end", "again"),
    (
        (Home.remove, lambda home, _: home.add("billie")),
        (Home.disable, None),
        (Home.disable_by_hand, Home.reenable),
    ),
    ids=["removed", "disabled", "disabled by hand"],
)
def test_who_is_not_active_is_not_scheduled(
    home: Home, scheduler: Scheduler, billie: UUID,
    end: Callable[[Home, UUID], None], again: Callable[[Home, UUID], object] | None,
):  # fmt: skip
    scheduler.round()
    make_due(home.store)

    end(home, billie)
    finish_all(home.store)
    meanwhile = scheduler.round()
    if again is not None:
        again(home, billie)
        finish_all(home.store)
        scheduler.round()
        row = rows_of(home.store, billie)["discover_videos"]
        assert row["is_active"]
        assert row["due_at"] - row["last_requested_at"] >= 12 * HOUR * 0.9

    assert meanwhile == 0
    assert scheduled(home.store) == []


@pytest.mark.parametrize(
    ("zone", "now", "runs"),
    (
        ("UTC", datetime(2027, 3, 9, 23, 59, tzinfo=UTC), False),
        ("UTC", datetime(2027, 3, 10, 4, tzinfo=UTC), True),
        ("UTC", datetime(2027, 3, 12, 23, 59, tzinfo=UTC), True),
        ("UTC", datetime(2027, 3, 13, 0, 0, tzinfo=UTC), False),
        # Tokyo is nine hours ahead, and Los Angeles eight behind.
        ("Asia/Tokyo", datetime(2027, 3, 9, 14, 59, tzinfo=UTC), False),
        ("Asia/Tokyo", datetime(2027, 3, 9, 19, tzinfo=UTC), True),
        ("Asia/Tokyo", datetime(2027, 3, 12, 14, 59, tzinfo=UTC), True),
        ("Asia/Tokyo", datetime(2027, 3, 12, 15, 0, tzinfo=UTC), False),
        ("America/Los_Angeles", datetime(2027, 3, 10, 7, 59, tzinfo=UTC), False),
        ("America/Los_Angeles", datetime(2027, 3, 13, 7, 59, tzinfo=UTC), True),
    ),
)
def test_days_of_a_window_are_the_organizations_and_both_ends_belong_to_it(
    store: Store, scheduler: Scheduler, zone: str, now: datetime, *, runs: bool
):
    home = make_home(store, time_zone=zone)
    billie = home.creator("billie")
    move_window(
        home,
        billie,
        tracking_start_date=date(2027, 3, 10),
        tracking_end_date=date(2027, 3, 12),
    )
    finish_all(store)
    # As if it had last been looked at the day before.
    run_sql(store, "UPDATE scrape_schedule SET last_requested_at = %s", now - 1.2 * DAY)

    # Missed scrapes are spread over a second, so one more round a bit later.
    scheduler.round(now)
    scheduler.round(now + timedelta(seconds=2) if runs else now)

    assert bool(scheduled(store)) == runs


def test_who_waits_for_a_window_is_looked_at_once_it_has_begun(
    home: Home, scheduler: Scheduler, billie: UUID
):
    now = now_of(home.store)
    start = (now + 3 * DAY).date()
    move_window(home, billie, tracking_start_date=start)
    level(home.store)

    hours = (now + hour * HOUR for hour in range(24 * 5))
    first = next(at for at in hours if scheduler.round(at) and scheduled(home.store))

    assert first.date() == start


def test_a_window_that_is_over_is_opened_again_by_changing_it(
    home: Home, scheduler: Scheduler, billie: UUID
):
    now = now_of(home.store)
    yesterday = (now - DAY).date()
    move_window(home, billie, tracking_end_date=yesterday)
    level(home.store)
    scheduler.round()
    over = rows_of(home.store, billie)
    later = scheduler.round(now + 40 * DAY)

    move_window(home, billie, tracking_end_date=None)
    level(home.store)
    scheduler.round()

    assert {row["is_never"] for row in over.values()} == {True}
    assert later == 0
    assert not any(r["is_never"] for r in rows_of(home.store, billie).values())


def test_another_time_zone_moves_the_days(
    home: Home, scheduler: Scheduler, billie: UUID
):
    now = datetime(2027, 3, 10, 12, tzinfo=UTC)
    move_window(home, billie, tracking_end_date=date(2027, 3, 10))
    level(home.store)
    scheduler.round(now)
    inside = rows_of(home.store, billie)["creator_profiles"]["is_never"]

    change_settings(home, time_zone="Pacific/Kiritimati")
    level(home.store)
    scheduler.round(now)

    assert not inside
    assert rows_of(home.store, billie)["creator_profiles"]["is_never"]


# Videos


def test_figures_of_videos_are_looked_at_only_where_one_counts(
    home: Home, scheduler: Scheduler
):
    billie = home.creator("billie")
    (video,) = discover(home, billie, "7001", status="pending_review")
    finish_all(home.store)
    scheduler.round()
    none = rows_of(home.store, billie)["video_stats"]["is_never"]

    decide_on(home, video, e.VideoIncluded(organization_id=home.organization_id))
    level(home.store)
    scheduler.round()
    one = rows_of(home.store, billie)["video_stats"]["is_never"]
    decide_on(
        home, video, e.VideoTrackingDisabled(organization_id=home.organization_id)
    )
    level(home.store)
    make_due(home.store)
    scheduler.round()
    scheduler.round()
    gone = rows_of(home.store, billie)["video_stats"]["is_never"]

    assert (none, one, gone) == (True, False, True)
    assert (billie, "video_stats") not in scheduled(home.store)


def test_a_video_added_by_hand_is_looked_at_by_itself_until_its_creator_is_known(
    home: Home, scheduler: Scheduler
):
    video = video_stream(home.project_id, home.store.names.pseudonym("7009"))
    added = e.VideoAdded(
        organization_id=home.organization_id,
        project_id=home.project_id,
        tiktok_video_id="7009",
        handle="nanny",
        kind="video",
    )
    decide_on(home, video, added)
    level(home.store)
    scheduler.round()
    make_due(home.store)
    scheduler.round()
    alone = rows_of(home.store, video)["video_stats"]
    requested = home.store.load(alone["last_scrape_id"])[alone["last_scrape_id"]][
        0
    ].event
    finish_all(home.store)
    nanny = home.creator("nanny")
    decide_on(
        home,
        video,
        e.VideoDiscovered(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=nanny,
            tiktok_video_id="7009",
            handle="nanny",
            tracking_status="pending_review",
            scrape_id=video,
        ),
    )
    level(home.store)
    scheduler.round()

    assert requested == e.ScrapeRequested(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=None,
        handle="nanny",
        job_type="video_stats",
        trigger="scheduled",
        tiktok_video_ids=("7009",),
        video_id=video,
    )
    assert rows_of(home.store, video) == {}
    assert not rows_of(home.store, nanny)["video_stats"]["is_never"]


def test_an_excluded_video_is_not_looked_at_by_itself(home: Home):
    video = video_stream(home.project_id, home.store.names.pseudonym("7009"))
    decide_on(
        home,
        video,
        e.VideoAdded(
            project_id=home.project_id, tiktok_video_id="7009", handle="nanny",
            kind="video", organization_id=home.organization_id,
        ),
        e.VideoExcluded(organization_id=home.organization_id),
    )  # fmt: skip
    level(home.store)
    excluded = rows_of(home.store, video)["video_stats"]["is_active"]

    decide_on(home, video, e.VideoIncluded(organization_id=home.organization_id))
    level(home.store)

    assert not excluded
    assert rows_of(home.store, video)["video_stats"]["is_active"]


def test_a_video_that_was_put_back_is_not_looked_at_by_itself(home: Home):
    video = video_stream(home.project_id, home.store.names.pseudonym("7009"))
    decide_on(
        home,
        video,
        e.VideoAdded(
            project_id=home.project_id, tiktok_video_id="7009", handle="nanny",
            kind="video", organization_id=home.organization_id,
        ),
        e.VideoIncluded(organization_id=home.organization_id),
    )  # fmt: skip
    level(home.store)
    included = rows_of(home.store, video)["video_stats"]["is_active"]

    decide_on(home, video, e.VideoPutBack(organization_id=home.organization_id))
    level(home.store)

    assert included
    assert not rows_of(home.store, video)["video_stats"]["is_active"]


# Behind


def test_nothing_is_asked_for_while_the_schedule_is_behind_the_log(
    home: Home, scheduler: Scheduler, billie: UUID, monkeypatch: pytest.MonkeyPatch
):
    scheduler.round()
    make_due(home.store)
    monkeypatch.setattr(scheduling, "BEHIND_SECONDS", 0)
    home.remove(billie)

    behind = scheduler.round()
    finish_all(home.store)
    level_again = scheduler.round()

    assert (behind, level_again) == (0, 0)
    assert scheduled(home.store) == []


def test_before_the_schedule_was_ever_followed_nothing_is_asked_for(
    store: Store, scheduler: Scheduler
):
    assert scheduler.round() == 0
    assert scheduler.take_lease()
    assert requests(store) == []


# Intervals


def test_other_intervals_hold_from_the_last_run_on(
    home: Home, scheduler: Scheduler, billie: UUID
):
    scheduler.round()

    change_settings(home, creator_profiles_hours=100, video_stats_hours=1)
    level(home.store)
    scheduler.round()
    rows = rows_of(home.store, billie)
    change_settings(home, creator_profiles_hours=None)
    level(home.store)
    scheduler.round()

    profiles, stats = rows["creator_profiles"], rows["video_stats"]
    assert profiles["due_at"] - profiles["last_requested_at"] >= 90 * HOUR
    assert stats["due_at"] - stats["last_requested_at"] <= 1.1 * HOUR
    assert hours_of(home.store, home.organization_id) == [24, 12, 1]


def test_the_plans_floors_hold_whatever_is_asked_and_end_with_the_plan(
    home: Home, scheduler: Scheduler, billie: UUID
):
    change_settings(home, video_stats_hours=1, discover_videos_hours=30)
    change_plan(home, "ultra")
    level(home.store)
    scheduler.round()
    under_ultra = hours_of(home.store, home.organization_id)
    change_plan(home, "unlimited")
    level(home.store)
    scheduler.round()

    assert under_ultra == [24, 30, 3]
    assert hours_of(home.store, home.organization_id) == [24, 30, 1]
    row = rows_of(home.store, billie)["video_stats"]
    assert row["due_at"] - row["last_requested_at"] <= 1.1 * HOUR


def test_other_floors_of_a_plan_hold_after_a_restart(
    home: Home, scheduler: Scheduler, billie: UUID
):
    scheduler.round()
    scheduler.give_up_lease()

    slower = Plans({"unlimited": Limits(min_video_stats_hours=50)})
    Scheduler(home.store, slower).round()

    row = rows_of(home.store, billie)["video_stats"]
    assert row["due_at"] - row["last_requested_at"] >= 45 * HOUR


def test_an_organization_whose_plan_is_gone_keeps_the_hours_it_had(
    home: Home, scheduler: Scheduler, billie: UUID
):
    scheduler.round()
    scheduler.give_up_lease()
    make_due(home.store)

    requested = Scheduler(home.store, Plans({"other": Limits()})).round()

    assert requested == 3
    assert hours_of(home.store, home.organization_id) == [24, 12, 6]
    assert len(scheduled(home.store)) == 3
    assert {creator for creator, _ in scheduled(home.store)} == {billie}


# One at a time


def test_of_many_schedulers_one_works_and_each_run_is_asked_for_once(home: Home):
    for start in range(4):
        home.add(*(f"goat{start}.{number}" for number in range(25)))
    finish_all(home.store)
    schedulers = [Scheduler(home.store, DEFAULT_PLANS) for _ in range(4)]
    schedulers[0].round()
    schedulers[0].give_up_lease()
    make_due(home.store)
    requested: list[int] = []
    together = threading.Barrier(len(schedulers))

    def compete(scheduler: Scheduler) -> None:
        together.wait()
        requested.extend(scheduler.round() for _ in range(5))

    threads = [threading.Thread(target=compete, args=(s,)) for s in schedulers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(requested)[-1:] == [200]
    assert sum(requested) == 200
    assert len(scheduled(home.store)) == len(set(scheduled(home.store))) == 200


@pytest.mark.usefixtures("billie")
def test_the_lease_goes_over_when_its_holder_is_silent_too_long(
    home: Home, scheduler: Scheduler
):
    other = Scheduler(home.store, DEFAULT_PLANS)
    scheduler.round()
    make_due(home.store)

    too_early = other.round()
    run_sql(home.store, "UPDATE scheduler_lease SET lease_until = clock_timestamp()")
    in_time = other.round()

    assert (too_early, in_time) == (0, 3)
    assert not scheduler.take_lease()


def test_the_lease_goes_over_though_the_clock_was_set_back(
    home: Home, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
):
    clock = 0.0
    monkeypatch.setattr(lease_watch, "monotonic", lambda: clock)
    other = Scheduler(home.store, DEFAULT_PLANS)
    scheduler.take_lease()
    later = "UPDATE scheduler_lease SET lease_until = lease_until + interval '1 hour'"
    run_sql(home.store, later)

    at_once = other.take_lease()
    clock = 20.0
    run_sql(home.store, later)  # as who lives renews it
    renewed = other.take_lease()
    clock = 40.0
    too_early = other.take_lease()
    clock = 51.0
    in_time = other.take_lease()

    assert (at_once, renewed, too_early, in_time) == (False, False, False, True)


@pytest.mark.usefixtures("billie")
def test_who_was_stopped_while_another_took_over_asks_for_nothing(
    home: Home, scheduler: Scheduler
):
    other = Scheduler(home.store, DEFAULT_PLANS)
    scheduler.round()
    make_due(home.store)
    now = now_of(home.store)
    due = scheduler.due(now)
    run_sql(home.store, "UPDATE scheduler_lease SET lease_until = clock_timestamp()")

    # Once the other has only taken over, and once it has done the work.
    other.take_lease()
    with pytest.raises(SchedulerLeaseLostError):
        scheduler.request(due, now)
    before = scheduled(home.store)
    requested = other.round(now)
    with pytest.raises(SchedulerLeaseLostError):
        scheduler.request(due, now)
    with pytest.raises(SchedulerLeaseLostError):
        scheduler.due(now)

    assert before == []
    assert requested == len(due) == 3
    assert len(scheduled(home.store)) == 3


def test_what_changes_after_it_was_read_is_not_asked_for(
    home: Home, scheduler: Scheduler, billie: UUID
):
    nanny = home.creator("nanny")
    finish_all(home.store)
    scheduler.round()
    make_due(home.store)
    now = now_of(home.store)
    due = scheduler.due(now)

    home.remove(billie)
    level(home.store)
    none = scheduler.request(due, now)
    again = scheduler.round(now)

    assert (none, again) == (0, 2)
    assert {creator for creator, _ in scheduled(home.store)} == {nanny}


def test_a_run_that_was_asked_for_before_a_restore_is_planned_anew(
    home: Home, scheduler: Scheduler, billie: UUID
):
    scheduler.round()
    make_due(home.store)
    now = now_of(home.store)
    due = scheduler.due(now)
    scheduler.request(due, now)
    finish_all(home.store)
    for row in due:
        run_sql(
            home.store,
            "UPDATE scrape_schedule SET due_at = %s WHERE job_type = %s",
            row.due_at,
            row.job_type,
        )

    again = scheduler.round(now)

    assert again == 0
    assert len(scheduled(home.store)) == 3
    assert all(r["is_unplanned"] for r in rows_of(home.store, billie).values())


def test_a_scheduler_that_stops_lets_the_next_begin_at_once(
    home: Home, scheduler: Scheduler
):
    stop = threading.Event()
    thread = threading.Thread(target=scheduler.run, args=(stop,), daemon=True)
    thread.start()
    other = Scheduler(home.store, DEFAULT_PLANS)

    stop.set()
    thread.join(5)

    assert not thread.is_alive()
    assert other.take_lease()
