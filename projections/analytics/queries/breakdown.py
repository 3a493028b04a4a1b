"""Breakdowns by video: the largest series, and the sum of the others."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from domain.analytics.buckets import Bucket
from domain.analytics.metrics import Question, RawMetric
from domain.analytics.series import CounterSeries, SeriesByMetric, Value, total
from projections.analytics.queries.accumulate import chosen
from projections.analytics.queries.as_of import counted_as_of
from projections.analytics.queries.from_snapshots import (
    Counted,
    load_observations,
    owners_at_a_time,
    series_of_each_member,
)
from projections.analytics.queries.series import NamedEntity, counted
from projections.analytics.rollup_deltas import VIDEOS
from projections.engine.reader import Reader

MOST_SERIES = 10


class BreakdownSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One series of a breakdown; without ``entity``, the sum of videos not listed."""

    entity: NamedEntity | None
    by_metric: SeriesByMetric


class _Ranked(msgspec.Struct, frozen=True, kw_only=True):
    member: Counted
    total: Value


async def breakdown(
    reader: Reader,
    organization_id: UUID,
    question: Question,
    of: UUID,
    buckets: Sequence[Bucket],
    *,
    whole: SeriesByMetric,
    at: int | None = None,
) -> list[BreakdownSeries]:
    """Return the videos with the largest totals, then the sum of the others.

    ``whole`` are the series of the creator or project itself. ``at`` is the position
    as of which the log is read, None for all of it.
    """
    members = (
        await counted(reader, organization_id, question, of)
        if at is None
        else await counted_as_of(reader, organization_id, question, of, at=at)
    )[VIDEOS]
    boundaries = [buckets[0].start, *(bucket.end for bucket in buckets)]
    days = sum(bucket.days for bucket in buckets)
    ends = [boundaries[0], boundaries[-1]]
    found: list[_Ranked] = []
    for some in owners_at_a_time(members):
        loaded = await load_observations(
            reader, organization_id, VIDEOS, some, boundaries[-1], at=at
        )
        each = series_of_each_member(VIDEOS, loaded, ends)
        found += [
            _Ranked(
                member=member,
                total=total(
                    question, chosen(by_metric, question.needs), days=days
                ).value,
            )
            for member, by_metric in zip(some, each, strict=True)
        ]
    ranked = _sorted(found)
    shown = [video.member for video in ranked[:MOST_SERIES]]
    loaded = await load_observations(
        reader, organization_id, VIDEOS, shown, boundaries[-1], at=at
    )
    each = series_of_each_member(VIDEOS, loaded, boundaries)
    shown_series: list[BreakdownSeries] = []
    rest: dict[RawMetric, CounterSeries] = {**whole}
    for video, all_metrics in zip(shown, each, strict=True):
        by_metric = chosen(all_metrics, question.needs)
        entity = NamedEntity(id=video.id, label=video.label or str(video.id))
        shown_series.append(BreakdownSeries(entity=entity, by_metric=by_metric))
        rest = {metric: rest[metric].without(by_metric[metric]) for metric in rest}
    if len(ranked) > len(shown):
        shown_series.append(BreakdownSeries(entity=None, by_metric=rest))
    return shown_series


def _sorted(found: Iterable[_Ranked]) -> list[_Ranked]:
    """Return them by total, the largest first, unknown totals last."""
    return sorted(found, key=lambda v: (v.total is None, -(v.total or 0), v.member.id))
