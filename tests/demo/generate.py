"""Writes the demo's recording and its past: ``python -m tests.demo.generate``.

It is one story, and on which day of it the demo is started decides what is past then.

The same lines come out on every Python and machine. The compressed bytes are the same
too, except where Python is built on another zlib.
"""

import gzip
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from msgspec.structs import astuple

from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
    stated_attributes,
)
from tests.demo.attributes import attributes_of_clip
from tests.demo.cast import CAST
from tests.demo.character import Character, Fate
from tests.demo.clips import Clip, clips_of
from tests.demo.dice import Dice
from tests.demo.scrape_times import BEGIN_DAY, DAY, DAYS, HOUR, ScrapeTime, scrape_times
from workers.sources.demo import DEMO_BEGINS, DEMO_HISTORY, DEMO_RECORDING, history_path
from workers.sources.recordings.file_format import (
    Observation,
    RecordedOutcome,
    encode_observation,
)

# The story's day 0. Before it nothing happens but posts and their views.
START = DEMO_BEGINS - timedelta(days=BEGIN_DAY)
QUIET_DAYS = 62
SEED = 20_260_701
_HISTORY_SEED = 20_260_430


def generate() -> list[bytes]:
    """Return the recording's lines, each video's together, because that packs well."""
    return _lines(
        observation
        for number, character in enumerate(CAST)
        for observation in _observations(character, Dice(SEED + number))
        if observation.observed_at >= DEMO_BEGINS
    )


def generate_history() -> dict[str, list[bytes]]:
    """Return the observations of each creator before the recording begins."""
    return {
        character.handle: _lines(_history(character, number))
        for number, character in enumerate(CAST)
    }


