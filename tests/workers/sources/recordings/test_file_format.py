"""Reading recordings: lines that are valid, and the fate of lines that are not."""

import gzip
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.video.attributes import Sound, VideoAttributes
from workers.sources.recordings import file_format
from workers.sources.recordings.file_format import (
    BadFileError,
    BadLineError,
    Observation,
    RecordingError,
    encode_observation,
    read_recording,
)

AT = '"observed_at":"2026-02-04T00:00:00Z"'
BILLIE = '"handle":"billie.goat"'
VIDEO_WITHOUT_ZONE = '{"tiktok_video_id":"1","posted_at":"2026-01-07T02:21:45"}'
GONE = f'{{{AT},{BILLIE},"outcome":"not_found"}}'


def read_lines(folder: Path, *lines: str | bytes) -> list[Observation | RecordingError]:
    encoded = [line.encode() if isinstance(line, str) else line for line in lines]
    path = folder / "some.jsonl"
    path.write_bytes(b"\n".join(encoded))
    return list(read_recording(path))


def read_line(folder: Path, line: str | bytes) -> Observation | RecordingError:
    (read,) = read_lines(folder, line)
    return read


def test_a_profile_line_becomes_the_profile_that_was_seen(tmp_path: Path):
    line = (
        f'{{{AT},{BILLIE},"profile":{{"user_id":"704","sec_uid":"MS4w",'
        '"display_name":"Billie 🐐","avatar_url":null,"follower_count":18800,'
        '"following_count":30,"total_likes_count":-401400,"video_count":259,'
        '"precision":"rounded"}}'
    )

    read = read_line(tmp_path, line)

    assert read == Observation(
        observed_at=datetime(2026, 2, 4, tzinfo=UTC),
        handle="billie.goat",
        profile=ProfileObservation(
            user_id="704",
            sec_uid="MS4w",
            display_name="Billie 🐐",
            avatar_url=None,
            follower_count=18_800,
            following_count=30,
            total_likes_count=-401_400,
            video_count=259,
            precision="rounded",
        ),
    )


def test_a_video_line_becomes_the_video_that_was_seen(tmp_path: Path):
    line = (
        f'{{{AT},{BILLIE},"video":{{"tiktok_video_id":"7185729796075474222",'
        '"title":"","kind":"photo","posted_at":"2026-01-07T02:21:45Z",'
        '"view_count":2133,"like_count":78,"comment_count":1,"share_count":0,'
        '"save_count":null}}'
    )

    read = read_line(tmp_path, line)

    assert read == Observation(
        observed_at=datetime(2026, 2, 4, tzinfo=UTC),
        handle="billie.goat",
        video=VideoObservation(
            tiktok_video_id="7185729796075474222",
            title="",
            kind="photo",
            posted_at=datetime(2026, 1, 7, 2, 21, 45, tzinfo=UTC),
            view_count=2133,
            like_count=78,
            comment_count=1,
            share_count=0,
            save_count=None,
        ),
    )


def test_a_picture_is_in_a_line_only_where_there_is_one(tmp_path: Path):
    line = f'{{{AT},{BILLIE},"video":{{"tiktok_video_id":"1"}}}}'
    url = "https://p16.tiktokcdn.com/obj/one.jpeg?x-expires=1"
    pictured = line.replace('"1"', f'"1","thumbnail_url":"{url}"')

    without, with_it = read_lines(tmp_path, line, pictured)

    assert isinstance(without, Observation)
    assert isinstance(with_it, Observation)
    assert b"thumbnail_url" not in encode_observation(without)
    assert with_it.video is not None
    assert with_it.video.thumbnail_url == url
    assert url.encode() in encode_observation(with_it)


