"""Days that are over, of owners of videos.

Snapshots that come in time order go on from the owner's levels. Where one comes late,
or a video gets another owner, the days from there on are to be folded anew.
"""

from collections.abc import Sequence
from uuid import UUID

import numpy as np

from projections.analytics.fold.columns import Observations
from projections.analytics.fold.day_ends import (
    DayEnd,
    day_ends,
    day_of,
    days_of,
)
from projections.analytics.fold.keys import OwnerKey, SnapshotTime
from projections.analytics.fold.levels import Levels
from projections.analytics.fold.owner_state import OwnerState
from projections.analytics.fold.rollup_deltas import VIDEOS

OwnerId = tuple[UUID, UUID]
"""An organization and an owner."""


class OwnerDays:
    """Days that are over, of some owners of videos."""

    def __init__(self) -> None:
        self.ends: dict[tuple[OwnerId, int], Levels] = {}
        self.since: dict[OwnerKey, int] = {}

    def add_later(
        self,
        key: OwnerKey,
        opening: Levels,
        last: SnapshotTime,
        times: Sequence[SnapshotTime],
        observations: Observations,
    ) -> None:
        """Add snapshots that are later than the last one before.

        ``opening`` are the levels after that one.
        """
        if not times:
            return
        owner = key[0], key[2]
        instants = np.array([time[0] for time in times], np.int64)
        days = days_of(instants)
        before = day_of(last[0]) if last[1] else None
        if before is not None and days[0] > before:
            self._add(owner, DayEnd(before, opening))
        # The last day is not over, so what the owner state has is its end.
        if days[-1] > days[0]:
            is_over = days < days[-1]
            over = observations.where(is_over[observations.snapshots])
            for end in day_ends(opening, over, days[is_over]):
                self._add(owner, end)

    def add_snapshots(
        self,
        state: OwnerState,
        opening: Levels,
        last: SnapshotTime,
        times: Sequence[SnapshotTime],
        observations: Observations,
    ) -> None:
        """Add snapshots that a state has folded, if it is one of videos.

        ``opening`` and ``last`` are its levels and its last snapshot before.
        """
        if state.metric_group != VIDEOS.number:
            return
        if times[0][0] <= last[0]:
            self.fold_again(state.key, times[0][0])
            return
        if day_of(times[-1][0]) == day_of(last[0]):
            # Most snapshots end no day.
            return
        self.add_later(state.key, opening, last, times, observations)

    def fold_again(self, key: OwnerKey, since: int) -> None:
        """Note that snapshots at or after an instant were added or removed."""
        self.since[key] = min(since, self.since.get(key, since))

    def _add(self, owner: OwnerId, end: DayEnd) -> None:
        if len(end.levels.video_numbers):
            self.ends[owner, end.day] = end.levels
