"""Shifts the dates of the demo so that its first day is the day of the first start.

Its files have dates in 2026. All dates are moved by the same number of whole days. The
imported part then ends the night before the first start, and the rest is replayed hour
by hour.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from domain.scrape.observations import VideoObservation
from workers.sources.demo import DEMO_BEGINS
from workers.sources.recordings.file_format import Observation, RecordingError

# Shorter ids, of videos from before TikTok, contain no time.
_DIGITS_WITH_TIME = 19


def days_to_shift(started_at: datetime) -> int:
    """Return the number of days to move a demo that first started at this time."""
    return (started_at.astimezone(UTC).date() - DEMO_BEGINS.date()).days


def shifted(
    lines: Iterable[Observation | RecordingError], *, days: int
) -> Iterator[Observation | RecordingError]:
    """Yield the lines with all times moved by so many days."""
    by = timedelta(days=days)
    for line in lines:
        if isinstance(line, RecordingError):
            yield line
        else:
            yield _shifted(line, by)


def _shifted(line: Observation, by: timedelta) -> Observation:
    video = line.video and _shifted_video(line.video, by)
    return replace(line, observed_at=line.observed_at + by, video=video)


def _shifted_video(video: VideoObservation, by: timedelta) -> VideoObservation:
    """Move a video with its id, whose upper half is the time it was made."""
    if len(video.tiktok_video_id) != _DIGITS_WITH_TIME:
        return video
    later = round(by.total_seconds()) << 32
    return replace(
        video,
        tiktok_video_id=str(int(video.tiktok_video_id) + later),
        posted_at=video.posted_at and video.posted_at + by,
    )
