"""Breakdowns by video or creator: the largest series, and the sum of the others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.analytics.membership import Spans, without
from domain.analytics.metrics import Question
from domain.analytics.series import SeriesByMetric, Value, chosen, total
from domain.analytics.sums import rest_of, together
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS, MetricGroup
from projections.analytics.read.members import (
    Counted,
    counted,
    counts_without_creators,
    shares_of_creators,
)
from projections.analytics.read.rollups import gains_of_creators
from projections.analytics.read.selection import Selection, plan_of
from projections.analytics.read.series import (
    NamedEntity,
    named_entities,
    series_by_entity,
)
from projections.analytics.read.snapshots import (
    load_observations,
    owners_at_a_time,
    series_of_each_member,
    series_of_members,
)
from projections.engine.reader import Reader

MOST_SERIES = 10


class BreakdownSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One series of a breakdown. The sum of unlisted ones has no ``entity``."""

    entity: NamedEntity | None
    by_metric: SeriesByMetric


class _Ranked(msgspec.Struct, frozen=True, kw_only=True):
    member: Counted
    total: Value


async def breakdown(
    reader: Reader,
    selection: Selection,
    question: Question,
    *,
    days: int,
    whole: SeriesByMetric,
) -> list[BreakdownSeries]:
    """Return the videos or creators with the largest totals, then the sum of the rest.

    ``whole`` are the series of the entity itself. ``at`` is the position as of which
    the log is read, None for all of it.
    """
    largest = _creators if question.breakdown == "creator" else _videos
    shown, is_all = await largest(reader, selection, question, days)
    if is_all:
        return shown
    if selection.is_dated:
        whole = await _gains_of_all(reader, selection, question, whole)
    rest = rest_of(whole, [each.by_metric for each in shown])
    return [*shown, BreakdownSeries(entity=None, by_metric=rest)]


async def _gains_of_all(
    reader: Reader, selection: Selection, question: Question, whole: SeriesByMetric
) -> SeriesByMetric:
    """Return ``whole`` with as many known levels as its parts have together.

    The stored sums count a single video as two members if its creator was a member at
    other times: with its creator, and by itself. A breakdown by creators counts it as
    two, a breakdown by videos as one.
    """
    if question.breakdown == "creator" and plan_of(selection).source == "gains":
        return whole
    members = await _members(reader, selection)
    each = [members]
    if question.breakdown == "creator" and VIDEOS in members:
        creators = await _creators_in(reader, selection)
        spans = {creator.id: creator.spans or () for creator in creators}
        nobody: dict[MetricGroup, list[Counted]] = {group: [] for group in members}
        each = [
            members | {VIDEOS: [*_with_creators(members[VIDEOS], spans)]},
            nobody | {VIDEOS: [*_by_themselves(members[VIDEOS], spans)]},
        ]
    found = [await series_of_members(reader, selection, some) for some in each]
    return together(found, buckets=selection.size)


async def _members(
    reader: Reader, selection: Selection
) -> dict[MetricGroup, list[Counted]]:
    (of,) = selection.ids
    return await counted(reader, selection, of)


async def _creators_in(reader: Reader, selection: Selection) -> list[Counted]:
    """Return the creators whose followers count in it."""
    followers = replace(selection, metrics=["followers"])
    return (await _members(reader, followers))[PROFILES]


async def _videos(
    reader: Reader, selection: Selection, question: Question, days: int
) -> tuple[list[BreakdownSeries], bool]:
    """Return the largest videos, and True if there are no others."""
    boundaries = selection.boundaries
    load = partial(
        load_observations,
        reader,
        selection.organization_id,
        VIDEOS,
        end=boundaries[-1],
        at=selection.at,
    )
    members = (await _members(reader, selection))[VIDEOS]
    found: list[_Ranked] = []
    # Single videos of erased creators are shown to nobody. They are in the rest.
    shown_ones = [member for member in members if not member.is_erased]
    for some in owners_at_a_time(shown_ones):
        each = series_of_each_member(
            VIDEOS, await load(some), [boundaries[0], boundaries[-1]]
        )
        found += [
            _ranked(question, member, by_metric, days)
            for member, by_metric in zip(some, each, strict=True)
        ]
    shown = _largest(found)
    each = series_of_each_member(VIDEOS, await load(shown), boundaries)
    series = [
        BreakdownSeries(
            entity=NamedEntity(id=video.id, label=video.label or str(video.id)),
            by_metric=chosen(by_metric, question.needs),
        )
        for video, by_metric in zip(shown, each, strict=True)
    ]
    return series, len(members) == len(shown)


