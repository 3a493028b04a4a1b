"""Playing a recording: what a scrape sees, and when."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.scrape.verdicts import (
    NotInRecording,
    Ok,
    Private,
    RateLimited,
    Verdict,
    outcome_of,
)
from workers.sources.port import (
    Provider,
    Target,
)
from workers.sources.providers.replay import Recording, ReplayProvider
from workers.sources.recordings.file_format import (
    BadFileError,
    BadLineError,
    Observation,
    RecordedOutcome,
    RecordingError,
    encode_observation,
)

MONDAY = datetime(2026, 2, 2, tzinfo=UTC)
STARTED_AT = datetime(2030, 1, 1, tzinfo=UTC)
DAY_A_SECOND = 86_400.0
BILLIE = Target(handle="billie")


def profile(day: float, followers: int, handle: str = "billie") -> Observation:
    return Observation(
        observed_at=MONDAY + timedelta(days=day),
        handle=handle,
        profile=ProfileObservation(follower_count=followers),
    )


def video(day: float, video_id: str, views: int, handle: str = "billie") -> Observation:
    return Observation(
        observed_at=MONDAY + timedelta(days=day),
        handle=handle,
        video=VideoObservation(tiktok_video_id=video_id, view_count=views),
    )


def outcome(
    day: float, word: RecordedOutcome = "private", handle: str = "billie"
) -> Observation:
    return Observation(
        observed_at=MONDAY + timedelta(days=day), handle=handle, outcome=word
    )


def replaying(
    *lines: Observation, after: float, speed: float = DAY_A_SECOND
) -> ReplayProvider:
    """Play the lines, ``after`` seconds into the replay."""
    return ReplayProvider(
        Recording(lines),
        started_at=STARTED_AT,
        speed=speed,
        now=lambda: STARTED_AT + timedelta(seconds=after),
    )


def followers_in(verdict: Verdict) -> int | None:
    assert isinstance(verdict, Ok)
    assert verdict.profile
    return verdict.profile.follower_count


def views_in(verdict: Verdict) -> dict[str, int | None]:
    assert isinstance(verdict, Ok)
    return {seen.tiktok_video_id: seen.view_count for seen in verdict.videos}


@pytest.mark.parametrize(
    ("after", "followers"),
    ((0, 10), (0.9, 10), (1, 11), (2.5, 11), (3, 12), (1e9, 12)),
)
def test_a_scrape_sees_the_newest_profile_at_or_before_the_present(
    after: float, followers: int
):
    provider: Provider = replaying(
        profile(3, 12), profile(0, 10), profile(1, 11), after=after
    )

    verdict = provider.creator_profiles(BILLIE)

    assert followers_in(verdict) == followers


def test_speed_is_in_recorded_seconds_a_second():
    lines = profile(0, 10), profile(1, 11)

    before = replaying(*lines, speed=60.0, after=1_439).creator_profiles(BILLIE)
    after = replaying(*lines, speed=60.0, after=1_440).creator_profiles(BILLIE)

    assert (followers_in(before), followers_in(after)) == (10, 11)


def test_a_clock_that_was_set_back_shows_the_beginning():
    provider = replaying(profile(0, 10), profile(1, 11), after=-3_600)

    verdict = provider.creator_profiles(BILLIE)

    assert followers_in(verdict) == 10
    assert provider.present() == MONDAY


def test_a_profile_is_told_with_its_own_moment_and_the_digest_of_its_line():
    line = profile(0, 10)

    verdict = replaying(line, profile(2, 12), after=1).creator_profiles(BILLIE)

    assert verdict == Ok(
        observed_at=MONDAY,
        profile=ProfileObservation(follower_count=10),
        payload_sha256=sha256(encode_observation(line)).hexdigest(),
    )


def test_a_list_is_all_that_was_seen_at_one_moment_and_never_a_merger_of_two():
    lines = video(0, "1", 10), video(0, "2", 20), video(1, "2", 21), video(1, "3", 31)

    first = replaying(*lines, after=0.5).discover_videos(BILLIE)
    second = replaying(*lines, after=1.5).discover_videos(BILLIE)

    assert views_in(first) == {"1": 10, "2": 20}
    assert views_in(second) == {"2": 21, "3": 31}
    assert isinstance(second, Ok)
    assert second.observed_at == MONDAY + timedelta(days=1)
    assert (
        second.payload_sha256
        == sha256(
            encode_observation(lines[2]) + b"\n" + encode_observation(lines[3])
        ).hexdigest()
    )


def test_video_stats_are_of_the_videos_that_were_asked_for():
    provider = replaying(video(0, "1", 10), video(0, "2", 20), after=0)

    some = provider.video_stats(Target(handle="billie", video_ids=("2", "9")))
    everything = provider.video_stats(BILLIE)

    assert views_in(some) == {"2": 20}
    assert views_in(everything) == {"1": 10, "2": 20}


def test_the_newest_outcome_decides_until_something_was_seen_again():
    lines = profile(0, 10), video(0, "1", 1), outcome(1), profile(2, 12)

    provider = replaying(*lines, after=1.5)
    later = replaying(*lines, after=2)

    assert isinstance(provider.creator_profiles(BILLIE), Private)
    assert isinstance(provider.discover_videos(BILLIE), Private)
    assert isinstance(provider.video_stats(BILLIE), Private)
    assert followers_in(later.creator_profiles(BILLIE)) == 12
    # No list was recorded since, so the outcome is still the newest about lists.
    assert isinstance(later.discover_videos(BILLIE), Private)


def test_what_was_seen_wins_over_an_outcome_of_the_same_moment():
    provider = replaying(outcome(0), profile(0, 10), video(0, "1", 1), after=0)

    assert followers_in(provider.creator_profiles(BILLIE)) == 10
    assert views_in(provider.discover_videos(BILLIE)) == {"1": 1}


@pytest.mark.parametrize("word", get_args(RecordedOutcome))
def test_every_recorded_outcome_is_answered_with_the_verdict_of_that_name(
    word: RecordedOutcome,
):
    verdict = replaying(outcome(0, word), after=0).creator_profiles(BILLIE)

    assert outcome_of(verdict) == word
    assert not isinstance(verdict, Ok)
    assert "@billie" in verdict.detail
    if isinstance(verdict, RateLimited):
        assert verdict.retry_after > 0


def test_of_a_handle_that_the_recording_does_not_know_nothing_is_claimed():
    provider = replaying(profile(0, 10), after=0)
    stranger = Target(handle="nanny")

    assert isinstance(provider.creator_profiles(stranger), NotInRecording)
    assert isinstance(provider.discover_videos(stranger), NotInRecording)
    assert isinstance(provider.video_stats(stranger), NotInRecording)


def test_a_handle_that_begins_later_answers_with_its_first_observation_until_then():
    lines = (
        profile(0, 10, handle="nanny"),
        profile(7, 12),
        video(7.1, "1", 1),
        outcome(9, handle="gruff"),
        profile(10, 1, handle="gruff"),
    )

    provider = replaying(*lines, after=1)

    assert followers_in(provider.creator_profiles(BILLIE)) == 12
    assert views_in(provider.discover_videos(BILLIE)) == {"1": 1}
    assert isinstance(provider.creator_profiles(Target(handle="gruff")), Private)


def test_a_handle_with_only_videos_is_there_and_has_no_profile():
    provider = replaying(video(0, "1", 1), video(1, "1", 2), after=5)

    verdict = provider.creator_profiles(BILLIE)

    assert verdict == Ok(observed_at=MONDAY + timedelta(days=1))


def test_a_handle_with_only_profiles_is_there_and_lists_nothing():
    provider = replaying(profile(0, 1), profile(2, 2), outcome(3), after=1)

    verdict = provider.discover_videos(BILLIE)

    assert verdict == Ok(observed_at=MONDAY)


def test_a_folder_with_a_broken_file_is_played_without_it(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"followers":  }\n')
    (tmp_path / "b.jsonl").write_bytes(encode_observation(profile(0, 10)))
    (tmp_path / "c.jsonl.gz").write_bytes(b"no gzip")

    recording = Recording.load(tmp_path)

    assert recording.handles == ("billie",)
    assert [type(problem) for problem in recording.problems] == [
        BadLineError,
        BadFileError,
    ]


def test_a_recording_of_which_nothing_can_be_read_is_refused(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text("half")

    with pytest.raises(BadLineError):
        Recording.load(tmp_path)
    with pytest.raises(RecordingError):
        Recording.load(tmp_path / "nowhere.jsonl")


def test_an_empty_recording_knows_nobody(tmp_path: Path):
    (tmp_path / "a.jsonl").touch()

    recording = Recording.load(tmp_path / "a.jsonl")

    provider = ReplayProvider(
        recording, started_at=STARTED_AT, speed=1.0, now=lambda: STARTED_AT
    )
    assert isinstance(provider.creator_profiles(BILLIE), NotInRecording)


# Few handles, moments and ids, so that ties, gaps and doubles are common.
DAYS = st.integers(0, 6)
HANDLES = st.sampled_from(("billie", "nanny"))
COUNTS = st.integers(0, 3)
OUTCOMES: st.SearchStrategy[RecordedOutcome] = st.sampled_from(
    ("not_found", "private", "transient")
)
LINES = st.lists(
    st.one_of(
        st.builds(profile, DAYS, COUNTS, HANDLES),
        st.builds(video, DAYS, st.sampled_from(("1", "2", "3")), COUNTS, HANDLES),
        st.builds(outcome, DAYS, OUTCOMES, HANDLES),
    ),
    max_size=25,
)


@given(
    lines=LINES, half_days=st.integers(-2, 16), wanted=st.sets(st.sampled_from("12"))
)
@example(lines=[profile(0, 1), outcome(2), video(4, "1", 1)], half_days=1, wanted=set())
def test_a_scrape_sees_what_a_slow_look_at_every_line_finds(
    lines: list[Observation], half_days: int, wanted: set[str]
):
    target = Target(handle="billie", video_ids=tuple(wanted))

    provider = replaying(*lines, after=half_days / 2)

    first = min((line.observed_at for line in lines), default=MONDAY)
    last = max((line.observed_at for line in lines), default=MONDAY)
    moment = min(max(first, first + timedelta(days=half_days / 2)), last)
    mine = [line for line in lines if line.handle == "billie"]
    assert said_by(provider.creator_profiles(target)) == slow_profile(mine, moment)
    assert said_by(provider.discover_videos(target)) == slow_list(mine, moment)
    assert said_by(provider.video_stats(target)) == slow_list(
        mine, moment, wanted=wanted or None
    )


@given(lines=LINES, days=st.integers(0, 8), data=st.data())
def test_the_order_of_the_lines_and_doubles_among_them_change_nothing(
    lines: list[Observation], days: int, data: st.DataObject
):
    shuffled = data.draw(st.permutations(lines + lines[::2]))

    one, other = replaying(*lines, after=days), replaying(*shuffled, after=days)

    assert one.creator_profiles(BILLIE) == other.creator_profiles(BILLIE)
    assert one.discover_videos(BILLIE) == other.discover_videos(BILLIE)


Said = tuple[str, datetime | None, frozenset[ProfileObservation | VideoObservation]]


def said_by(verdict: Verdict) -> Said:
    """Return the verdict's word, moment and content, for comparing with a slow look."""
    if not isinstance(verdict, Ok):
        return outcome_of(verdict), None, frozenset()
    seen = {verdict.profile} if verdict.profile else set(verdict.videos)
    return "ok", verdict.observed_at, frozenset(seen)


