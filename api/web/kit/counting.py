"""Whether a video counts, and why, in the words of all pages."""

from typing import Final

from domain.events import TrackingStatus
from domain.video.tracking import Tracking
from projections.videos.queries import Video

WHY: Final[dict[TrackingStatus, str]] = {
    "auto_tracked": "found by a scrape",
    "included": "decided by hand",
    "direct_add": "added by its URL",
    "pending_review": "waits in the inbox",
    "out_of_window": "posted outside the tracked days",
    "excluded": "removed",
}


def counts(video: Video) -> bool:
    """Return whether the figures of a video are part of any number."""
    return Tracking(video.tracking_status, video.tracking_enabled).is_counted


def why_counted(video: Video) -> str:
    """Return why a video counts, or why it doesn't."""
    if not video.tracking_enabled:
        return "decided by hand"
    return WHY[video.tracking_status]
