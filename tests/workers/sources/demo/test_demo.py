"""The bundled demo recording: its contents, and its script, which still writes it."""

import gzip
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from domain.creator.handle import normalize_handle
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.scrape.verdicts import (
    NotFound,
    Ok,
    Private,
)
from tests.demo.generate import QUIET_DAYS, START, generate, generate_history, write
from tests.demo.scrape_times import BEGIN_DAY, DAYS
from workers.sources.demo import DEMO_BEGINS, DEMO_HANDLES, DEMO_RECORDING, history_path
from workers.sources.demo.shift_dates import days_to_shift, shifted
from workers.sources.port import Target
from workers.sources.providers.replay import Recording, ReplayProvider
from workers.sources.recordings.file_format import Observation, read_recording

MOUNT, KETTLE, GRUFF, POPULATION = DEMO_HANDLES
BAKERY = "kid-and-kettle-bakery"


@pytest.fixture(scope="module")
def lines() -> list[Observation]:
    """The whole story: the past at the demo's start, and its future."""
    return observed(*map(history_path, DEMO_HANDLES), DEMO_RECORDING)


def observed(*paths: Path) -> list[Observation]:
    """The observations of recordings, oldest first; none of them is broken."""
    read = [line for path in paths for line in read_recording(path)]
    good = [line for line in read if isinstance(line, Observation)]
    assert len(good) == len(read)
    return sorted(good, key=lambda line: line.observed_at)


def profiles(
    lines: list[Observation], *handles: str
) -> list[tuple[Observation, ProfileObservation]]:
    return [
        (line, line.profile)
        for line in lines
        if line.profile and (not handles or line.handle in handles)
    ]


def videos(
    lines: list[Observation], *handles: str
) -> list[tuple[Observation, VideoObservation]]:
    return [
        (line, line.video)
        for line in lines
        if line.video and (not handles or line.handle in handles)
    ]


def lists(lines: list[Observation], *handles: str) -> list[set[str]]:
    by_moment: defaultdict[datetime, set[str]] = defaultdict(set)
    for line, video in videos(lines, *handles):
        by_moment[line.observed_at].add(video.tiktok_video_id)
    return list(by_moment.values())


def falls(counts: list[int | None]) -> int:
    return sum(
        later < earlier
        for earlier, later in pairwise(counts)
        if earlier is not None and later is not None
    )


def test_the_script_writes_the_recording_that_is_shipped(tmp_path: Path):
    write(tmp_path / "demo.jsonl.gz", generate())

    written = (tmp_path / "demo.jsonl.gz").read_bytes()
    shipped = DEMO_RECORDING.read_bytes()
    # The compressed bytes depend on the zlib that packs them, the lines on nothing.
    assert gzip.decompress(written) == gzip.decompress(shipped)
    assert gzip.decompress(shipped).splitlines() == generate()
    # Bytes 4 to 8 are the time of packing: none, so that packing again is no change.
    assert shipped[4:8] == written[4:8] == bytes(4)


def test_the_script_writes_the_past_that_is_shipped():
    history = generate_history()

    assert tuple(history) == DEMO_HANDLES
    for handle, lines in history.items():
        shipped = gzip.decompress(history_path(handle).read_bytes())
        assert shipped.splitlines() == lines


@pytest.mark.parametrize("handle", DEMO_HANDLES)
def test_the_past_is_a_look_nearly_every_day_until_the_recording_begins(handle: str):
    history = observed(history_path(handle))

    assert {line.handle for line in history} == {handle}
    moments = sorted({line.observed_at for line in history})
    days = {moment.date() for moment in moments}
    assert moments[0].date() == START.date() - timedelta(days=QUIET_DAYS)
    assert moments[-1].date() == DEMO_BEGINS.date() - timedelta(days=1)
    assert QUIET_DAYS + BEGIN_DAY - 3 < len(days) <= QUIET_DAYS + BEGIN_DAY
    assert len({line.observed_at for line, _ in profiles(history)}) > 100
    assert len({line.observed_at for line, _ in videos(history)}) > 80
    posted = {video.tiktok_video_id: video.posted_at for _, video in videos(history)}
    assert sum(at is not None and at < moments[0] for at in posted.values()) >= 3
    assert sum(at is not None and at > moments[0] for at in posted.values()) >= 15


