"""The deltas of the videos that campaigns have by themselves, each apart."""

import numpy as np

from projections.analytics.columns import Longs, Mask, Observations
from projections.analytics.levels import Levels, follow
from projections.analytics.owner_state import OwnerState
from projections.analytics.rollup_deltas import RollupDeltas


def add_items(
    state: OwnerState,
    levels: Levels,
    instants: Longs,
    observations: Observations,
    by_slot: tuple[Longs, Longs],
    places: Longs,
    is_baseline: Mask,
    rollups: RollupDeltas,
    *,
    sign: int,
) -> None:
    """Add the deltas of each such video. The levels are those before, and stay so."""
    slots, groups = by_slot
    video_numbers = state.video_numbers[places]
    ours = observations.of(video_numbers)
    if not len(ours):
        return
    of_items = Levels(
        video_numbers, levels.counts[:, places].copy(), levels.unknown[places].copy()
    )
    # One group for each video and slot.
    its_groups = of_items.places_of(ours.video_numbers) * len(slots)
    its_groups += groups[ours.snapshots]
    alone = Observations(
        ours.video_numbers, np.arange(len(ours)), ours.counts, ours.missing
    )
    deltas = follow(
        of_items, alone, its_groups, instants[ours.snapshots],
        size=len(places) * len(slots), is_baseline=is_baseline[places],
    ).reshape(-1, len(places), len(slots))  # fmt: skip
    for number, its_deltas in zip(
        video_numbers.tolist(), deltas.swapaxes(0, 1), strict=True
    ):
        if its_deltas.any():
            subjects = None, None, state.item_ids[number]
            rollups.add(state.organization_id, subjects, slots, its_deltas, sign=sign)
