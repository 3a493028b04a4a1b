"""The replay provider: replays a recording as if it happened now, without a network."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Self, TypeVar

from msgspec import Struct

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    NotInRecording,
    Ok,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
    Verdict,
)
from workers.sources.port import (
    Provider,
    Target,
)
from workers.sources.recordings.file_format import (
    Observation,
    RecordedOutcome,
    RecordingError,
    encode_observation,
    read_recording,
)

RETRY_AFTER = (
    60.0  # In seconds; a recording does not have the Retry-After of its answers.
)

_VERDICTS: dict[RecordedOutcome, Callable[[str], Verdict]] = {
    "not_found": NotFound,
    "private": Private,
    "unavailable": Unavailable,
    "blocked": Blocked,
    "rate_limited": partial(RateLimited, RETRY_AFTER),
    "transient": Transient,
    "schema_changed": SchemaChanged,
}


class _VideoList(Struct, frozen=True):
    """All the videos of a creator that were observed at one time, by id."""

    observed_at: datetime
    lines: dict[str, Observation]


class _Outcome(Struct, frozen=True):
    """A time without an observation, and the verdict at that time."""

    observed_at: datetime
    verdict: Verdict


class _History(Struct, frozen=True, kw_only=True):
    """The lines of a recording about one handle, oldest first.

    Outcomes are in both lists, before the observations of the same time.
    """

    first_seen: datetime
    profiles: list[Observation | _Outcome]
    lists: list[_VideoList | _Outcome]


_Observed = TypeVar("_Observed", Observation, _VideoList)
_observed_at = attrgetter("observed_at")


class Recording:
    """A recording in memory, by handle and time; make one for each process.

    ``starts_at`` and ``ends_at`` are the times of its first and last observation.
    ``problems`` has the lines and files that could not be read and are left out.
    """

    def __init__(self, lines: Iterable[Observation | RecordingError]) -> None:
        by_handle: dict[str, list[Observation]] = {}
        problems: list[RecordingError] = []
        for line in lines:
            if isinstance(line, RecordingError):
                problems.append(line)
            else:
                by_handle.setdefault(line.handle, []).append(line)
        self.problems = tuple(problems)
        self.histories = {
            handle: _history_of(observations)
            for handle, observations in by_handle.items()
        }
        times = [
            line.observed_at
            for observations in by_handle.values()
            for line in observations
        ]
        self.starts_at = min(times, default=datetime.min.replace(tzinfo=UTC))
        self.ends_at = max(times, default=self.starts_at)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a recording file, or a folder of them, without the broken parts.

        Raises:
            RecordingError: not one observation could be read.

        """
        recording = cls(read_recording(path))
        if recording.problems and not recording.histories:
            raise recording.problems[0]
        return recording

    @property
    def handles(self) -> tuple[str, ...]:
        return tuple(sorted(self.histories))