@pytest.mark.parametrize("handle", DEMO_HANDLES)
def test_the_recording_goes_on_where_the_past_ends(
    handle: str, lines: list[Observation]
):
    history = observed(history_path(handle))
    begin = [
        line
        for line in lines
        if line.handle == handle and line.observed_at == DEMO_BEGINS
    ]
    last = max(line.observed_at for line in history)
    before = {
        video.tiktok_video_id: video
        for line, video in videos(history)
        if line.observed_at == last
    }
    after = {video.tiktok_video_id: video for _, video in videos(begin)}

    assert before
    assert before.keys() <= after.keys()
    for video_id, video in before.items():
        now = after[video_id]
        assert (now.title, now.posted_at) == (video.title, video.posted_at)
        assert (now.view_count or 0) >= 0.99 * (video.view_count or 0)
    (*_, (_, profile)) = profiles(history)
    ((_, now_seen),) = profiles(begin)
    assert profile.user_id == now_seen.user_id
    assert (profile.video_count or 0) <= (now_seen.video_count or 0)
    assert (profile.total_likes_count or 0) <= (now_seen.total_likes_count or 0)
    followers = now_seen.follower_count or 0
    assert abs(followers - (profile.follower_count or 0)) < followers / 100


def test_the_recording_is_small_enough_to_ship(lines: list[Observation]):
    shipped = [DEMO_RECORDING, *map(history_path, DEMO_HANDLES)]
    assert sum(path.stat().st_size for path in shipped) < 500_000
    assert len(lines) > 10_000


def test_every_handle_is_valid_and_can_be_nobodys(lines: list[Observation]):
    handles = {line.handle for line in lines}

    assert handles == {*DEMO_HANDLES, BAKERY}
    for handle in handles:
        assert normalize_handle(handle) == handle
        assert "-" in handle  # which TikTok does not allow


def test_it_lasts_eleven_weeks_with_looks_on_nearly_every_day():
    lines = observed(DEMO_RECORDING)
    first, last = lines[0].observed_at, lines[-1].observed_at

    assert first == DEMO_BEGINS
    assert last - first > timedelta(days=DAYS - BEGIN_DAY - 1)
    for handle in (MOUNT, POPULATION):
        days = Counter(line.observed_at.date() for line, _ in profiles(lines, handle))
        assert 70 < len(days) < DAYS - BEGIN_DAY  # some gaps
        assert max(days.values()) >= 2
    moments = [line.observed_at for line, _ in profiles(lines, MOUNT)]
    assert any(
        later - earlier < timedelta(minutes=18) for earlier, later in pairwise(moments)
    )


def test_one_creator_is_renamed_and_stays_the_same_account(lines: list[Observation]):
    gone = [line for line in lines if line.handle == KETTLE and line.outcome]
    renamed_at = min(line.observed_at for line in gone if line.outcome == "not_found")
    before = profiles(lines, KETTLE)
    after = [
        seen for seen in profiles(lines, BAKERY) if seen[0].observed_at >= renamed_at
    ]

    assert before[-1][0].observed_at < renamed_at <= after[0][0].observed_at
    assert len({(seen.user_id, seen.sec_uid) for _, seen in before + after}) == 1
    assert before[-1][1].display_name != after[0][1].display_name
    old, new = before[-1][1].follower_count, after[0][1].follower_count
    assert old is not None
    assert new is not None
    assert abs(new - old) < 50
    assert {line.outcome for line in gone if line.observed_at >= renamed_at} == {
        "not_found"
    }
    ids_before = {video.tiktok_video_id for _, video in videos(lines, KETTLE)}
    ids_after = {video.tiktok_video_id for _, video in videos(lines, BAKERY)}
    assert ids_before < ids_after


def test_one_creator_goes_private_for_good(lines: list[Observation]):
    hers = [line for line in lines if line.handle == GRUFF]

    private = [line for line in hers if line.outcome == "private"]
    seen = [line for line in hers if not line.outcome]
    assert len(private) > 30
    assert seen[-1].observed_at < private[0].observed_at


