"""The ids of a log tell nothing to somebody who has nothing else."""

from datetime import UTC, datetime
from uuid import UUID

from domain import events as e
from domain.streams import Names, video_stream
from infra.eventstore.codec import NewEvent
from infra.ids import new_id
from tests.kit.builders import Home, asking
from tests.kit.commands import add_video, ban_handle
from tests.kit.videos import settle
from workers.sources.demo import DEMO_HANDLES, history_path
from workers.sources.recordings.import_recording import store_recording
from workers.sources.recordings.sorted_recording import SortedRecording

HANDLES = ("ada", "berta", "lovelace", "mallory")
DEMO = DEMO_HANDLES[1]

_STREAMS = "SELECT DISTINCT originator_id FROM goatherd_events"
# No event's text has such an id.
_TEXTS = "SELECT convert_from(state, 'UTF8') FROM goatherd_events"


def streams_of(home: Home) -> set[UUID]:
    with home.store.pool.connection() as connection:
        return {stream for (stream,) in connection.execute(_STREAMS)}


def import_demo(home: Home, creator_id: UUID) -> list[str]:
    """Import a creator's past from the demo; returns the ids of its videos."""
    with SortedRecording.read(
        history_path(DEMO), now=datetime.now(UTC), advance=lambda _: None
    ) as recording:
        store_recording(
            home.store,
            recording,
            {DEMO: creator_id},
            organization_id=home.organization_id,
            project_id=home.project_id,
            context=asking(),
            advance=lambda _: None,
        )
        return sorted(
            {
                observed.video.tiktok_video_id
                for location in recording.groups()
                for _, observed in recording.lines(location)
                if observed.video is not None
            }
        )


def test_ids_in_a_fresh_log_do_not_tell_which_handles_are_claimed_or_banned(home: Home):
    ada, berta = map(home.creator, ("ada", "berta"))
    home.rename(ada, "lovelace")
    home.remove(berta)
    ban_handle(home.store, "mallory", context=asking())
    in_the_log = streams_of(home)

    def tried(names: Names) -> list[str]:
        return [
            handle
            for handle in HANDLES
            if names.ban_stream(handle) in in_the_log
            or names.claim_stream(home.project_id, handle) in in_the_log
        ]

    assert tried(Names()) == []
    assert tried(Names(bytes(32))) == []
    assert tried(home.store.names) == list(HANDLES)


def test_a_log_tells_no_ids_of_videos_and_keeps_what_was_counted(home: Home):
    video_ids = import_demo(home, home.creator("kid.and.kettle"))
    settle(home.store)
    added = add_video(
        home.store,
        f"https://www.tiktok.com/@kid.and.kettle/video/{video_ids[0]}",
        organization_id=home.organization_id,
        project_id=home.project_id,
        context=asking(),
    )

    in_the_log = streams_of(home)
    with home.store.pool.connection() as connection:
        texts = [text for (text,) in connection.execute(_TEXTS)]
    named = map(home.store.names.pseudonym, video_ids)
    ours = [video_stream(home.project_id, name) for name in named]

    assert len(video_ids) > 10
    assert {video_stream(home.project_id, id_) for id_ in video_ids} & in_the_log == (
        set()
    )
    assert {*ours} <= in_the_log
    # Discovered before, it is the same video under its URL.
    assert added.result == ours[0]
    assert [id_ for id_ in video_ids if any(id_ in text for text in texts)] == []
    assert [text for text in texts if DEMO in text or "kid.and.kettle" in text] == []


def test_a_list_without_ids_discovers_nothing_until_the_one_that_has_them(home: Home):
    creator_id, names = home.creator("ada"), home.store.names
    nothing = (None,)

    def listed(*tiktok_video_ids: str) -> None:
        snapshot = e.VideoStatsSnapshotRecorded(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=creator_id,
            observed_at=datetime(2026, 3, 1, tzinfo=UTC),
            provider="test",
            video_ids=(names.pseudonym("71"),),
            view_counts=nothing,
            like_counts=nothing,
            comment_counts=nothing,
            share_counts=nothing,
            save_counts=nothing,
            has_pseudonyms=True,
            tiktok_video_ids=tiktok_video_ids,
        )
        home.store.append([NewEvent(new_id(), 1, snapshot)], context=asking())
        settle(home.store)

    stream = video_stream(home.project_id, names.pseudonym("71"))
    listed()
    before = home.store.load(stream)[stream]
    listed("71")
    (discovered,) = home.store.load(stream)[stream]

    assert before == []
    assert isinstance(discovered.event, e.VideoDiscovered)
    assert discovered.event.tiktok_video_id == "71"
