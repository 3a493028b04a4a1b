"""The fold of snapshots and changed flags into owner states, sums and days.

Snapshots that come in time order need only the levels after the last one. For late
ones, and for videos whose flags changed, deltas are computed twice from the stored
snapshots: as the rollups have them now (to subtract), and as they are to be (to add).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from uuid import UUID

import msgspec
import numpy as np

from domain.analytics.baselines import BaselineRule
from projections.analytics.fold.columns import Bits, Longs, Mask, Observations
from projections.analytics.fold.entities import (
    AnalyticsVideoRow,
    FlaggedVideo,
    SubjectRow,
    counting_subjects,
    flags_of_profile,
    flags_of_video,
    project_of,
)
from projections.analytics.fold.keys import SnapshotTime, slots_of
from projections.analytics.fold.levels import Levels, follow
from projections.analytics.fold.levels_before import levels_before, profile_before
from projections.analytics.fold.owner_days import OwnerDays
from projections.analytics.fold.owner_state import (
    BASELINE,
    COUNTED,
    ITEM,
    NEVER,
    OWNED,
    OwnerState,
)
from projections.analytics.fold.precision import follow_profiles
from projections.analytics.fold.rollup_deltas import METRIC_GROUPS, RollupDeltas
from projections.analytics.fold.snapshots import (
    OwnerSnapshot,
    StoredSnapshots,
    instants_of,
    observations_of,
)


class OwnerFlags:
    """The flags of an owner's videos or profile, and the subjects they count for."""

    def __init__(self) -> None:
        self._flags: dict[int, int] = {}
        self._item_ids: dict[int, UUID] = {}
        self._subjects: tuple[UUID | None, UUID | None] = None, None

    def add_video(
        self,
        row: AnalyticsVideoRow | FlaggedVideo,
        subjects: Mapping[UUID, SubjectRow],
        *,
        rule: BaselineRule,
    ) -> None:
        """Add a video of the owner, given the rows of the creators."""
        if row.number is None:
            return
        self._flags[row.number] = flags_of_video(row, subjects, rule=rule)
        if row.is_campaign_item:
            self._item_ids[row.number] = row.id
        self._subjects = row.creator_id, project_of(row, subjects)

    def add_profile(self, row: SubjectRow) -> None:
        """Add the profile of the creator that is the owner."""
        self._flags[0] = flags_of_profile(row)
        self._subjects = row.id, row.project_id

    def set_on(self, state: OwnerState) -> None:
        """Set the flags of the state's videos that are among these."""
        if not self._flags:
            return
        state.creator_id, state.project_id = self._subjects
        state.item_ids |= self._item_ids
        video_numbers, flags = self._columns
        at = np.searchsorted(video_numbers, state.video_numbers)
        at[at == len(video_numbers)] = 0
        is_known = video_numbers[at] == state.video_numbers
        state.flags = np.where(is_known, flags[at], state.flags)

    @cached_property
    def _columns(self) -> tuple[Longs, Bits]:
        video_numbers = sorted(self._flags)
        flags = [self._flags[number] for number in video_numbers]
        return np.array(video_numbers, np.int64), np.array(flags, np.uint8)


def count_post(
    row: AnalyticsVideoRow | FlaggedVideo,
    subjects: Mapping[UUID, SubjectRow],
    rollups: RollupDeltas,
    *,
    sign: int = 1,
) -> None:
    """Count a video as a post where it counts, or with the sign -1 stop counting it."""
    if row.is_counted and row.posted_at is not None:
        counts_for = counting_subjects(row, subjects)
        rollups.add_posts(row.organization_id, counts_for, [row.posted_at], sign=sign)


