from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent, Store
from tests.kit.builders import Home
from tests.kit.depth import part_of
from tests.kit.histories import HOME, PROJECT, History
from tests.kit.videos import (
    INSIDE,
    MONDAY,
    OUTSIDE,
    a_run,
    due,
    happened,
    known,
    take_in,
)
from workers.policies.known_video import digest_of
from workers.policies.known_videos import KnownVideos

BILLIE, NANNY = UUID(int=0xB1), UUID(int=0xA1)

_REQUESTED = """
INSERT INTO goatherd_events (notification_id, originator_id, originator_version, topic,
    state, recorded_at, actor, digest)
VALUES (%s, %s, 1, 'scrape_requested', %s, now(), 'test', '')
"""


@pytest.fixture
def connection(store: Store) -> Iterator[Connection[TupleRow]]:
    with store.pool.connection() as connection:
        yield connection


def discovered(
    home: Home, video_id: str, creator_id: UUID, **details: object
) -> e.VideoDiscovered:
    fields: dict[str, Any] = {
        "tracking_status": "auto_tracked",
        "scrape_id": UUID(int=5),
        **details,
    }
    return e.VideoDiscovered(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=creator_id,
        tiktok_video_id=video_id,
        handle="billie",
        **fields,
    )


def added(home: Home, video_id: str) -> e.VideoAdded:
    return e.VideoAdded(
        organization_id=home.organization_id,
        project_id=home.project_id,
        tiktok_video_id=video_id,
        handle="billie",
        kind="video",
    )


def note(home: Home, *shown: str) -> dict[str, dict[str, Any]]:
    """Apply new events, and return these columns of each video."""
    take_in(home.store)
    return {
        video_id: {name: row[name] for name in shown}
        for video_id, row in known(home.store).items()
    }


def test_a_video_is_noted_as_its_events_tell(home: Home):
    org = home.organization_id
    happened(home, "71", discovered(home, "71", BILLIE, posted_at=INSIDE, title="Hay"))
    happened(home, "72", added(home, "72"))
    happened(
        home, "73", discovered(home, "73", BILLIE, tracking_status="out_of_window")
    )
    happened(
        home,
        "73",
        e.VideoCameIntoWindow(organization_id=org, tracking_status="included"),
    )
    happened(home, "74", discovered(home, "74", BILLIE))
    happened(home, "74", e.VideoExcluded(organization_id=org))
    happened(home, "75", discovered(home, "75", BILLIE))
    happened(home, "75", e.VideoTrackingDisabled(organization_id=org))
    happened(home, "76", discovered(home, "76", BILLIE))
    happened(home, "76", e.VideoTrackingDisabled(organization_id=org))
    happened(home, "76", e.VideoIncluded(organization_id=org))
    happened(home, "77", discovered(home, "77", BILLIE))
    happened(home, "77", e.VideoTrackingDisabled(organization_id=org))
    happened(home, "77", e.VideoExcluded(organization_id=org))
    happened(home, "77", e.VideoPutBack(organization_id=org))

    rows = note(home, "creator_id", "tracking_status", "tracking_enabled")

    assert {video_id: tuple(row.values()) for video_id, row in rows.items()} == {
        "71": (BILLIE, "auto_tracked", True),
        "72": (None, "direct_add", True),
        "73": (BILLIE, "included", True),
        "74": (BILLIE, "excluded", True),
        "75": (BILLIE, "auto_tracked", False),
        "76": (BILLIE, "included", True),
        "77": (BILLIE, "pending_review", True),
    }
    assert known(home.store)["71"]["posted_at"] == INSIDE
    assert known(home.store)["71"]["title_digest"] == digest_of("Hay")


def test_a_list_with_a_video_that_is_nobodys_yet_is_due(home: Home):
    happened(home, "71", discovered(home, "71", BILLIE))
    happened(home, "72", added(home, "72"))

    runs = [a_run(home, BILLIE, *seen) for seen in (["71", "72"], ["71", "73"])]
    a_run(home, BILLIE, "71")

    take_in(home.store)
    assert [(row["kind"], row["subject"]) for row in due(home.store)] == [
        ("listed", run) for run in runs
    ]