def test_a_line_has_the_attributes_that_a_source_told_and_no_others(tmp_path: Path):
    line = f'{{{AT},{BILLIE},"video":{{"tiktok_video_id":"1"}}}}'
    stated = (
        '"duration_s":15,"sound":{"id":"7","title":"Hay","author":"Cleo",'
        '"original":false},"hashtags":["hay"],"mentions":[],"is_ad":false,'
        '"is_pinned":true,"is_private":null,"language":"de"'
    )
    bad = [
        line.replace('"1"', f'"1",{attribute}')
        for attribute in (
            '"duration_s":-1',
            '"sound":{"name":"Hay"}',
            '"hashtags":"hay"',
            '"is_ad":1',
            '"sound":{"title":"a\\u0000b"}',
            '"hashtags":["a\\u0000b"]',
        )
    ]

    without, with_it, *refused = read_lines(
        tmp_path, line, line.replace('"1"', f'"1",{stated}'), *bad
    )

    assert isinstance(without, Observation)
    assert isinstance(with_it, Observation)
    assert without.video is not None
    assert with_it.video is not None
    assert without.video.attributes is None
    assert b"hashtags" not in encode_observation(without)
    assert with_it.video.attributes == VideoAttributes(
        duration_s=15,
        sound=Sound(id="7", title="Hay", author="Cleo", original=False),
        hashtags=("hay",),
        mentions=(),
        is_ad=False,
        is_pinned=True,
        language="de",
    )
    assert stated.encode() in encode_observation(with_it)
    assert [type(each) for each in refused] == [BadLineError] * len(bad)


def test_what_a_line_leaves_out_stays_null(tmp_path: Path):
    read = read_lines(
        tmp_path,
        f'{{{AT},{BILLIE},"profile":{{}}}}',
        f'{{{AT},{BILLIE},"video":{{"tiktok_video_id":"1"}},"profile":null}}',
        f'{{{AT},{BILLIE},"video":{{"tiktok_video_id":"1","kind":null}}}}',
    )

    seen = [
        line.profile or line.video for line in read if isinstance(line, Observation)
    ]
    assert seen == [
        ProfileObservation(),
        VideoObservation(tiktok_video_id="1"),
        VideoObservation(tiktok_video_id="1", kind=None),
    ]
    assert ProfileObservation().follower_count is None
    assert VideoObservation(tiktok_video_id="1").view_count is None


@pytest.mark.parametrize("count", (-(2**63), 2**63 - 1))
def test_a_counter_may_use_all_of_64_bits(tmp_path: Path, count: int):
    line = f'{{{AT},{BILLIE},"profile":{{"follower_count":{count}}}}}'

    read = read_line(tmp_path, line)

    assert isinstance(read, Observation)
    assert read.profile == ProfileObservation(follower_count=count)


