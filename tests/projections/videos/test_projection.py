from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.streams import video_stream
from domain.video.attributes import Sound, VideoAttributes
from infra.eventstore.store import RecordedEvent, Store
from projections.engine.follower import CATCHING_UP_BATCH, LIVE_BATCH, Follower
from projections.videos import latest_counts
from projections.videos.attributes import load_attributes
from projections.videos.latest_counts import load_figures
from projections.videos.projection import Videos, load_video_rows
from projections.videos.queries import Video, video_from_row
from tests.kit.expected import expected, rows_of
from tests.kit.histories import (
    HOME,
    MONDAY,
    PROJECT,
    History,
    found,
    log,
    stats,
)

BILLIE = UUID("b1111111-0000-4000-8000-000000000000")
RUN = UUID("5c5c5c5c-0000-4000-8000-000000000000")
ID = "7185729796075474222"
VIDEO = video_stream(PROJECT, ID)
ADDED = e.VideoAdded(
    organization_id=HOME,
    project_id=PROJECT,
    tiktok_video_id=ID,
    handle="typed",
    kind="video",
)
OF_HOME: dict[str, Any] = {"organization_id": HOME}

Reading = Connection[TupleRow]


def take_in(connection: Reading, *events: RecordedEvent) -> None:
    with connection.cursor() as cursor:
        Videos().write(cursor, events)


def the_video(connection: Reading) -> Video:
    """The one video as clients would read it."""
    with connection.cursor() as cursor:
        key = [(HOME, VIDEO)]
        figures = load_figures(cursor, key).get(VIDEO)
        attributes = load_attributes(cursor, key).get(VIDEO)
        return video_from_row(load_video_rows(cursor, key)[VIDEO], figures, attributes)


def day(number: float) -> Any:  # noqa: ANN401 - a moment, to compare with
    return MONDAY + timedelta(days=number)


def test_a_found_video_is_a_row_with_what_the_run_told(
    connection: Reading, history: History
):
    observed = found(
        BILLIE,
        ID,
        tracking_status="pending_review",
        kind="photo",
        title="Goats \N{GOAT}",
        posted_at=day(-3),
    )

    take_in(connection, *history.happened(VIDEO, observed))

    assert rows_of(connection, "videos") == [
        {
            "organization_id": HOME,
            "id": VIDEO,
            "project_id": PROJECT,
            "creator_id": BILLIE,
            "tiktok_video_id": ID,
            "tiktok_handle": "billie",
            "kind": "photo",
            "title": "Goats \N{GOAT}",
            "posted_at": day(-3),
            "description": None,
            "readme": None,
            "metadata": {},
            "tags": [],
            "tag_keys": [],
            "tracking_status": "pending_review",
            "tracking_enabled": True,
            "missing_since": None,
            "merged_into": None,
            "version": 1,
            "created_at": MONDAY,
            "updated_at": MONDAY,
        }
    ]
    assert the_video(connection).url == f"https://www.tiktok.com/@billie/photo/{ID}"


def test_what_nobody_has_found_yet_has_figures_and_is_no_video(
    connection: Reading, history: History
):
    seen = history.happened(RUN, stats(ID, "17", day=1, views=5))

    take_in(connection, *seen)

    figures = rows_of(connection, "video_figures")
    assert rows_of(connection, "videos") == []
    assert {row["id"] for row in figures} == {VIDEO, video_stream(PROJECT, "17")}


def test_figures_that_came_before_the_video_are_the_video_s(
    connection: Reading, history: History
):
    events = [
        *history.happened(
            RUN,
            stats(ID, day=-1, views=5, kinds=("photo",), titles=("Goats",)),
        ),
        *history.happened(VIDEO, found(BILLIE, ID, title="Older")),
    ]

    for event in events:
        take_in(connection, event)

    video = the_video(connection)
    assert (video.view_count, video.kind, video.title) == (5, "photo", "Goats")
    assert video.first_seen_at == video.last_scraped_at == day(-1)
    assert (video.version, video.created_at) == (1, events[-1].recorded_at)


