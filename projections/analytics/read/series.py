"""Series by metric of creators, projects, campaigns and videos, as of now.

All but videos are read from the stored sums, single videos from snapshots. If a
bucket does not end with a quarter of an hour (historical time zones), everything is
read from snapshots.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg.rows import TupleRow

from domain.analytics.buckets import Bucket, ends_a_slot, slot_of
from domain.analytics.metrics import (
    Entity,
    Question,
    RawMetric,
)
from domain.analytics.series import CounterSeries, SeriesByMetric
from projections.analytics.fold.rollup_deltas import (
    PRECISION,
    PROFILES,
    VIDEOS,
    MetricGroup,
)
from projections.analytics.read.accumulate import (
    chosen,
    posts_from_rollups,
    series_from_rollups,
)
from projections.analytics.read.counted import counted
from projections.analytics.read.dated import dated_series
from projections.analytics.read.from_snapshots import series_of_members
from projections.analytics.read.observations import Counted
from projections.analytics.read.project_spans import (
    shares_of_creators,
    spans_in,
    together,
)
from projections.engine.reader import Reader


class NamedEntity(msgspec.Struct, frozen=True, kw_only=True):
    """An entity's id and the label that is shown with its series."""

    id: UUID
    label: str


_OWN_ZONE = """
(SELECT time_zone FROM organizations o WHERE o.organization_id = %(organization)s)
"""
_SUBJECTS = f"""
SELECT id, label, {_OWN_ZONE} FROM analytics_subjects
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s) AND kind = %(entity)s
AND (deleted_position IS NULL OR deleted_position > %(at)s::bigint)
""".encode()
_VIDEO_LABELS = f"""
SELECT id, label, {_OWN_ZONE} FROM analytics_videos WHERE id = ANY(%(ids)s)
AND organization_id = %(organization)s AND is_there AND label IS NOT NULL
""".encode()


async def named_entities(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    ids: Sequence[UUID],
    *,
    at: int | None = None,
) -> tuple[dict[UUID, NamedEntity], str]:
    """Return the entities that the organization has, and its time zone.

    Those that were deleted after the position ``at`` are among them.
    """
    query = _VIDEO_LABELS if entity == "video" else _SUBJECTS
    params = {
        "organization": organization_id,
        "ids": [*ids],
        "entity": entity,
        "at": at,
    }
    rows = await reader.rows(organization_id, query, params)
    found = {row[0]: NamedEntity(id=row[0], label=row[1]) for row in rows}
    return found, next((row[2] for row in rows if row[2]), "UTC")


async def series_by_entity(
    reader: Reader,
    organization_id: UUID,
    question: Question,
    ids: Sequence[UUID],
    buckets: Sequence[Bucket],
) -> dict[UUID, SeriesByMetric]:
    """Return the series that the question needs, by entity."""
    boundaries = [buckets[0].start, *(bucket.end for bucket in buckets)]
    if question.is_dated and ends_slots(boundaries):
        return {
            id_: await dated_series(reader, organization_id, question, id_, boundaries)
            for id_ in ids
        }
    if question.entity != "video" and ends_slots(boundaries):
        found = await _from_rollups(reader, organization_id, question, ids, boundaries)
        if question.entity != "project":
            return found
        return {
            id_: await _with_shares(
                reader, organization_id, question, id_, buckets, found[id_]
            )
            for id_ in ids
        }
    return {
        id_: await series_from_snapshots(
            reader,
            organization_id,
            question,
            await counted(reader, organization_id, question, id_),
            boundaries,
        )
        for id_ in ids
    }


def ends_slots(boundaries: Sequence[datetime]) -> bool:
    """Tell whether stored sums can answer: all of these end quarters of an hour."""
    return all(map(ends_a_slot, boundaries))