@pytest.mark.parametrize(
    ("line", "reason"),
    (
        (f'{{{AT},{BILLIE},"profile":{{"follower_count":  ', "truncated"),
        ("so many goats", "malformed"),
        ("[]", "object"),
        (f'{{{AT},{BILLIE},"outcome":"private"}} {{}}', "trailing"),
        (f"{{{AT},{BILLIE}}}", "exactly one of"),
        (f'{{{AT},{BILLIE},"outcome":"private","profile":{{}}}}', "exactly one of"),
        (
            f'{{{AT},{BILLIE},"video":{{"tiktok_video_id":"1"}},"profile":{{}}}}',
            "exactly one of",
        ),
        (f'{{{AT},{BILLIE},"outcome":"ok"}}', "'ok'"),
        (f'{{{AT},{BILLIE},"outcome":"gone fishing"}}', "'gone fishing'"),
        (f'{{{AT},{BILLIE},"outcome":"private","mood":"?"}}', "`mood`"),
        (f'{{{AT},{BILLIE},"profile":{{"heart":1}}}}', "`heart`"),
        (f'{{{AT},{BILLIE},"profile":{{"follower_count":{2**63}}}}}', "follower_count"),
        (
            f'{{{AT},{BILLIE},"profile":{{"video_count":{-(2**63) - 1}}}}}',
            "video_count",
        ),
        (f'{{{AT},{BILLIE},"profile":{{"follower_count":"59K"}}}}', "`str`"),
        (f'{{{AT},{BILLIE},"profile":{{"follower_count":1.5}}}}', "`float`"),
        (f'{{{AT},{BILLIE},"profile":{{"precision":"vague"}}}}', "'vague'"),
        (f'{{{AT},{BILLIE},"video":{{"tiktok_video_id":7185729}}}}', "tiktok_video_id"),
        (f'{{{AT},{BILLIE},"video":{{"tiktok_video_id":""}}}}', "tiktok_video_id"),
        (f'{{{AT},{BILLIE},"video":{{}}}}', "`tiktok_video_id`"),
        *(
            (
                f'{{{AT},{BILLIE},"video":{{"tiktok_video_id":"{unusable}"}}}}',
                "tiktok_video_id`",
            )
            for unusable in ("9" * 21, "9" * 12_000, "-1", "7 1", "../x", "\u0661")
        ),
        (
            f'{{{AT},{BILLIE},"profile":{{"display_name":"{"x" * 20_001}"}}}}',
            "20000",
        ),
        (f'{{{BILLIE},"outcome":"private"}}', "`observed_at`"),
        (f'{{{AT},"outcome":"private"}}', "`handle`"),
        (
            f'{{"observed_at":"2026-02-04T00:00:00",{BILLIE},"outcome":"private"}}',
            "timezone",
        ),
        (f'{{"observed_at":"yesterday",{BILLIE},"outcome":"private"}}', "datetime"),
        (f'{{"observed_at":1675468800,{BILLIE},"outcome":"private"}}', "`int`"),
        (
            f'{{"observed_at":"0001-01-01T00:00:00+14:00",{BILLIE},"outcome":"private"}}',
            "outside the years",
        ),
        (f'{{{AT},{BILLIE},"video":{VIDEO_WITHOUT_ZONE}}}', "timezone"),
        (f'{{{AT},"handle":"","outcome":"private"}}', "handle"),
        (f'{{{AT},"handle":"@billie.goat","outcome":"private"}}', "'@billie.goat'"),
        (
            f'{{{AT},"handle":"https://www.tiktok.com/@b","outcome":"private"}}',
            "plain handle 'b'",
        ),
        (f'{{{AT},"handle":" billie","outcome":"private"}}', "plain handle 'billie'"),
        (f'{{{AT},"handle":"billie goat","outcome":"private"}}', "'billie goat'"),
        (f'{{{AT},"handle":"bi\\u212aie","outcome":"private"}}', "handle"),
        (f'{{{AT},"handle":"{"g" * 31}","outcome":"private"}}', "handle"),
        (f'{{{AT},{BILLIE},"profile":{{"display_name":"B\\u0000"}}}}', "NUL"),
        (
            f'{{{AT},{BILLIE},"video":{{"tiktok_video_id":"1","title":"\\u0000"}}}}',
            "NUL",
        ),
        (f'{{{AT},{BILLIE},"profile":{{"display_name":"B\0"}}}}', "malformed"),
        (f'{{{AT},{BILLIE},"profile":{{"display_name":"\\ud83d"}}}}', ""),
        (
            f'{{{AT},{BILLIE},"profile":{{"display_name":"'.encode() + b'\xff"}}',
            "UTF-8",
        ),
    ),
)
def test_a_line_that_is_no_observation_is_reported_and_the_next_one_is_read(
    tmp_path: Path, line: str | bytes, reason: str
):
    bad, good = read_lines(tmp_path, line, GONE)

    assert isinstance(bad, BadLineError)
    assert bad.path == tmp_path / "some.jsonl"
    assert bad.line_number == 1
    assert reason in bad.reason
    assert str(bad) == f"{bad.path}, line 1: {bad.reason}"
    assert isinstance(good, Observation)


def test_lines_are_counted_with_the_blank_ones_that_mean_nothing(tmp_path: Path):
    read = read_lines(tmp_path, GONE + "\r", "", "  \r", "oops", "")

    assert isinstance(read[0], Observation)
    assert [bad.line_number for bad in read if isinstance(bad, BadLineError)] == [4]
    assert len(read) == 2


