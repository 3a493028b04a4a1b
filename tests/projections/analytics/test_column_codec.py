"""Counts of snapshots: the same in bytes, alone or with neighbours, and in sums."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import events as e
from domain.events import STORED_NAMES
from infra.eventstore.codec import Codec, UnknownEventError
from projections.analytics.fold.columns import (
    Observations,
    ObservedCounts,
    listed,
    observed_counts,
)
from projections.analytics.fold.levels import Levels, follow
from projections.analytics.fold.snapshot_decoder import VideoSnapshotColumns
from projections.analytics.projection import AnalyticsProjection
from projections.analytics.store.column_codec import pack, pack_all, unpack
from projections.engine.projection import codec_for
from tests.kit.histories import HOME, PROJECT

COUNTERS = 3
COUNTS = st.none() | st.sampled_from(
    [0, 1, -1, 127, 128, -128, -129, 2**15, -(2**31), 2**31, 2**63 - 1, -(2**63)]
)
SMALL = st.none() | st.integers(-900, 900)
NAMES = st.lists(st.sampled_from(["1", "2", "3", "04", "goat"]), max_size=4)


@st.composite
def snapshots(draw: st.DrawFn, counts: st.SearchStrategy[int | None]) -> ObservedCounts:
    names = draw(NAMES)
    amount = len(names)
    column = st.lists(counts, min_size=amount, max_size=amount)
    nothing = st.just([None] * amount)
    columns = [draw(nothing | column) for _ in range(COUNTERS)]
    return observed_counts(listed(names), columns)


def as_lists(observed: ObservedCounts) -> list[Any]:
    return [
        observed.video_numbers.tolist(),
        observed.counts.tolist(),
        observed.missing.tolist(),
    ]


def apart(observations: Observations, *, snapshots: int) -> list[list[Any]]:
    each = [
        observations.where(observations.snapshots == snapshot)
        for snapshot in range(snapshots)
    ]
    return [
        as_lists(ObservedCounts(one.video_numbers, one.counts, one.missing))
        for one in each
    ]


@given(st.lists(snapshots(COUNTS), max_size=6))
def test_what_is_packed_together_is_what_each_is_alone(
    observed: Sequence[ObservedCounts],
):
    packed = pack_all(observed)
    observations = unpack(packed, counters=COUNTERS)

    assert packed == [pack(one) for one in observed]
    assert apart(observations, snapshots=len(observed)) == [
        as_lists(one) for one in observed
    ]
    if observations.same_videos:
        assert {tuple(one.video_numbers.tolist()) for one in observed} == {
            tuple(observations.video_numbers[: observations.same_videos].tolist())
        }


@given(
    snapshots(SMALL).flatmap(lambda one: st.lists(same_video_numbers(one), min_size=1)),
    st.data(),
)
def test_looks_that_saw_the_same_move_sums_as_any_do(
    observed: Sequence[ObservedCounts], data: st.DataObject
):
    observations = unpack(pack_all(observed), counters=COUNTERS)
    any_looks = Observations(
        observations.video_numbers,
        observations.snapshots,
        observations.counts,
        observations.missing,
    )
    known = np.array(sorted({*observations.video_numbers.tolist(), 2, 7_000}), np.int64)
    masks = st.lists(st.booleans(), min_size=len(known), max_size=len(known))
    is_counted, is_baseline = (np.array(data.draw(masks)) for _ in range(2))
    steps = st.lists(st.integers(0, 1), min_size=len(observed), max_size=len(observed))
    groups = np.cumsum(np.array(data.draw(steps), np.int64))
    before = Levels.nothing(known, counters=COUNTERS)
    before.counts[0], before.unknown[:] = 5, (1 << COUNTERS) - 2

    after: list[list[Any]] = []
    for loaded in (observations, any_looks):
        levels = before.copy()
        deltas = follow(
            levels,
            loaded,
            groups,
            np.arange(len(observed)),
            size=len(observed) + 1,
            is_counted=is_counted,
            is_baseline=is_baseline,
        )
        after.append([deltas.tolist(), levels.counts.tolist(), levels.unknown.tolist()])

    assert observations.same_videos == len(observed[0])
    assert after[0] == after[1]


def same_video_numbers(one: ObservedCounts) -> st.SearchStrategy[ObservedCounts]:
    """Snapshots at the same videos, each counter there of all of them or of none."""
    amount = len(one.video_numbers)
    whole = st.lists(st.integers(-900, 900), min_size=amount, max_size=amount)
    return st.lists(
        st.just([None] * amount) | whole, min_size=COUNTERS, max_size=COUNTERS
    ).map(lambda columns: _observed(one, columns))


def _observed(
    one: ObservedCounts, columns: Sequence[Sequence[int | None]]
) -> ObservedCounts:
    names = listed([str(number) for number in one.video_numbers.tolist()])
    found = observed_counts(names, columns)
    return ObservedCounts(one.video_numbers, found.counts, found.missing)


def snapshot() -> e.VideoStatsSnapshotRecorded:
    observations: dict[str, Any] = {
        "organization_id": HOME,
        "project_id": PROJECT,
        "creator_id": None,
        "observed_at": "2026-03-26T00:00:00Z",
        "provider": "test",
        "video_ids": ["3", "1", "3"],
        "view_counts": [1, None, 3],
        "like_counts": [1, 2, 3],
        "comment_counts": [None, None, None],
        "share_counts": [1, 2, 3],
        "save_counts": [1, 2, 3],
    }
    return msgspec.convert(observations, e.VideoStatsSnapshotRecorded)


NAME = next(n for n, c in STORED_NAMES.items() if c is e.VideoStatsSnapshotRecorded)


def test_a_snapshot_is_read_in_columns_the_last_line_of_a_video_counting():
    codec = codec_for(AnalyticsProjection(), Codec())

    event = codec.decode(NAME, Codec().encode(snapshot()))

    assert isinstance(event, VideoSnapshotColumns)
    assert event.names() == ("3", "1", "3")
    assert event.observed.video_numbers.tolist() == [1, 3]
    assert event.observed.counts[:2].tolist() == [[0, 3], [2, 3]]
    assert event.observed.missing.tolist() == [0b00101, 0b00100]


@pytest.mark.parametrize("ids", ([1, 2, 3], "123", [None, "1", "2"]))
def test_ids_that_are_none_are_an_unreadable_event(ids: object):
    codec = codec_for(AnalyticsProjection(), Codec())
    body = msgspec.to_builtins(snapshot()) | {"video_ids": ids}

    with pytest.raises(UnknownEventError, match=NAME):
        codec.decode(NAME, msgspec.json.encode(body))


def test_counters_of_more_videos_than_are_listed_are_refused():
    codec = codec_for(AnalyticsProjection(), Codec())
    body = msgspec.to_builtins(snapshot()) | {"like_counts": [1, 2, 3, 4]}

    with pytest.raises(ValueError, match="4 counters of 3 videos"):
        codec.decode(NAME, msgspec.json.encode(body))