async def _with_shares(
    reader: Reader,
    organization_id: UUID,
    question: Question,
    project_id: UUID,
    buckets: Sequence[Bucket],
    found: SeriesByMetric,
) -> SeriesByMetric:
    """Return a project's series with those that its stored sums leave out."""
    spans = await spans_in(reader, organization_id, project_id)
    if not spans:
        return found
    of_creators = replace(question, entity="creator", breakdown=None)
    series_of = partial(series_by_entity, reader, organization_id, of_creators)
    shares = await shares_of_creators(spans, buckets, series_of)
    return together([found, *shares.values()], buckets=len(buckets))


async def _from_rollups(
    reader: Reader,
    organization_id: UUID,
    question: Question,
    ids: Sequence[UUID],
    boundaries: Sequence[datetime],
) -> dict[UUID, SeriesByMetric]:
    buckets = len(boundaries) - 1
    found: dict[UUID, dict[RawMetric, CounterSeries]] = {id_: {} for id_ in ids}
    for metric_group in (VIDEOS, PROFILES):
        needed = question.among(metric_group.metrics)
        posts = metric_group.has_posts and "posts" in question.needs
        if not needed and not posts:
            continue
        params = {
            "organization": organization_id,
            "ids": list(ids),
            "bounds": [slot_of(boundary) + 1 for boundary in boundaries[:-1]],
            "last": slot_of(boundaries[-1]),
        }
        rows = await reader.rows(
            organization_id, _rollups(metric_group, needed), params
        )
        by_id: dict[UUID, list[TupleRow]] = defaultdict(list)
        for row in rows:
            by_id[row[0]].append(row[1:])
        first = 3 if metric_group.has_posts else 2
        for id_ in ids:
            of_it = by_id[id_]
            for number, metric in enumerate(needed):
                found[id_][metric] = series_from_rollups(
                    of_it,
                    buckets=buckets,
                    first=first + 4 * number,
                    snapshots=1,
                    precision=first + 4 * (len(needed) + number)
                    if metric_group.has_precision
                    else None,
                )
            if posts:
                found[id_]["posts"] = posts_from_rollups(
                    of_it, buckets=buckets, posts=2, snapshots=1
                )
    return {id_: chosen(by_metric, question.needs) for id_, by_metric in found.items()}


def _rollups(metric_group: MetricGroup, needed: Sequence[RawMetric]) -> bytes:
    columns = ["sum(snapshots)"]
    if metric_group.has_posts:
        columns.append("sum(posts)")
    for metric in needed:
        columns += [f"sum({metric})", f"sum({metric}_known)"]
        columns += [f"sum({metric}_base)", f"sum({metric}_baselines)"]
    query = _by_bucket(metric_group.rollup_table, columns)
    if metric_group.has_precision:
        # One statement, so that both are of one moment.
        precision = _by_bucket(
            PRECISION.table,
            [
                f"sum({metric}_{name})"
                for metric in needed
                for name in ("sharpened", "sharpenings", "rounded", "changes")
            ],
        )
        query = f"""
        SELECT * FROM ({query}) AS levels LEFT JOIN ({precision}) AS precision
        USING (id, bucket)
        """
    return query.encode()


def _by_bucket(table: str, columns: Sequence[str]) -> str:
    return f"""
        SELECT id, width_bucket(slot, %(bounds)s::int[]) AS bucket, {", ".join(columns)}
        FROM {table} WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
        AND slot <= %(last)s GROUP BY id, bucket
        """


async def series_from_snapshots(
    reader: Reader,
    organization_id: UUID,
    question: Question,
    members: dict[MetricGroup, list[Counted]],
    boundaries: Sequence[datetime],
    *,
    at: int | None = None,
) -> SeriesByMetric:
    """Return the series that the question needs of these videos together.

    ``at`` is the position as of which the log is read, None for all of it.
    """
    by_metric: dict[RawMetric, CounterSeries] = {}
    for metric_group, every in members.items():
        # The numbers of a single video of who is erased are nobody's.
        is_single = question.entity == "video"
        some = [one for one in every if not (is_single and one.is_erased)]
        by_metric |= await series_of_members(
            reader, organization_id, metric_group, some, boundaries, at=at,
            mode=question.mode,
        )  # fmt: skip
    return chosen(by_metric, question.needs)
