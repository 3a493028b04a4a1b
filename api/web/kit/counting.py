"""The counting of videos: which count, and why, in the words of all pages."""

from typing import Final

from domain.events import TrackingStatus
from domain.phrases import counted, joined
from domain.video.tracking import Tracking
from projections.videos.counting import VideoAmounts
from projections.videos.queries import Video

WHY: Final[dict[TrackingStatus, str]] = {
    "auto_tracked": "found by a scrape",
    "included": "decided by hand",
    "direct_add": "added by its URL",
    "pending_review": "waits in the inbox",
    "out_of_window": "posted outside the tracked days",
    "excluded": "removed",
    "merged": "merged with its creator's",
}
# No list of videos has removed and merged videos.
LISTED: Final[list[TrackingStatus]] = [
    status for status in WHY if status not in {"excluded", "merged"}
]


# Reasons in the order of a sentence, for one video and for several.
_LEFT_OUT: Final = {
    "out_of_window": (
        "was posted outside the tracked days",
        "were posted outside the tracked days",
    ),
    "pending_review": ("waits in the inbox", "wait in the inbox"),
    "turned_off": ("was switched off by hand", "were switched off by hand"),
    "excluded": ("was removed", "were removed"),
}


def why_left_out(amounts: VideoAmounts) -> str:
    """Return why videos are not included: 3 videos are not included: 2 wait, ..."""
    given = {name: getattr(amounts, name) for name in _LEFT_OUT}
    reasons = {name: amount for name, amount in given.items() if amount}
    head = f"{counted(amounts.left_out, 'video')} "
    head += "is not included" if amounts.left_out == 1 else "are not included"
    if len(reasons) == 1:
        (name,) = reasons
        alone = _LEFT_OUT[name][amounts.left_out > 1]
        subject = "it" if amounts.left_out == 1 else "they"
        return f"{head}: {subject} {alone}."
    parts = [
        f"{amount:,} {_LEFT_OUT[name][amount > 1]}" for name, amount in reasons.items()
    ]
    return f"{head}: {joined(parts)}."


def counts(video: Video) -> bool:
    """Return whether the figures of a video are part of any number."""
    return Tracking(video.tracking_status, video.tracking_enabled).is_counted


def why_counted(video: Video) -> str:
    """Return why a video counts, or why it doesn't."""
    if not video.tracking_enabled:
        return "decided by hand"
    return WHY[video.tracking_status]