class ReplayProvider(Provider):
    """Answers as the platform did at the present time of the replay.

    The present is ``starts_at + (now() - started_at) * speed`` on the recording's
    clock, and stops at ``ends_at``. The answer is the newest profile or list at or
    before the present, or an outcome that was recorded after it. Lists of different
    times are never merged.

    Handles may begin on different days, and all of them answer at once: until a
    handle's first observation, the answer is that of its first observation, and until
    its first profile or list, that profile or list. A handle without any profile or
    list answers ``Ok`` with a null profile or no videos. A handle that the recording
    does not have is ``NotInRecording``.

    ``now`` must return a time with a zone, and ``speed`` is in recorded seconds per
    second.
    """

    name = "replay"

    def __init__(
        self,
        recording: Recording,
        *,
        started_at: datetime,
        speed: float,
        now: Callable[[], datetime],
    ) -> None:
        self.recording = recording
        self.started_at = started_at
        self.speed = speed
        self.now = now

    def present(self) -> datetime:
        """Return the time on the recording's clock that the replay has reached."""
        start, end = self.recording.starts_at, self.recording.ends_at
        played = (self.now() - self.started_at).total_seconds() * self.speed
        # The comparison is in seconds, because a long or fast replay overflows a
        # timedelta.
        if played >= (end - start).total_seconds():
            return end
        return start + timedelta(seconds=max(played, 0.0))

    def creator_profiles(self, target: Target) -> Verdict:
        history = self.recording.histories.get(target.handle)
        if history is None:
            return _unknown(target)
        present = max(self.present(), history.first_seen)
        profile = _newest(history.profiles, present)
        if profile is None:
            return _nothing_of_it(history.lists, present)
        if isinstance(profile, _Outcome):
            return profile.verdict
        return Ok(
            observed_at=profile.observed_at,
            profile=profile.profile,
            payload_sha256=_digest([profile]),
        )

    def discover_videos(self, target: Target) -> Verdict:
        return self._videos(target, video_ids=frozenset())

    def video_stats(self, target: Target) -> Verdict:
        return self._videos(target, video_ids=frozenset(target.video_ids))

    def _videos(self, target: Target, *, video_ids: frozenset[str]) -> Verdict:
        history = self.recording.histories.get(target.handle)
        if history is None:
            return _unknown(target)
        present = max(self.present(), history.first_seen)
        videos = _newest(history.lists, present)
        if videos is None:
            return _nothing_of_it(history.profiles, present)
        if isinstance(videos, _Outcome):
            return videos.verdict
        lines = [
            line
            for video_id, line in videos.lines.items()
            if not video_ids or video_id in video_ids
        ]
        return Ok(
            observed_at=videos.observed_at,
            videos=tuple(line.video for line in lines if line.video),
            payload_sha256=_digest(lines),
        )


def _history_of(observations: list[Observation]) -> _History:
    # Lines of one time are sorted by their text, so that the order of the lines in the
    # file does not matter, not even between two lines that contradict each other.
    ordered = sorted(
        observations, key=lambda line: (line.observed_at, encode_observation(line))
    )
    outcomes = [
        _Outcome(line.observed_at, _verdict_of(line.outcome, line))
        for line in ordered
        if line.outcome
    ]
    videos = (line for line in ordered if line.video)
    lists = [_list_of(time, lines) for time, lines in groupby(videos, key=_observed_at)]
    profiles = [line for line in ordered if line.profile]
    return _History(
        first_seen=ordered[0].observed_at,
        # Sorting is stable: outcomes stay before the observations of the same time.
        profiles=sorted([*outcomes, *profiles], key=_observed_at),
        lists=sorted([*outcomes, *lists], key=_observed_at),
    )


def _list_of(time: datetime, lines: Iterable[Observation]) -> _VideoList:
    by_id = {line.video.tiktok_video_id: line for line in lines if line.video}
    return _VideoList(time, dict(sorted(by_id.items())))


def _newest(
    timeline: list[_Observed | _Outcome], present: datetime
) -> _Observed | _Outcome | None:
    """Return the newest item at or before ``present``, else the first one."""
    later = bisect_right(timeline, present, key=_observed_at)
    if later:
        return timeline[later - 1]
    return next(
        (entry for entry in timeline if not isinstance(entry, _Outcome)),
        None,
    )


def _nothing_of_it(
    others: Sequence[Observation | _VideoList | _Outcome], present: datetime
) -> Ok:
    """Return that the creator exists, although nothing of this kind was recorded."""
    later = bisect_right(others, present, key=_observed_at)
    return Ok(observed_at=others[later - 1].observed_at)


def _digest(lines: list[Observation]) -> str:
    return sha256(b"\n".join(map(encode_observation, lines))).hexdigest()


def _unknown(target: Target) -> NotInRecording:
    return NotInRecording(
        f"The recording holds nothing of @{target.handle}, and TikTok was not asked."
    )


def _verdict_of(word: RecordedOutcome, line: Observation) -> Verdict:
    time = line.observed_at.isoformat()
    return _VERDICTS[word](f"The recording says {word} of @{line.handle} at {time}.")