def test_large_numbers_are_cut_and_missing_before_they_are_exact(
    lines: list[Observation],
):
    seen = [profile for _, profile in profiles(lines, MOUNT)]

    rounded = [profile for profile in seen if profile.precision == "rounded"]
    exact = [profile for profile in seen if profile.precision == "exact"]
    assert all((profile.follower_count or 0) % 100_000 == 0 for profile in rounded)
    assert any((profile.follower_count or 0) % 100_000 for profile in exact)
    likes = [profile.total_likes_count for profile in rounded]
    assert sum(count is None for count in likes) > 5
    # A number that overflowed at the source is unknown.
    assert not any(count is not None and count < 0 for count in likes)
    assert sum(count is not None and count > 0 for count in likes) > 5
    assert all((profile.total_likes_count or 0) >= 2**31 for profile in exact)


def test_counters_shrink_now_and_then_and_mostly_grow(lines: list[Observation]):
    followers = falls([seen.follower_count for _, seen in profiles(lines, GRUFF)])
    declining = falls([seen.follower_count for _, seen in profiles(lines, POPULATION)])
    by_video: defaultdict[str, list[VideoObservation]] = defaultdict(list)
    for _, video in videos(lines):
        by_video[video.tiktok_video_id].append(video)
    pairs = sum(len(seen) - 1 for seen in by_video.values())
    views = sum(falls([v.view_count for v in seen]) for seen in by_video.values())
    comments = sum(falls([v.comment_count for v in seen]) for seen in by_video.values())

    assert 3 <= followers <= 20
    assert declining > 50
    assert 0.0005 < views / pairs < 0.01
    assert 0.01 < comments / pairs < 0.1


def test_saves_are_missing_before_a_date_and_never_zero_instead(
    lines: list[Observation],
):
    for handle in (KETTLE, GRUFF):
        saves = [video.save_count for _, video in videos(lines, handle)]
        first = next(at for at, count in enumerate(saves) if count is not None)
        assert first > 50
        assert None not in saves[first:]


def test_some_rows_have_no_views(lines: list[Observation]):
    missing = [v for _, v in videos(lines, POPULATION) if v.view_count is None]

    assert len(missing) > 3
    assert all(video.like_count is not None for video in missing)


def test_lists_are_partial_and_what_was_missing_comes_back(
    lines: list[Observation],
):
    for handle in (MOUNT, POPULATION):
        seen = lists(lines, handle)

        returned = sum(
            len((before & after) - partial)
            for before, partial, after in zip(seen, seen[1:], seen[2:], strict=False)
        )
        assert returned > 10


def test_a_pinned_video_stays_in_partial_lists_and_a_deleted_one_leaves(
    lines: list[Observation],
):
    seen = lists(lines, POPULATION)
    relics = {
        video.tiktok_video_id
        for _, video in videos(lines, POPULATION)
        if len(video.tiktok_video_id) == 17
    }

    assert len(relics) == 1
    assert all(relics <= listed for listed in seen)
    deleted = [
        video_id
        for video_id in seen[0]
        if not any(video_id in listed for listed in seen[-20:])
    ]
    assert len(deleted) == 1
    counts = [profile.video_count for _, profile in profiles(lines, POPULATION)]
    assert falls(counts) == 1


def test_ids_tell_when_a_video_was_made_except_the_relics(lines: list[Observation]):
    for _, video in videos(lines):
        assert video.posted_at
        made = datetime.fromtimestamp(int(video.tiktok_video_id) >> 32, tz=UTC)
        lag = video.posted_at - made
        if len(video.tiktok_video_id) == 19:
            assert timedelta() < lag < timedelta(minutes=1)
        else:
            assert lag > timedelta(days=365)


def test_there_are_photos_and_names_and_titles_in_many_scripts(
    lines: list[Observation],
):
    kinds = Counter(
        {video.tiktok_video_id: video.kind for _, video in videos(lines)}.values()
    )
    titles = {video.title or "" for _, video in videos(lines)}
    names = {seen.display_name or "" for _, seen in profiles(lines)}

    assert kinds["photo"] >= 10
    assert kinds["video"] > 150
    for texts in (titles, names):
        joined = "".join(texts)
        assert re.search("[\u0600-\u06ff]", joined)  # Arabic
        assert re.search("[\u3040-\u30ff]", joined)  # kana
        assert re.search("[\U0001f400-\U0001faff]", joined)  # emoji
    assert "\u200d" in "".join(names)  # a joined emoji
    assert "" in titles


