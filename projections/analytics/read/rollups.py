"""Series from the stored sums by quarter-hour: of entities, and of members.

An entity's sums are deltas, so a level is the sum of all from the beginning. With dated
membership a campaign has the gains of each creator in the spans of its membership, and
of each single video without the spans of its creator.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

from domain.analytics.buckets import slot_of
from domain.analytics.membership import Spans, held_at, without
from domain.analytics.metrics import RawMetric
from domain.analytics.series import CounterSeries, PrecisionSeries, SeriesByMetric
from domain.analytics.sums import sum_of_series
from projections.analytics.fold.day_sums import SLOTS_A_DAY
from projections.analytics.fold.rollup_deltas import (
    PRECISION,
    PROFILES,
    MetricGroup,
)
from projections.analytics.read.members import dated_members_of
from projections.analytics.read.selection import Selection, days_of
from projections.engine.reader import Reader

SpansById = Mapping[UUID, Spans]
_BucketColumns = Sequence[Sequence[int]]
"""Sums by bucket, 0 being before the first: snapshots, posts, then those of counters.

Each metric has four sums of levels. The four sums of its precision come after those of
all metrics.
"""
_BucketColumnsById = Mapping[UUID | None, _BucketColumns]

_BEFORE = -(2**31) + 1
_MARKS = ("sharpened", "sharpenings", "rounded", "changes")
_BY_BUCKET = """
SELECT id, width_bucket(slot, %(bounds)s::int[]) AS bucket, {columns}
FROM {table} WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
AND slot <= %(last)s GROUP BY id, bucket
"""
# The sums at the end of a UTC day before the first bucket, and those after it. Until a
# rebuild has made the days there are no totals either, and all sums are read.
_OPENING = f"""
SELECT chosen.id, CASE WHEN t.id IS NULL THEN {_BEFORE} ELSE %(since)s END AS since,
       {{columns}}
FROM unnest(%(ids)s::uuid[]) AS chosen (id)
LEFT JOIN {{totals}} t ON t.organization_id = %(organization)s AND t.id = chosen.id
LEFT JOIN {{days}} d
    ON d.organization_id = %(organization)s AND d.day = %(day)s AND d.id = chosen.id
"""
_AT_OPENING = """
CASE WHEN t.last_day <= %(day)s THEN t.{0} ELSE coalesce(d.{0}, 0) END AS held_{0}
"""
_SINCE_OPENING = """
SELECT r.id, width_bucket(slot, %(bounds)s::int[]) AS bucket, {columns}
FROM opening JOIN {table} r ON r.organization_id = %(organization)s
    AND r.id = opening.id AND r.slot > opening.since AND r.slot <= %(last)s
GROUP BY r.id, bucket
"""
# One statement, so that both read the same moment.
_WITH_PRECISION = """
SELECT * FROM ({levels}) AS levels LEFT JOIN ({precision}) AS precision
USING (id, bucket)
"""
_TOGETHER = """
SELECT NULL::uuid, bucket, {sums} FROM ({query}) AS each (id, bucket, {names})
GROUP BY bucket
"""
# A row has a column of buckets, and one as long for each sum.
_BY_ID = """
SELECT id, array_agg(bucket), {sums} FROM ({query}) AS each (id, bucket, {names})
GROUP BY id
"""
_CREATORS = b"""
SELECT id, creator_id FROM analytics_videos
WHERE organization_id = %(organization)s AND id = ANY(%(videos)s)
"""
# A rollup between two spans takes effect at the beginning of the second.
_GAINS = """
SELECT {id}, width_bucket(greatest(r.slot, s.first + 1), %(bounds)s::int[]) AS bucket,
       {columns}
FROM unnest(%(ids)s::uuid[], %(afters)s::int[], %(firsts)s::int[], %(lasts)s::int[])
    AS s (id, after, first, last)