def test_one_bad_line_among_thousands_is_the_only_one_left_out(tmp_path: Path):
    lines = [GONE] * 3_500
    lines[1_200] = ""
    lines[1_700] = "{"
    lines[2_900] = GONE.replace("billie.goat", "Bad goat")

    read = read_lines(tmp_path, *lines)

    bad = [each for each in read if isinstance(each, BadLineError)]
    assert [each.line_number for each in bad] == [1_701, 2_901]
    assert len(read) == 3_499


@pytest.mark.parametrize("name", ("pieces.jsonl", "pieces.jsonl.gz"))
@pytest.mark.parametrize("at_once", (1, 7, 100, 500))
def test_pieces_cut_anywhere_read_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, name: str
):
    text = "\n".join([*[GONE, "", "{", f"{GONE} "] * 3, GONE]).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    whole = [summary_of(each) for each in read_recording(path)]

    monkeypatch.setattr(file_format, "_BYTES_AT_ONCE", at_once)

    assert [summary_of(each) for each in read_recording(path)] == whole
    assert len(whole) == 10
    assert [each for each in whole if isinstance(each, int)] == [3, 7, 11]


def summary_of(read: Observation | RecordingError) -> Observation | int:
    if isinstance(read, Observation):
        return read
    assert isinstance(read, BadLineError)
    return read.line_number


def test_text_about_an_escaped_nul_holds_no_nul(tmp_path: Path):
    read = read_line(
        tmp_path, f'{{{AT},{BILLIE},"profile":{{"display_name":"C:\\\\u0000"}}}}'
    )

    assert isinstance(read, Observation)
    assert read.profile == ProfileObservation(display_name="C:\\u0000")


def test_capitals_in_a_handle_are_folded(tmp_path: Path):
    read = read_line(tmp_path, f'{{{AT},"handle":"Billie_GOAT-1","outcome":"private"}}')

    assert isinstance(read, Observation)
    assert read.handle == "billie_goat-1"


def test_times_are_kept_in_utc_whatever_zone_they_were_written_in(tmp_path: Path):
    read = read_line(
        tmp_path,
        f'{{"observed_at":"2026-02-04T01:30:00+02:00",{BILLIE},"video":'
        '{"tiktok_video_id":"1","posted_at":"2026-02-03T20:00:00-05:00"}}',
    )

    assert isinstance(read, Observation)
    assert read.video
    assert read.observed_at.isoformat() == "2026-02-03T23:30:00+00:00"
    assert read.video.posted_at == datetime(2026, 2, 4, 1, tzinfo=UTC)
    assert b'"posted_at":"2026-02-04T01:00:00Z"' in encode_observation(read)


def test_a_gzipped_recording_reads_like_a_plain_one(tmp_path: Path):
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    plain.write_text(f"{GONE}\nhalf\n{GONE}")
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    from_plain = list(read_recording(plain))
    from_packed = list(read_recording(packed))

    assert [type(line) for line in from_packed] == [type(line) for line in from_plain]
    assert from_packed[0] == from_plain[0]


def test_a_folder_is_read_by_name_and_only_its_recordings(tmp_path: Path):
    for name in ("b.jsonl", "a.jsonl", "notes.txt", ".hidden.jsonl", "c.json"):
        (tmp_path / name).write_text(GONE.replace("billie", f"from-{name[0]}"))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "d.jsonl").write_text(GONE)

    read = list(read_recording(tmp_path))

    handles = [line.handle for line in read if isinstance(line, Observation)]
    assert handles == ["from-a.goat", "from-b.goat"]


