"""Breakdowns by video or creator: the largest series, and the sum of the others."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec

from domain.analytics.buckets import Bucket
from domain.analytics.metrics import VIDEO_METRICS, Question
from domain.analytics.rest import rest_of
from domain.analytics.series import SeriesByMetric, Value, total
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS, MetricGroup
from projections.analytics.read.accumulate import chosen
from projections.analytics.read.as_of import counted_as_of, series_by_entity_as_of
from projections.analytics.read.counted import counted, counts_without_creators
from projections.analytics.read.dated import dated_series_of_creators
from projections.analytics.read.dated_parts import by_themselves, with_creators
from projections.analytics.read.from_snapshots import series_of_each_member
from projections.analytics.read.observations import (
    Counted,
    load_observations,
    owners_at_a_time,
)
from projections.analytics.read.project_spans import shares_of_creators, together
from projections.analytics.read.series import (
    NamedEntity,
    ends_slots,
    named_entities,
    series_by_entity,
    series_from_snapshots,
)
from projections.engine.reader import Reader

MOST_SERIES = 10


class BreakdownSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One series of a breakdown; without ``entity``, the sum of all not listed."""

    entity: NamedEntity | None
    by_metric: SeriesByMetric


class _Whole(msgspec.Struct, frozen=True, kw_only=True):
    """What is broken down, as of a position of the log, None for all of it."""

    reader: Reader
    organization_id: UUID
    question: Question
    of: UUID
    at: int | None

    async def members(self, question: Question) -> dict[MetricGroup, list[Counted]]:
        """Return the videos and profiles that the numbers of a question are of."""
        if self.at is None:
            return await counted(self.reader, self.organization_id, question, self.of)
        return await counted_as_of(
            self.reader, self.organization_id, question, self.of, at=self.at
        )

    async def creators(self) -> list[Counted]:
        """Return the creators whose followers are counted in it."""
        followers = msgspec.structs.replace(
            self.question, metric="followers", mode="new", base_metric=None
        )
        return (await self.members(followers))[PROFILES]

    def has_sums(self, boundaries: Sequence[datetime]) -> bool:
        """Tell whether the stored sums can answer."""
        return self.at is None and ends_slots(boundaries)


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
    """Return the videos or creators with the largest totals, then the sum of the rest.

    ``whole`` are the series of the entity itself. ``at`` is the position as of which
    the log is read, None for all of it.
    """
    source = _Whole(
        reader=reader,
        organization_id=organization_id,
        question=question,
        of=of,
        at=at,
    )
    largest = _creators if question.breakdown == "creator" else _videos
    shown, is_all = await largest(source, buckets)
    if is_all:
        return shown
    if question.is_dated:
        whole = await _gains_of_all(source, whole, _boundaries(buckets))
    rest = rest_of(whole, [each.by_metric for each in shown])
    return [*shown, BreakdownSeries(entity=None, by_metric=rest)]


async def _gains_of_all(
    source: _Whole, whole: SeriesByMetric, boundaries: Sequence[datetime]
) -> SeriesByMetric:
    """Return ``whole`` with as many known levels as its parts have together.

    A single video whose creator was a member at other times is two members among the
    stored sums, one with its creator and one by itself. So it is here where the parts
    are creators, and one member where they are videos.
    """
    question = source.question
    if question.breakdown == "creator" and source.has_sums(boundaries):
        return whole
    members = await source.members(question)
    each = [members]
    if question.breakdown == "creator" and VIDEOS in members:
        spans = {creator.id: creator.spans or () for creator in await source.creators()}
        nobody: dict[MetricGroup, list[Counted]] = {group: [] for group in members}
        each = [
            members | {VIDEOS: [*with_creators(members[VIDEOS], spans)]},
            nobody | {VIDEOS: [*by_themselves(members[VIDEOS], spans)]},
        ]
    found = [
        await series_from_snapshots(
            source.reader, source.organization_id, question, some, boundaries,
            at=source.at,
        )
        for some in each
    ]  # fmt: skip
    return together(found, buckets=len(boundaries) - 1)


async def _videos(
    whole: _Whole, buckets: Sequence[Bucket]
) -> tuple[list[BreakdownSeries], bool]:
    """Return the largest videos, and whether these are all."""
    reader, organization_id, question = (
        whole.reader,
        whole.organization_id,
        whole.question,
    )
    members = (await whole.members(question))[VIDEOS]
    boundaries = _boundaries(buckets)
    ends = [boundaries[0], boundaries[-1]]
    found: list[_Ranked] = []
    # The numbers of single videos of who is erased are nobody's: they are in the rest.
    shown_ones = [member for member in members if not member.is_erased]
    for some in owners_at_a_time(shown_ones):
        loaded = await load_observations(
            reader, organization_id, VIDEOS, some, boundaries[-1], at=whole.at
        )
        each = series_of_each_member(VIDEOS, loaded, ends)
        found += [
            _ranked(question, member, by_metric, buckets)
            for member, by_metric in zip(some, each, strict=True)
        ]
    shown = _largest(found)
    loaded = await load_observations(
        reader, organization_id, VIDEOS, shown, boundaries[-1], at=whole.at
    )
    each = series_of_each_member(VIDEOS, loaded, boundaries)
    series = [
        BreakdownSeries(
            entity=NamedEntity(id=video.id, label=video.label or str(video.id)),
            by_metric=chosen(by_metric, question.needs),
        )
        for video, by_metric in zip(shown, each, strict=True)
    ]
    return series, len(members) == len(shown)