def test_a_snapshot_from_before_projects_had_videos_is_of_none(
    connection: Reading, history: History
):
    take_in(connection, *history.happened(RUN, stats(ID, views=5, project_id=None)))

    assert rows_of(connection, "video_figures") == []


def test_an_added_video_is_counted_from_when_it_was_added(
    connection: Reading, history: History
):
    take_in(connection, *history.happened(VIDEO, ADDED))

    video = the_video(connection)
    assert (video.tracking_status, video.creator_id) == ("direct_add", None)
    assert (video.first_seen_at, video.last_scraped_at) == (MONDAY, None)
    assert video.url == f"https://www.tiktok.com/@typed/video/{ID}"


def test_a_run_knows_whose_an_added_video_is_and_of_which_kind(
    connection: Reading, history: History
):
    take_in(
        connection, *history.happened(VIDEO, ADDED, found(BILLIE, ID, kind="photo"))
    )

    video = the_video(connection)
    assert (video.tracking_status, video.creator_id) == ("direct_add", BILLIE)
    assert video.url == f"https://www.tiktok.com/@billie/photo/{ID}"


def merged() -> e.VideoMerged:
    return e.VideoMerged(**OF_HOME, creator_id=BILLIE, into_video_id=RUN)


@pytest.mark.parametrize(
    ("events", "changes"),
    (
        (
            [e.VideoCameIntoWindow(**OF_HOME, tracking_status="auto_tracked")],
            {"tracking_status": "auto_tracked"},
        ),
        ([e.VideoIncluded(**OF_HOME)], {"tracking_status": "included"}),
        ([e.VideoExcluded(**OF_HOME)], {"tracking_status": "excluded"}),
        (
            [e.VideoExcluded(**OF_HOME), e.VideoPutBack(**OF_HOME)],
            {"tracking_status": "pending_review"},
        ),
        (
            [e.VideoTrackingDisabled(**OF_HOME), e.VideoPutBack(**OF_HOME)],
            {"tracking_status": "pending_review", "tracking_enabled": True},
        ),
        ([e.VideoTrackingDisabled(**OF_HOME)], {"tracking_enabled": False}),
        (
            [e.VideoTrackingDisabled(**OF_HOME), e.VideoIncluded(**OF_HOME)],
            {"tracking_status": "included", "tracking_enabled": True},
        ),
        (
            [merged()],
            {"tracking_status": "merged", "merged_into": RUN},
        ),
        (
            [merged(), ADDED],
            {"tracking_status": "direct_add"},
        ),
        (
            [e.VideoTrackingDisabled(**OF_HOME), ADDED],
            {"tracking_status": "direct_add", "tracking_enabled": True},
        ),
        (
            [e.VideoDetailsChanged(**OF_HOME, readme="# ", metadata={"a": [1, None]})],
            {"readme": "# ", "metadata": {"a": [1, None]}},
        ),
        (
            [e.VideoWentMissing(**OF_HOME, missing_since=day(2), scrape_id=RUN)],
            {"missing_since": day(2)},
        ),
    ),
)
def test_an_event_changes_its_columns_and_the_version(
    connection: Reading,
    history: History,
    events: list[e.Event],
    changes: dict[str, Any],
):
    take_in(
        connection,
        *history.happened(VIDEO, found(BILLIE, ID, tracking_status="out_of_window")),
    )
    (before,) = rows_of(connection, "videos")

    later = history.happened(VIDEO, *events)
    take_in(connection, *later)

    (after,) = rows_of(connection, "videos")
    assert after == before | changes | {
        "version": 1 + len(events),
        "updated_at": later[-1].recorded_at,
    }


