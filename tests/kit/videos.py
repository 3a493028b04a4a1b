"""Videos as tests see them: observations of runs, stored rows, and due tasks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from psycopg.rows import dict_row

from domain import commands as c
from domain import events as e
from domain.creator.handlers.add import RequestedCreator
from domain.streams import video_stream
from domain.video.decider import VideoState, video_of
from infra.eventstore.append import Context
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, plain_events
from infra.ids import new_id
from projections.engine.follower import Follower
from tests.kit.builders import Home, asking
from tests.kit.commands import change_creator
from workers.policies.known_videos import KnownVideos
from workers.policies.video_policies import do_due

MONDAY = datetime(2026, 2, 2, 8, tzinfo=UTC)
OPENING = date(2026, 2, 1)
INSIDE = datetime(2026, 2, 1, 12, tzinfo=UTC)
OUTSIDE = datetime(2026, 1, 20, 12, tzinfo=UTC)


def a_creator(
    home: Home,
    handle: str = "billie",
    *,
    mode: e.TrackingMode = "auto",
    start: date | None = OPENING,
) -> UUID:
    """Add a creator whose window opens with February."""
    wanted = RequestedCreator(
        tiktok_handle=handle, tracking_mode=mode, tracking_start_date=start
    )
    (added,) = home.add_new(wanted)
    assert added.creator_id is not None
    return added.creator_id


def set_window(home: Home, creator_id: UUID, start: date | None) -> None:
    change_creator(
        home.store,
        creator_id,
        [c.ChangeTracking(tracking_start_date=start)],
        organization_id=home.organization_id,
        context=asking(),
    )


def a_run(
    home: Home,
    creator_id: UUID | None,
    *video_ids: str,
    posted_at: Sequence[datetime | None] = (),
    titles: Sequence[str | None] = (),
    missing: Sequence[str] = (),
    day: float = 0,
) -> UUID:
    """Put a whole run into the log that saw these videos, and return it."""
    run, observed_at = new_id(), MONDAY + timedelta(days=day)
    nothing = (None,) * len(video_ids)
    entries = [
        NewEvent(
            run,
            1,
            e.ScrapeRequested(
                organization_id=home.organization_id,
                project_id=home.project_id,
                creator_id=creator_id,
                handle="billie",
                job_type="discover_videos",
                trigger="scheduled",
            ),
        )
    ]
    if video_ids:
        seen = e.VideoStatsSnapshotRecorded(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=creator_id,
            observed_at=observed_at,
            provider="test",
            video_ids=tuple(map(home.store.names.pseudonym, video_ids)),
            has_pseudonyms=True,
            tiktok_video_ids=tuple(video_ids),
            view_counts=nothing,
            like_counts=nothing,
            comment_counts=nothing,
            share_counts=nothing,
            save_counts=nothing,
            titles=tuple(titles),
            posted_at=tuple(posted_at),
        )
        entries.append(NewEvent(run, 2, seen))
    ended = e.ScrapeSucceeded(
        organization_id=home.organization_id,
        creator_id=creator_id,
        job_type="discover_videos",
        provider="test",
        attempts=1,
        observed_at=observed_at,
        duration_ms=1,
        videos_observed=len(video_ids),
        missing_video_ids=tuple(map(home.store.names.pseudonym, missing)),
    )
    entries.append(NewEvent(run, len(entries) + 1, ended))
    context = Context(actor="worker:test", command_id=new_id(), correlation_id=run)
    home.store.append(entries, context=context)
    return run


def happened(home: Home, video_id: str, *events: e.VideoEvent) -> None:
    """Put events about a video into the log, at any version of its stream."""
    stream = video_stream(home.project_id, home.store.names.pseudonym(video_id))
    version = len(home.store.load(stream)[stream])
    home.store.append(
        [
            NewEvent(stream, number, event)
            for number, event in enumerate(events, version + 1)
        ],
        context=asking(),
    )


def settle(store: Store) -> None:
    """Let the policies work until nothing is left that they could do now."""
    follower = known_videos(store)
    while follower.catch_up() + do_due(store):
        pass


def take_in(store: Store) -> None:
    """Apply new events of the log, and do no task."""
    known_videos(store).catch_up()


def known_videos(store: Store) -> Follower:
    """Return the registered follower of the policies about videos."""
    follower = Follower(KnownVideos(), pool=store.pool, codec=store.codec)
    follower.register()
    return follower


def do_all(store: Store) -> int:
    total = 0
    while done := do_due(store):
        total += done
    return total


def history_of(home: Home, video_id: str) -> list[RecordedEvent]:
    stream = video_stream(home.project_id, home.store.names.pseudonym(video_id))
    return home.store.load(stream)[stream]


def events_of(home: Home, video_id: str) -> list[e.Event]:
    return [recorded.event for recorded in history_of(home, video_id)]


def the_video(home: Home, video_id: str) -> VideoState:
    video = video_of(plain_events(history_of(home, video_id)))
    assert video is not None
    return video


def known(store: Store) -> dict[str, dict[str, object]]:
    """The stored row of each video, by its id on TikTok."""
    return {str(row["tiktok_video_id"]): row for row in _rows(store, "known_video")}


def due(store: Store) -> list[dict[str, object]]:
    return _rows(store, "policy_task")


def _rows(store: Store, table: str) -> list[dict[str, object]]:
    query = f"SELECT * FROM {table} ORDER BY position, 2"  # noqa: S608
    with (
        store.pool.connection() as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        return cursor.execute(query.encode()).fetchall()