def fold_snapshots(
    state: OwnerState,
    snapshots: Sequence[OwnerSnapshot],
    history: StoredSnapshots,
    flags: OwnerFlags,
    rollups: RollupDeltas,
    days: OwnerDays,
) -> list[OwnerSnapshot]:
    """Fold snapshots and flags into a state, and what they change into sums and days.

    The snapshots are in time order. Returns the snapshots to store, merged with the
    rows stored before; those that were folded before are not among them.
    """
    snapshots = [snapshot for snapshot in snapshots if snapshot.is_kept]
    counters = METRIC_GROUPS[state.metric_group].counters
    observations = observations_of(snapshots, counters=counters)
    opening, last = state.levels.copy(), state.last
    state.with_video_numbers(_video_numbers_in(observations))
    before = state.flags
    flags.set_on(state)
    had_any = state.first_at != NEVER
    again = (before != state.flags) & had_any
    since = int(state.first_at[again].min()) if again.any() else NEVER
    # A snapshot at the very last instant is late too: its position may override.
    is_late = bool(snapshots) and snapshots[0].time[0] <= last[0]
    if is_late:
        since = min(since, snapshots[0].time[0])
    stored = [] if since == NEVER else history.since(since)
    kept: list[OwnerSnapshot] = list(snapshots)
    if is_late:
        snapshots, kept = _unknown(snapshots, stored)
        observations = observations_of(snapshots, counters=counters)
        again |= np.isin(state.video_numbers, observations.video_numbers) & had_any
    if again.any():
        _fold_again(history, state, again, before, stored, snapshots, since, rollups)
        fresh = _only(snapshots, state.video_numbers[~again])
        if fresh:
            _add_snapshots(state, state.levels, fresh, state.flags, rollups)
    elif snapshots:
        instants = instants_of(snapshots)
        _add_deltas(state, state.levels, instants, observations, state.flags, rollups)
    if snapshots:
        state.last = max(last, snapshots[-1].time)
        _note_first(state, instants_of(snapshots), observations)
        times = [snapshot.time for snapshot in snapshots]
        days.add_snapshots(state, opening, last, times, observations)
    _leave_if_not_owned(state)
    return kept


def fold_stored(
    state: OwnerState,
    times: Sequence[SnapshotTime],
    observations: Observations,
    flags: OwnerFlags,
    rollups: RollupDeltas,
    days: OwnerDays,
) -> None:
    """Fold stored snapshots, all of which are later than those that the state has."""
    opening, last = state.levels.copy(), state.last
    state.with_video_numbers(_video_numbers_in(observations))
    flags.set_on(state)
    instants = np.array([time[0] for time in times], np.int64)
    _add_deltas(state, state.levels, instants, observations, state.flags, rollups)
    state.last = times[-1]
    _note_first(state, instants, observations)
    days.add_snapshots(state, opening, last, times, observations)
    _leave_if_not_owned(state)


def take_away(
    state: OwnerState,
    video_numbers: Longs,
    stored: Sequence[OwnerSnapshot],
    rollups: RollupDeltas,
) -> None:
    """Remove videos from the state and the rollups, given all their snapshots."""
    gone = _only(stored, video_numbers)
    is_counted = (state.flags & COUNTED) != 0
    if gone and is_counted[np.isin(state.video_numbers, video_numbers)].any():
        levels = Levels.nothing(
            state.video_numbers, counters=METRIC_GROUPS[state.metric_group].counters
        )
        _add_snapshots(state, levels, gone, state.flags, rollups, sign=-1)
    state.without(video_numbers)


def _fold_again(
    history: StoredSnapshots,
    state: OwnerState,
    again: Mask,
    before: Bits,
    stored: Sequence[OwnerSnapshot],
    snapshots: Sequence[OwnerSnapshot],
    since: int,
    rollups: RollupDeltas,
) -> None:
    video_numbers = state.video_numbers[again]
    opening = (
        levels_before(history, state, again, since)
        if rollups.precision is None
        else profile_before(history, state, since)
    )
    old, new = _only(stored, video_numbers), _only(snapshots, video_numbers)
    if (before[again] & COUNTED).any():
        _add_snapshots(state, opening.copy(), old, before, rollups, sign=-1)
    merged = sorted([*old, *new], key=lambda snapshot: snapshot.time)
    _add_snapshots(state, opening, merged, state.flags, rollups)
    state.levels.counts[:, again] = opening.counts[:, again]
    state.levels.unknown[again] = opening.unknown[again]


