"""The schedule as tests see it: its rows, and a clock that they can move."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from domain import commands as c
from domain import events as e
from domain.organization.plans import DEFAULT_PLANS
from domain.scrape.intervals import DEFAULT_HOURS
from domain.streams import video_stream
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.engine.follower import Follower
from tests.kit.builders import Home, asking
from tests.kit.commands import change_creator, change_organization
from workers.schedule.projection import Schedule
from workers.scraping.jobs import ScrapeJobs

HOUR = timedelta(hours=1)
ALL: tuple[e.JobType, ...] = ("creator_profiles", "discover_videos", "video_stats")


def level(store: Store) -> None:
    """Apply the whole log to the schedule and the jobs."""
    for projection in (Schedule(), ScrapeJobs()):
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


def run_sql(store: Store, query: str, *values: object) -> list[Any]:
    with store.pool.connection() as connection:
        cursor = connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []


def rows_of(store: Store, subject_id: UUID) -> dict[str, dict[str, Any]]:
    """The rows of a creator or video by job type; None where no run is ever due."""
    with (
        store.pool.connection() as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        found = cursor.execute(
            "SELECT job_type, is_active, handle, last_requested_at, last_scrape_id, "
            "tracking_start_date, tracking_end_date, due_at IS NULL AS is_unplanned, "
            "coalesce(due_at = 'infinity', false) AS is_never, "
            "nullif(due_at, 'infinity') AS due_at FROM scrape_schedule "
            "WHERE subject_id = %s",
            (subject_id,),
        ).fetchall()
    return {row["job_type"]: row for row in found}


def finish_all(store: Store) -> None:
    """Mark every job as done."""
    level(store)
    run_sql(store, "UPDATE scrape_job SET state = 'done', finished_at = now()")


def now_of(store: Store) -> datetime:
    return run_sql(store, "SELECT clock_timestamp()")[0][0]


def requests(store: Store) -> list[tuple[UUID | None, str, str]]:
    """Creator, job type and trigger of every run, in the order of the requests."""
    found = run_sql(
        store,
        "SELECT originator_id FROM goatherd_events WHERE topic = 'scrape_requested' "
        "ORDER BY notification_id",
    )
    histories = store.load(*(stream for (stream,) in found))
    events = [histories[stream][0].event for (stream,) in found]
    return [
        (event.creator_id, event.job_type, event.trigger)
        for event in events
        if isinstance(event, e.ScrapeRequested)
    ]


def scheduled(store: Store) -> list[tuple[UUID | None, str]]:
    """Creator and job type of every run that the schedule asked for, in some order."""
    return sorted(
        (
            (creator, job_type)
            for creator, job_type, trigger in requests(store)
            if trigger == "scheduled"
        ),
        key=str,
    )


def discover(
    home: Home,
    creator_id: UUID,
    *tiktok_video_ids: str,
    status: e.TrackingStatus = "auto_tracked",
) -> list[UUID]:
    """Let a run have listed videos that were not known before."""
    entries = [
        NewEvent(
            video_stream(home.project_id, home.store.names.pseudonym(video_id)),
            1,
            e.VideoDiscovered(
                organization_id=home.organization_id,
                project_id=home.project_id,
                creator_id=creator_id,
                tiktok_video_id=video_id,
                pseudonym=home.store.names.pseudonym(video_id),
                handle="billie",
                tracking_status=status,
                scrape_id=new_id(),
            ),
        )
        for video_id in tiktok_video_ids
    ]
    home.store.append(entries, context=asking())
    return [entry.originator_id for entry in entries]


def decide_on(home: Home, video_id: UUID, *events: e.Event) -> None:
    """Append events to a video's stream."""
    version = len(home.store.load(video_id)[video_id])
    home.store.append(
        [NewEvent(video_id, version + n, event) for n, event in enumerate(events, 1)],
        context=asking(),
    )


def move_window(home: Home, creator_id: UUID, **window: Any) -> None:  # noqa: ANN401
    change_creator(
        home.store,
        creator_id,
        [c.ChangeTracking(**window)],
        organization_id=home.organization_id,
        context=asking(),
    )


def change_settings(home: Home, **settings: Any) -> None:  # noqa: ANN401
    _command(home, c.ChangeOrganizationSettings(**settings))


def change_plan(home: Home, plan: str) -> None:
    _command(home, c.ChangePlan(plan=plan))


def hours_of(store: Store, organization_id: UUID) -> Sequence[int | None]:
    """The hours in force, in the order of the job types."""
    found = run_sql(
        store,
        "SELECT hours FROM schedule_interval WHERE organization_id = %s "
        "ORDER BY job_type",
        organization_id,
    )
    return [hours for (hours,) in found]


def _command(home: Home, command: c.ChangeOrganizationSettings | c.ChangePlan) -> None:
    change_organization(
        home.store,
        home.organization_id,
        command,
        plans=DEFAULT_PLANS,
        context=asking(),
    )


def follow_schedule(store: Store) -> None:
    """Apply the log to the schedule, with the default interval of each kind."""
    level(store)
    for job_type, hours in DEFAULT_HOURS.items():
        statement = "UPDATE schedule_interval SET hours = %s WHERE job_type = %s"
        run_sql(store, statement, hours, job_type)