def write(path: Path, lines: Iterable[bytes]) -> None:
    """Write the lines, packed, to a file that is the same every time."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=0) as packed,
    ):
        packed.writelines(line + b"\n" for line in lines)


def _lines(observations: Iterable[Observation]) -> list[bytes]:
    ordered = sorted(
        observations,
        key=lambda seen: (
            seen.handle,
            seen.video.tiktok_video_id if seen.video else "",
            seen.observed_at,
        ),
    )
    return [encode_observation(seen) for seen in ordered]


def _observations(character: Character, dice: Dice) -> Iterator[Observation]:
    clips = _clips(character, dice)
    followers = _followers(character, clips, dice)
    for scrape in scrape_times(character.fate, dice):
        handles = _handles(character, scrape)
        if character.handle not in handles:
            yield _observed(scrape, character.handle, outcome="not_found")
        if outcome := _outcome(character.fate, scrape.day):
            for handle in handles:
                yield _observed(scrape, handle, outcome=outcome)
            continue
        count = _between(followers, scrape.second)
        profile = _profile(character, scrape, clips=clips, follower_count=count)
        for handle in handles:
            yield _observed(scrape, handle, profile=profile)
        if scrape.lists:
            for clip in _listed(character.fate, clips, scrape=scrape, dice=dice):
                clip.lose_some(dice, scrape.second)
                video = _video(
                    character.fate, clip, character.handle, scrape=scrape, dice=dice
                )
                for handle in handles:
                    yield _observed(scrape, handle, video=video)


def _handles(character: Character, scrape: ScrapeTime) -> tuple[str, ...]:
    """Return the handles that the account answers to.

    Its next name already in the recording, for those who rename it ahead of its day.
    """
    rename = character.fate.rename
    if rename is None or scrape.second < BEGIN_DAY * DAY:
        return (character.handle,)
    if scrape.day < rename.day:
        return (character.handle, rename.handle)
    return (rename.handle,)


def _history(character: Character, number: int) -> Iterator[Observation]:
    """Tell the quiet days, and the story until the recording begins."""
    yield from _quiet(character, number)
    for observation in _observations(character, Dice(SEED + number)):
        if observation.observed_at < DEMO_BEGINS:
            yield observation


def _quiet(character: Character, number: int) -> Iterator[Observation]:
    """Observe the first clips every morning before day 0.

    Nothing is taken back here, so that the story goes on where this ends.
    """
    clips = _clips(character, Dice(SEED + number))
    dice = Dice(_HISTORY_SEED + number)
    followers = _followers_before(character, clips, dice)
    begin = -QUIET_DAYS * DAY
    for day in range(QUIET_DAYS):
        second = begin + day * DAY + 5 * HOUR + dice.whole(0, 4_200)
        scrape = ScrapeTime(second=second, lists=True)
        count = _between(followers, second - begin)
        profile = _profile(character, scrape, clips=clips, follower_count=count)
        yield _observed(scrape, character.handle, profile=profile)
        for clip in clips:
            if clip.shown_at(second):
                video = _video(
                    character.fate, clip, character.handle, scrape=scrape, dice=dice
                )
                yield _observed(scrape, character.handle, video=video)


def _clips(character: Character, dice: Dice) -> list[Clip]:
    return clips_of(character, dice, epoch=int(START.timestamp()), seconds=DAYS * DAY)


def _outcome(fate: Fate, day: int) -> RecordedOutcome | None:
    if fate.private_from is not None and day >= fate.private_from:
        return "private"
    return fate.outcomes.get(day)


def _followers(character: Character, clips: list[Clip], dice: Dice) -> list[float]:
    """Return the follower count at the beginning of each day, and of the one after."""
    counts = [float(character.account.followers)]
    for gain in _gains(character, clips, dice, days=range(DAYS)):
        counts.append(counts[-1] + gain)
    return counts


def _followers_before(
    character: Character, clips: list[Clip], dice: Dice
) -> list[float]:
    """Return the follower count at the beginning of each past day, and on day 0."""
    gains = list(_gains(character, clips, dice, days=range(-QUIET_DAYS, 0)))
    counts = [character.account.followers - _sum(gains)]
    for gain in gains:
        counts.append(counts[-1] + gain)
    return counts


def _gains(
    character: Character, clips: list[Clip], dice: Dice, *, days: range
) -> Iterator[float]:
    """Yield how many followers more there are after each of the days."""
    account, habits = character.account, character.habits
    views = _views(clips, days.start * DAY)
    for day in days:
        before, views = views, _views(clips, (day + 1) * DAY)
        gain = account.followers_a_day * (1.0 + 0.7 * dice.wake_up())
        gain += habits.new_followers * (views - before) * dice.between(0.6, 1.4)
        if dice.chance(0.07):  # of the days of a real account, more left than came
            gain = -0.5 * gain if gain > 0 else 2.0 * gain
        yield gain


def _between(counts: list[float], second: int) -> int:
    """Return the count at that second after the first, from those of the days."""
    day, rest = divmod(second, DAY)
    today, tomorrow = counts[day : day + 2]
    return round(today + (tomorrow - today) * rest / DAY)


def _views(clips: list[Clip], second: int) -> float:
    return _sum(clip.views_at(second) for clip in clips)


def _sum(numbers: Iterable[float]) -> float:
    # A loop because ``sum`` of floats is computed otherwise since 3.12.
    total = 0.0
    for number in numbers:
        total += number
    return total


def _profile(
    character: Character, scrape: ScrapeTime, *, clips: list[Clip], follower_count: int
) -> ProfileObservation:
    account, fate = character.account, character.fate
    rename = fate.rename if fate.rename and scrape.day >= fate.rename.day else None
    shown = [clip for clip in clips if clip.shown_at(scrape.second)]
    likes = account.likes + sum(clip.counts_at(scrape.second).likes for clip in shown)
    rounded = scrape.day < fate.rounded_until
    return ProfileObservation(
        user_id=account.user_id,
        sec_uid=account.sec_uid,
        display_name=rename.display_name if rename else account.display_name,
        follower_count=_cut(follower_count) if rounded else follower_count,
        following_count=account.following + scrape.day // 19,
        total_likes_count=_reported(likes) if rounded else likes,
        video_count=account.older_videos + len(shown),
        precision="rounded" if rounded else "exact",
    )


def _reported(likes: int) -> int | None:
    """Return a sum of likes as sources say it: from 2**31 on pages show another one."""
    return _cut(likes) if likes < 2**31 else None


def _listed(
    fate: Fate, clips: list[Clip], *, scrape: ScrapeTime, dice: Dice
) -> list[Clip]:
    """Return the videos of a list: mostly all, at times only a part."""
    shown = [clip for clip in clips if clip.shown_at(scrape.second)]
    if scrape.day in (0, BEGIN_DAY) or scrape.day >= DAYS - 3:
        return shown  # whole where the replay begins, and where it comes to rest
    if dice.chance(fate.partial_lists):
        newest = len(shown) - dice.whole(8, 20)
        shown = [clip for at, clip in enumerate(shown) if clip.pinned or at >= newest]
    return [clip for clip in shown if clip.pinned or not dice.chance(0.002)]


def _video(
    fate: Fate, clip: Clip, handle: str, *, scrape: ScrapeTime, dice: Dice
) -> VideoObservation:
    counts = clip.counts_at(scrape.second)
    rounded = scrape.day < fate.rounded_until
    views, likes, comments, shares, saves = (
        _cut(count) if rounded else count for count in astuple(counts)
    )
    return VideoObservation(
        tiktok_video_id=clip.tiktok_video_id,
        title=clip.title,
        kind="photo" if clip.photo else "video",
        posted_at=START + timedelta(seconds=clip.posted),
        view_count=None if dice.chance(fate.null_views) else views,
        like_count=likes,
        comment_count=comments,
        share_count=shares,
        save_count=saves if scrape.day >= fate.save_counts_from else None,
        **stated_attributes(attributes_of_clip(clip, handle)),
    )


def _cut(count: int) -> int:
    """Cut a number as the platform's pages do: 12345 is shown as 12.3K."""
    for start, step in ((10**9, 10**8), (10**6, 10**5), (10**4, 10**2)):
        if count >= start:
            return count // step * step
    return count


def _observed(
    scrape: ScrapeTime,
    handle: str,
    *,
    profile: ProfileObservation | None = None,
    video: VideoObservation | None = None,
    outcome: RecordedOutcome | None = None,
) -> Observation:
    return Observation(
        observed_at=START + timedelta(seconds=scrape.second),
        handle=handle,
        profile=profile,
        video=video,
        outcome=outcome,
    )


if __name__ == "__main__":
    write(DEMO_RECORDING, generate())
    DEMO_HISTORY.mkdir(exist_ok=True)
    for handle, lines in generate_history().items():
        write(history_path(handle), lines)
