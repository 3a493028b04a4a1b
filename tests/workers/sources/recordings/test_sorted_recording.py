"""Sorted recordings: the lines of a group are found again, some as columns."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from domain import commands as c
from domain import events as e
from domain.scrape.importing import (
    KnownDetails,
    ObservationGroup,
    RunContent,
    run_of,
    runs_of,
)
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.video.attributes import Sound, values_of
from tests.kit.builders import ADA, NAMES, NOON, ORGANIZATION, PROJECT
from workers.sources.recordings import file_format, sorted_recording
from workers.sources.recordings.file_format import (
    Observation,
    encode_observation,
    encode_observations,
)
from workers.sources.recordings.sorted_recording import GroupLocation, SortedRecording

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def quietly(amount: int) -> None:
    assert amount > 0


def seen(at: datetime = NOON, handle: str = "ada", **what: Any) -> Observation:  # noqa: ANN401
    return Observation(observed_at=at, handle=handle, **what)


def video(name: str, **details: Any) -> Observation:  # noqa: ANN401
    return seen(video=VideoObservation(tiktok_video_id=name, **details))


PROFILE = seen(profile=ProfileObservation(follower_count=7, precision="exact"))
VIDEOS = [
    video(
        f"74{number}",
        title=f'"Hay", part {number} 🐐' if number % 3 else None,
        kind="photo" if number % 2 else None,
        posted_at=datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=number, seconds=0.25),
        thumbnail_url=f"https://p16/74{number}.jpeg?x=1" if number % 2 else UNSET,
        view_count=-(2**63) + number,
        save_count=2**63 - 1 if number % 4 else None,
        **({"hashtags": ("hay",), "sound": Sound(id="7")} if number % 5 == 0 else {}),
    )
    for number in range(20)
]


@pytest.fixture(autouse=True)
def gather_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every line come alone, so that interruptions are some."""
    monkeypatch.setattr(sorted_recording, "_GATHERED_AT_ONCE", 0)
    monkeypatch.setattr(file_format, "_BYTES_AT_ONCE", 1)


def read(folder: Path, *observations: Observation) -> SortedRecording:
    path = folder / "recording.jsonl"
    path.write_bytes(encode_observations(observations))
    return SortedRecording.read(path, now=NOW, advance=quietly)


def shuffled(*observations: Observation) -> list[Observation]:
    mixed = sorted(observations, key=encode_observation)
    return [*mixed[1::2], *reversed(mixed[::2])]


def run_content_of(folder: Path, *observations: Observation) -> RunContent | None:
    with read(folder, *observations) as recording:
        (location,) = recording.groups()
        return recording.content(location)


def test_lines_that_come_together_are_a_run_content_in_the_order_of_their_text(
    tmp_path: Path,
):
    content = run_content_of(tmp_path, *shuffled(PROFILE, *VIDEOS))

    lines = sorted(encode_observation(each) for each in (PROFILE, *VIDEOS))
    assert content is not None
    assert content.payload_sha256 == sha256(b"\n".join(lines)).hexdigest()
    assert content.profile == c.ProfileSnapshot(follower_count=7, precision="exact")
    assert content.videos.video_ids == tuple(
        sorted(each.video.tiktok_video_id for each in VIDEOS if each.video)
    )


def events(
    recording: SortedRecording,
    location: GroupLocation,
    known: KnownDetails,
    *,
    in_columns: bool,
) -> list[Any]:
    moment = ObservationGroup(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        creator_id=ADA,
        handle=location.handle,
        observed_at=location.observed_at,
        read_lines=lambda: recording.lines(location),
        content=recording.content(location),
    )
    if not in_columns:
        lines = recording.lines(location)
        return [list(run) for run in runs_of(moment, lines, known, NAMES)]
    assert moment.content is not None
    return [run_of(moment, moment.content, known, NAMES)]


