"""Outliers: videos with many more views than the creator's others at the same age."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from msgspec import Struct

from domain.analytics.series import DECIMALS
from domain.phrases import counted

PEERS = 30
FEWEST_PEERS = 5
USUAL_FACTOR = 3
# Videos are compared from the first age on, in whole days, and take off until the last.
FIRST_AGE_DAYS, LAST_AGE_DAYS = 1, 7
_A_DAY = timedelta(days=1)


class Outlier(Struct, frozen=True, kw_only=True):
    """A video's views at its age, next to those of its peers at the same age.

    ``age_days`` is that age in whole days. ``peers`` is the number of peers with known
    views, and ``peer_median`` the median of those views; ``outlier_factor`` is
    ``views`` / ``peer_median``.
    """

    age_days: int
    views: int
    peer_median: float
    peers: int
    outlier_factor: float


def median_of_peers(peers: Sequence[int | None]) -> tuple[float | None, int]:
    """Return the median of the known levels, None under 5, and their number."""
    known = [peer for peer in peers if peer is not None]
    middle = float(median(known)) if len(known) >= FEWEST_PEERS else None
    return middle, len(known)


def age_in_days(posted_at: datetime, *, at: datetime) -> int:
    """Return the age of a video in whole days."""
    return (at - posted_at) // _A_DAY


def outlier(
    views: int | None, peers: Sequence[int | None], *, age_days: int
) -> Outlier | None:
    """Return the comparison of a video's views with its peers at the same age.

    ``peers`` are the views of the creator's previous counted videos, at most 30, and
    ``views`` is the level at the video's age. The result is None before the end of the
    first day, if the video's own level is unknown, if fewer than 5 of the peers' are
    known, or if their median is 0.
    """
    middle, known = median_of_peers(peers)
    if age_days < FIRST_AGE_DAYS or views is None or middle is None or middle <= 0:
        return None
    return Outlier(
        age_days=age_days,
        views=views,
        peer_median=middle,
        peers=known,
        outlier_factor=round(views / middle, DECIMALS),
    )


def take_off_in_words(views: int, *, age_days: int, factor: float) -> str:
    """Return the views of a video that took off, next to what is usual."""
    times = f"{factor:,.1f}".removesuffix(".0")
    return (
        f"{counted(views, 'view')} after {counted(age_days, 'day')}, "
        f"{times} times as many as usual for the creator"
    )
