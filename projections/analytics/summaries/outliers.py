"""Outlier factors: the views of videos by those of their peers at the same age."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
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
    outlier,
)
from projections.analytics.fold.columns import Grid, Longs, Mask
from projections.analytics.fold.keys import instant_of
from projections.analytics.summaries.levels import LevelRequest, views_at
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.videos import OwnedVideos, of_their_creators
from projections.analytics.summaries.videos_left import with_videos_left
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