@pytest.mark.parametrize(
    "known",
    (
        {},
        {
            "741": ("photo", None, None, "https://p19/741.jpeg?x=2"),
            "742": (None, "Straw", None, None),
            "7": ("a",) * 4,
        },
    ),
    ids=["", "knowing some"],
)
def test_a_run_content_becomes_the_run_that_its_lines_would(
    tmp_path: Path, known: dict[str, Any]
):
    from_columns, from_lines = dict(known), dict(known)

    with read(tmp_path, *shuffled(PROFILE, *VIDEOS)) as recording:
        (location,) = recording.groups()
        for _ in range(2):
            columns = events(recording, location, from_columns, in_columns=True)
            lines = events(recording, location, from_lines, in_columns=False)
            assert columns == lines
            assert from_columns == from_lines


def test_both_ways_keep_what_was_seen(tmp_path: Path):
    with read(tmp_path, *shuffled(PROFILE, *VIDEOS)) as recording:
        (location,) = recording.groups()
        ((_, _, snapshot, _),) = events(recording, location, {}, in_columns=True)
        details = {each.video for _, each in recording.lines(location) if each.video}

    assert isinstance(snapshot, e.VideoStatsSnapshotRecorded)
    columns = {
        "tiktok_video_id": snapshot.tiktok_video_ids,
        "kind": snapshot.kinds,
        "title": snapshot.titles,
        "posted_at": snapshot.posted_at,
        "thumbnail_url": snapshot.thumbnail_urls,
        "view_count": snapshot.view_counts,
        "like_count": snapshot.like_counts,
        "comment_count": snapshot.comment_counts,
        "share_count": snapshot.share_counts,
        "save_count": snapshot.save_counts,
    }
    rows = zip(snapshot.video_ids, *columns.values(), strict=True)
    assert {
        c.VideoSnapshot(
            **dict(zip(columns, row, strict=True)),
            **values_of(snapshot.attributes.get(name)),
        )
        for name, *row in rows
    } == details
    assert len(details) == len(VIDEOS)
    assert snapshot.video_ids == tuple(
        NAMES.pseudonym(id_) for id_ in snapshot.tiktok_video_ids if id_
    )


NO_RUN_CONTENT = {
    "few lines": [PROFILE, *VIDEOS[:6]],
    "the same video twice": [*VIDEOS, video("741", view_count=5)],
    "two profiles": [
        PROFILE,
        *VIDEOS,
        seen(profile=ProfileObservation(follower_count=8)),
    ],
    "an outcome": [*VIDEOS, seen(outcome="private")],
    "an outcome beside a profile": [PROFILE, *VIDEOS, seen(outcome="private")],
    "no video": [PROFILE] * 9,
    "interrupted": [*VIDEOS[:10], seen(handle="bea", outcome="private"), *VIDEOS[10:]],
}


@pytest.mark.parametrize("lines", NO_RUN_CONTENT.values(), ids=NO_RUN_CONTENT)
def test_what_one_run_may_not_keep_is_left_to_a_closer_look(
    tmp_path: Path, lines: list[Observation]
):
    with read(tmp_path, *lines) as recording:
        location = next(recording.groups())

        assert location.handle == "ada"
        assert recording.content(location) is None
        assert [line for line, _ in recording.lines(location)] == [
            encode_observation(each) for each in lines if each.handle == "ada"
        ]


def test_only_whole_moments_are_run_contents_however_they_were_interrupted(
    tmp_path: Path,
):
    earlier = [
        Observation(observed_at=NOON - timedelta(days=1), handle="ada", video=v.video)
        for v in VIDEOS
    ]
    with read(
        tmp_path, *earlier, *VIDEOS[:10], *earlier[:1], *VIDEOS[10:]
    ) as recording:
        locations = list(recording.groups())

        assert [location.observations for location in locations] == [21, 20]
        assert [recording.content(location) for location in locations] == [None, None]
        assert [len(recording.lines(location)) for location in locations] == [21, 20]
        assert recording.observations == 41


def test_creators_who_take_turns_are_seen_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sorted_recording, "_GATHERED_AT_ONCE", 40)
    others = [seen(handle="bea", video=each.video) for each in VIDEOS]
    turns = [each for pair in zip(VIDEOS, others, strict=True) for each in pair]

    with read(tmp_path, *turns) as recording:
        run_contents = [recording.content(location) for location in recording.groups()]

    assert len(run_contents) == 2
    assert run_contents[0] is not None
    assert run_contents[1] is not None
    assert run_contents[0].videos == run_contents[1].videos
