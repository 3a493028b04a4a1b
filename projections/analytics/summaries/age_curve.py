"""The views of a video at each age, next to the median of its peers at that age."""

from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from msgspec import Struct

from domain.analytics.summaries.outliers import PEERS, age_in_days, median_of_peers
from projections.analytics.fold.keys import instant_of
from projections.analytics.summaries.levels import LevelRequest, views_at
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


# The video itself, then those before it, the last one first.
_COMPARED = f"""
WITH own AS (
    SELECT v.* FROM analytics_videos v
    WHERE organization_id = %(organization)s AND id = %(video)s AND {{is_known}}
), peers AS (
    SELECT v.* FROM own JOIN analytics_videos v
    ON v.organization_id = own.organization_id AND v.creator_id = own.creator_id
    WHERE v.is_counted AND {{is_known}}
    AND (v.posted_at, v.id) < (own.posted_at, own.id)
    ORDER BY v.posted_at DESC, v.id DESC LIMIT {PEERS}
)
SELECT coalesce(creator_id, id), number, posted_at
FROM (SELECT * FROM own UNION ALL SELECT * FROM peers) AS v
ORDER BY posted_at DESC, id DESC
""".format(
    is_known="v.is_there AND v.number IS NOT NULL AND v.posted_at IS NOT NULL "
    "AND v.posted_exactly_at IS NULL"
).encode()


async def age_curve(
    reader: Reader, organization_id: UUID, video_id: UUID, *, at: datetime
) -> list[AgePoint]:
    """Return a point for each of the first 90 days until an instant.

    A video shows its own views, counted or not, as everywhere. There are no points for
    a video whose time of posting is unknown.
    """
    params = {"organization": organization_id, "video": video_id}
    rows = await reader.rows(organization_id, _COMPARED, params)
    if not rows:
        return []
    owner, _, posted_at = rows[0]
    days = min(age_in_days(posted_at, at=at), MOST_DAYS)
    ages = range(1, days + 1)
    if not ages:
        return []
    posted = np.array([instant_of(row[2]) for row in rows], np.int64)
    later = np.array([instant_of(posted_at + age * _A_DAY) for age in ages])
    instants = posted[:, np.newaxis] + (later - posted[0])
    numbers = np.array([row[1] for row in rows], np.int64)
    request = LevelRequest(
        owner=owner,
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
                at=posted_at + age * _A_DAY,
                views=own,
                peer_median=middle,
                peers=known,
            )
        )
    return found