def test_the_newest_observation_counts_in_whatever_order_they_come(
    connection: Reading, history: History
):
    seen = [
        history.happened(RUN, stats(ID, day=number, views=number * 10))[0]
        for number in (1, 2, 3)
    ]
    for order in permutations(seen):
        with connection.transaction(force_rollback=True):
            for event in order:
                take_in(connection, event)
            (row,) = rows_of(connection, "video_figures")

        assert (row["view_count"], row["observed_at"]) == (30, day(3))
        assert row["first_seen_at"] == day(1)


def test_of_two_at_one_instant_the_later_in_the_log_counts(
    connection: Reading, history: History
):
    seen = [history.happened(RUN, stats(ID, day=1, views=views))[0] for views in (1, 2)]

    take_in(connection, *seen)
    take_in(connection, *seen)

    (row,) = rows_of(connection, "video_figures")
    assert (row["view_count"], row["position"]) == (2, 2)


def test_what_a_snapshot_left_out_stays_as_it_was_known(
    connection: Reading, history: History
):
    full = stats(
        ID,
        day=1,
        views=7,
        save_counts=(0,),
        titles=("Goats",),
        kinds=("photo",),
        posted_at=(day(-5),),
        thumbnail_urls=("https://p16.tiktokcdn.com/obj/one.jpeg",),
    )
    take_in(connection, *history.happened(RUN, full, stats(ID, day=2)))

    (row,) = rows_of(connection, "video_figures")
    assert (row["view_count"], row["save_count"], row["like_count"]) == (7, 0, None)
    assert (row["title"], row["kind"], row["posted_at"]) == ("Goats", "photo", day(-5))
    assert row["thumbnail_url"] == "https://p16.tiktokcdn.com/obj/one.jpeg"
    assert row["observed_at"] == day(2)


def test_a_late_older_snapshot_only_says_what_was_unknown(
    connection: Reading, history: History
):
    newer = stats(ID, day=2, views=7)
    older = stats(ID, day=1, views=5, like_counts=(3,), titles=("Goats",))

    take_in(connection, *history.happened(RUN, newer, older))

    (row,) = rows_of(connection, "video_figures")
    assert (row["view_count"], row["like_count"], row["title"]) == (7, 3, "Goats")
    assert (row["observed_at"], row["first_seen_at"]) == (day(2), day(1))


@pytest.mark.parametrize(
    ("seen", "missing"),
    ((1, True), (3, True), (4, False)),
    ids=["seen before", "seen at that moment", "seen later"],
)
def test_a_video_that_was_seen_later_is_not_missing(
    connection: Reading, history: History, seen: int, *, missing: bool
):
    gone = e.VideoWentMissing(**OF_HOME, missing_since=day(3), scrape_id=RUN)
    events = [
        history.happened(VIDEO, found(BILLIE, ID), gone),
        history.happened(RUN, stats(ID, day=seen, views=1)),
    ]

    for one, two in permutations(events):
        with connection.transaction(force_rollback=True):
            take_in(connection, *one, *two)
            video = the_video(connection)

        assert video.missing_since == (day(3) if missing else None)


def test_a_snapshot_leaves_the_version_and_the_notes_alone(
    connection: Reading, history: History
):
    take_in(connection, *history.happened(VIDEO, found(BILLIE, ID)))
    before = rows_of(connection, "videos")

    take_in(connection, *history.happened(RUN, stats(ID, day=9, views=1)))

    assert rows_of(connection, "videos") == before


@pytest.mark.parametrize(
    ("count", "known"), ((0, 0), (2**63 - 1, 2**63 - 1), (-1, 5), (-(2**63), 5))
)
def test_a_counter_is_the_newest_one_that_is_not_negative(
    connection: Reading, history: History, count: int, known: int
):
    take_in(connection, *history.happened(RUN, stats(ID, day=1, views=5)))

    take_in(connection, *history.happened(RUN, stats(ID, day=2, views=count)))

    (row,) = rows_of(connection, "video_figures")
    assert row["view_count"] == known
    assert row["observed_at"] == day(2)


