import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from psycopg import sql
from structlog.testing import capture_logs

from domain import commands as c
from domain import events as e
from domain.creator.decider import creator_of
from domain.creator.handlers.add import RequestedCreator
from domain.decisions import Handler
from domain.messages import MovedHistory
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import merged_run_stream, video_stream
from domain.video.handlers.videos import ListedVideo
from domain.video.window import Window
from infra.embedded.processes import wait_until
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, plain_events
from infra.ids import new_id
from projections.engine.follower_group import FollowerGroup
from tests.kit.backends import terminate
from tests.kit.builders import Home, asking
from tests.kit.commands import change_organization
from tests.kit.threads import at_work, followed_by
from tests.kit.videos import (
    INSIDE,
    MONDAY,
    OUTSIDE,
    a_creator,
    a_run,
    do_all,
    due,
    events_of,
    happened,
    history_of,
    known,
    set_window,
    settle,
    take_in,
    the_video,
)
from workers.policies import runner, work_queue
from workers.policies import video_policies as discovery
from workers.policies.known_videos import KnownVideos
from workers.policies.runner import VideoPolicies

JANUARY = date(2026, 1, 1)


def put_aside(home: Home) -> e.VideoExcluded:
    return e.VideoExcluded(organization_id=home.organization_id)


# discovering


def test_what_a_run_lists_is_discovered_once_in_the_name_of_the_policy(home: Home):
    billie = a_creator(home)
    run = a_run(
        home, billie, "71", "72", posted_at=[INSIDE, OUTSIDE], titles=["Hay", ""]
    )

    settle(home.store)
    a_run(home, billie, "71", "72", day=1)
    settle(home.store)

    (recorded,) = history_of(home, "71")
    assert isinstance(recorded.event, e.VideoDiscovered)
    assert (recorded.event.scrape_id, recorded.event.title) == (run, "Hay")
    assert (recorded.actor, recorded.correlation_id) == ("policy:discovery", run)
    assert the_video(home, "71").tracking_status == "auto_tracked"
    assert the_video(home, "72").tracking_status == "out_of_window"
    assert len(history_of(home, "72")) == 1
    assert due(home.store) == []


def test_a_video_of_unknown_time_waits_for_review_and_goes_on_waiting(home: Home):
    billie = a_creator(home)
    a_run(home, billie, "71")
    settle(home.store)

    a_run(home, billie, "71", posted_at=[INSIDE], day=1)
    settle(home.store)

    assert the_video(home, "71").tracking_status == "pending_review"
    assert len(history_of(home, "71")) == 1


def test_many_lists_that_wait_are_discovered_by_the_first_that_had_each(home: Home):
    billie = a_creator(home)
    first = a_run(home, billie, "71", titles=["Hay"])
    second = a_run(home, billie, "72", "71", posted_at=[INSIDE, INSIDE], day=1)
    a_run(home, billie, "71", "72", titles=["Straw", "Oats"], day=2)

    settle(home.store)

    seen = [event for video in ("71", "72") for event in events_of(home, video)]
    assert [
        (event.scrape_id, event.title)
        for event in seen
        if isinstance(event, e.VideoDiscovered)
    ] == [(first, "Hay"), (second, None)]


def test_one_import_of_many_lists_is_one_append_a_creator(home: Home):
    billie = a_creator(home)
    take_in(home.store)
    runs = [a_run(home, billie, "71", f"8{number}", day=number) for number in range(9)]
    take_in(home.store)
    with home.store.pool.connection() as connection:
        connection.execute("UPDATE policy_task SET correlation_id = %s", (runs[0],))

    do_all(home.store)

    videos = ["71", *(f"8{number}" for number in range(9))]
    histories = [history_of(home, video)[0] for video in videos]
    assert len({recorded.causation_id for recorded in histories}) == 1


def test_what_is_told_of_later_fills_in_within_one_conversation(home: Home):
    billie = a_creator(home)
    run = a_run(home, billie, "71", titles=["Hay"])
    a_run(home, billie, "71", posted_at=[INSIDE], titles=["Straw"], day=1)
    take_in(home.store)
    with home.store.pool.connection() as connection:
        connection.execute("UPDATE policy_task SET correlation_id = %s", (run,))

    do_all(home.store)

    (event,) = events_of(home, "71")
    assert isinstance(event, e.VideoDiscovered)
    assert (event.title, event.posted_at) == ("Hay", INSIDE)