def test_a_file_that_cannot_be_read_does_not_take_the_others_down(tmp_path: Path):
    packed = gzip.compress("\n".join([GONE] * 10_000).encode())
    (tmp_path / "a-cut.jsonl.gz").write_bytes(packed[:-12])
    (tmp_path / "b-not-gzip.jsonl.gz").write_text(GONE)
    (tmp_path / "b-spoilt.jsonl.gz").write_bytes(packed[:20] + b"?" * 20 + packed[40:])
    (tmp_path / "c-folder.jsonl").mkdir()
    (tmp_path / "d-empty.jsonl").touch()
    (tmp_path / "e-half.jsonl").write_text('{"followers":  }')
    (tmp_path / "f-good.jsonl").write_text(GONE)

    read = list(read_recording(tmp_path))

    problems = [line for line in read if isinstance(line, RecordingError)]
    assert [
        (type(problem), problem.path.name)
        for problem in problems
        if isinstance(problem, (BadFileError, BadLineError))
    ] == [
        (BadFileError, "a-cut.jsonl.gz"),
        (BadFileError, "b-not-gzip.jsonl.gz"),
        (BadFileError, "b-spoilt.jsonl.gz"),
        (BadFileError, "c-folder.jsonl"),
        (BadLineError, "e-half.jsonl"),
    ]
    assert isinstance(read[-1], Observation)


@pytest.mark.parametrize("name", ("nowhere.jsonl", "empty"))
def test_nothing_to_read_is_reported_and_not_an_empty_recording(
    tmp_path: Path, name: str
):
    (tmp_path / "empty").mkdir()

    (problem,) = read_recording(tmp_path / name)

    assert isinstance(problem, BadFileError)
    assert problem.path == tmp_path / name


COUNTERS = st.none() | st.integers(-(2**63), 2**63 - 1)
TEXTS = st.none() | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=20
)
MOMENTS = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - the zone comes from the next line
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from((UTC, timezone(timedelta(hours=5, minutes=45)))),
)
PROFILES = st.builds(
    ProfileObservation,
    user_id=TEXTS,
    sec_uid=TEXTS,
    display_name=TEXTS,
    avatar_url=TEXTS,
    follower_count=COUNTERS,
    following_count=COUNTERS,
    total_likes_count=COUNTERS,
    video_count=COUNTERS,
    precision=st.sampled_from((None, "exact", "rounded")),
)
VIDEOS = st.builds(
    VideoObservation,
    tiktok_video_id=st.from_regex(r"[0-9]{1,19}", fullmatch=True),
    title=TEXTS,
    kind=st.sampled_from((None, "video", "photo")),
    posted_at=st.none() | MOMENTS,
    view_count=COUNTERS,
    like_count=COUNTERS,
    comment_count=COUNTERS,
    share_count=COUNTERS,
    save_count=COUNTERS,
)
HANDLES = st.from_regex(r"[a-z0-9_]([a-z0-9._-]{0,28}[a-z0-9_-])?", fullmatch=True)
OUTCOMES = st.sampled_from(("not_found", "private", "schema_changed"))
OBSERVATIONS = st.one_of(
    st.builds(Observation, observed_at=MOMENTS, handle=HANDLES, profile=PROFILES),
    st.builds(Observation, observed_at=MOMENTS, handle=HANDLES, video=VIDEOS),
    st.builds(Observation, observed_at=MOMENTS, handle=HANDLES, outcome=OUTCOMES),
)


@given(st.lists(OBSERVATIONS, min_size=1, max_size=5))
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, observations: list[Observation]
):
    path = tmp_path_factory.getbasetemp() / "written.jsonl.gz"
    lines = [encode_observation(observation) for observation in observations]
    path.write_bytes(gzip.compress(b"\n".join(lines)))

    read = list(read_recording(path))

    assert read == observations
    assert [encode_observation(line) for line in observations] == lines


@pytest.mark.parametrize("name", ("long.jsonl", "long.jsonl.gz"))
def test_a_line_that_is_too_long_is_named_and_never_read_whole(
    tmp_path: Path, name: str
):
    path = tmp_path / name
    long, longest = b"x" * 3_000_000, file_format.MOST_LINE_BYTES
    fits = GONE.encode() + b" " * (longest - len(GONE))
    text = b"\n".join([GONE.encode(), long, fits, fits + b" ", GONE.encode(), long])
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)

    tracemalloc.start()
    read = list(read_recording(path))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    bad = [each for each in read if isinstance(each, BadLineError)]
    assert [each.line_number for each in bad] == [2, 4, 6]
    assert "longer than 1,000,000 bytes" in str(bad[0])
    assert len(read) == 6
    assert most < 2.9e6
