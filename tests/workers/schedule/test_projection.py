"""The follower that keeps the schedule: events to rows, in any batches, also again."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow, dict_row

from domain import events as e
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent, Store
from tests.kit.histories import (
    AWAY,
    HOME,
    PROJECT,
    History,
    added,
    log,
    many_events,
    requested,
)
from tests.kit.schedule import level, run_sql
from workers.schedule.projection import Schedule

BILLIE, NANNY = UUID(int=0xB1), UUID(int=0xA2)
VIDEO = video_stream(PROJECT, "7001")
ALONE = video_stream(PROJECT, "7002")

Reading = Connection[TupleRow]


@pytest.fixture
def connection(database_url: str) -> Iterator[Reading]:
    """A connection as the owner of everything, in a transaction that is never kept."""
    with psycopg.connect(database_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def history() -> History:
    return History()


def take_in(connection: Reading, events: Sequence[RecordedEvent]) -> None:
    with connection.cursor(binary=True) as cursor:
        Schedule().write(cursor, events)


def tables(connection: Reading) -> list[list[dict[str, Any]]]:
    """All three tables; when a row is due is not for the follower to say."""
    queries = (
        "SELECT * FROM schedule_interval ORDER BY 1, 2",
        "SELECT * FROM scrape_schedule ORDER BY 1, 2, 3",
        "SELECT * FROM scheduled_video ORDER BY 1, 2",
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        return [cursor.execute(query).fetchall() for query in queries]


def discovered(video_id: str, **changed: Any) -> e.VideoDiscovered:  # noqa: ANN401
    return e.VideoDiscovered(
        organization_id=HOME, project_id=PROJECT, creator_id=BILLIE,
        tiktok_video_id=video_id, handle="billie", scrape_id=UUID(int=9),
        **{"tracking_status": "auto_tracked", **changed},
    )  # fmt: skip


def a_life(history: History) -> list[RecordedEvent]:
    """A bit of everything that the schedule is about."""
    own: dict[str, Any] = {"organization_id": HOME}
    history.happened(
        HOME, e.OrganizationCreated(name="Home", plan="free", time_zone="UTC")
    )
    history.happened(
        AWAY, e.OrganizationCreated(name="Away", plan="ultra", time_zone="UTC")
    )
    history.happened(BILLIE, added("billie"))
    history.happened(NANNY, added("nanny", tracking_start_date=date(2026, 1, 1)))
    history.happened(UUID(int=1), requested(BILLIE))
    history.happened(UUID(int=2), requested(BILLIE))
    history.happened(VIDEO, discovered("7001"))
    history.happened(
        video_stream(PROJECT, "7003"), discovered("7003", tracking_status="excluded")
    )
    history.happened(
        ALONE,
        e.VideoAdded(
            project_id=PROJECT, tiktok_video_id="7002", handle="x", kind="video", **own
        ),
    )
    history.happened(
        HOME,
        e.OrganizationSettingsChanged(
            time_zone="Asia/Tokyo", discover_videos_hours=5, video_stats_hours=7
        ),
        e.OrganizationSettingsChanged(video_stats_hours=None, name="Alp"),
        e.PlanChanged(old="free", new="starter"),
    )
    history.happened(BILLIE, e.HandleChanged(old="billie", new="billie.goat", **own))
    history.happened(
        NANNY, e.TrackingWindowChanged(tracking_end_date=date(2026, 12, 31), **own)
    )
    history.happened(BILLIE, e.CreatorRemoved(**own))
    history.happened(VIDEO, e.VideoExcluded(**own))
    history.happened(
        BILLIE,
        e.CreatorReactivated(
            tracking_mode="auto", tracking_start_date=date(2026, 5, 1), **own
        ),
    )
    history.happened(
        NANNY, e.CreatorAutoDisabled(verdict="private", scrape_id=UUID(int=3), **own)
    )
    history.happened(ALONE, e.VideoTrackingDisabled(**own))
    return history.events


def test_rows_say_who_is_looked_at_and_how_often(connection: Reading, history: History):
    events = a_life(history)

    take_in(connection, events)

    intervals, rows, videos = tables(connection)
    assert [
        (row["plan"], row["time_zone"], row["job_type"], row["requested_hours"])
        for row in intervals
        if row["organization_id"] == HOME
    ] == [
        ("starter", "Asia/Tokyo", "creator_profiles", None),
        ("starter", "Asia/Tokyo", "discover_videos", 5),
        ("starter", "Asia/Tokyo", "video_stats", None),
    ]
    by_subject = {(row["subject_id"], row["job_type"]): row for row in rows}
    assert len(by_subject) == 7
    billie = by_subject[BILLIE, "creator_profiles"]
    assert (billie["handle"], billie["is_active"]) == ("billie.goat", True)
    assert billie["tracking_start_date"] == date(2026, 5, 1)
    assert billie["last_scrape_id"] == UUID(int=2)
    assert billie["last_requested_at"] == history.events[-3].recorded_at
    nanny = by_subject[NANNY, "video_stats"]
    assert not nanny["is_active"]
    assert nanny["tracking_start_date"] is None
    assert nanny["tracking_end_date"] == date(2026, 12, 31)
    assert not by_subject[ALONE, "video_stats"]["is_active"]
    assert {row["id"]: row["is_counted"] for row in videos} == {
        VIDEO: False,
        video_stream(PROJECT, "7003"): False,
        ALONE: False,
    }


@pytest.mark.parametrize("size", (1, 2, 3, 7))
def test_any_batches_give_the_same_rows_and_so_do_events_that_come_again(
    connection: Reading, history: History, size: int
):
    events = a_life(history)
    with connection.transaction(force_rollback=True):
        take_in(connection, events)
        whole = tables(connection)

    for start in range(0, len(events), size):
        batch = events[start : start + size]
        take_in(connection, batch)
        take_in(connection, batch)
    in_parts = tables(connection)
    take_in(connection, events)

    assert in_parts == whole
    assert tables(connection) == whole


def test_a_request_moves_only_what_it_was_for(connection: Reading, history: History):
    take_in(connection, a_life(history))
    before = tables(connection)[1]
    some = e.ScrapeRequested(
        organization_id=HOME, project_id=PROJECT, creator_id=BILLIE, handle="billie",
        job_type="video_stats", trigger="manual", tiktok_video_ids=("7001",),
    )  # fmt: skip
    of_a_video = e.ScrapeRequested(
        organization_id=HOME, project_id=PROJECT, creator_id=None, handle="x",
        job_type="video_stats", trigger="scheduled", tiktok_video_ids=("7002",),
    )  # fmt: skip

    imported = replace(some, tiktok_video_ids=(), trigger="imported")

    take_in(connection, history.happened(UUID(int=76), imported))
    take_in(connection, history.happened(UUID(int=77), some))
    after_some = tables(connection)[1]
    take_in(connection, history.happened(UUID(int=78), of_a_video))

    moved = [
        (row["subject_id"], row["last_scrape_id"])
        for row, was in zip(tables(connection)[1], before, strict=True)
        if row != was
    ]
    assert after_some == before
    assert moved == [(ALONE, UUID(int=78))]


def test_the_log_of_a_busy_population_is_taken_in_whole(store: Store):
    events = log(store, many_events(700))

    level(store)

    (row,) = run_sql(
        store,
        "SELECT count(DISTINCT subject_id), count(*), max(last_requested_at) "
        "FROM scrape_schedule",
    )
    requests = [
        recorded for recorded in events if isinstance(recorded.event, e.ScrapeRequested)
    ]
    assert row == (40, 120, requests[-1].recorded_at)
    assert run_sql(store, "SELECT count(*) FROM dead_letter") == [(0,)]
