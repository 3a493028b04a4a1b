"""The state of an owner: the newest levels of all its videos.

A creator owns its videos; a video without a creator owns itself. In the metric group of
profiles a creator owns its profile, as one video with the number 0. The flags say what
the rollups were added up from, so that a change of flags can be subtracted exactly.
"""

from uuid import UUID

import msgspec
import numpy as np

from projections.analytics.fold.columns import Bits, Longs
from projections.analytics.fold.levels import Levels

COUNTED = 1

BASELINE = 2

OWNED = 4

# The video is in campaigns by itself, so that it has rollups of its own.
ITEM = 8

NEVER = 2**63 - 1


class OwnerState(msgspec.Struct, kw_only=True):
    """The levels and flags of one owner's videos, by number in ascending order.

    ``first_at`` is the instant of each video's first observation, in microseconds since
    1970; ``last`` is the instant and position of the last snapshot. ``item_ids`` has
    the ids of the videos that are in campaigns by themselves; it is not stored.
    """

    organization_id: UUID
    metric_group: int
    owner: UUID
    levels: Levels
    flags: Bits
    first_at: Longs
    last: tuple[int, int] = (-NEVER, 0)
    project_id: UUID | None = None
    creator_id: UUID | None = None
    item_ids: dict[int, UUID] = msgspec.field(default_factory=dict[int, UUID])

    @property
    def key(self) -> tuple[UUID, int, UUID]:
        return self.organization_id, self.metric_group, self.owner

    @property
    def subjects(self) -> tuple[UUID | None, UUID | None]:
        """Return the creator and the project whose rollups its videos count in."""
        return self.creator_id, self.project_id

    @property
    def video_numbers(self) -> Longs:
        return self.levels.video_numbers

    def with_video_numbers(self, video_numbers: Longs) -> None:
        """Add videos that were not observed before."""
        if np.array_equal(video_numbers, self.video_numbers):
            return
        new = np.setdiff1d(video_numbers, self.video_numbers)
        if not len(new):
            return
        counters = len(self.levels.counts)
        fresh = Levels.nothing(new, counters=counters)
        whole = np.concatenate((self.video_numbers, new))
        order = np.argsort(whole)
        self.levels = Levels(
            whole[order],
            np.concatenate((self.levels.counts, fresh.counts), axis=1)[:, order],
            np.concatenate((self.levels.unknown, fresh.unknown))[order],
        )
        nothing = np.zeros(len(new), np.uint8)
        self.flags = np.concatenate((self.flags, nothing))[order]
        never = np.full(len(new), NEVER)
        self.first_at = np.concatenate((self.first_at, never))[order]

    def without(self, video_numbers: Longs) -> None:
        stays = ~np.isin(self.video_numbers, video_numbers)
        levels = self.levels
        self.levels = Levels(
            levels.video_numbers[stays], levels.counts[:, stays], levels.unknown[stays]
        )
        self.flags = self.flags[stays]
        self.first_at = self.first_at[stays]


def empty_owner_state(
    organization_id: UUID, metric_group: int, owner: UUID, *, counters: int
) -> OwnerState:
    """Return the state of an owner without observations."""
    nothing = np.empty(0, np.int64)
    return OwnerState(
        organization_id=organization_id,
        metric_group=metric_group,
        owner=owner,
        levels=Levels.nothing(nothing, counters=counters),
        flags=np.empty(0, np.uint8),
        first_at=nothing,
    )
