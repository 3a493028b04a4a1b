"""The key figures of a project, a campaign or a creator, in one range or two."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple, get_args
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.analytics.buckets import Range
from domain.analytics.metrics import (
    VIDEO_METRICS,
    Entity,
    Metric,
    Mode,
    Question,
    RawMetric,
)
from domain.analytics.series import (
    SeriesByMetric,
    Value,
    as_ranges,
    chosen,
    is_rounded,
    is_sharpened,
    value_of,
)
from domain.analytics.summaries.kpis import known_from, share
from projections.analytics.read.selection import Selection
from projections.analytics.read.series import series_by_entity
from projections.analytics.summaries.observed import observed_profiles, observed_videos
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.videos import active_creators
from projections.engine.reader import Reader

KeyFigure = Literal[
    "views",
    "new_views",
    "likes",
    "comments",
    "shares",
    "saves",
    "engagement_rate",
    "posts",
    "average_views_per_post",
    "new_followers",
]
KEY_FIGURES: tuple[KeyFigure, ...] = get_args(KeyFigure)
SeriesFigure = Literal[KeyFigure, "followers"]
_METRICS: Mapping[SeriesFigure, tuple[Metric, Mode]] = {
    "followers": ("followers", "cumulative"),
    "views": ("views", "cumulative"),
    "new_views": ("views", "new"),
    "likes": ("likes", "new"),
    "comments": ("comments", "new"),
    "shares": ("shares", "new"),
    "saves": ("saves", "new"),
    "engagement_rate": ("engagement_rate_by_views", "rate"),
    "posts": ("posts", "new"),
    "average_views_per_post": ("avg_views_per_post", "rate"),
    "new_followers": ("followers", "new"),
}


class MarkedFigures(NamedTuple):
    """Figures in one bucket of some series, and those that have a mark there."""

    values: Mapping[SeriesFigure, Value]
    rounded: frozenset[SeriesFigure]
    sharpened: frozenset[SeriesFigure]


class RangeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one range, and their marks.

    ``known_from`` has the day of the first level for gains of which nothing else is
    known.
    """

    values: Mapping[SeriesFigure, Value]
    rounded: frozenset[SeriesFigure]
    sharpened: frozenset[SeriesFigure]
    active_creators: int
    known_from: Mapping[str, date] = {}


class KnownShares(msgspec.Struct, frozen=True, kw_only=True):
    """The shares of the counted videos and of the profiles observed in a range."""

    videos: float | None
    profiles: float | None


async def figures_of_ranges(
    reader: Reader, scope: SummaryScope, ranges: Sequence[Range]
) -> list[RangeFigures]:
    """Return the figures of each range, which must be in order and not overlap."""
    ends, places = _boundaries(ranges)
    selection = selection_of(scope.organization_id, scope.kind, [scope.id], ends)
    found, active = await asyncio.gather(
        series_by_entity(reader, selection),
        asyncio.gather(
            *(
                active_creators(reader, scope, start=days.start, end=days.end)
                for days in ranges
            )
        ),
    )
    by_metric = as_ranges(found[scope.id])
    figures = [
        RangeFigures(
            **figures_in(
                by_metric, place, KEY_FIGURES, entity=scope.kind, days=days.days
            )._asdict(),
            active_creators=creators,
        )
        for days, place, creators in zip(ranges, places, active, strict=True)
    ]
    first = await _known_from(reader, scope, ranges[-1], {**figures[-1].values})
    return [*figures[:-1], replace(figures[-1], known_from=first)]


async def _known_from(
    reader: Reader,
    scope: SummaryScope,
    days: Range,
    values: Mapping[str, Value],
) -> dict[str, date]:
    """Return the day of the first level of each gain of which nothing else is known."""
    if values["new_views"] is not None and values["new_followers"] is not None:
        return {}
    buckets = replace(days, granularity="day").buckets()
    ends = [buckets[0].start, *(bucket.end for bucket in buckets)]
    selection = selection_of(scope.organization_id, scope.kind, [scope.id], ends)
    by_metric = (await series_by_entity(reader, selection))[scope.id]

    def first(metric: RawMetric) -> date | None:
        known = by_metric[metric].known[1:]
        seen = zip(buckets, known, strict=True)
        return next((bucket.date for bucket, amount in seen if amount), None)

    videos, followers = first("views"), first("followers")
    found = {
        name: known_from(
            name, values.get, followers if name == "new_followers" else videos
        )
        for name in KEY_FIGURES
    }
    return {name: day for name, day in found.items() if day is not None}


async def known_shares(reader: Reader, scope: SummaryScope, days: Range) -> KnownShares:
    """Return the shares of the counted videos and profiles observed in a range."""
    start, end = days.start, days.end
    videos, profiles = await asyncio.gather(
        observed_videos(reader, scope, start=start, end=end),
        observed_profiles(reader, scope, start=start, end=end),
    )
    return KnownShares(videos=share(*videos), profiles=share(*profiles))


async def figures_and_shares(
    reader: Reader, scope: SummaryScope, ranges: Sequence[Range]
) -> tuple[list[RangeFigures], KnownShares]:
    """Return the figures of each range, and the known shares of the last one."""

    async def read(reader: Reader) -> tuple[list[RangeFigures], KnownShares]:
        await reader.side_by_side()
        return await asyncio.gather(
            figures_of_ranges(reader, scope, ranges),
            known_shares(reader, scope, ranges[-1]),
        )

    return await scope.kept(reader, ("key figures", *ranges), read)


def selection_of(
    organization_id: UUID,
    entity: Entity,
    ids: Sequence[UUID],
    boundaries: Sequence[datetime],
    *,
    at: int | None = None,
    at_time: datetime | None = None,
) -> Selection:
    """Return the selection of all raw metrics of the figures."""
    return Selection(
        organization_id=organization_id,
        entity=entity,
        ids=ids,
        metrics=(*VIDEO_METRICS, "posts", "followers"),
        boundaries=boundaries,
        at=at,
        at_time=at_time,
    )


def figures_in(
    by_metric: SeriesByMetric,
    bucket: int,
    figures: Iterable[SeriesFigure],
    *,
    entity: Entity,
    days: int,
) -> MarkedFigures:
    """Return the figures of an entity's bucket of ``days`` days."""
    values: dict[SeriesFigure, Value] = {}
    rounded: set[SeriesFigure] = set()
    sharpened: set[SeriesFigure] = set()
    for figure in figures:
        metric, mode = _METRICS[figure]
        question = Question(entity=entity, metric=metric, mode=mode)
        values[figure] = value_of(question, by_metric, bucket, days=days)
        if is_rounded(question, by_metric, bucket, days=days):
            rounded.add(figure)
        if is_sharpened(chosen(by_metric, question.needs), bucket):
            sharpened.add(figure)
    return MarkedFigures(values, frozenset(rounded), frozenset(sharpened))


def _boundaries(ranges: Sequence[Range]) -> tuple[list[datetime], list[int]]:
    """Return the ends of a bucket for each range and for the time between two.

    The second list has the index of each range's bucket.
    """
    boundaries: list[datetime] = [ranges[0].start]
    places: list[int] = []
    for days in ranges:
        if boundaries[-1] < days.start:
            boundaries.append(days.start)
        places.append(len(boundaries) - 1)
        boundaries.append(days.end)
    return boundaries, places
