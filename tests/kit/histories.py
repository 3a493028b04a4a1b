"""Histories to project: events in envelopes, without a log or through a real one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain import events as e
from domain.streams import membership_stream, video_stream
from infra.eventstore.append import Context
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id

MONDAY = datetime(2026, 2, 2, 8, tzinfo=UTC)

HOME = UUID("11111111-1111-4111-8111-111111111111")
AWAY = UUID("22222222-2222-4222-8222-222222222222")
PROJECT = UUID("33333333-3333-4333-8333-333333333333")
SECOND = UUID("44444444-4444-4444-8444-444444444444")


class History:
    """A log without a database, with positions, versions and times as in a real one."""

    def __init__(self) -> None:
        self.events: list[RecordedEvent] = []
        self._versions: Counter[UUID] = Counter()

    def happened(
        self, stream: UUID, *events: e.Event, at: datetime | None = None
    ) -> list[RecordedEvent]:
        """Add events to a stream as one append, a second after the one before."""
        at = at or MONDAY + timedelta(seconds=len(self.events))
        appended: list[RecordedEvent] = []
        for event in events:
            self._versions[stream] += 1
            version = self._versions[stream]
            position = len(self.events) + 1
            appended.append(
                RecordedEvent(position, stream, version, event, at, "test", None, None)
            )
            self.events.append(appended[-1])
        return appended


_OF_PROJECTS = (e.ProjectDetailsChanged, e.ProjectArchived, e.ProjectRestored)


def log(store: Store, events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """Put the events into a real log, and return them as that recorded them.

    A change of a project has an append and with it a time of its own, as always.
    """
    appends: list[list[NewEvent]] = [[]]
    for recorded in events:
        if isinstance(recorded.event, _OF_PROJECTS) and appends[-1]:
            appends.append([])
        appends[-1].append(NewEvent(recorded.stream, recorded.version, recorded.event))
    return [
        recorded
        for entries in appends
        for recorded in store.append(
            entries, context=Context(actor="test", command_id=new_id())
        )
    ]


def added(handle: str = "billie", **settings: object) -> e.CreatorAdded:
    chosen: dict[str, Any] = {
        "organization_id": HOME,
        "project_id": PROJECT,
        "tracking_mode": "auto",
        **settings,
    }
    return e.CreatorAdded(handle=handle, **chosen)


def connected(organization_id: UUID = HOME) -> e.CreatorConnected:
    return e.CreatorConnected(
        organization_id=organization_id,
        provider="display",
        scopes=("user.info.stats",),
        open_id="one",
    )


def connection_lost(organization_id: UUID = HOME) -> e.CreatorConnectionLost:
    return e.CreatorConnectionLost(
        organization_id=organization_id, provider="display", reason="revoked_there"
    )


def snapshot(
    creator_id: UUID, *, day: float = 0, organization_id: UUID = HOME, **seen: object
) -> e.ProfileSnapshotRecorded:
    """A profile as it was observed ``day`` days after Monday."""
    figures: dict[str, Any] = {**seen}
    return e.ProfileSnapshotRecorded(
        organization_id=organization_id,
        creator_id=creator_id,
        observed_at=MONDAY + timedelta(days=day),
        provider="test",
        **figures,
    )


def requested(
    creator_id: UUID, *, organization_id: UUID = HOME, handle: str = "billie"
) -> e.ScrapeRequested:
    return e.ScrapeRequested(
        organization_id=organization_id,
        project_id=PROJECT,
        creator_id=creator_id,
        handle=handle,
        job_type="creator_profiles",
        trigger="added",
    )


def succeeded(
    creator_id: UUID,
    *,
    job_type: e.JobType = "creator_profiles",
    organization_id: UUID = HOME,
    day: float = 0,
    provider: str = "test",
) -> e.ScrapeSucceeded:
    return e.ScrapeSucceeded(
        organization_id=organization_id,
        creator_id=creator_id,
        job_type=job_type,
        provider=provider,
        attempts=2,
        observed_at=MONDAY + timedelta(days=day),
        duration_ms=37,
        profile_observed=True,
        videos_observed=12,
        pages=1,
        payload_sha256="ab" * 32,
        precision="exact",
        missing_video_ids=("7001", "7002"),
    )


def failed(
    creator_id: UUID,
    *,
    outcome: e.Outcome | None = "private",
    job_type: e.JobType = "creator_profiles",
    organization_id: UUID = HOME,
) -> e.ScrapeFailed:
    return e.ScrapeFailed(
        organization_id=organization_id,
        creator_id=creator_id,
        job_type=job_type,
        provider="test",
        attempts=5,
        error="The account is private.",
        outcome=outcome,
    )


def many_events(amount: int, *, creators: int = 40) -> list[RecordedEvent]:
    """At least ``amount`` events of every projected kind, always the same ones."""
    history = History()
    history.happened(
        HOME,
        e.OrganizationCreated(name="Home", plan="unlimited", time_zone="UTC"),
        e.ProjectCreated(project_id=PROJECT, name="First project"),
        e.ProjectCreated(project_id=SECOND, name="Second project"),
        e.ApiKeyCreated(
            key_id=UUID(int=7), name="Key", digest="d" * 64, hint="dddd", scopes=()
        ),
    )
    handles = {UUID(int=1_000 + n): f"creator{n}" for n in range(creators)}
    for creator_id, handle in handles.items():
        history.happened(creator_id, added(handle))
    ids = list(handles)
    homes: dict[UUID, UUID] = {}
    known: set[str] = set()
    campaigns: dict[UUID, set[UUID]] = {}
    notes: set[UUID] = set()
    run = 0
    while len(history.events) < amount:
        run += 1
        creator_id, scrape_id = ids[run % creators], UUID(int=1_000_000 + run)
        history.happened(scrape_id, requested(creator_id))
        if run % 7 == 0:
            history.happened(scrape_id, failed(creator_id, outcome="blocked"))
            continue
        seen = snapshot(
            creator_id,
            day=run * 37 % 101,
            follower_count=None if run % 5 == 0 else run,
            display_name=f"Creator {run}" if run % 3 else None,
        )
        listed = [str(creator_id.int * 100 + n) for n in range(run % 4)]
        videos = stats(*listed, day=run * 37 % 101, views=run)
        provider = ("test", "other")[run // 50 % 2]
        done = succeeded(creator_id, day=run * 37 % 101, provider=provider)
        history.happened(scrape_id, seen, videos, done)
        for tiktok_video_id in listed:
            if tiktok_video_id not in known:
                known.add(tiktok_video_id)
                video_id = video_stream(PROJECT, tiktok_video_id)
                history.happened(
                    video_id, *_of_a_video(run, creator_id, tiktok_video_id)
                )
        if run % 11 == 0:
            old, handles[creator_id] = handles[creator_id], f"renamed{run}"
            history.happened(
                creator_id,
                e.HandleChanged(organization_id=HOME, old=old, new=handles[creator_id]),
            )
        if run % 19 == 0:
            home = homes.get(creator_id, PROJECT)
            homes[creator_id] = SECOND if home == PROJECT else PROJECT
            history.happened(
                creator_id,
                e.CreatorMoved(
                    organization_id=HOME,
                    old_project_id=home,
                    new_project_id=homes[creator_id],
                    history="whole",
                ),
            )
        history.happened(creator_id, *_of_a_connection(run))
        if run % 9 == 0:
            stream = UUID(int=2_000_000 + run % 27)
            items = campaigns.get(stream)
            history.happened(stream, *_of_a_campaign(items, run, creator_id))
            if items is not None:
                kind = e.CampaignJoined if creator_id in items else e.CampaignLeft
                moved = kind(
                    organization_id=HOME,
                    item_type="creator",
                    item_id=creator_id,
                    campaign_id=stream,
                )
                history.happened(membership_stream(creator_id), moved)
            campaigns.setdefault(stream, set())
        if run % 17 == 0:
            note = UUID(int=3_000_000 + run % 51)
            history.happened(note, *_of_a_note(notes, note, creator_id))
        if run % 13 == 0:
            history.happened(
                HOME,
                e.ProjectDetailsChanged(project_id=PROJECT, name=f"Project {run}"),
                (e.ProjectRestored if run % 2 else e.ProjectArchived)(
                    project_id=PROJECT
                ),
            )
    return history.events


def _of_a_video(run: int, creator_id: UUID, name: str) -> Iterator[e.VideoEvent]:
    """The events of a video that a run found: it takes off in some runs."""
    yield found(creator_id, name)
    if run % 5 == 0:
        yield took_off()


def _of_a_connection(run: int) -> Iterator[e.CreatorEvent]:
    if run % 23 == 0:
        yield connected()
    if run % 29 == 0:
        yield connection_lost()


def _of_a_campaign(items: set[UUID] | None, run: int, item: UUID) -> list[e.Event]:
    """The events of a campaign in a run: it is created, or an item comes or goes."""
    if items is None:
        name = f"Campaign {run}"
        return [e.CampaignCreated(organization_id=HOME, project_id=PROJECT, name=name)]
    kind = e.CampaignItemRemoved if item in items else e.CampaignItemAdded
    items ^= {item}
    return [
        kind(organization_id=HOME, item_type="creator", item_id=item),
        e.CampaignTargetChanged(organization_id=HOME, target_views=run),
        *_outcome_of_target(run),
    ]


def _outcome_of_target(run: int) -> Iterator[e.CampaignEvent]:
    """The target of a run was reached, missed or neither."""
    at = MONDAY + timedelta(days=run % 31)
    outcome: dict[str, Any] = {
        "organization_id": HOME,
        "metric": "views",
        "target": run,
        "target_scope": "gained",
    }
    if run % 2 == 0:
        yield e.CampaignTargetReached(reached=run + 1, reached_at=at, **outcome)
    elif run % 5 == 0:
        yield e.CampaignTargetMissed(reached=run - 1, target_at=at, **outcome)


def _of_a_note(known: set[UUID], note: UUID, creator_id: UUID) -> list[e.Event]:
    """The event of a note in a run: it is written, or changed."""
    if note in known:
        return [e.AnnotationChanged(organization_id=HOME, ends_on=date(2026, 2, 5))]
    known.add(note)
    return [noted("creator", creator_id)]


def noted(
    scope: e.AnnotationScope, scope_id: UUID, *, organization_id: UUID = HOME
) -> e.AnnotationAdded:
    """A note about Monday."""
    return e.AnnotationAdded(
        organization_id=organization_id,
        scope=scope,
        scope_id=scope_id,
        project_id=None if scope == "org" else PROJECT,
        starts_on=MONDAY.date(),
        ends_on=MONDAY.date(),
        text="The sale began.",
    )


def found(
    creator_id: UUID,
    tiktok_video_id: str,
    *,
    organization_id: UUID = HOME,
    **details: object,
) -> e.VideoDiscovered:
    """A video as a run lists it for the first time."""
    events: dict[str, Any] = {
        "handle": "billie",
        "tracking_status": "auto_tracked",
        "scrape_id": UUID(int=0x5C),
        **details,
    }
    return e.VideoDiscovered(
        organization_id=organization_id,
        project_id=PROJECT,
        creator_id=creator_id,
        tiktok_video_id=tiktok_video_id,
        **events,
    )


def took_off() -> e.VideoTookOff:
    """A video with five times the views that are usual after three days."""
    return e.VideoTookOff(
        organization_id=HOME,
        age_days=3,
        views=50_000,
        peer_median=10_000.0,
        peers=7,
        outlier_factor=5.0,
    )


def stats(
    *video_ids: str,
    day: float = 0,
    organization_id: UUID = HOME,
    views: int | None = None,
    **seen: object,
) -> e.VideoStatsSnapshotRecorded:
    """Videos as they were observed ``day`` days after Monday, all with these views."""
    nothing = (None,) * len(video_ids)
    columns: dict[str, Any] = {
        "project_id": PROJECT,
        "view_counts": (views,) * len(video_ids),
        "like_counts": nothing,
        "comment_counts": nothing,
        "share_counts": nothing,
        "save_counts": nothing,
        **seen,
    }
    return e.VideoStatsSnapshotRecorded(
        organization_id=organization_id,
        creator_id=None,
        observed_at=MONDAY + timedelta(days=day),
        provider="test",
        video_ids=video_ids,
        **columns,
    )
