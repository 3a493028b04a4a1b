"""The views of a video at each age, next to the median of its peers at that age."""

from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from msgspec import Struct

from domain.analytics.summaries.outliers import PEERS, age_in_days, median_of_peers
from projections.analytics.fold.keys import instant_of
from projections.analytics.summaries.levels import LevelRequest, views_at
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.videos import OwnedVideos, of_their_creators
from projections.engine.reader import Reader

MOST_DAYS = 90
_A_DAY = timedelta(days=1)


class AgePoint(Struct, frozen=True, kw_only=True):
    """A video's views at an age in whole days; null if they are not known.

    ``peer_median`` is the median of the creator's previous 30 counted videos at the
    same age. ``peers`` is the number of those with known views there; with fewer than 5
    the median is null.
    """

    age_days: int
    at: datetime
    views: int | None
    peer_median: float | None
    peers: int


async def age_curve(
    reader: Reader, organization_id: UUID, video_id: UUID, *, at: datetime
) -> list[AgePoint]:
    """Return a point for each of the first 90 days until an instant.

    There are none for a video that does not count, that has no creator, or whose time
    of posting is unknown.
    """
    scope = SummaryScope(organization_id=organization_id, kind="creator", id=video_id)
    for of in await of_their_creators(reader, scope, [video_id]):
        # A video that does not count is not among the videos of its creator.
        if True not in of.is_requested:
            continue
        place = of.is_requested.index(True)
        days = min(age_in_days(of.posted[place], at=at), MOST_DAYS)
        return await _points(reader, organization_id, of, place, days)
    return []


async def _points(
    reader: Reader, organization_id: UUID, of: OwnedVideos, place: int, days: int
) -> list[AgePoint]:
    ages = range(1, days + 1)
    # The video itself, and those before it.
    compared = range(place, max(place - PEERS, 0) - 1, -1)
    if not ages:
        return []
    posted = np.array([instant_of(of.posted[one]) for one in compared], np.int64)
    later = np.array([instant_of(of.posted[place] + age * _A_DAY) for age in ages])
    instants = posted[:, np.newaxis] + (later - posted[0])
    numbers = np.array([of.numbers[one] for one in compared], np.int64)
    request = LevelRequest(
        owner=of.owner,
        numbers=np.repeat(numbers, days),
        instants=instants.reshape(-1),
    )
    ((levels, is_known),) = await views_at(reader, organization_id, [request])
    views = [
        [level if known else None for level, known in zip(row, its, strict=True)]
        for row, its in zip(
            levels.reshape(-1, days).T.tolist(),
            is_known.reshape(-1, days).T.tolist(),
            strict=True,
        )
    ]
    found: list[AgePoint] = []
    for age, (own, *peers) in zip(ages, views, strict=True):
        middle, known = median_of_peers(peers)
        found.append(
            AgePoint(
                age_days=age,
                at=of.posted[place] + age * _A_DAY,
                views=own,
                peer_median=middle,
                peers=known,
            )
        )
    return found