def test_a_video_looked_at_for_itself_makes_nothing_due(home: Home):
    a_run(home, None, "71")

    take_in(home.store)

    assert due(home.store) == []


def test_details_that_a_later_run_tells_are_noted(home: Home):
    happened(home, "71", discovered(home, "71", BILLIE, title="Hay", posted_at=INSIDE))
    a_run(home, BILLIE, "71", titles=["Straw"])
    rows = note(home, "title_digest", "posted_at")

    a_run(home, BILLIE, "71", posted_at=[OUTSIDE])
    later = note(home, "title_digest", "posted_at")

    assert rows == {"71": {"title_digest": digest_of("Straw"), "posted_at": INSIDE}}
    assert later == {"71": {"title_digest": digest_of("Straw"), "posted_at": OUTSIDE}}


# videos that are gone

ABSENT = ("missing_since", "missing_confirmed")


def test_one_direct_read_that_finds_a_video_gone_is_no_proof(home: Home):
    happened(home, "71", discovered(home, "71", BILLIE))
    a_run(home, BILLIE, missing=["71"])

    rows = note(home, *ABSENT)

    assert rows == {"71": {"missing_since": MONDAY, "missing_confirmed": False}}
    assert due(home.store) == []


def test_a_second_one_in_another_run_is_and_a_third_adds_nothing(home: Home):
    happened(home, "71", discovered(home, "71", BILLIE))
    a_run(home, BILLIE, missing=["71"])
    second = a_run(home, BILLIE, missing=["71"], day=1)
    a_run(home, BILLIE, missing=["71"], day=2)

    rows = note(home, *ABSENT)

    assert rows == {"71": {"missing_since": MONDAY, "missing_confirmed": True}}
    (row,) = due(home.store)
    pseudonym = home.store.names.pseudonym("71")
    assert row["subject"] == video_stream(home.project_id, pseudonym)
    shown = ("kind", "missing_since", "scrape_id")
    assert [row[name] for name in shown] == ["missing", MONDAY, second]


@pytest.mark.parametrize("day", (0, -1))
def test_a_second_read_of_no_later_moment_confirms_nothing(home: Home, day: float):
    happened(home, "71", discovered(home, "71", BILLIE))
    a_run(home, BILLIE, missing=["71"])
    a_run(home, BILLIE, missing=["71"], day=day)

    assert note(home, "missing_confirmed") == {"71": {"missing_confirmed": False}}


def test_to_be_seen_in_between_begins_it_anew(home: Home):
    happened(home, "71", discovered(home, "71", BILLIE))
    a_run(home, BILLIE, missing=["71"])
    a_run(home, BILLIE, "71", day=1)
    a_run(home, BILLIE, missing=["71"], day=2)

    rows = note(home, *ABSENT)

    assert rows == {
        "71": {"missing_since": MONDAY + timedelta(days=2), "missing_confirmed": False}
    }


def test_what_was_seen_before_it_went_does_not_bring_it_back(home: Home):
    happened(home, "71", discovered(home, "71", BILLIE))
    a_run(home, BILLIE, missing=["71"])
    a_run(home, BILLIE, "71", day=-1)

    assert note(home, "missing_since") == {"71": {"missing_since": MONDAY}}


def test_absence_from_a_list_means_nothing(home: Home):
    happened(home, "71", discovered(home, "71", BILLIE))
    for day in range(3):
        a_run(home, BILLIE, "72", day=day)

    assert note(home, "missing_since") == {"71": {"missing_since": None}}


def test_a_video_that_the_project_does_not_have_cannot_go_missing(home: Home):
    for day in range(2):
        a_run(home, BILLIE, missing=["71"], day=day)

    take_in(home.store)

    assert (known(home.store), due(home.store)) == ({}, [])


# taking events in again, and in batches of any size


