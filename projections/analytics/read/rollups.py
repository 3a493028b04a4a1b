"""Series from the stored sums by quarter-hour: of entities, and of members.

An entity's sums are deltas, so a level is the sum of all from the beginning. With dated
membership a campaign has the gains of each creator in the spans of its membership, and
of each single video without the spans of its creator.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from psycopg.rows import TupleRow

from domain.analytics.buckets import slot_of
from domain.analytics.membership import Spans, without
from domain.analytics.metrics import RawMetric
from domain.analytics.series import CounterSeries, SeriesByMetric
from projections.analytics.fold.day_sums import SLOTS_A_DAY
from projections.analytics.fold.rollup_deltas import (
    PRECISION,
    PROFILES,
    VIDEOS,
    MetricGroup,
)
from projections.analytics.read.accumulate import (
    posts_from_rollups,
    series_from_rollups,
    sum_of_series,
)
from projections.analytics.read.gains import gained_precision
from projections.analytics.read.members import dated_members_of
from projections.analytics.read.selection import Selection, days_of
from projections.engine.reader import Reader

SpansById = Mapping[UUID, Spans]
_SumColumns = Sequence[Sequence[Any]]
_SumColumnsById = Mapping[UUID | None, _SumColumns]

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


async def series_from_sums(
    reader: Reader, selection: Selection
) -> dict[UUID, SeriesByMetric]:
    """Return the series of each entity from its own sums.

    The sums of a project leave out creators with numbers in several projects.
    """
    found: dict[UUID, SeriesByMetric] = {id_: {} for id_ in selection.ids}
    params = {"ids": [*selection.ids], **_times(selection)}
    groups = [*selection.metric_groups]
    rows_by_group = await asyncio.gather(
        *(
            reader.rows(
                selection.organization_id, _sums_by_id(selection, group), params
            )
            for group in groups
        )
    )
    for group, rows in zip(groups, rows_by_group, strict=True):
        by_id = {id_: [_values(each) for each in columns] for id_, *columns in rows}
        none: _SumColumns = [()] * (1 + len(_names(selection, group)))
        for id_ in selection.ids:
            found[id_] = {
                **found[id_],
                **_series(by_id.get(id_, none), selection, group, first=_first(group)),
            }
    return found


async def series_of_all(reader: Reader, selection: Selection) -> SeriesByMetric:
    """Return the series of all selected entities together, from their own sums."""
    params = {"ids": [*selection.ids], **_times(selection)}
    groups = [*selection.metric_groups]
    rows_by_group = await asyncio.gather(
        *(
            reader.rows(
                selection.organization_id, _sum_of_all(selection, group), params
            )
            for group in groups
        )
    )
    found: dict[RawMetric, CounterSeries] = {}
    for group, rows in zip(groups, rows_by_group, strict=True):
        width = 1 + len(_names(selection, group))
        found |= _series(_columns(rows, width), selection, group, first=_first(group))
    return found


async def series_from_gains(
    reader: Reader, selection: Selection
) -> dict[UUID, SeriesByMetric]:
    """Return the series of the gains of each campaign's members."""
    found: dict[UUID, SeriesByMetric] = {}
    for id_ in selection.ids:
        creators, videos = await _spans(reader, selection, id_)
        by_metric: dict[RawMetric, CounterSeries] = {}
        for group in selection.metric_groups:
            if group is VIDEOS:
                both = {**creators, **videos}
                gains = await _gains_of_videos(reader, selection, both, is_each=False)
                by_metric |= gains[None]
                continue
            each = await _gains_of_profiles(reader, selection, creators)
            for metric in selection.among(group):
                series = [one[metric] for one in each.values()]
                by_metric[metric] = sum_of_series(series, buckets=selection.size)
        found[id_] = by_metric
    return found


async def gains_of_creators(
    reader: Reader, selection: Selection, creator_ids: Sequence[UUID]
) -> dict[UUID, SeriesByMetric]:
    """Return the series of the gains of each creator of a campaign as a member."""
    (campaign_id,) = selection.ids
    spans, _ = await _spans(reader, selection, campaign_id)
    its_spans = {id_: spans[id_] for id_ in creator_ids}
    found: dict[UUID, dict[RawMetric, CounterSeries]] = {id_: {} for id_ in creator_ids}
    for group in selection.metric_groups:
        each: Mapping[UUID | None, Mapping[RawMetric, CounterSeries]]
        if group is VIDEOS:
            each = await _gains_of_videos(reader, selection, its_spans, is_each=True)
        else:
            each = {**await _gains_of_profiles(reader, selection, its_spans)}
        for id_ in creator_ids:
            found[id_] |= each[id_]
    return {**found}


