"""Histories of the usual kind: creators added, described, scraped again and again."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from domain import events as e
from infra.eventstore.codec import NewEvent
from infra.ids import new_id
from tests.kit.builders import NAMES

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Creator(msgspec.Struct, frozen=True, kw_only=True):
    """A creator with a history: its organization, project and names."""

    organization_id: UUID
    project_id: UUID
    id: UUID
    handle: str


def a_creator(organization_id: UUID, project_id: UUID, number: int) -> Creator:
    return Creator(
        organization_id=organization_id,
        project_id=project_id,
        id=new_id(),
        handle=f"goat.of.the.day_{number}",
    )


def addition(creator: Creator) -> list[NewEvent]:
    """Return the four events that adding a creator appends."""
    claim = NAMES.claim_stream(creator.project_id, creator.handle)
    return [
        NewEvent(
            creator.id,
            1,
            e.CreatorAdded(
                organization_id=creator.organization_id,
                project_id=creator.project_id,
                handle=creator.handle,
                tracking_mode="auto",
                tracking_start_date=BEGINNING.date(),
                description="Grazes on the roof and posts about it every day.",
                metadata={"tier": "gold", "manager": "maria"},
            ),
        ),
        NewEvent(
            claim,
            1,
            e.HandleClaimed(
                organization_id=creator.organization_id,
                project_id=creator.project_id,
                handle=creator.handle,
                creator_id=creator.id,
            ),
        ),
        request(creator, new_id(), job_type="creator_profiles"),
        request(creator, new_id(), job_type="discover_videos"),
    ]


def request(creator: Creator, scrape_id: UUID, *, job_type: e.JobType) -> NewEvent:
    return NewEvent(
        scrape_id,
        1,
        e.ScrapeRequested(
            organization_id=creator.organization_id,
            project_id=creator.project_id,
            creator_id=creator.id,
            handle=creator.handle,
            job_type=job_type,
            trigger="manual",
        ),
    )


def profile_scrape(creator: Creator, number: int) -> list[NewEvent]:
    """Return the three events of a creator's ``number``-th profile scrape."""
    scrape_id, seen_at = new_id(), BEGINNING + timedelta(hours=6 * number)
    return [
        request(creator, scrape_id, job_type="creator_profiles"),
        NewEvent(
            scrape_id,
            2,
            e.ProfileSnapshotRecorded(
                organization_id=creator.organization_id,
                creator_id=creator.id,
                observed_at=seen_at,
                provider="web",
                precision="exact",
                user_id=str(6_800_000_000_000_000_000 + number),
                sec_uid=f"MS4wLjABAAAA{creator.id.hex}",
                display_name=f"Goat of the Day {creator.handle[-4:]}",
                avatar_url=f"https://p16.example/{creator.id.hex}~720x720.jpeg",
                follower_count=10_000 + 37 * number,
                following_count=120,
                total_likes_count=900_000 + 4_210 * number,
                video_count=310 + number,
            ),
        ),
        NewEvent(
            scrape_id,
            3,
            e.ScrapeSucceeded(
                organization_id=creator.organization_id,
                creator_id=creator.id,
                job_type="creator_profiles",
                provider="web",
                attempts=1,
                observed_at=seen_at,
                duration_ms=840,
                profile_observed=True,
                pages=1,
                payload_sha256="ab" * 32,
            ),
        ),
    ]


def video_scrape(
    creator: Creator, number: int, video_ids: Sequence[str]
) -> list[NewEvent]:
    """Return the three events of a ``number``-th scrape of videos that are known."""
    scrape_id, seen_at = new_id(), BEGINNING + timedelta(hours=6 * number)
    views = [1_000 + 97 * place * (number + 1) for place, _ in enumerate(video_ids)]
    return [
        request(creator, scrape_id, job_type="discover_videos"),
        NewEvent(
            scrape_id,
            2,
            e.VideoStatsSnapshotRecorded(
                organization_id=creator.organization_id,
                project_id=creator.project_id,
                creator_id=creator.id,
                observed_at=seen_at,
                provider="web",
                video_ids=tuple(video_ids),
                view_counts=tuple(views),
                like_counts=tuple(count // 10 for count in views),
                comment_counts=tuple(count // 100 for count in views),
                share_counts=tuple(count // 90 for count in views),
                save_counts=tuple(count // 70 for count in views),
                has_pseudonyms=True,
            ),
        ),
        NewEvent(
            scrape_id,
            3,
            e.ScrapeSucceeded(
                organization_id=creator.organization_id,
                creator_id=creator.id,
                job_type="discover_videos",
                provider="web",
                attempts=1,
                observed_at=seen_at,
                duration_ms=1_240,
                videos_observed=len(video_ids),
                pages=1,
                payload_sha256="cd" * 32,
            ),
        ),
    ]


def campaign_with(
    campaign_id: UUID,
    creators: Iterable[UUID],
    videos: Iterable[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
) -> list[NewEvent]:
    """Return the events of a campaign of creators and single videos with a target."""
    items: list[tuple[e.ItemType, UUID]] = [
        *(("creator", creator) for creator in creators),
        *(("video", video) for video in videos),
    ]
    events: list[e.Event] = [
        e.CampaignCreated(
            organization_id=organization_id, project_id=project_id, name="Alps"
        ),
        e.CampaignTargetChanged(
            organization_id=organization_id,
            target_views=10_000_000,
            target_at=datetime.now(UTC) + timedelta(days=30),
        ),
        *(
            e.CampaignItemAdded(
                organization_id=organization_id, item_type=item_type, item_id=item_id
            )
            for item_type, item_id in items
        ),
    ]
    return [
        NewEvent(campaign_id, version, event) for version, event in enumerate(events, 1)
    ]


def busy_log(amount: int, *, scrapes: int = 8) -> Iterator[list[NewEvent]]:
    """Give about ``amount`` events, an append at a time, in which all of it mixes.

    Fifty creators are added at once and then scraped, one after the other, ``scrapes``
    times each; then come the next fifty. Any stretch of some thousands is like another.
    """
    organization_id, project_id = new_id(), new_id()
    written = 0
    number = 0
    while written < amount:
        population = [
            a_creator(organization_id, project_id, number + n) for n in range(50)
        ]
        number += len(population)
        appends = [[entry for creator in population for entry in addition(creator)]]
        appends += [
            profile_scrape(creator, turn)
            for turn in range(scrapes)
            for creator in population
        ]
        for entries in appends:
            written += len(entries)
            yield entries