def test_of_a_creator_removed_meanwhile_nothing_is_discovered_and_all_is_dropped(
    home: Home,
):
    billie = a_creator(home)
    a_run(home, billie, "71")
    home.remove(billie)

    settle(home.store)

    assert (events_of(home, "71"), due(home.store)) == ([], [])


@pytest.mark.parametrize("history", ("whole", "stay"))
def test_observations_of_a_single_video_where_the_creator_moved_to_are_the_creators(
    home: Home, history: MovedHistory
):
    billie, new = a_creator(home), new_id()
    name = home.store.names.pseudonym("71")
    single, own = video_stream(new, name), video_stream(home.project_id, name)
    ours: dict[str, Any] = {"organization_id": home.organization_id}
    added = e.VideoAdded(
        project_id=new, tiktok_video_id="71", pseudonym=name, handle="billie",
        kind="video", **ours,
    )  # fmt: skip
    moved = e.CreatorMoved(
        old_project_id=home.project_id, new_project_id=new, history=history, **ours
    )
    later = datetime.now(UTC) + timedelta(days=1)
    for stream, event in (
        (single, added),
        (new_id(), seen_alone(home, new, name, views=100, at=MONDAY)),
        (new_id(), seen_alone(home, new, name, views=None, at=later)),
        (billie, moved),
    ):
        version = len(home.store.load(stream)[stream]) + 1
        home.store.append([NewEvent(stream, version, event)], context=asking())

    a_run(home, billie, "71", posted_at=[INSIDE])
    settle(home.store)
    a_run(home, billie, "71", posted_at=[INSIDE], day=1)
    settle(home.store)

    assert isinstance(history_of(home, "71")[0].event, e.VideoDiscovered)
    run = merged_run_stream(single, 1)
    merged = plain_events(home.store.load(run)[run])
    assert [type(event) for event in merged[:1]] == [e.ScrapeRequested]
    assert [
        (event.observed_at, event.view_counts, event.creator_id, event.project_id)
        for event in merged
        if isinstance(event, e.VideoStatsSnapshotRecorded)
    ] == [
        # A move that left numbers behind: they would count for the old project.
        *([(MONDAY, (100,), None, home.project_id)] if history == "whole" else []),
        (later, (None,), None, home.project_id),
    ]
    merge = plain_events(home.store.load(single)[single])[-1]
    assert merge == e.VideoMerged(creator_id=billie, into_video_id=own, **ours)


def seen_alone(
    home: Home, project_id: UUID, name: str, *, views: int | None, at: datetime
) -> e.VideoStatsSnapshotRecorded:
    """The counts that a run of a single video saw."""
    return e.VideoStatsSnapshotRecorded(
        organization_id=home.organization_id, project_id=project_id, creator_id=None,
        observed_at=at, provider="test", video_ids=(name,), view_counts=(views,),
        like_counts=(None,), comment_counts=(None,), share_counts=(None,),
        save_counts=(None,), has_pseudonyms=True,
    )  # fmt: skip


def test_one_that_came_back_is_discovered_by_its_next_run(home: Home):
    billie = a_creator(home)
    a_run(home, billie, "71", posted_at=[OUTSIDE])
    home.remove(billie)
    settle(home.store)
    reactivate(home, "billie", start=JANUARY)

    a_run(home, billie, "71", posted_at=[OUTSIDE], day=1)
    settle(home.store)

    assert the_video(home, "71").tracking_status == "auto_tracked"


def reactivate(home: Home, handle: str, *, start: date) -> None:
    wanted = RequestedCreator(tiktok_handle=handle, tracking_start_date=start)
    (added,) = home.add_new(wanted)
    assert added.status == "reactivated"


# windows


def test_a_window_that_grows_brings_in_what_was_outside(home: Home):
    billie = a_creator(home)
    a_run(home, billie, "71", "72", posted_at=[OUTSIDE, OUTSIDE])
    settle(home.store)
    happened(home, "72", put_aside(home))

    set_window(home, billie, JANUARY)
    settle(home.store)

    *_, recorded = history_of(home, "71")
    assert recorded.event == e.VideoCameIntoWindow(
        organization_id=home.organization_id, tracking_status="auto_tracked"
    )
    assert recorded.actor == "policy:window"
    assert the_video(home, "72").tracking_status == "excluded"
    assert known(home.store)["71"]["tracking_status"] == "auto_tracked"