def _sums(selection: Selection, group: MetricGroup) -> str:
    """Return the query of the sums by bucket, 0 being before the first.

    If days are read, bucket 0 has a row for the sums of the day before.
    """
    needed = selection.among(group)
    columns = ["sum(snapshots)"]
    if group.has_posts:
        columns.append("sum(posts)")
    for metric in needed:
        columns += [f"sum({metric})", f"sum({metric}_known)"]
        columns += [f"sum({metric}_base)", f"sum({metric}_baselines)"]
    days = days_of(selection, group)
    by_bucket = _BY_BUCKET if days is None else _SINCE_OPENING
    query = by_bucket.format(table=group.rollup_table, columns=", ".join(columns))
    opening = ["0"]
    for metric in needed:
        opening += [f"held_{metric}", f"held_{metric}_known", "0", "0"]
    if group.has_posts:
        opening.insert(1, "0")
    if group.has_precision:
        marks = [f"sum({metric}_{mark})" for metric in needed for mark in _MARKS]
        query = _WITH_PRECISION.format(
            levels=query,
            precision=by_bucket.format(table=PRECISION.table, columns=", ".join(marks)),
        )
        for metric in needed:
            opening += ["0", "0", f"held_{metric}_rounded", "0"]
    if days is not None:
        held = [_AT_OPENING.format(column) for column in _held(group, needed)]
        opening_sums = _OPENING.format(
            columns=", ".join(held), totals=days.totals, days=days.days
        )
        query = f"""
        WITH opening AS MATERIALIZED ({opening_sums})
        SELECT id, 0 AS bucket, {", ".join(opening)} FROM opening UNION ALL {query}
        """
    return query


def _sum_of_all(selection: Selection, group: MetricGroup) -> bytes:
    """Return the query of the sums by bucket of all entities together."""
    columns = _names(selection, group)
    return f"""
    SELECT bucket, {", ".join(f"sum({column})" for column in columns)}
    FROM ({_sums(selection, group)}) AS each (id, bucket, {", ".join(columns)})
    GROUP BY bucket
    """.encode()


def _sums_by_id(selection: Selection, group: MetricGroup) -> bytes:
    """Return the query of the sums by bucket of each entity, in one row.

    A row has a column of buckets, and one as long for each sum: a text with commas for
    levels and bases, which may need more than 64 bits.
    """
    columns = _names(selection, group)
    first = _first(group) - 1
    large = range(first, first + 4 * len(selection.among(group)), 2)
    together = [
        f"string_agg({name}::text, ',')" if place in large else f"array_agg({name})"
        for place, name in enumerate(columns)
    ]
    return f"""
    SELECT id, array_agg(bucket), {", ".join(together)}
    FROM ({_sums(selection, group)}) AS each (id, bucket, {", ".join(columns)})
    GROUP BY id
    """.encode()


def _names(selection: Selection, group: MetricGroup) -> list[str]:
    """Return names for the columns of ``_sums`` that follow the id and the bucket."""
    counters = len(selection.among(group)) * (8 if group.has_precision else 4)
    return [f"c{n}" for n in range(1 + group.has_posts + counters)]


def _first(group: MetricGroup) -> int:
    """Return the place of the first counter after the bucket in the sums."""
    return 3 if group.has_posts else 2


def _held(group: MetricGroup, needed: Sequence[RawMetric]) -> list[str]:
    """Return the columns of days in a level."""
    names = ["", "_known", *(["_rounded"] if group.has_precision else [])]
    return [f"{metric}{name}" for metric in needed for name in names]


def _series(
    columns: _SumColumns, selection: Selection, group: MetricGroup, *, first: int
) -> dict[RawMetric, CounterSeries]:
    """Return the series from columns of sums; ``first`` is where counters begin."""
    needed, buckets = selection.among(group), selection.size
    found: dict[RawMetric, CounterSeries] = {
        metric: series_from_rollups(
            columns,
            buckets=buckets,
            first=first + 4 * number,
            snapshots=1,
            precision=first + 4 * (len(needed) + number)
            if group.has_precision
            else None,
        )
        for number, metric in enumerate(needed)
    }
    if group.has_posts and "posts" in selection.metrics:
        found["posts"] = posts_from_rollups(
            columns, buckets=buckets, posts=2, snapshots=1
        )
    return found


