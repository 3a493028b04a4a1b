"""Tracking of a video: its status, whether it is enabled, and the effects of events.

Read models and policies use the rules of this module, too.
"""

from typing import NamedTuple

from domain.messages import Event, TrackingStatus
from domain.video import events as e

# Videos with these statuses count while tracking is enabled, others never.
COUNTED: frozenset[TrackingStatus] = frozenset(
    {"auto_tracked", "included", "direct_add"}
)


class Tracking(NamedTuple):
    """The tracking status of a video, and whether its tracking is enabled."""

    status: TrackingStatus
    is_enabled: bool = True

    @property
    def is_counted(self) -> bool:
        """Tell whether the creator's and the project's figures contain the video's."""
        return self.is_enabled and self.status in COUNTED


def tracking_after(before: Tracking | None, event: Event) -> Tracking | None:
    """Return a video's tracking after an event of its own stream.

    None means, before and after, that the video is not known yet.
    """
    match event:
        case e.VideoAdded():
            return Tracking("direct_add")
        case e.VideoDiscovered(tracking_status=status) if (
            before is None or before.status == "merged"
        ):
            return Tracking(status)
        case _ if before is None:
            return None
        case e.VideoCameIntoWindow(tracking_status=status):
            return Tracking(status, before.is_enabled)
        case e.VideoIncluded():
            return Tracking("included")
        case e.VideoExcluded():
            return Tracking("excluded", before.is_enabled)
        case e.VideoPutBack():
            # The status returns to the first one, and disabled tracking is enabled
            # again.
            return Tracking("pending_review")
        case e.VideoTrackingDisabled():
            return Tracking(before.status, is_enabled=False)
        case e.VideoMerged():
            return Tracking("merged")
        case _:
            return before
