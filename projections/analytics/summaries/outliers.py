"""Views of videos at an age: next to those of their peers, as factors and as curves."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import numpy as np
from msgspec import Struct

from domain.analytics.project_spans import EVER, last_held
from domain.analytics.summaries.outliers import (
    FEWEST_PEERS,
    PEERS,
    Outlier,
    age_in_days,
    median_of_peers,
    outlier,
)
from projections.analytics.fold.columns import Grid, Longs, Mask
from projections.analytics.fold.keys import instant_of
from projections.analytics.summaries.levels import LevelRequest, views_at
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.videos import (
    OwnedVideos,
    of_their_creators,
    with_videos_left,
)
from projections.engine.reader import Reader

_A_DAY = 86_400_000_000
# The snapshots of so many owners are in memory twice: the snapshots of one batch are
# read while the batch before is computed.
_OWNERS_AT_ONCE = 50
_AT_ONCE = 2


class _Judged(Struct, frozen=True):
    """Videos of a creator. A row is a video, then its peers where ``is_there``.

    ``request`` is for the levels of all rows, one after the other.
    """

    ids: Sequence[UUID]
    ages: Sequence[int]
    is_there: Mask
    request: LevelRequest


async def outliers_among(
    reader: Reader,
    scope: SummaryScope,
    *,
    at: datetime,
    ids: Collection[UUID] | None = None,
    min_factor: float | None = None,
) -> dict[UUID, Outlier]:
    """Return the counted videos that can be judged at an instant.

    Videos of a creator that moved out of a project are judged at the last time at which
    it was there. ``ids`` are some of the videos, None for all. With ``min_factor`` only
    videos with at least this ``outlier_factor`` are returned.
    """
    scope = await with_videos_left(reader, scope)
    owned = await of_their_creators(reader, scope, ids)
    judged = [
        one
        for of in owned
        if (there_at := last_held(scope.spans.get(of.owner, EVER), at)) is not None
        and (one := _judged(of, there_at)) is not None
    ]
    batches = [
        judged[begin : begin + _OWNERS_AT_ONCE]
        for begin in range(0, len(judged), _OWNERS_AT_ONCE)
    ]
    found: dict[UUID, Outlier] = {}

    async def judge(batches: Sequence[Sequence[_Judged]]) -> None:
        for batch in batches:
            requests = [one.request for one in batch]
            levels = await views_at(reader, scope.organization_id, requests)
            for one, of_it in zip(batch, levels, strict=True):
                found.update(_outliers(one, *of_it, min_factor=min_factor))

    await reader.side_by_side()
    await asyncio.gather(*(judge(batches[nth::_AT_ONCE]) for nth in range(_AT_ONCE)))
    return found


def _judged(of: OwnedVideos, at: datetime) -> _Judged | None:
    """Return the requested videos that have enough peers; None if no video has."""
    places = [
        place
        for place in range(FEWEST_PEERS, len(of.ids))
        if of.is_requested[place] and of.posted[place] < at
    ]
    if not places:
        return None
    ages = [age_in_days(of.posted[place], at=at) for place in places]
    compared = np.array(places)[:, np.newaxis] - np.arange(PEERS + 1)
    is_there = compared >= 0
    compared = np.maximum(compared, 0)
    posted = np.array([instant_of(time) for time in of.posted], np.int64)
    instants = posted[compared] + np.array(ages)[:, np.newaxis] * _A_DAY
    return _Judged(
        ids=[of.ids[place] for place in places],
        ages=ages,
        is_there=is_there,
        request=LevelRequest(
            owner=of.owner,
            numbers=np.array(of.numbers, np.int64)[compared[is_there]],
            instants=instants[is_there],
        ),
    )


def _outliers(
    judged: _Judged, levels: Longs, is_known: Mask, *, min_factor: float | None
) -> Mapping[UUID, Outlier]:
    views = np.zeros(judged.is_there.shape, np.int64)
    views[judged.is_there] = levels
    known = np.zeros(judged.is_there.shape, np.bool_)
    known[judged.is_there] = is_known
    found: dict[UUID, Outlier] = {}
    for place in np.flatnonzero(_may_be_outliers(views, known, min_factor)).tolist():
        compared = outlier(
            int(views[place, 0]),
            cast("list[int]", views[place, 1:][known[place, 1:]].tolist()),
            age_days=judged.ages[place],
        )
        if compared is None:
            continue
        if min_factor is None or compared.outlier_factor >= min_factor:
            found[judged.ids[place]] = compared
    return found


def _may_be_outliers(views: Grid, known: Mask, min_factor: float | None) -> Mask:
    """Return the videos to judge exactly; all others are clearly below the factor.

    It computes in floating point, and returns videos that are close to the factor too.
    """
    peers = known[:, 1:].sum(axis=1)
    may_be = known[:, 0] & (peers >= FEWEST_PEERS)
    if min_factor is None:
        return may_be
    # Unknown views come last.
    ranked = np.sort(np.where(known[:, 1:], views[:, 1:].astype(float), np.inf), axis=1)
    places = np.flatnonzero(may_be)
    peers = peers[places]
    medians = (ranked[places, (peers - 1) // 2] + ranked[places, peers // 2]) / 2
    least = (min_factor - 1e-5) * medians
    may_be[places] = views[places, 0] >= least - 1e-9 * np.abs(least)
    return may_be


MOST_DAYS = 90
_DAY = timedelta(days=1)


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
    rows = await reader.rows(organization_id, _COMPARED, video=video_id)
    if not rows:
        return []
    owner, _, posted_at = rows[0]
    days = min(age_in_days(posted_at, at=at), MOST_DAYS)
    ages = range(1, days + 1)
    if not ages:
        return []
    posted = np.array([instant_of(row[2]) for row in rows], np.int64)
    later = np.array([instant_of(posted_at + age * _DAY) for age in ages])
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
                at=posted_at + age * _DAY,
                views=own,
                peer_median=middle,
                peers=known,
            )
        )
    return found