def test_more_videos_than_go_into_one_append_come_in_all_the_same(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(discovery, "VIDEOS_AT_ONCE", 7)
    billie = a_creator(home)
    videos = [str(number) for number in range(100, 130)]
    a_run(home, billie, *videos, posted_at=[OUTSIDE] * 30)
    settle(home.store)

    set_window(home, billie, None)
    settle(home.store)

    assert [len(history_of(home, video)) for video in videos] == [2] * 30


def test_a_creator_that_comes_back_with_a_wider_window_brings_them_in(home: Home):
    billie = a_creator(home)
    a_run(home, billie, "71", posted_at=[OUTSIDE])
    settle(home.store)
    home.remove(billie)
    reactivate(home, "billie", start=JANUARY)

    settle(home.store)

    assert the_video(home, "71").tracking_status == "auto_tracked"


def test_days_that_begin_elsewhere_bring_in_the_videos_of_every_creator(home: Home):
    almost = datetime.fromisoformat("2026-01-31T23:30:00Z")
    for handle, video in (("billie", "71"), ("nanny", "72")):
        a_run(home, a_creator(home, handle), video, posted_at=[almost])
    settle(home.store)
    before = [the_video(home, video).tracking_status for video in ("71", "72")]

    change_organization(
        home.store,
        home.organization_id,
        c.ChangeOrganizationSettings(time_zone="Europe/Berlin"),
        plans=DEFAULT_PLANS,
        context=asking(),
    )
    settle(home.store)

    after = [the_video(home, video).tracking_status for video in ("71", "72")]
    assert before == ["out_of_window"] * 2
    assert after == ["auto_tracked"] * 2


# videos that are gone


def test_two_direct_reads_make_a_video_missing_once(home: Home):
    billie = a_creator(home)
    a_run(home, billie, "71")
    settle(home.store)
    a_run(home, billie, missing=["71"], day=1)
    settle(home.store)
    after_one = len(history_of(home, "71"))

    second = a_run(home, billie, missing=["71"], day=2)
    settle(home.store)
    a_run(home, billie, missing=["71"], day=3)
    settle(home.store)

    *_, recorded = history_of(home, "71")
    assert (after_one, recorded.version) == (1, 2)
    assert recorded.event == e.VideoWentMissing(
        organization_id=home.organization_id,
        missing_since=MONDAY + timedelta(days=1),
        scrape_id=second,
    )
    assert (recorded.actor, recorded.correlation_id) == ("policy:missing", second)


def test_a_video_that_was_seen_again_has_to_go_missing_twice_again(home: Home):
    billie = a_creator(home)
    a_run(home, billie, "71")
    settle(home.store)
    for day in (1, 2):
        a_run(home, billie, missing=["71"], day=day)
    a_run(home, billie, "71", day=3)
    a_run(home, billie, missing=["71"], day=4)
    settle(home.store)
    once = len(history_of(home, "71"))

    a_run(home, billie, missing=["71"], day=5)
    settle(home.store)

    *_, last = events_of(home, "71")
    assert once == 2
    assert isinstance(last, e.VideoWentMissing)
    assert last.missing_since == MONDAY + timedelta(days=4)


# what goes wrong


def test_what_cannot_be_done_is_put_off_and_holds_up_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    billie, nanny = a_creator(home), a_creator(home, "nanny")
    a_run(home, billie, "71")
    a_run(home, nanny, "72")
    take_in(home.store)
    right = discovery.discover_videos

    def unless_billie(
        creator_id: UUID,
        listed: Sequence[ListedVideo],
        **requested: Any,  # noqa: ANN401 - as it was asked
    ) -> Handler[None]:
        if creator_id == billie:
            raise ValueError("A bad row.")
        return right(creator_id, listed, **requested)

    monkeypatch.setattr(discovery, "discover_videos", unless_billie)
    with capture_logs() as logs:
        do_all(home.store)
    monkeypatch.undo()

    assert len(events_of(home, "72")) == 1
    assert [row["creator_id"] for row in due(home.store)] == [billie]
    assert [entry["event"] for entry in logs] == ["video_policy_failed"]
    monkeypatch.setattr(work_queue, "PUT_OFF_SECONDS", 0)
    with home.store.pool.connection() as connection:
        connection.execute("UPDATE policy_task SET due_at = clock_timestamp()")
    do_all(home.store)
    assert len(events_of(home, "71")) == 1


def test_doing_what_was_done_and_not_forgotten_changes_nothing(home: Home):
    billie = a_creator(home)
    a_run(home, billie, "71", posted_at=[OUTSIDE])
    settle(home.store)
    set_window(home, billie, None)
    a_run(home, billie, "72")
    take_in(home.store)
    with home.store.pool.connection() as connection:
        rows = connection.execute("SELECT * FROM policy_task").fetchall()
    do_all(home.store)
    head = home.store.head()

    with home.store.pool.connection() as connection, connection.cursor() as cursor:
        values = sql.SQL(", ").join([sql.Placeholder()] * len(rows[0]))
        cursor.executemany(
            sql.SQL("INSERT INTO policy_task VALUES ({})").format(values), rows
        )
    again = do_all(home.store)

    assert (len(rows), again) == (2, 2)
    assert home.store.head() == head
    assert due(home.store) == []


# races


RUNS = 12


def test_windows_that_move_while_lists_come_in_lose_nothing(
    home: Home, database_url: str
):
    creators = [
        a_creator(home, f"goat{number}", start=MONDAY.date()) for number in range(3)
    ]
    chance = Random(7)  # noqa: S311 - every run is to be alike
    days = [MONDAY - timedelta(days=number) for number in range(2 * RUNS)]
    all_listed = threading.Event()

    def videos_of(which: int, run: int) -> list[str]:
        return [f"{which}{number:03}" for number in range(run, run + 4)]

    def posted_at(video: str) -> datetime:
        return days[int(video) % len(days)]

    def scrape() -> None:
        for run in range(RUNS):
            for which, creator_id in enumerate(creators):
                videos = videos_of(which, run)
                times = [posted_at(video) for video in videos]
                a_run(home, creator_id, *videos, posted_at=times, day=run)
        all_listed.set()

    def move_windows() -> None:
        while not all_listed.is_set():
            start = chance.choice(days).date()
            set_window(home, chance.choice(creators), start)
        for creator_id in creators:
            set_window(home, creator_id, days[RUNS].date())

    a_run(home, creators[0], *videos_of(0, 0), posted_at=days[:4])
    settle(home.store)
    with (
        policies_at_work(home.store, database_url),
        policies_at_work(home.store, database_url),
        ThreadPoolExecutor(2) as threads,
    ):
        for written in [threads.submit(move_windows), threads.submit(scrape)]:
            written.result()
    with home.store.pool.connection() as connection:
        connection.execute("UPDATE policy_task SET due_at = clock_timestamp()")
    settle(home.store)

    assert due(home.store) == []
    moved = 0
    for which, creator_id in enumerate(creators):
        recorded = home.store.load(creator_id)[creator_id]
        for video in sorted({v for run in range(RUNS) for v in videos_of(which, run)}):
            first, *later = history_of(home, video)
            at = posted_at(video)
            assert isinstance(first.event, e.VideoDiscovered)
            status = first.event.tracking_status
            assert status == window_at(recorded, first.position).status_of(at)
            for change in later:
                assert isinstance(change.event, e.VideoCameIntoWindow)
                status = change.event.tracking_status
                assert status == window_at(recorded, change.position).status_of(at)
            assert len(later) <= 1
            if at >= days[RUNS]:
                assert status == "auto_tracked"
            moved += len(later)
    assert moved > 0


def window_at(recorded: list[RecordedEvent], position: int) -> Window:
    """The creator's window as it stood just before a position of the log."""
    creator = creator_of(
        plain_events([event for event in recorded if event.position < position])
    )
    assert creator is not None
    return Window(
        tracking_mode=creator.tracking_mode,
        tracking_start_date=creator.tracking_start_date,
        tracking_end_date=creator.tracking_end_date,
        time_zone="UTC",
    )


# the loop


@contextmanager
def policies_at_work(store: Store, url: str) -> Iterator[None]:
    """Follow the log and do the tasks, in threads that must stop promptly."""
    policies = VideoPolicies(store)
    group = FollowerGroup(store, [KnownVideos()], applied=policies.wake)

    def work(stop: threading.Event) -> None:
        policies.run(stop)

    with followed_by(group, url), at_work(work):
        yield


def test_the_loop_goes_on_when_its_connections_were_cut(
    home: Home, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runner, "ROUND_SECONDS", 0.1)
    with policies_at_work(home.store, database_url):
        billie = a_creator(home)
        a_run(home, billie, "71")
        assert wait_until(lambda: len(events_of(home, "71")) == 1, seconds=60)

        terminate(database_url)
        home.store.pool.check()
        a_run(home, billie, "72")

        assert wait_until(lambda: len(events_of(home, "72")) == 1, seconds=60)
