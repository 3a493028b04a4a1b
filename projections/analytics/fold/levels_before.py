"""The levels before an instant, from the stored snapshots before it."""

import numpy as np

from projections.analytics.fold.columns import Mask
from projections.analytics.fold.levels import Levels
from projections.analytics.fold.owner_state import OwnerState
from projections.analytics.fold.precision import follow_profiles, rounded_bit
from projections.analytics.fold.snapshots import (
    OwnerSnapshot,
    StoredSnapshots,
    instants_of,
    observations_of,
)


def levels_before(
    stored: StoredSnapshots, state: OwnerState, selected: Mask, since: int
) -> Levels:
    """Return the levels of the selected videos before an instant."""
    counters = len(state.levels.counts)
    found = Levels.nothing(state.video_numbers, counters=counters)
    # A counter that is unknown now was unknown at every earlier time.
    sought = np.where(selected & (state.first_at < since), ~state.levels.unknown, 0)
    sought = (sought & ((1 << counters) - 1)).astype(np.uint8)
    if not sought.any():
        return found
    for snapshots in stored.before(since):
        for snapshot in snapshots:
            observed = snapshot.observed
            is_ours = np.isin(observed.video_numbers, state.video_numbers)
            at = found.places_of(observed.video_numbers[is_ours])
            for number in range(counters):
                bit = np.uint8(1 << number)
                use = ((sought[at] & bit) != 0) & (
                    (observed.missing[is_ours] & bit) == 0
                )
                place = at[use]
                found.counts[number][place] = observed.counts[number][is_ours][use]
                found.unknown[place] &= ~bit
                sought[place] &= ~bit
        if not sought.any():
            break
    return found


def profile_before(stored: StoredSnapshots, state: OwnerState, since: int) -> Levels:
    """Return the levels of a profile before an instant.

    The level after a rounded observation follows from it and the last exact one.
    """
    counters = len(state.levels.counts)
    found = Levels.nothing(state.video_numbers, counters=counters)
    if not (state.first_at < since).any():
        return found
    unknown = int(state.levels.unknown[0])
    sought = {number for number in range(counters) if not unknown >> number & 1}
    newest: dict[int, int] = {}
    needed: list[OwnerSnapshot] = []
    for snapshots in stored.before(since):
        for snapshot in snapshots:
            if not sought:
                break
            needed.append(snapshot)
            instant, bits = snapshot.time[0], int(snapshot.observed.missing[0])
            reported = {number for number in sought if not bits >> number & 1}
            # At one instant the level is the observation later in the log.
            reported -= {number for number in reported if newest.get(number) == instant}
            newest |= dict.fromkeys(reported, instant)
            sought -= {number for number in reported if not bits & rounded_bit(number)}
        if not sought:
            break
    needed.reverse()
    instants = instants_of(needed)
    follow_profiles(
        found,
        observations_of(needed, counters=counters),
        np.zeros(len(needed), np.int64),
        instants,
        size=1,
        is_baseline=np.ones(len(state.video_numbers), np.bool_),
    )
    return found
