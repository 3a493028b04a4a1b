"""Lines of recordings: their content, and the key by which two of them are the same."""

from collections.abc import Sequence

import msgspec

from domain.analytics.precision import is_rounded
from domain.messages import Outcome
from domain.scrape import commands as c
from domain.scrape.events import VideoCounts

# Two observations of a creator at one time with the same key are the same observation.
# VideoDetails are not part of the key, because a stored snapshot leaves out known
# details.
ObservationKey = VideoCounts | c.ProfileSnapshot | str


class ObservedContent(msgspec.Struct, frozen=True, gc=False):
    """The content of one line: exactly one of a profile, a video and an outcome.

    ``in_log_order`` says that the lines before this one also precede it in the log that
    the recording was made from.
    """

    profile: c.ProfileSnapshot | None = None
    video: c.VideoSnapshot | None = None
    outcome: Outcome | None = None
    in_log_order: bool = False

    @property
    def is_rounded(self) -> bool:
        """Tell whether an exact line of the same time has precedence."""
        profile = self.profile
        if profile is None or self.in_log_order:
            return False
        counts = (
            *(profile.follower_count, profile.following_count),
            *(profile.total_likes_count, profile.video_count),
        )
        return any(is_rounded(profile.precision, count) for count in counts)


ObservationLine = tuple[bytes, ObservedContent]
NewObservations = dict[ObservationKey, ObservationLine]


def are_distinct(lines: Sequence[ObservationLine]) -> bool:
    """Tell whether no two lines can be the same observation, as is usual."""
    names = {
        line if (video := observed.video) is None else video.tiktok_video_id
        for line, observed in lines
    }
    return len(names) == len(lines)


def key_of(observed: ObservedContent) -> ObservationKey:
    """Return the key by which two observations at one time are the same."""
    video = observed.video
    if video is not None:
        return (
            video.tiktok_video_id,
            video.view_count,
            video.like_count,
            video.comment_count,
            video.share_count,
            video.save_count,
        )
    key = observed.profile or observed.outcome
    assert key is not None, "an observation is one of the three"
    return key