async def _creators(
    whole: _Whole, buckets: Sequence[Bucket]
) -> tuple[list[BreakdownSeries], bool]:
    """Return the largest creators, and whether nothing counts but all creators."""
    reader, organization_id = whole.reader, whole.organization_id
    members = await whole.creators()
    question = msgspec.structs.replace(whole.question, entity="creator", breakdown=None)
    range_ = msgspec.structs.replace(buckets[0], end=buckets[-1].end)
    each = await _of_creators(whole, question, members, [range_])
    found = [_ranked(question, member, each[member.id], buckets) for member in members]
    shown = _largest(found)
    series = await _of_creators(whole, question, shown, buckets)
    ids = [creator.id for creator in shown]
    named, _ = await named_entities(reader, organization_id, "creator", ids)
    return [
        BreakdownSeries(entity=named[id_], by_metric=series[id_]) for id_ in ids
    ], len(found) == len(shown) and not await _has_others(whole, members)


async def _of_creators(
    whole: _Whole,
    question: Question,
    creators: Sequence[Counted],
    buckets: Sequence[Bucket],
) -> dict[UUID, SeriesByMetric]:
    if question.is_dated:
        return await _gains_of_creators(whole, question, creators, buckets)
    of = whole.reader, whole.organization_id, question
    series_of = partial(series_by_entity, *of)
    if whole.at is not None:
        series_of = partial(series_by_entity_as_of, *of, at=whole.at)
    always = [creator.id for creator in creators if creator.counts_in is None]
    spans = {one.id: one.counts_in for one in creators if one.counts_in is not None}
    shares = await shares_of_creators(spans, buckets, series_of)
    return {**await series_of(always, buckets), **shares}


async def _gains_of_creators(
    whole: _Whole,
    question: Question,
    creators: Sequence[Counted],
    buckets: Sequence[Bucket],
) -> dict[UUID, SeriesByMetric]:
    """Return what each creator gained while it was a member by itself."""
    reader, organization_id = whole.reader, whole.organization_id
    boundaries = _boundaries(buckets)
    if whole.has_sums(boundaries):
        ids = [creator.id for creator in creators]
        return await dated_series_of_creators(
            reader, organization_id, question, whole.of, ids, boundaries
        )
    members = await whole.members(whole.question)
    return {
        creator.id: await series_from_snapshots(
            reader,
            organization_id,
            question,
            {
                metric_group: [
                    msgspec.structs.replace(member, spans=creator.spans)
                    for member in some
                    if creator.id in (member.id, member.creator_id)
                ]
                for metric_group, some in members.items()
            },
            boundaries,
            at=whole.at,
        )
        for creator in creators
    }


async def _has_others(whole: _Whole, creators: Sequence[Counted]) -> bool:
    """Tell whether videos count in it that none of its creators posted."""
    if not {*whole.question.needs} & {*VIDEO_METRICS, "posts"}:
        return False
    if whole.question.is_dated:
        spans = {creator.id: creator.spans or () for creator in creators}
        videos = (await whole.members(whole.question))[VIDEOS]
        return any(by_themselves(videos, spans))
    if whole.at is None:
        return await counts_without_creators(
            whole.reader, whole.organization_id, whole.question, whole.of
        )
    ids = {creator.id for creator in creators}
    videos = (await whole.members(whole.question))[VIDEOS]
    return any(video.creator_id not in ids for video in videos)


def _boundaries(buckets: Sequence[Bucket]) -> list[datetime]:
    return [buckets[0].start, *(bucket.end for bucket in buckets)]


def _ranked(
    question: Question,
    member: Counted,
    by_metric: SeriesByMetric,
    buckets: Sequence[Bucket],
) -> _Ranked:
    days = sum(bucket.days for bucket in buckets)
    needed = chosen(by_metric, question.needs)
    return _Ranked(member=member, total=total(question, needed, days=days).value)


def _largest(found: Iterable[_Ranked]) -> list[Counted]:
    """Return those with the largest totals in order, unknown totals last."""
    ranked = sorted(
        found, key=lambda v: (v.total is None, -(v.total or 0), v.member.id)
    )
    return [each.member for each in ranked[:MOST_SERIES]]
