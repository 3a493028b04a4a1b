"""Outliers: videos with many more views than the creator's others had at their age."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from domain.analytics.series import DECIMALS

PEERS = 30
FEWEST_PEERS = 5
USUAL_FACTOR = 3
_A_DAY = timedelta(days=1)


def age_in_days(posted_at: datetime, *, at: datetime) -> int:
    """Return how many whole days ago a video was posted."""
    return (at - posted_at) // _A_DAY


def outlier_factor(views: int | None, peers: Sequence[int | None]) -> float | None:
    """Return a video's views by the median of those of its peers at the same age.

    ``peers`` are the creator's previous counted videos, at most 30, and ``views`` is
    the level at the video's age. The video is not judged, so that it has no factor, if
    its own level is unknown, if fewer than 5 of the peers' are known, or if the median
    is 0.
    """
    known = [peer for peer in peers if peer is not None]
    if views is None or len(known) < FEWEST_PEERS:
        return None
    middle = median(known)
    return round(views / middle, DECIMALS) if middle > 0 else None