def slow_profile(mine: Sequence[Observation], moment: datetime) -> Said:
    deciding = slow_look(mine, moment, part="profile")
    if isinstance(deciding, tuple):
        return deciding
    return (
        "ok",
        deciding.observed_at,
        frozenset({deciding.profile or ProfileObservation()}),
    )


def slow_list(
    mine: Sequence[Observation], moment: datetime, wanted: set[str] | None = None
) -> Said:
    deciding = slow_look(mine, moment, part="video")
    if isinstance(deciding, tuple):
        return deciding
    listed: dict[str, VideoObservation] = {}
    for line in sorted(mine, key=encode_observation):
        if line.video and line.observed_at == deciding.observed_at:
            listed[line.video.tiktok_video_id] = line.video
    return (
        "ok",
        deciding.observed_at,
        frozenset(
            seen for key, seen in listed.items() if wanted is None or key in wanted
        ),
    )


def slow_look(
    mine: Sequence[Observation], moment: datetime, *, part: str
) -> Observation | Said:
    """Return the deciding line, or the answer where no line decides."""
    if not mine:
        return "not_in_recording", None, frozenset()
    moment = max(moment, min(line.observed_at for line in mine))
    deciding: Observation | None = None
    for line in sorted(mine, key=encode_observation):
        if line.observed_at > moment or not (getattr(line, part) or line.outcome):
            continue
        if (
            deciding is None
            or line.observed_at > deciding.observed_at
            or (line.observed_at == deciding.observed_at and not line.outcome)
            or (line.observed_at == deciding.observed_at and deciding.outcome)
        ):
            deciding = line
    if deciding and deciding.outcome:
        return deciding.outcome, None, frozenset()
    if deciding:
        return deciding
    parts = [line for line in mine if getattr(line, part)]
    if parts:
        earliest = min(line.observed_at for line in parts)
        ties = [line for line in parts if line.observed_at == earliest]
        return min(ties, key=encode_observation)
    newest = max(line.observed_at for line in mine if line.observed_at <= moment)
    return "ok", newest, frozenset()