JOIN {table} r ON r.organization_id = %(organization)s AND r.id = s.id
    AND r.slot > s.after AND r.slot <= least(s.last, %(last)s)
{precision}
WHERE s.first < %(last)s GROUP BY 1, 2
"""
_GAINED = "FILTER (WHERE r.slot > s.first)"
_PRECISION = f"""
LEFT JOIN {PRECISION.table} p
    ON p.organization_id = r.organization_id AND p.id = r.id AND p.slot = r.slot
"""

_SHARPENED = f"""
SELECT slot FROM {PRECISION.table}
WHERE organization_id = %(organization)s AND id = %(creator)s AND slot = ANY(%(slots)s)
AND followers_sharpenings > 0
""".encode()


async def series_from_sums(
    reader: Reader, selection: Selection
) -> dict[UUID, SeriesByMetric]:
    """Return the series of each entity from its own sums.

    The sums of a project leave out creators with numbers in several projects.
    """
    found = await _series_from_sums(reader, selection, is_each=True)
    return {id_: found[id_] for id_ in selection.ids}


async def series_of_all(reader: Reader, selection: Selection) -> SeriesByMetric:
    """Return the series of all selected entities together, from their own sums."""
    return (await _series_from_sums(reader, selection, is_each=False))[None]


async def series_from_gains(
    reader: Reader, selection: Selection
) -> dict[UUID, SeriesByMetric]:
    """Return the series of the gains of each campaign's members."""
    found: dict[UUID, SeriesByMetric] = {}
    for id_ in selection.ids:
        creators, videos = await _spans(reader, selection, id_)
        by_metric: dict[RawMetric, CounterSeries] = {}
        for group in selection.metric_groups:
            # Each profile leaves at a time of its own.
            is_each = group is PROFILES
            spans = creators if is_each else {**creators, **videos}
            gains = await _gains(reader, selection, group, spans, is_each=is_each)
            parts = [*gains.values()]
            by_metric |= {
                metric: sum_of_series(
                    [one[metric] for one in parts], buckets=selection.size
                )
                for metric in (selection.among(group) if is_each else parts[0])
            }
        found[id_] = by_metric
    return found


async def gains_of_creators(
    reader: Reader, selection: Selection, creator_ids: Sequence[UUID]
) -> dict[UUID, SeriesByMetric]:
    """Return the series of the gains of each creator of a campaign as a member."""
    (campaign_id,) = selection.ids
    spans, _ = await _spans(reader, selection, campaign_id)
    its_spans = {id_: spans[id_] for id_ in creator_ids}
    each = [
        await _gains(reader, selection, group, its_spans, is_each=True)
        for group in selection.metric_groups
    ]
    return {
        id_: {metric: one for gains in each for metric, one in gains[id_].items()}
        for id_ in creator_ids
    }


async def _series_from_sums(
    reader: Reader, selection: Selection, *, is_each: bool
) -> Mapping[UUID | None, SeriesByMetric]:
    """Return the series of each entity, or of all of them together."""
    groups = [*selection.metric_groups]
    params = {"ids": [*selection.ids], **_times(selection)}
    sums = await asyncio.gather(
        *(
            _sums_by_id(
                reader,
                selection,
                group,
                _sums(selection, group, is_each=is_each),
                params,
            )
            for group in groups
        )
    )
    ids: Iterable[UUID | None] = selection.ids if is_each else [None]
    return {
        id_: {
            metric: series
            for group, by_id in zip(groups, sums, strict=True)
            for metric, series in _series(by_id[id_], selection, group).items()
        }
        for id_ in ids
    }


