"""Attributes observations to owners: one snapshot may list videos of several owners.

Most videos in a snapshot of a creator are that creator's own. Some belong to another
creator. The owner of others is not known yet; until it is known, their observations
stay with the snapshot's provisional owner (its creator, else its project).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

import msgspec
import numpy as np

from projections.analytics.fold.columns import Longs
from projections.analytics.fold.entities import AnalyticsVideoRow, SubjectRow
from projections.analytics.fold.keys import OwnerKey
from projections.analytics.fold.owner_state import OwnerState
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.fold.snapshots import OwnerSnapshot
from projections.analytics.fold.video_changes import decode_changes, position_of_mark

Unattributed = tuple[UUID, int, UUID]
"""An organization, a video's number, and the provisional owner of its observations."""


def owner_of(row: AnalyticsVideoRow | None) -> UUID | None:
    """Return a video's owner: its creator, else the video. None before it was added."""
    if row is None or not row.is_there:
        return None
    return row.creator_id or row.id


def erased_position(row: AnalyticsVideoRow | None) -> int | None:
    """Return the log position at which a video's creator was erased, or None."""
    if row is None or not row.is_there or row.tiktok_video_id is not None:
        return None
    return position_of_mark(decode_changes(row.changes))


def listed_project(provisional_owner: UUID, subject: SubjectRow | None) -> UUID | None:
    """Return the project whose videos a provisional owner's snapshots name.

    A creator that moved keeps the project it was added to: the ids of its videos follow
    from that one. ``subject`` is the provisional owner's row.
    """
    if subject is None or subject.kind == "project":
        return provisional_owner
    return subject.origin_project_id


class Owners:
    """The rows of videos by number, which tell the owner of a video in a snapshot."""

    def __init__(self, rows: Iterable[AnalyticsVideoRow]) -> None:
        self._rows: dict[tuple[UUID, int], dict[UUID, AnalyticsVideoRow]] = defaultdict(
            dict
        )
        self.add(rows)

    def add(self, rows: Iterable[AnalyticsVideoRow]) -> None:
        """Add these videos, or replace them by newer rows."""
        for row in rows:
            if row.is_there and row.number is not None:
                self._rows[row.organization_id, row.number][row.id] = row

    def rows(self, numbers: Iterable[tuple[UUID, int]]) -> Iterator[AnalyticsVideoRow]:
        """Yield all videos with these numbers."""
        for one in numbers:
            yield from self._rows.get(one, {}).values()

    def row_of(
        self,
        organization_id: UUID,
        number: int,
        provisional_owner: UUID,
        project_id: UUID | None,
    ) -> AnalyticsVideoRow | None:
        """Return the video with this number in a provisional owner's list, if known.

        Without a known project it finds only videos of the provisional owner itself.
        """
        for row in self._rows.get((organization_id, number), {}).values():
            if row.project_id == project_id or row.creator_id == provisional_owner:
                return row
        return None


def new_video_numbers(
    snapshots: Sequence[OwnerSnapshot], known: Mapping[OwnerKey, OwnerState]
) -> dict[OwnerKey, Longs]:
    """Return, by provisional owner, the listed videos that are not in its state."""
    observed: dict[OwnerKey, list[Longs]] = defaultdict(list)
    for snapshot in snapshots:
        observed[snapshot.key].append(snapshot.observed.video_numbers)
    found: dict[OwnerKey, Longs] = {}
    for key, chunks in observed.items():
        state = known.get(key)
        if state is not None and all(
            np.array_equal(p, state.video_numbers) for p in chunks
        ):
            found[key] = state.video_numbers[:0]
            continue
        video_numbers = np.unique(np.concatenate(chunks))
        if state is not None:
            video_numbers = np.setdiff1d(
                video_numbers, state.video_numbers, assume_unique=True
            )
        found[key] = video_numbers
    return found


def attribute(
    snapshots: Sequence[OwnerSnapshot],
    new: Mapping[OwnerKey, Longs],
    owners: Owners,
    projects: Mapping[tuple[UUID, UUID], UUID | None],
) -> tuple[dict[OwnerKey, list[OwnerSnapshot]], set[Unattributed]]:
    """Return the snapshots split by owner, and the new unattributed videos.

    Observations of a video after the erasure of its creator have no owner. ``new`` has
    for each provisional owner the videos that are not in its state, ``projects`` its
    project.
    """
    attributed: dict[OwnerKey, list[OwnerSnapshot]] = defaultdict(list)
    unattributed: set[Unattributed] = set()
    elsewhere: dict[OwnerKey, dict[tuple[UUID, int | None], list[int]]] = {}
    for key, video_numbers in new.items():
        organization_id, _, provisional_owner = key
        theirs = elsewhere[key] = defaultdict(list)
        project_id = projects[organization_id, provisional_owner]
        for number in video_numbers.tolist():
            row = owners.row_of(organization_id, number, provisional_owner, project_id)
            owner = owner_of(row)
            if owner is None:
                unattributed.add((organization_id, number, provisional_owner))
            elif owner != provisional_owner:
                theirs[owner, erased_position(row)].append(number)
    for snapshot in snapshots:
        stays = snapshot
        for (owner, erased_at), numbers in elsewhere[snapshot.key].items():
            away = np.isin(stays.observed.video_numbers, np.array(numbers, np.int64))
            if not away.any():
                continue
            observed = stays.observed
            stays = msgspec.structs.replace(stays, observed=observed.where(~away))
            if erased_at is not None and snapshot.position > erased_at:
                continue
            away_snapshot = msgspec.structs.replace(
                snapshot, owner=owner, observed=observed.where(away)
            )
            attributed[away_snapshot.key].append(away_snapshot)
        attributed[snapshot.key].append(stays)
    return attributed, unattributed


def owner_key_of(row: AnalyticsVideoRow) -> OwnerKey | None:
    """Return the key of the state that contains a video. None before it was added."""
    owner = owner_of(row)
    return None if owner is None else videos_key(row.organization_id, owner)


def videos_key(organization_id: UUID, owner: UUID) -> OwnerKey:
    """Return the key of an owner's state of videos."""
    return organization_id, VIDEOS.number, owner


def owner_keys_of(videos: Iterable[AnalyticsVideoRow]) -> set[OwnerKey]:
    """Return the keys of the owner states that contain these videos."""
    return {key for row in videos if (key := owner_key_of(row)) is not None}