def a_history(script: Sequence[tuple[str, int, int]]) -> list[RecordedEvent]:
    """A log in which the steps of ``script`` happened, each to one of four videos."""
    history = History()
    for number, (step, which, day) in enumerate(script):
        video_id = f"7{which}"
        stream = video_stream(PROJECT, video_id)
        run = uuid5(PROJECT, str(number))
        at = MONDAY + timedelta(days=day)
        match step:
            case "discovered":
                history.happened(stream, _discovered(video_id, at))
            case "added":
                history.happened(stream, _added(video_id))
            case "excluded":
                history.happened(stream, e.VideoExcluded(organization_id=HOME))
            case "included":
                history.happened(stream, e.VideoIncluded(organization_id=HOME))
            case "seen":
                history.happened(run, _seen(video_id, at, title=None))
            case "told":
                history.happened(run, _seen(video_id, at, title=f"Day {day}"))
            case _:
                history.happened(run, *_gone(video_id, at))
    return history.events


STEPS = ("discovered", "added", "excluded", "included", "seen", "told", "gone", "gone")


@given(
    script=st.lists(
        st.tuples(st.sampled_from(STEPS), st.integers(0, 3), st.integers(0, 5)),
        min_size=1,
        max_size=40,
    ),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    again=st.integers(0, 40),
)
@settings(
    max_examples=part_of(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_batches_and_any_repetition_leave_the_same_rows(
    connection: Connection[TupleRow],
    script: list[tuple[str, int, int]],
    cuts: list[int],
    again: int,
):
    events = a_history(script)
    ends = sorted({0, len(events), *(min(cut, len(events)) for cut in cuts)})

    whole = written(connection, [events])
    parts = written(connection, [events[start:end] for start, end in pairwise(ends)])
    repeated = written(connection, [events, events[again:], events])

    assert parts == whole
    assert repeated == whole


def written(
    connection: Connection[TupleRow], batches: Sequence[Sequence[RecordedEvent]]
) -> tuple[list[TupleRow], list[TupleRow]]:
    """The rows that the batches leave in both tables, without storing them."""
    runs = {
        recorded.stream
        for batch in batches
        for recorded in batch
        if isinstance(recorded.event, e.ScrapeSucceeded)
    }
    body = msgspec.json.encode({"project_id": PROJECT})
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.executemany(
            _REQUESTED, [(number, run, body) for number, run in enumerate(runs)]
        )
        for batch in batches:
            KnownVideos().write(cursor, batch)
        rows = cursor.execute("SELECT * FROM known_video ORDER BY id").fetchall()
        due_rows = cursor.execute(
            "SELECT position, subject, kind, creator_id, missing_since, scrape_id "
            "FROM policy_task ORDER BY position, subject"
        ).fetchall()
    return rows, due_rows


def _discovered(video_id: str, at: datetime) -> e.VideoDiscovered:
    return e.VideoDiscovered(
        organization_id=HOME,
        project_id=PROJECT,
        creator_id=BILLIE,
        tiktok_video_id=video_id,
        handle="billie",
        tracking_status="out_of_window",
        scrape_id=UUID(int=5),
        posted_at=at,
    )


def _added(video_id: str) -> e.VideoAdded:
    return e.VideoAdded(
        organization_id=HOME,
        project_id=PROJECT,
        tiktok_video_id=video_id,
        handle="billie",
        kind="photo",
    )


def _seen(
    video_id: str, at: datetime, *, title: str | None
) -> e.VideoStatsSnapshotRecorded:
    return e.VideoStatsSnapshotRecorded(
        organization_id=HOME,
        project_id=PROJECT,
        creator_id=BILLIE,
        observed_at=at,
        provider="test",
        video_ids=(video_id,),
        view_counts=(1,),
        like_counts=(1,),
        comment_counts=(1,),
        share_counts=(1,),
        save_counts=(1,),
        titles=() if title is None else (title,),
    )


def _gone(video_id: str, at: datetime) -> tuple[e.Event, ...]:
    return (
        e.ScrapeSucceeded(
            organization_id=HOME,
            creator_id=BILLIE,
            job_type="video_stats",
            provider="test",
            attempts=1,
            observed_at=at,
            duration_ms=1,
            missing_video_ids=(video_id,),
        ),
    )