async def _gains(
    reader: Reader,
    selection: Selection,
    group: MetricGroup,
    spans: SpansById,
    *,
    is_each: bool,
) -> dict[UUID | None, dict[RawMetric, CounterSeries]]:
    """Return the series of gains in spans by creator or single video, or together."""
    each = [
        (id_, after, first, last)
        for id_, its_spans in spans.items()
        for (first, last), after in zip(
            its_spans, (_BEFORE, *(last for _, last in its_spans)), strict=False
        )
    ]
    params = {
        "ids": [one[0] for one in each],
        "afters": [one[1] for one in each],
        "firsts": [one[2] for one in each],
        "lasts": [one[3] for one in each],
        **_times(selection),
    }
    needed = selection.among(group)
    columns = [
        f"sum(snapshots) {_GAINED}",
        f"sum(posts) {_GAINED}" if group.has_posts else "0",
    ]
    for metric in needed:
        grown = f"r.{metric} - r.{metric}_base"
        if group.has_precision:
            grown += f" - coalesce(p.{metric}_sharpened, 0)"
        columns += [f"sum({grown}) {_GAINED}", f"sum(r.{metric}_known)"]
        columns += ["0", f"sum(r.{metric}_baselines) {_GAINED}"]
    if group.has_precision:
        for metric in needed:
            columns += ["0", f"sum(p.{metric}_sharpenings) {_GAINED}"]
            columns += [
                f"sum(p.{metric}_rounded)",
                f"sum(p.{metric}_changes) {_GAINED}",
            ]
    query = _GAINS.format(
        id="r.id" if is_each else "NULL::uuid",
        # 0 in place of null where nothing was gained.
        columns=", ".join(f"coalesce({column}, 0)" for column in columns),
        table=group.rollup_table,
        precision=_PRECISION if group.has_precision else "",
    )
    sums = await _sums_by_id(reader, selection, group, query, params)
    ids: Iterable[UUID | None] = spans if is_each else [None]
    return {
        id_: _series(
            sums[id_], selection, group, spans=() if id_ is None else spans[id_]
        )
        for id_ in ids
    }


def _sums(selection: Selection, group: MetricGroup, *, is_each: bool) -> str:
    """Return the query of the sums by bucket, of each entity or of all together.

    If days are read, bucket 0 has a row for the sums of the day before.
    """
    needed = selection.among(group)
    columns = ["sum(snapshots)", "sum(posts)" if group.has_posts else "0"]
    for metric in needed:
        columns += [f"sum({metric})", f"sum({metric}_known)"]
        columns += [f"sum({metric}_base)", f"sum({metric}_baselines)"]
    days = days_of(selection, group)
    by_bucket = _BY_BUCKET if days is None else _SINCE_OPENING
    query = by_bucket.format(table=group.rollup_table, columns=", ".join(columns))
    opening = ["0", "0"]
    for metric in needed:
        opening += [f"held_{metric}", f"held_{metric}_known", "0", "0"]
    if group.has_precision:
        marks = [f"sum({metric}_{mark})" for metric in needed for mark in _MARKS]
        query = _WITH_PRECISION.format(
            levels=query,
            precision=by_bucket.format(table=PRECISION.table, columns=", ".join(marks)),
        )
        for metric in needed:
            opening += ["0", "0", f"held_{metric}_rounded", "0"]
    if days is not None:
        # The columns of days in a level.
        parts = ["", "_known", *(["_rounded"] if group.has_precision else [])]
        held = [
            _AT_OPENING.format(f"{metric}{part}") for metric in needed for part in parts
        ]
        opening_sums = _OPENING.format(
            columns=", ".join(held), totals=days.totals, days=days.days
        )
        query = f"""
        WITH opening AS MATERIALIZED ({opening_sums})
        SELECT id, 0 AS bucket, {", ".join(opening)} FROM opening UNION ALL {query}
        """
    if is_each:
        return query
    names = _names(selection, group)
    return _TOGETHER.format(
        query=query,
        names=", ".join(names),
        sums=", ".join(f"sum({name})" for name in names),
    )


def _names(selection: Selection, group: MetricGroup) -> list[str]:
    """Return names for the columns of sums that follow the id and the bucket."""
    counters = len(selection.among(group)) * (8 if group.has_precision else 4)
    return [f"c{n}" for n in range(2 + counters)]


