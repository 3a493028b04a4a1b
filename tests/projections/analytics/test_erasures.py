"""An erased creator has no name left, and all of its figures or none."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.baselines import BaselineRule
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.analytics.store.column_codec import unpack
from projections.creator_history.unreadable import without_person
from tests.kit.depth import part_of
from tests.kit.histories import HOME, MONDAY, PROJECT, History, added
from tests.projections.analytics.oracle import VIDEO_COUNTERS, Oracle, OracleQuery
from tests.projections.analytics.test_analytics import (
    CREATORS,
    IDS,
    RULES,
    SLOWLY,
    VIDEOS,
    answer,
    changes,
    contents,
    histories,
    memberships,
    moves,
    questions,
    rebuild,
    snapshots,
    take_in,
)
from tests.projections.analytics.test_batches import cut

STEPS = st.one_of(
    snapshots(), snapshots(), moves(), moves(history="stay"), changes(), memberships()
)
QUERIES = st.lists(
    questions(of=["project", "campaign", "creator"]), min_size=3, max_size=3
)
FEW = settings(SLOWLY, max_examples=part_of(20))


@st.composite
def with_an_erasure(
    draw: st.DrawFn, *, figures: e.ErasedFigures
) -> tuple[list[RecordedEvent], UUID]:
    """A history in which a creator is erased at some time, and the creator.

    From then on nothing happens to it or its videos; others may still list these.
    """
    events = draw(histories(steps=STEPS))
    erased = draw(st.sampled_from(CREATORS))
    at = draw(st.integers(len(events) // 3, len(events)))
    history = History()
    owners: dict[UUID, UUID | None] = {}
    hers = {
        one.stream
        for one in events
        if isinstance(one.event, e.VideoDiscovered) and one.event.creator_id == erased
    }
    is_erased = False
    merged: set[UUID] = set()
    for recorded in [*events[:at], None, *events[at:]]:
        if recorded is None:
            is_erased = True
            erasure = e.SubjectErased(
                organization_id=HOME,
                number=7,
                figures=figures,
                # As the domain lists single videos that are merged into the creator's.
                video_ids=tuple(sorted(merged)),
            )
            history.happened(erased, erasure)
            continue
        event, stream = recorded.event, recorded.stream
        its_creators = stream, owners.get(stream), getattr(event, "creator_id", None)
        if is_erased and (erased in its_creators or stream in merged):
            continue
        if isinstance(event, e.VideoStatsSnapshotRecorded):
            event = _with_titles_of(hers, event)
        elif isinstance(event, e.VideoDiscovered):
            # The domain gives no video to another creator.
            if owners.get(stream) not in (None, event.creator_id):
                continue
            owners[stream] = event.creator_id
            name = event.pseudonym or event.tiktok_video_id
            event = msgspec.structs.replace(event, pseudonym=name)
        elif isinstance(event, e.VideoAdded):
            # A merged video that is added again is one by itself.
            if owners.get(stream) in (None, stream):
                owners[stream] = None
            merged.discard(stream)
        # The domain refuses everything else that would happen to a merged video.
        elif isinstance(event, e.VideoEvent) and owners.get(stream, stream) == stream:
            continue
        elif isinstance(event, e.VideoMerged):
            # The domain merges single videos only, and gives none of them to a creator.
            if owners[stream] is not None:
                continue
            owners[stream] = stream
            if event.creator_id == erased:
                merged.add(stream)
        history.happened(stream, event, at=recorded.recorded_at)
    return history.events, erased


def _with_titles_of(
    videos: set[UUID], event: e.VideoStatsSnapshotRecorded
) -> e.VideoStatsSnapshotRecorded:
    """The snapshot with titles of these alone: runs list no videos of others."""
    titles = tuple(
        title if video_stream(PROJECT, name) in videos else None
        for name, title in zip(event.video_ids, event.titles, strict=False)
    )
    return msgspec.structs.replace(event, titles=titles)


def without_the_person(
    events: Sequence[RecordedEvent], erased: UUID
) -> list[RecordedEvent]:
    """The events as they are read once nothing of the person can be opened."""
    return [
        msgspec.structs.replace(one, event=_unreadable(one.event))
        if erased in (one.stream, getattr(one.event, "creator_id", None))
        else one
        for one in events
    ]


def _unreadable(event: e.Event) -> e.Event:
    emptied = without_person(event, handle="erased")
    if isinstance(event, e.VideoDiscovered):
        # History does not show it; the log has it.
        return msgspec.structs.replace(emptied, pseudonym=event.pseudonym)
    return emptied


def left_by(events: Sequence[RecordedEvent], erased: UUID) -> list[RecordedEvent]:
    """The events without the creator and its videos."""
    its = {
        one.stream
        for one in events
        if isinstance(one.event, e.VideoDiscovered) and one.event.creator_id == erased
    } | {erased}
    return [
        one
        for one in events
        if one.stream not in its
        and not (
            isinstance(one.event, e.ProfileSnapshotRecorded)
            and one.event.creator_id == erased
        )
    ]


def as_it_counts(events: Sequence[RecordedEvent], erased: UUID) -> list[RecordedEvent]:
    """The events without what others saw of the creator's videos after the erasure."""
    hers = {
        one.stream
        for one in events
        if isinstance(one.event, e.VideoDiscovered) and one.event.creator_id == erased
    }
    counting: list[RecordedEvent] = []
    is_erased = False
    for one in events:
        event = one.event
        is_erased = is_erased or isinstance(event, e.SubjectErased)
        if is_erased and isinstance(event, e.VideoStatsSnapshotRecorded):
            event = _without(hers, event)
        counting.append(msgspec.structs.replace(one, event=event))
    return counting


