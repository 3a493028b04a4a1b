"""Analytics as of a position: the answer that the log up to this position gives.

Sums are only known as of now. So these answers are computed from the snapshots and the
videos' changes up to the position.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.analytics.baselines import is_baseline
from domain.analytics.buckets import Bucket
from domain.analytics.metrics import PROFILE_METRICS, VIDEO_METRICS, Entity, Question
from domain.analytics.series import SeriesByMetric
from projections.analytics.fold.entities import AnalyticsVideoRow, as_of
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS, MetricGroup
from projections.analytics.read.counted import profile_of
from projections.analytics.read.members import (
    CountedMembers,
    Parameters,
    counted_members,
)
from projections.analytics.read.observations import Counted
from projections.analytics.read.projects import CREATORS_AS_OF
from projections.analytics.read.series import series_from_snapshots
from projections.analytics.store.baseline_rule import rule_in_force
from projections.analytics.store.videos import VIDEO_COLUMNS, video_of
from projections.engine.reader import Reader

_SUBJECTS = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
AND kind = %(entity)s AND position <= %(at)s
AND (deleted_position IS NULL OR deleted_position > %(at)s)
"""
_CREATORS = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND kind = 'creator' AND position <= %(at)s
AND (id = %(id)s OR id = ANY(%(creators)s))
"""
_EARLIEST = b"""
SELECT creator_id, min(observed_at) FROM analytics_snapshots
WHERE organization_id = %(organization)s AND owner = ANY(%(ids)s)
AND creator_id = owner AND position <= %(at)s GROUP BY creator_id
"""
_WHICH: dict[Entity, str] = {
    "video": "id = ANY(%(ids)s)",
    "creator": "creator_id = %(id)s",
    "project": "(creator_id = ANY(%(creators)s) OR project_id = %(id)s)",
    "campaign": "(creator_id = ANY(%(creators)s) OR id = ANY(%(videos)s))",
}


async def existing_as_of(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    ids: Sequence[UUID],
    *,
    at: int,
) -> set[UUID]:
    """Return which of these entities the organization had at a position."""
    params: Parameters = {
        "organization": organization_id,
        "ids": list(ids),
        "entity": entity,
        "at": at,
    }
    if entity == "video":
        videos = await _candidates(reader, organization_id, entity, params)
        return {row.id for _, row in videos if row.is_there}
    return {row[0] for row in await reader.rows(organization_id, _SUBJECTS, params)}


async def series_by_entity_as_of(
    reader: Reader,
    organization_id: UUID,
    question: Question,
    ids: Sequence[UUID],
    buckets: Sequence[Bucket],
    *,
    at: int,
) -> dict[UUID, SeriesByMetric]:
    """Return the series that the question needs, by entity, as of a position."""
    boundaries = [buckets[0].start, *(bucket.end for bucket in buckets)]
    found: dict[UUID, SeriesByMetric] = {}
    for id_ in ids:
        members = await counted_as_of(reader, organization_id, question, id_, at=at)
        found[id_] = await series_from_snapshots(
            reader, organization_id, question, members, boundaries, at=at
        )
    return found


async def counted_as_of(
    reader: Reader, organization_id: UUID, question: Question, id_: UUID, *, at: int
) -> dict[MetricGroup, list[Counted]]:
    """Return the videos and profiles whose sum an entity's series was at a position."""
    found: dict[MetricGroup, list[Counted]] = {}
    needs = {*question.needs}
    members = await counted_members(reader, organization_id, question, id_, at=at)
    members.parameters["at"] = at
    if question.entity == "project":
        rows = await reader.rows(
            organization_id, CREATORS_AS_OF.encode(), members.parameters
        )
        members.parameters["creators"] += [row[0] for row in rows]
    if needs & {*VIDEO_METRICS, "posts"}:
        found[VIDEOS] = await _videos(reader, organization_id, question.entity, members)
    if needs & {*PROFILE_METRICS}:
        rows = await reader.rows(organization_id, _CREATORS, members.parameters)
        found[PROFILES] = [profile_of(row[0], members) for row in rows]
    return found


async def _videos(
    reader: Reader, organization_id: UUID, entity: Entity, members: CountedMembers
) -> list[Counted]:
    """Return the videos that counted at a position, or a question's single video."""
    params = members.parameters
    creators, singles = {*params["creators"]}, {*params["videos"]}

    def counts(row: AnalyticsVideoRow) -> bool:
        match entity:
            case "video":
                return True
            case "creator":
                return row.is_counted and row.creator_id == params["id"]
            case "project":
                is_own = row.creator_id is None and row.project_id == params["id"]
                return row.is_counted and (is_own or row.creator_id in creators)
            case "campaign":
                is_member = row.creator_id in creators or row.id in singles
                return row.is_counted and is_member

    rows = [
        (now, row)
        for now, row in await _candidates(reader, organization_id, entity, params)
        if row.is_there and counts(row)
    ]
    snapshots = await reader.rows(
        organization_id,
        _EARLIEST,
        {**params, "ids": sorted({r.creator_id for _, r in rows if r.creator_id})},
    )
    rule = await rule_in_force(reader, organization_id)
    earliest: dict[UUID | None, datetime] = {
        snapshot[0]: snapshot[1] for snapshot in snapshots
    }
    return [
        Counted(
            id=row.id,
            # Snapshots are stored with the video's owner as of now.
            owner=now.creator_id or now.id,
            creator_id=row.creator_id,
            number=now.number or 0,
            is_baseline=is_baseline(
                rule,
                posted_at=row.posted_exactly_at or row.posted_at,
                earliest_at=earliest.get(row.creator_id),
            ),
            posted_at=row.posted_at,
            label=row.label,
            tiktok_video_id=row.tiktok_video_id,
            is_erased=row.tiktok_video_id is None,
            spans=members.spans_of_video(row.id, row.creator_id),
            counts_in=members.counts_in(row.creator_id),
        )
        for now, row in rows
    ]


async def _candidates(
    reader: Reader, organization_id: UUID, entity: Entity, params: Parameters
) -> list[tuple[AnalyticsVideoRow, AnalyticsVideoRow]]:
    """Return the videos that may count, as they are now and as they were."""
    rows = await reader.rows(
        organization_id,
        f"""
        SELECT {VIDEO_COLUMNS} FROM analytics_videos
        WHERE organization_id = %(organization)s AND {_WHICH[entity]}
        """.encode(),
        params,
    )
    now = [video_of(row) for row in rows]
    return [(row, as_of(row, params["at"])) for row in now]
