"""Histories in which each baseline rule gives numbers of its own."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from domain import events as e
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from tests.kit.histories import HOME, MONDAY, PROJECT, History, added
from tests.projections.analytics.oracle import Oracle, OracleQuery

ELSEWHERE = UUID("44444444-4444-4444-8444-444444444444")
# Nothing of it is new under any rule, for nobody looked.
QUIET = UUID("55555555-5555-4555-8555-555555555555")
CREATORS = {UUID(int=0xC0 + n): (PROJECT, ELSEWHERE)[n % 2] for n in range(4)}
COUNTERS = ("views", "likes", "comments", "shares", "saves")
_VIDEOS = 5


def beginning(history: History, random: Random) -> None:
    """Add projects, creators and videos, some posted before the first snapshot."""
    for number, project in enumerate((PROJECT, ELSEWHERE, QUIET)):
        history.happened(
            HOME, e.ProjectCreated(project_id=project, name=f"Project {number}")
        )
    for creator, project in CREATORS.items():
        history.happened(creator, added(f"goat{creator.int}", project_id=project))
        for tiktok_id in videos_of(creator):
            posted = random.choice([None, -30, -2, 1, 2, 5])
            video = e.VideoDiscovered(
                organization_id=HOME,
                project_id=project,
                creator_id=creator,
                tiktok_video_id=tiktok_id,
                handle="billie",
                tracking_status=random.choice(["auto_tracked", "pending_review"]),
                scrape_id=UUID(int=7),
                posted_at=None if posted is None else MONDAY + timedelta(days=posted),
            )
            history.happened(video_stream(project, tiktok_id), video)
    # Its gains until now stay with the project that it leaves.
    leaver = next(creator for creator, home in CREATORS.items() if home == PROJECT)
    moved = e.CreatorMoved(
        organization_id=HOME,
        old_project_id=PROJECT,
        new_project_id=ELSEWHERE,
        history="stay",
    )
    history.happened(leaver, moved)


def add_snapshots(history: History, random: Random, *, amount: int) -> None:
    """Add snapshots at some of the videos of one creator each, in no order of time."""
    for number in range(amount):
        creator = random.choice(list(CREATORS))
        seen = sorted(random.sample(videos_of(creator), random.randint(1, _VIDEOS)))
        counts: dict[str, Any] = {
            f"{counter[:-1]}_counts": tuple(
                random.choice([None, 3, 10, 400, 401]) for _ in seen
            )
            for counter in COUNTERS
        }
        snapshot = e.VideoStatsSnapshotRecorded(
            organization_id=HOME,
            project_id=CREATORS[creator],
            creator_id=creator,
            observed_at=MONDAY + timedelta(hours=random.randint(0, 200)),
            provider="test",
            video_ids=tuple(seen),
            **counts,
        )
        run = UUID(int=0x5C0_0000 + len(history.events) + number)
        history.happened(run, snapshot)


def another_video(history: History) -> None:
    """Add a video to each creator that is new by the usual rule, and snapshot at it."""
    tiktok_id = str(1_000_000 + len(history.events))
    for creator, project in CREATORS.items():
        video = e.VideoDiscovered(
            organization_id=HOME,
            project_id=project,
            creator_id=creator,
            tiktok_video_id=f"{tiktok_id}{creator.int}",
            handle="billie",
            tracking_status="auto_tracked",
            scrape_id=UUID(int=7),
            posted_at=MONDAY + timedelta(days=8),
        )
        snapshot = e.VideoStatsSnapshotRecorded(
            organization_id=HOME,
            project_id=project,
            creator_id=creator,
            observed_at=MONDAY + timedelta(days=9),
            provider="test",
            video_ids=(video.tiktok_video_id,),
            view_counts=(5_000,),
            like_counts=(500,),
            comment_counts=(50,),
            share_counts=(5,),
            save_counts=(None,),
        )
        history.happened(video_stream(project, video.tiktok_video_id), video)
        history.happened(UUID(int=0x5C0_0000 + len(history.events)), snapshot)


def videos_of(creator: UUID) -> list[str]:
    return [str(creator.int * 100 + number) for number in range(_VIDEOS)]


def of_all_time(entity: str, entity_id: UUID, metric: str) -> OracleQuery:
    """A query of the new counts over all time, month by month."""
    return OracleQuery(
        entity=entity,
        entity_id=entity_id,
        metric=metric,
        mode="new",
        granularity="month",
        first=date(2026, 1, 1),
        last=date(2026, 3, 31),
        tz="UTC",
        now=datetime(2026, 4, 1, tzinfo=UTC),
    )


def new_in(oracle: Oracle, project: UUID) -> dict[str, int | None]:
    return {
        counter: oracle.answer(of_all_time("project", project, counter))["total"]
        for counter in COUNTERS
    }


def turned(one: Oracle, other: Oracle, project: UUID) -> int:
    """How many videos of a project have a baseline in one of the two only."""
    counted = [
        id_
        for id_, video in one.videos.items()
        if video.creator
        and one.creators[video.creator] == project
        and video.counts
        and one.snapshots.get(id_)
    ]
    return sum(
        one.begins_with_a_baseline(id_) != other.begins_with_a_baseline(id_)
        for id_ in counted
    )


def questions(events: list[RecordedEvent]) -> list[OracleQuery]:
    """Queries of every entity, each by another way into the read model."""
    query = [
        *(of_all_time("project", project, "views") for project in (PROJECT, ELSEWHERE)),
        *(of_all_time("creator", creator, "likes") for creator in CREATORS),
        *(
            of_all_time("video", video_stream(project, tiktok_id), "views")
            for creator, project in CREATORS.items()
            for tiktok_id in videos_of(creator)
        ),
    ]
    then = events[len(events) // 2].position
    return [
        *query,
        *(msgspec.structs.replace(one, as_of=then) for one in query),
    ]
