"""Importing a recording, against COPY of the same rows into one plain table."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.creator.handlers.add import RequestedCreator
from domain.organization.plans import DEFAULT_PLANS
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.benchmarks.harness import Report, Row, interleaved, seconds
from tests.kit.builders import Home, asking, make_home, opened_store
from tests.kit.commands import add_creators
from workers.sources.recordings.file_format import (
    Observation,
    encode_observation,
    read_recording,
)
from workers.sources.recordings.holders import find_holders
from workers.sources.recordings.import_recording import store_recording
from workers.sources.recordings.sorted_recording import SortedRecording

CREATORS = 20
DAYS = 100
VIDEOS = 100
OBSERVATIONS = CREATORS * DAYS * (VIDEOS + 1)

BEGIN = datetime(2025, 1, 1, 6, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)

_FLOOR_TABLE = """
CREATE TABLE floor_observations (
    video_id text, creator_id uuid NOT NULL, observed_at timestamptz NOT NULL,
    views bigint, likes bigint, comments bigint, shares bigint, saves bigint
)
"""
_COPY = "COPY floor_observations FROM STDIN (FORMAT BINARY)"
_TYPES = ("text", "uuid", "timestamptz", *["int8"] * 5)
_HOW = (
    f"Import: a plain file of {OBSERVATIONS:,} observations ({CREATORS} creators, "
    f"{DAYS} days, a profile and {VIDEOS} videos a day) into a project that has the "
    "creators, from opening the file to the last commit, over one connection. The next "
    "batch is prepared while one is appended. The floor COPYs one row an observation "
    "(video, creator, time, five counters) from memory, in binary, through the same "
    "psycopg, into a table without an index, in one transaction."
)

Plain = tuple[str | None, UUID, datetime, *tuple[int | None, ...]]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with one connection, as the floor has one."""
    with opened_store(database_url, pool_size=1) as store:
        yield store


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    """A plain connection to the floor's table."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_FLOOR_TABLE)
        yield connection


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A year's file of daily scrapes."""
    path = tmp_path / "recording.jsonl"
    chance = Random(3)
    with path.open("wb") as file:
        for creator in range(CREATORS):
            for day in range(DAYS):
                file.writelines(
                    encode_observation(each) + b"\n"
                    for each in a_day(chance, creator, day)
                )
    return path


def a_day(chance: Random, creator: int, day: int) -> Iterator[Observation]:
    at, handle = BEGIN + timedelta(days=day), f"goat.{creator}"
    yield Observation(
        observed_at=at,
        handle=handle,
        profile=ProfileObservation(
            user_id=str(6_900_000_000_000_000_000 + creator),
            display_name=f"Goat {creator}",
            follower_count=10_000 * creator + day,
            following_count=30,
            total_likes_count=90_000 * creator + 17 * day,
            video_count=VIDEOS,
            precision="exact",
        ),
    )
    for video in range(VIDEOS):
        age = day + video + 1
        yield Observation(
            observed_at=at,
            handle=handle,
            video=VideoObservation(
                tiktok_video_id=str(7_460_000_000_000_000_000 + creator * 999 + video),
                title=f"A goat, a hill and a bell, part {video} #goats #hills",
                kind="video",
                posted_at=BEGIN - timedelta(days=video + 1),
                view_count=chance.randrange(100, 2_000) * age,
                like_count=chance.randrange(10, 200) * age,
                comment_count=chance.randrange(age),
                share_count=chance.randrange(age),
                save_count=None if video % 3 else chance.randrange(age),
            ),
        )


def test_observations_imported_a_second(
    store: Store, connection: Connection[TupleRow], recording: Path, report: Report
):
    rows = [plain(read) for read in read_recording(recording)]
    names = count()

    def imported() -> float:
        home = a_home(store, f"round {next(names)}")
        return OBSERVATIONS / seconds(lambda: import_all(home, recording))

    ours, floor = interleaved(
        imported, lambda: OBSERVATIONS / seconds(lambda: copy_all(connection, rows))
    )

    assert stored(connection) == (6 * OBSERVATIONS, 6 * CREATORS * DAYS * VIDEOS)
    report.compare(
        "`goatherd import`",
        ours=ours,
        floor=floor,
        unit="observations/s",
        at_least=0.15,
        how=_HOW,
    )
    report.add(
        Row(
            what="`goatherd import`, observations a second",
            ours=ours.written(),
            bar=("over 50,000", ours.median > 50_000),
            how=_HOW,
        )
    )


def a_home(store: Store, name: str) -> Home:
    """A project of its own, so that nothing of the recording is there already."""
    del name
    home = make_home(store)
    add_creators(
        store,
        [
            RequestedCreator(tiktok_handle=f"goat.{creator}", tracking_start_date=None)
            for creator in range(CREATORS)
        ],
        organization_id=home.organization_id,
        project_id=home.project_id,
        plans=DEFAULT_PLANS,
        now=NOW,
        context=asking(),
        job_types=(),
    )
    return home


def import_all(home: Home, recording: Path) -> None:
    with SortedRecording.read(
        recording, now=NOW, advance=lambda _: None
    ) as sorted_recording:
        store_recording(
            home.store,
            sorted_recording,
            find_holders(
                home.store, home.project_id, sorted_recording.handles
            ).creators,
            organization_id=home.organization_id,
            project_id=home.project_id,
            context=asking(),
            advance=lambda _: None,
        )


CREATOR_IDS = [new_id() for _ in range(CREATORS)]


def plain(read: object) -> Plain:
    assert isinstance(read, Observation)
    creator_id = CREATOR_IDS[int(read.handle.removeprefix("goat."))]
    if video := read.video:
        return (
            *(video.tiktok_video_id, creator_id, read.observed_at, video.view_count),
            *(video.like_count, video.comment_count, video.share_count),
            video.save_count,
        )
    profile = read.profile
    assert profile is not None
    return (
        *(None, creator_id, read.observed_at, profile.follower_count),
        *(profile.following_count, profile.total_likes_count, profile.video_count),
        None,
    )


def copy_all(connection: Connection[TupleRow], rows: list[Plain]) -> None:
    with (
        connection.transaction(),
        connection.cursor() as cursor,
        cursor.copy(_COPY) as copy,
    ):
        copy.set_types(_TYPES)
        for row in rows:
            copy.write_row(row)


def stored(connection: Connection[TupleRow]) -> tuple[int, int]:
    """Rows of the floor, and observations of videos in the log."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM floor_observations), "
        "sum(jsonb_array_length(convert_from(state, 'UTF8')::jsonb->'video_ids')) "
        "FROM goatherd_events WHERE topic = 'video_stats_snapshot_recorded'"
    ).fetchone()
    assert row is not None
    return row[0], row[1]