def test_a_late_observation_counts_where_newer_ones_lack_the_counter(
    connection: Reading, history: History
):
    for at, views in ((1, 5), (4, None), (2, 37), (1.5, 11), (3, -4)):
        take_in(connection, *history.happened(RUN, stats(ID, day=at, views=views)))

    (row,) = rows_of(connection, "video_figures")
    assert row["view_count"] == 37
    assert row["observed_at"] == day(4)
    assert [row] == expected(history.events)["video_figures"]


def test_the_first_known_time_of_posting_stays(connection: Reading, history: History):
    for number, posted in ((3, None), (2, day(-3)), (4, day(-1)), (1, day(-2))):
        seen = stats(ID, day=number, posted_at=(posted,))
        take_in(connection, *history.happened(RUN, seen))
    discovered = found(BILLIE, ID, posted_at=day(-1))

    take_in(connection, *history.happened(VIDEO, discovered))

    assert the_video(connection).posted_at == day(-3)
    later = stats(ID, day=9, posted_at=(day(-9),))
    take_in(connection, *history.happened(RUN, later))
    assert the_video(connection).posted_at == day(-3)
    assert rows_of(connection, "videos") == expected(history.events)["videos"]


def test_attributes_are_those_of_the_newest_snapshot_that_has_them(
    connection: Reading, history: History
):
    known = (
        (1, VideoAttributes(duration_s=15, hashtags=("Hay", "Hen"), is_pinned=True)),
        (3, VideoAttributes(sound=Sound(id="8"), hashtags=("straw",), language="de")),
        # A late one, which is older.
        (2, VideoAttributes(sound=Sound(id="7", title="Hay"), mentions=("ada",))),
    )
    seen = [
        history.happened(RUN, stats(ID, day=number, attributes={ID: attributes}))[0]
        for number, attributes in known
    ]
    for batches in ([seen], [[each] for each in (*seen, seen[0])]):
        with connection.transaction(force_rollback=True):
            for batch in batches:
                take_in(connection, *batch)
            (row,) = rows_of(connection, "video_attributes")

        assert [row] == expected(history.events)["video_attributes"]
        assert (row["hashtags"], row["sound_id"], row["sound_title"]) == (
            *(["straw"], "8"),
            None,
        )
        assert (row["duration_s"], row["mentions"]) == (15, ["ada"])


def test_five_hundred_videos_of_a_snapshot_are_as_many_rows(
    connection: Reading, history: History
):
    ids = [str(10**18 + number) for number in range(500)]

    for number in (1, 2):
        seen = stats(*ids, day=number, views=number)
        take_in(connection, *history.happened(RUN, seen))

    rows = rows_of(connection, "video_figures")
    assert [row["view_count"] for row in rows] == [2] * 500
    assert rows == expected(history.events)["video_figures"]


def test_more_snapshots_than_are_folded_at_once_come_to_the_same(
    connection: Reading, history: History, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(latest_counts, "_ROWS_AT_A_TIME", 5)
    for number in range(1, 6):
        seen = stats(ID, "17", str(number), day=number % 3, views=number)
        history.happened(RUN, seen)

    take_in(connection, *history.events)

    rows = rows_of(connection, "video_figures")
    assert rows == expected(history.events)["video_figures"]


def test_few_snapshots_are_read_at_a_time(store: Store, history: History):
    for number in range(LIVE_BATCH + 1):
        history.happened(RUN, stats(ID, day=number, views=number))
    log(store, history.events)
    follower = Follower(Videos(), pool=store.pool, codec=store.codec)
    follower.register()

    passed = [follower.step(CATCHING_UP_BATCH) for _ in range(3)]

    assert passed == [LIVE_BATCH, 1, 0]
    with store.pool.connection() as connection:
        (row,) = rows_of(connection, "video_figures")
    assert row["view_count"] == LIVE_BATCH