async def _spans(
    reader: Reader, selection: Selection, campaign_id: UUID
) -> tuple[SpansById, SpansById]:
    """Return the spans of creators, and of single videos without their creators."""
    organization_id = selection.organization_id
    members = await dated_members_of(reader, organization_id, campaign_id)
    params = {"organization": organization_id, "videos": sorted(members.videos)}
    rows = await reader.rows(organization_id, _CREATORS, params)
    creators: dict[UUID, UUID | None] = {row[0]: row[1] for row in rows}
    singles: dict[UUID, Spans] = {}
    for video, spans in members.videos.items():
        creator = creators.get(video)
        theirs = members.creators.get(creator, ()) if creator else ()
        if alone := without(spans, theirs):
            singles[video] = alone
    return members.creators, singles


async def _gains_of_videos(
    reader: Reader, selection: Selection, spans: SpansById, *, is_each: bool
) -> Mapping[UUID | None, dict[RawMetric, CounterSeries]]:
    """Return the series of the videos by creator or single video, or together."""
    columns = [f"sum(snapshots) {_GAINED}", f"sum(posts) {_GAINED}"]
    for metric in selection.among(VIDEOS):
        columns += [
            f"sum({metric} - {metric}_base) {_GAINED}",
            *(f"sum({metric}_known)", "0", f"sum({metric}_baselines) {_GAINED}"),
        ]
    query = _GAINS.format(
        id="r.id" if is_each else "NULL::uuid",
        columns=_whole(columns),
        table=VIDEOS.rollup_table,
        precision="",
    )
    by_id = await _columns_of_spans(
        reader, selection, query, spans, width=1 + len(columns)
    )
    ids: Iterable[UUID | None] = spans if is_each else [None]
    return {id_: _series(by_id[id_], selection, VIDEOS, first=3) for id_ in ids}


async def _gains_of_profiles(
    reader: Reader, selection: Selection, spans: SpansById
) -> dict[UUID, dict[RawMetric, CounterSeries]]:
    """Return the series of each profile: each leaves at a time of its own."""
    needed = selection.among(PROFILES)
    columns = [f"sum(snapshots) {_GAINED}"]
    for metric in needed:
        grown = f"r.{metric} - r.{metric}_base"
        columns += [
            f"sum({grown} - coalesce(p.{metric}_sharpened, 0)) {_GAINED}",
            *(f"sum(r.{metric}_known)", "0", f"sum(r.{metric}_baselines) {_GAINED}"),
            f"sum(p.{metric}_sharpenings) {_GAINED}",
            *(f"sum(p.{metric}_rounded)", f"sum(p.{metric}_changes) {_GAINED}"),
        ]
    query = _GAINS.format(
        id="r.id", columns=_whole(columns), table=PROFILES.rollup_table,
        precision=_PRECISION,
    )  # fmt: skip
    by_id = await _columns_of_spans(
        reader, selection, query, spans, width=1 + len(columns)
    )
    return {
        id_: {
            metric: _gained_by_profile(by_id[id_], 2 + 7 * number, its_spans, selection)
            for number, metric in enumerate(needed)
        }
        for id_, its_spans in spans.items()
    }


def _gained_by_profile(
    columns: _SumColumns, first: int, spans: Spans, selection: Selection
) -> CounterSeries:
    marks = [[0] * (selection.size + 1) for _ in range(3)]
    for mark, values in zip(marks, columns[first + 4 : first + 7], strict=True):
        for bucket, value in zip(columns[0], values, strict=True):
            mark[bucket] = int(value)
    sharpenings, rounded, changes = marks
    return replace(
        series_from_rollups(columns, buckets=selection.size, first=first, snapshots=1),
        precision=gained_precision(
            sharpenings,
            rounded,
            changes,
            spans,
            selection.boundaries,
            selection.mode,
        ),
    )


async def _columns_of_spans(
    reader: Reader, selection: Selection, query: str, spans: SpansById, *, width: int
) -> _SumColumnsById:
    """Return the columns of a query's rows by their ids; an id may have no rows."""
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
    rows = await reader.rows(selection.organization_id, query.encode(), params)
    by_id: defaultdict[UUID | None, list[TupleRow]] = defaultdict(list)
    for row in rows:
        by_id[row[0]].append(row[1:])
    none: _SumColumns = [()] * width
    return defaultdict(
        lambda: none, {id_: _columns(rows, width) for id_, rows in by_id.items()}
    )


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


def _values(column: Sequence[Any] | str) -> Sequence[Any]:
    """Return the values of one column of ``_sums_by_id``."""
    if isinstance(column, str):
        return [int(number) for number in column.split(",")]
    return column


def _columns(rows: Sequence[TupleRow], width: int) -> _SumColumns:
    """Return the columns of rows, each of this many values."""
    return [*zip(*rows, strict=True)] if rows else [()] * width


def _whole(columns: Sequence[str]) -> str:
    """Return the columns, 0 in place of null where nothing was gained."""
    return ", ".join(f"coalesce({column}, 0)" for column in columns)