async def _creators(
    reader: Reader, selection: Selection, question: Question, days: int
) -> tuple[list[BreakdownSeries], bool]:
    """Return the largest creators, and True if nothing else counts."""
    members = await _creators_in(reader, selection)
    boundaries = selection.boundaries
    whole = replace(selection, boundaries=[boundaries[0], boundaries[-1]])
    each = await _of_creators(reader, whole, members)
    found = [_ranked(question, member, each[member.id], days) for member in members]
    shown = _largest(found)
    series = await _of_creators(reader, selection, shown)
    ids = [creator.id for creator in shown]
    named, _ = await named_entities(reader, selection.organization_id, "creator", ids)
    return [
        BreakdownSeries(entity=named[id_], by_metric=series[id_]) for id_ in ids
    ], len(found) == len(shown) and not await _has_others(reader, selection, members)


async def _of_creators(
    reader: Reader, selection: Selection, creators: Sequence[Counted]
) -> dict[UUID, SeriesByMetric]:
    if selection.is_dated:
        return await _gains_of_creators(reader, selection, creators)
    always = [creator.id for creator in creators if creator.counts_in is None]
    spans = {one.id: one.counts_in for one in creators if one.counts_in is not None}
    series_of = partial(series_by_entity, reader)
    each = replace(selection, entity="creator", ids=always)
    shares = await shares_of_creators(spans, each, series_of)
    return {**await series_of(each), **shares}


async def _gains_of_creators(
    reader: Reader, selection: Selection, creators: Sequence[Counted]
) -> dict[UUID, SeriesByMetric]:
    """Return the gains of each creator while it was a member by itself."""
    if plan_of(selection).source == "gains":
        ids = [creator.id for creator in creators]
        return await gains_of_creators(reader, selection, ids)
    members = await _members(reader, selection)
    return {
        creator.id: await series_of_members(
            reader,
            replace(selection, entity="creator"),
            {
                metric_group: [
                    replace(member, spans=creator.spans)
                    for member in some
                    if creator.id in (member.id, member.creator_id)
                ]
                for metric_group, some in members.items()
            },
        )
        for creator in creators
    }


async def _has_others(
    reader: Reader, selection: Selection, creators: Sequence[Counted]
) -> bool:
    """Tell whether videos count in it that no creator of it posted."""
    if VIDEOS not in selection.metric_groups:
        return False
    if selection.at is None and not selection.is_dated:
        (of,) = selection.ids
        return await counts_without_creators(reader, selection, of)
    videos = (await _members(reader, selection))[VIDEOS]
    if selection.is_dated:
        spans = {creator.id: creator.spans or () for creator in creators}
        return any(_by_themselves(videos, spans))
    ids = {creator.id for creator in creators}
    return any(video.creator_id not in ids for video in videos)


def _ranked(
    question: Question,
    member: Counted,
    by_metric: SeriesByMetric,
    days: int,
) -> _Ranked:
    needed = chosen(by_metric, question.needs)
    return _Ranked(member=member, total=total(question, needed, days=days).value)


def _largest(found: Iterable[_Ranked]) -> list[Counted]:
    """Return the parts with the largest totals in order, unknown totals last."""
    ranked = sorted(
        found, key=lambda v: (v.total is None, -(v.total or 0), v.member.id)
    )
    return [each.member for each in ranked[:MOST_SERIES]]


def _with_creators(
    videos: Iterable[Counted], creators: Mapping[UUID, Spans]
) -> Iterator[Counted]:
    """Yield the videos of these creators, counted while their creators are members."""
    for video in videos:
        if video.creator_id is not None and video.creator_id in creators:
            yield replace(video, spans=creators[video.creator_id])


def _by_themselves(
    videos: Iterable[Counted], creators: Mapping[UUID, Spans]
) -> Iterator[Counted]:
    """Yield the videos that count while their creators are no members."""
    for video in videos:
        spans = without(
            video.spans or (), creators.get(video.creator_id or video.id, ())
        )
        if spans:
            yield replace(video, spans=spans)