async def _sums_by_id(
    reader: Reader,
    selection: Selection,
    group: MetricGroup,
    query: str,
    params: Mapping[str, object],
) -> _BucketColumnsById:
    """Return the sums of a query's rows by their ids; an id may have no rows.

    Levels and bases may need more than 64 bits, so they are read as texts with commas.
    """
    names = _names(selection, group)
    large = range(2, 2 + 4 * len(selection.among(group)), 2)
    together = [
        f"string_agg({name}::text, ',')" if place in large else f"array_agg({name})"
        for place, name in enumerate(names)
    ]
    text = _BY_ID.format(query=query, names=", ".join(names), sums=", ".join(together))
    rows = await reader.rows(selection.organization_id, text.encode(), params)
    size = selection.size + 1
    none: _BucketColumns = [[0] * size] * len(names)
    return defaultdict(
        lambda: none,
        {
            id_: [_by_bucket(buckets, column, size) for column in columns]
            for id_, buckets, *columns in rows
        },
    )


def _by_bucket(
    buckets: Sequence[int], column: Sequence[Any] | str, size: int
) -> list[int]:
    """Return the sums of a column by bucket, in which null is 0."""
    values = column.split(",") if isinstance(column, str) else column
    sums = [0] * size
    # Hardly any number is rounded.
    if any(values):
        for bucket, value in zip(buckets, values, strict=True):
            if value:
                sums[bucket] += int(value)
    return sums


def _series(
    sums: _BucketColumns,
    selection: Selection,
    group: MetricGroup,
    spans: Spans | None = None,
) -> dict[RawMetric, CounterSeries]:
    """Return the series from sums, or from gains in the spans of one profile."""
    snapshots, posts, *counters = sums
    needed = selection.among(group)
    found: dict[RawMetric, CounterSeries] = {}
    for number, metric in enumerate(needed):
        precision = None
        if marks := counters[4 * (len(needed) + number) :][:4]:
            precision = (
                PrecisionSeries.of_deltas(*marks)
                if spans is None
                else PrecisionSeries.of_gains(
                    *marks[1:],
                    is_member=held_at(spans, selection.boundaries),
                    mode=selection.mode,
                )
            )
        found[metric] = CounterSeries.of_deltas(
            snapshots, *counters[4 * number :][:4], precision=precision
        )
    if group.has_posts and "posts" in selection.metrics:
        found["posts"] = CounterSeries.of_posts([*accumulate(posts)], snapshots[1:])
    return found


async def _spans(
    reader: Reader, selection: Selection, campaign_id: UUID
) -> tuple[SpansById, SpansById]:
    """Return the spans of creators, and of single videos without their creators."""
    organization_id = selection.organization_id
    members = await dated_members_of(reader, organization_id, campaign_id)
    rows = await reader.rows(organization_id, _CREATORS, videos=sorted(members.videos))
    creators: dict[UUID, UUID | None] = {row[0]: row[1] for row in rows}
    singles: dict[UUID, Spans] = {}
    for video, spans in members.videos.items():
        creator = creators.get(video)
        theirs = members.creators.get(creator, ()) if creator else ()
        if alone := without(spans, theirs):
            singles[video] = alone
    return members.creators, singles


def _times(selection: Selection) -> dict[str, object]:
    *starts, last = map(slot_of, selection.boundaries)
    days = starts[0] // SLOTS_A_DAY
    return {
        "organization": selection.organization_id,
        # psycopg takes longer for a list of many numbers.
        "bounds": f"{{{','.join(str(start + 1) for start in starts)}}}",
        "last": last,
        "day": days - 1,
        "since": days * SLOTS_A_DAY,
    }


async def sharpened_among(
    reader: Reader, organization_id: UUID, creator_id: UUID, times: Iterable[datetime]
) -> set[datetime]:
    """Return the times in whose quarter-hour followers became exact."""
    by_slot = {time: slot_of(time) for time in times}
    if not by_slot:
        return set()
    rows = await reader.rows(
        organization_id,
        _SHARPENED,
        creator=creator_id,
        slots=[*by_slot.values()],
    )
    slots = {row[0] for row in rows}
    return {time for time, slot in by_slot.items() if slot in slots}