def _add_snapshots(
    state: OwnerState,
    levels: Levels,
    snapshots: Sequence[OwnerSnapshot],
    flags: Bits,
    rollups: RollupDeltas,
    *,
    sign: int = 1,
) -> None:
    observations = observations_of(snapshots, counters=len(levels.counts))
    _add_deltas(
        state, levels, instants_of(snapshots), observations, flags, rollups, sign=sign
    )


def _add_deltas(
    state: OwnerState,
    levels: Levels,
    instants: Longs,
    observations: Observations,
    flags: Bits,
    rollups: RollupDeltas,
    *,
    sign: int = 1,
) -> None:
    """Follow the observations in the levels, and add the deltas to the rollups."""
    slots, groups = np.unique(slots_of(instants), return_inverse=True)
    is_counted, is_baseline = (flags & COUNTED) != 0, (flags & BASELINE) != 0
    if rollups.precision is None:
        is_item = is_counted & ((flags & ITEM) != 0)
        if is_item.any():
            add_items(
                state, levels, instants, observations, (slots, groups),
                np.flatnonzero(is_item), is_baseline, rollups, sign=sign,
            )  # fmt: skip
        deltas = follow(
            levels, observations, groups, instants, size=len(slots),
            is_counted=is_counted, is_baseline=is_baseline,
        )  # fmt: skip
    else:
        deltas, precision = follow_profiles(
            levels, observations, groups, instants, size=len(slots),
            is_counted=is_counted, is_baseline=is_baseline,
        )  # fmt: skip
        if precision is not None and precision.any():
            rollups.precision.add(
                state.organization_id, state.subjects, slots, precision, sign=sign
            )
    if deltas.any():
        rollups.add(state.organization_id, state.subjects, slots, deltas, sign=sign)


def _unknown(
    snapshots: Sequence[OwnerSnapshot], stored: Sequence[OwnerSnapshot]
) -> tuple[list[OwnerSnapshot], list[OwnerSnapshot]]:
    """Return the observations that are not stored yet, and the rows to store."""
    held = {snapshot.time: snapshot for snapshot in stored}
    observations: list[OwnerSnapshot] = []
    kept: list[OwnerSnapshot] = []
    for snapshot in snapshots:
        before = held.get(snapshot.time)
        if before is None:
            observations.append(snapshot)
            kept.append(snapshot)
            continue
        observed = snapshot.observed.where(
            ~np.isin(snapshot.observed.video_numbers, before.observed.video_numbers)
        )
        if len(observed):
            observations.append(msgspec.structs.replace(snapshot, observed=observed))
            kept.append(
                msgspec.structs.replace(
                    snapshot, observed=before.observed.and_(observed)
                )
            )
    return observations, kept


def _only(
    snapshots: Sequence[OwnerSnapshot], video_numbers: Longs
) -> list[OwnerSnapshot]:
    """Return the parts of snapshots that have these videos."""
    found: list[OwnerSnapshot] = []
    for snapshot in snapshots:
        mask = np.isin(snapshot.observed.video_numbers, video_numbers)
        if mask.any():
            found.append(
                msgspec.structs.replace(
                    snapshot, observed=snapshot.observed.where(mask)
                )
            )
    return found


def _video_numbers_in(observations: Observations) -> Longs:
    return (
        observations.video_numbers[: observations.same_videos]
        if observations.same_videos
        else np.unique(observations.video_numbers)
    )


def _note_first(state: OwnerState, instants: Longs, observations: Observations) -> None:
    if observations.same_videos:
        at = state.levels.places_of(
            observations.video_numbers[: observations.same_videos]
        )
        state.first_at[at] = np.minimum(state.first_at[at], instants.min())
        return
    at = state.levels.places_of(observations.video_numbers)
    np.minimum.at(state.first_at, at, instants[observations.snapshots])


def _leave_if_not_owned(state: OwnerState) -> None:
    """Remove the subjects of a state of which no video is known to be the owner's."""
    if not (state.flags & OWNED).any():
        state.creator_id = state.project_id = None


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