def test_user_ids_and_secure_ids_have_their_real_lengths(lines: list[Observation]):
    seen = [profile for _, profile in profiles(lines)]

    assert {len(profile.sec_uid or "") for profile in seen} == {55, 76}
    assert {len(profile.user_id or "") for profile in seen} == {6, 14, 19}


def test_some_looks_fail_and_say_how(lines: list[Observation]):
    words = {line.outcome for line in lines if line.outcome}

    assert words == {
        "blocked",
        "not_found",
        "private",
        "rate_limited",
        "schema_changed",
        "transient",
    }


def test_who_renames_ahead_of_the_day_sees_the_same_account_at_once(
    lines: list[Observation],
):
    first_day = DEMO_BEGINS.date()
    by_handle = {
        handle: [
            (line.observed_at, line.profile, line.video)
            for line in lines
            if line.handle == handle and line.observed_at.date() == first_day
        ]
        for handle in (KETTLE, BAKERY)
    }

    assert by_handle[BAKERY]
    assert by_handle[BAKERY] == by_handle[KETTLE]


@pytest.mark.parametrize("handle", DEMO_HANDLES)
def test_there_is_news_every_two_hours_of_the_first_day(
    handle: str, lines: list[Observation]
):
    end = DEMO_BEGINS + timedelta(days=1)
    scrape_times = {
        line.observed_at
        for line, _ in videos(lines, handle)
        if DEMO_BEGINS <= line.observed_at < end
    }

    assert scrape_times == {
        DEMO_BEGINS + timedelta(hours=hour) for hour in range(0, 24, 2)
    }


def test_told_on_another_day_all_moments_and_ids_are_that_much_later(
    lines: list[Observation],
):
    days = days_to_shift(datetime(2027, 3, 1, 23, 59, tzinfo=UTC))
    by = timedelta(days=days)

    moved = [
        line for line in shifted(lines, days=days) if isinstance(line, Observation)
    ]

    assert DEMO_BEGINS + by == datetime(2027, 3, 1, tzinfo=UTC)
    assert len(moved) == len(lines)
    for before, after in zip(lines, moved, strict=True):
        assert after.observed_at - before.observed_at == by
        assert (after.handle, after.profile) == (before.handle, before.profile)
        if before.video is None or after.video is None:
            assert before.video == after.video
        elif len(before.video.tiktok_video_id) < 19:
            assert after.video == before.video
        else:
            assert before.video.posted_at
            assert after.video.posted_at == before.video.posted_at + by
            later = int(after.video.tiktok_video_id) - int(before.video.tiktok_video_id)
            assert later == days * 86_400 << 32
            assert after.video.view_count == before.video.view_count


def test_a_line_that_cannot_be_read_is_told_as_it_is(tmp_path: Path):
    path = tmp_path / "broken.jsonl"
    path.write_text("no observation\n")
    (problem,) = read_recording(path)

    assert list(shifted([problem], days=3)) == [problem]


def test_the_demo_can_be_played_from_its_first_second():
    started_at = datetime(2030, 1, 1, tzinfo=UTC)
    moments = [started_at]
    provider = ReplayProvider(
        Recording.load(DEMO_RECORDING),
        started_at=started_at,
        speed=86_400.0,
        now=lambda: moments[-1],
    )

    for handle in DEMO_HANDLES:
        profile = provider.creator_profiles(Target(handle=handle))
        found = provider.discover_videos(Target(handle=handle))
        assert isinstance(profile, Ok)
        assert profile.profile
        assert isinstance(found, Ok)
        assert len(found.videos) >= 10

    moments.append(started_at + timedelta(minutes=2))
    assert isinstance(provider.creator_profiles(Target(handle=KETTLE)), NotFound)
    assert isinstance(provider.creator_profiles(Target(handle=BAKERY)), Ok)
    assert isinstance(provider.creator_profiles(Target(handle=GRUFF)), Private)
    rest = provider.discover_videos(Target(handle=POPULATION))
    assert isinstance(rest, Ok)
    assert len(rest.videos) > 40