def _without(
    videos: set[UUID], event: e.VideoStatsSnapshotRecorded
) -> e.VideoStatsSnapshotRecorded:
    kept = [
        n
        for n, name in enumerate(event.video_ids)
        if video_stream(event.project_id or PROJECT, name) not in videos
    ]
    columns = {
        name: tuple(getattr(event, name)[n] for n in kept)
        for name in event.__struct_fields__
        if isinstance(column := getattr(event, name), tuple) and column
    }
    return msgspec.structs.replace(event, **columns)


@FEW
@given(
    figures=st.sampled_from(["anonymous", "drop"]), data=st.data(), rule=RULES,
    query=QUERIES, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    partitions=st.integers(1, 3), part=st.floats(0, 1),
)  # fmt: skip
def test_what_is_left_of_who_is_erased_follows_from_the_erasure_alone(
    connection: Connection[TupleRow],
    figures: e.ErasedFigures,
    data: st.DataObject,
    rule: BaselineRule,
    query: list[OracleQuery],
    sizes: list[int],
    partitions: int,
    part: float,
):
    events, erased = data.draw(with_an_erasure(figures=figures))
    slices: list[Sequence[RecordedEvent]] = cut(events, sizes)
    unreadable = cut(without_the_person(events, erased), sizes)
    counting = as_it_counts(events, erased)
    left = counting if figures == "anonymous" else left_by(counting, erased)
    now = Oracle(left, rule=rule)
    for video in now.videos.values():
        video.is_erased = video.creator == erased

    with connection.transaction(force_rollback=True):
        take_in(connection, [*slices, *slices[::2]], rule=rule)
        live = contents(connection)
        for one in query:
            answered = answer(connection, one)
            earlier = msgspec.structs.replace(one, as_of=round(part * len(events)))
            if figures == "drop" and one.entity_id == erased:
                assert answered is None
                assert answer(connection, earlier) is None
            elif answered is not None:
                assert answered == now.answer(one), one
    with connection.transaction(force_rollback=True):
        rebuild(connection, slices[::-1], partitions=partitions, rule=rule)
        rebuilt = contents(connection)
    with connection.transaction(force_rollback=True):
        rebuild(connection, unreadable, partitions=partitions, rule=rule)
        rebuilt_unread = contents(connection)

    assert rebuilt == live
    assert rebuilt_unread == live
    assert not any("billie" in row for row in live["videos"] if str(erased) in row)


@pytest.mark.parametrize("partitions", (1, 3))
def test_single_videos_keep_the_counts_that_a_run_of_an_erased_creator_saw(
    connection: Connection[TupleRow], history: History, partitions: int
):
    """The erasure drops those of a video that nobody had added by then."""
    erased, other = CREATORS
    single, merged, unknown = IDS
    names = dict(zip(IDS, VIDEOS, strict=True))
    for creator in CREATORS:
        history.happened(creator, added("billie"))
    for video in (single, merged):
        its_url = e.VideoAdded(
            organization_id=HOME,
            project_id=PROJECT,
            tiktok_video_id=names[video],
            handle="billie",
            kind="video",
        )
        history.happened(video, its_url)
    merge = e.VideoMerged(
        organization_id=HOME, creator_id=erased, into_video_id=UUID(int=8)
    )
    history.happened(merged, merge)
    listed = e.VideoStatsSnapshotRecorded(
        organization_id=HOME,
        project_id=PROJECT,
        creator_id=erased,
        observed_at=MONDAY,
        provider="test",
        video_ids=tuple(names.values()),
        view_counts=(5, 7, 9),
        like_counts=(None, None, None),
        comment_counts=(None, None, None),
        share_counts=(None, None, None),
        save_counts=(None, None, None),
    )
    history.happened(UUID(int=0x5C0), listed)
    erasure = e.SubjectErased(
        organization_id=HOME, number=7, figures="drop", video_ids=(merged,)
    )
    history.happened(erased, erasure)
    for video in (single, unknown):
        found = e.VideoDiscovered(
            organization_id=HOME,
            project_id=PROJECT,
            creator_id=other,
            tiktok_video_id=names[video],
            handle="billie",
            tracking_status="auto_tracked",
            scrape_id=UUID(int=7),
        )
        history.happened(video, found)
    slices, rule = cut(history.events, [1]), "posted_before_first_snapshot"

    with connection.transaction(force_rollback=True):
        take_in(connection, slices, rule=rule)
        live = contents(connection)
        views = observed_views(connection)
    with connection.transaction(force_rollback=True):
        rebuild(connection, slices, partitions=partitions, rule=rule)
        rebuilt = contents(connection)

    assert views == {other: [5], merged: [7]}
    assert rebuilt == live


def observed_views(connection: Connection[TupleRow]) -> dict[UUID, list[int]]:
    """The views in the stored snapshots, by the owner of the snapshots."""
    rows = connection.execute(
        "SELECT owner, counts FROM analytics_snapshots WHERE metric_group = 0"
    ).fetchall()
    return {
        owner: unpack([counts], counters=len(VIDEO_COUNTERS)).counts[0].tolist()
        for owner, counts in rows
    }
