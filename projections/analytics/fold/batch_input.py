"""The meaning of a batch of events for analytics, before any table is read."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
import numpy as np

from domain import events as e
from domain.analytics.membership import MemberType
from domain.messages import Event
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.analytics.fold.columns import Listed, ObservedCounts, observed_counts
from projections.analytics.fold.creator_moves import CreatorMove
from projections.analytics.fold.entities import SubjectRow
from projections.analytics.fold.keys import EntityKey, entity_key
from projections.analytics.fold.precision import rounded_bits
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS
from projections.analytics.fold.snapshot_decoder import VideoSnapshotColumns
from projections.analytics.fold.snapshots import OwnerSnapshot
from projections.analytics.fold.video_changes import (
    Change,
    ObservedDetails,
    details_change,
    event_change,
)

_ITSELF = Listed(np.zeros(1, np.int64), 1, None)


CampaignKey = tuple[UUID, UUID]
"""An organization and one of its campaigns."""


class RecordedMembership(msgspec.Struct, frozen=True, kw_only=True):
    """A row: an item joined a campaign or left it.

    Without an item type the campaign was deleted.
    """

    organization_id: UUID
    campaign_id: UUID
    position: int
    recorded_at: datetime
    item_type: MemberType | None
    item_id: UUID
    is_added: bool


class BatchInput:
    """The content of a batch: rows of subjects, changes of videos, snapshots.

    A subject is a creator, project or campaign. ``subjects`` are the rows as the batch
    leaves them, ``changes`` the video events and details by video, ``events`` the
    decoded video events by position, ``snapshots`` the observed counters in log order,
    ``memberships`` the items that joined campaigns and left them, ``moves`` the
    creators that moved, ``erasures`` the erasures of creators, as recorded.
    """

    def __init__(self, subjects: Iterable[SubjectRow] = ()) -> None:
        self.subjects = {row.id: row for row in subjects}
        self.changes: dict[EntityKey, list[Change]] = defaultdict(list)
        self.events: dict[int, Event] = {}
        self.snapshots: list[OwnerSnapshot] = []
        self.memberships: list[RecordedMembership] = []
        self.moves: list[CreatorMove] = []
        self.erasures: list[tuple[RecordedEvent, e.SubjectErased]] = []

    def add_profile_counts(
        self, recorded: RecordedEvent, event: e.ProfileSnapshotRecorded
    ) -> None:
        """Add the counters of a creator's profile."""
        row = self.subject(event.organization_id, event.creator_id)
        self.put(row.with_observation_at(event.observed_at))
        columns = (
            (event.follower_count,),
            (event.following_count,),
            (event.total_likes_count,),
            (event.video_count,),
        )
        observed = observed_counts(_ITSELF, columns)
        if event.precision == "rounded":
            observed.missing |= rounded_bits(columns)
        self._add_snapshot(recorded, event, PROFILES.number, event.creator_id, observed)

    def add_video_counts(
        self, recorded: RecordedEvent, event: VideoSnapshotColumns
    ) -> None:
        """Add the counters of the videos that a scrape observed, and their details."""
        project_id, creator_id = event.project_id, event.creator_id
        if creator_id is not None:
            row = self.subject(event.organization_id, creator_id)
            row = row.with_observation_at(event.observed_at)
            if row.origin_project_id is None and project_id is not None:
                row = row.of_origin(project_id)
            self.put(row)
        provisional_owner = creator_id or project_id
        if provisional_owner is None:
            # Without a creator and a project the owners of the videos are unknowable.
            return
        self._add_snapshot(
            recorded, event, VIDEOS.number, provisional_owner, event.observed
        )
        if project_id is None:
            return
        for name, posted_at, title in event.details():
            key = entity_key(event.organization_id, video_stream(project_id, name))
            observed = ObservedDetails(
                observed_at=event.observed_at, posted_at=posted_at, title=title
            )
            self.changes[key].append(details_change(recorded.position, observed))

    def add_video_event(self, recorded: RecordedEvent, event: e.VideoEvent) -> None:
        """Add the change that an event of a video's own stream is."""
        key = entity_key(event.organization_id, recorded.stream)
        self.changes[key].append(event_change(recorded))
        self.events[recorded.position] = event

    def _add_snapshot(
        self,
        recorded: RecordedEvent,
        event: e.ProfileSnapshotRecorded | VideoSnapshotColumns,
        metric_group: int,
        provisional_owner: UUID,
        observed: ObservedCounts,
    ) -> None:
        snapshot = OwnerSnapshot(
            organization_id=event.organization_id,
            metric_group=metric_group,
            owner=provisional_owner,
            observed_at=event.observed_at,
            position=recorded.position,
            creator_id=event.creator_id,
            scrape_id=recorded.stream,
            provider=event.provider,
            recorded_at=recorded.recorded_at,
            observed=observed,
        )
        self.snapshots.append(snapshot)

    def add_membership(
        self,
        recorded: RecordedEvent,
        organization_id: UUID,
        item_type: e.ItemType | None,
        item_id: UUID,
        *,
        is_added: bool,
    ) -> None:
        """Add that an item joined or left a campaign; without a type, that all left."""
        change = RecordedMembership(
            organization_id=organization_id,
            campaign_id=recorded.stream,
            position=recorded.position,
            recorded_at=recorded.recorded_at,
            item_type=item_type,
            item_id=item_id,
            is_added=is_added,
        )
        self.memberships.append(change)

    def put(self, row: SubjectRow) -> None:
        """Replace the row of a subject."""
        self.subjects[row.id] = row

    def subject(self, organization_id: UUID, subject_id: UUID) -> SubjectRow:
        """Return the row of a subject, an empty one if there is none."""
        return self.subjects.get(subject_id) or SubjectRow(
            organization_id=organization_id, id=subject_id
        )
