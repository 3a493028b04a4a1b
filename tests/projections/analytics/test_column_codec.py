"""What looks saw: the same in bytes, alone or with its neighbours, and in sums."""

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
from projections.analytics.column_codec import pack, pack_all, unpack
from projections.analytics.columns import Observations, Seen, listed, seen_of
from projections.analytics.levels import Levels, follow
from projections.analytics.projection import Analytics
from projections.analytics.snapshot_decoder import VideosSeen
from projections.engine.projection import codec_for
from tests.kit.histories import HOME, PROJECT

COUNTERS = 3
COUNTS = st.none() | st.sampled_from(
    [0, 1, -1, 127, 128, -128, -129, 2**15, -(2**31), 2**31, 2**63 - 1, -(2**63)]
)
SMALL = st.none() | st.integers(-900, 900)
NAMES = st.lists(st.sampled_from(["1", "2", "3", "04", "goat"]), max_size=4)


@st.composite
def looks(draw: st.DrawFn, counts: st.SearchStrategy[int | None]) -> Seen:
    names = draw(NAMES)
    amount = len(names)
    column = st.lists(counts, min_size=amount, max_size=amount)
    nothing = st.just([None] * amount)
    columns = [draw(nothing | column) for _ in range(COUNTERS)]
    return seen_of(listed(names), columns)


def as_told(seen: Seen) -> list[Any]:
    return [seen.things.tolist(), seen.counts.tolist(), seen.missing.tolist()]


def apart(told: Observations, *, looks: int) -> list[list[Any]]:
    each = [told.where(told.looks == look) for look in range(looks)]
    return [as_told(Seen(one.things, one.counts, one.missing)) for one in each]


@given(st.lists(looks(COUNTS), max_size=6))
def test_what_is_packed_together_is_what_each_is_alone(seen: Sequence[Seen]):
    packed = pack_all(seen)
    told = unpack(packed, counters=COUNTERS)

    assert packed == [pack(one) for one in seen]
    assert apart(told, looks=len(seen)) == [as_told(one) for one in seen]
    if told.alike:
        assert {tuple(one.things.tolist()) for one in seen} == {
            tuple(told.things[: told.alike].tolist())
        }


@given(
    looks(SMALL).flatmap(lambda one: st.lists(same_things(one), min_size=1)),
    st.data(),
)
def test_looks_that_saw_the_same_move_sums_as_any_do(
    seen: Sequence[Seen], data: st.DataObject
):
    told = unpack(pack_all(seen), counters=COUNTERS)
    any_looks = Observations(told.things, told.looks, told.counts, told.missing)
    known = np.array(sorted({*told.things.tolist(), 2, 7_000}), np.int64)
    masks = st.lists(st.booleans(), min_size=len(known), max_size=len(known))
    is_counted, is_baseline = (np.array(data.draw(masks)) for _ in range(2))
    steps = st.lists(st.integers(0, 1), min_size=len(seen), max_size=len(seen))
    groups = np.cumsum(np.array(data.draw(steps), np.int64))
    before = Levels.nothing(known, counters=COUNTERS)
    before.counts[0], before.unknown[:] = 5, (1 << COUNTERS) - 2

    after: list[list[Any]] = []
    for looked in (told, any_looks):
        levels = before.copy()
        moved = follow(
            levels,
            looked,
            groups,
            np.arange(len(seen)),
            size=len(seen) + 1,
            is_counted=is_counted,
            is_baseline=is_baseline,
        )
        after.append([moved.tolist(), levels.counts.tolist(), levels.unknown.tolist()])

    assert told.alike == len(seen[0])
    assert after[0] == after[1]


def same_things(one: Seen) -> st.SearchStrategy[Seen]:
    """Looks at the same things, each counter there of all of them or of none."""
    amount = len(one.things)
    whole = st.lists(st.integers(-900, 900), min_size=amount, max_size=amount)
    return st.lists(
        st.just([None] * amount) | whole, min_size=COUNTERS, max_size=COUNTERS
    ).map(lambda columns: _seen(one, columns))


def _seen(one: Seen, columns: Sequence[Sequence[int | None]]) -> Seen:
    names = listed([str(number) for number in one.things.tolist()])
    found = seen_of(names, columns)
    return Seen(one.things, found.counts, found.missing)


def snapshot() -> e.VideoStatsSnapshotRecorded:
    told: dict[str, Any] = {
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
    return msgspec.convert(told, e.VideoStatsSnapshotRecorded)


NAME = next(n for n, c in STORED_NAMES.items() if c is e.VideoStatsSnapshotRecorded)


def test_a_snapshot_is_read_in_columns_the_last_line_of_a_video_counting():
    codec = codec_for(Analytics(), Codec())

    event = codec.decode(NAME, Codec().encode(snapshot()))

    assert isinstance(event, VideosSeen)
    assert event.names() == ("3", "1", "3")
    assert event.seen.things.tolist() == [1, 3]
    assert event.seen.counts[:2].tolist() == [[0, 3], [2, 3]]
    assert event.seen.missing.tolist() == [0b00101, 0b00100]


@pytest.mark.parametrize("ids", ([1, 2, 3], "123", [None, "1", "2"]))
def test_ids_that_are_none_are_an_unreadable_event(ids: object):
    codec = codec_for(Analytics(), Codec())
    body = msgspec.to_builtins(snapshot()) | {"video_ids": ids}

    with pytest.raises(UnknownEventError, match=NAME):
        codec.decode(NAME, msgspec.json.encode(body))


def test_counters_of_more_videos_than_are_listed_are_refused():
    codec = codec_for(Analytics(), Codec())
    body = msgspec.to_builtins(snapshot()) | {"like_counts": [1, 2, 3, 4]}

    with pytest.raises(ValueError, match="4 counters of 3 videos"):
        codec.decode(NAME, msgspec.json.encode(body))
