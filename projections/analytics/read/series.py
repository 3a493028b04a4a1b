"""Series by metric of creators, projects, campaigns and videos, now or in the past.

They are read from the stored sums, those of single videos from snapshots. If a bucket
does not end with a quarter-hour (historical time zones), all are read from snapshots.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.analytics.metrics import Entity
from domain.analytics.series import SeriesByMetric
from domain.analytics.sums import together
from projections.analytics.fold.day_sums import PROFILE_SUMS, VIDEO_SUMS
from projections.analytics.read.as_of import series_as_of
from projections.analytics.read.members import (
    counted,
    shares_of_creators,
    spans_in,
)
from projections.analytics.read.rollups import series_from_gains, series_from_sums
from projections.analytics.read.selection import Selection, plan_of
from projections.analytics.read.snapshots import series_of_members
from projections.analytics.store.positions import kept_numbers
from projections.engine.reader import Reader


class NamedEntity(msgspec.Struct, frozen=True, kw_only=True):
    """An entity's id and its label."""

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


_CREATORS = b"""
SELECT (SELECT time_zone FROM organizations o
        WHERE o.organization_id = %(organization)s),
       ARRAY(SELECT id FROM analytics_subjects s
             WHERE s.organization_id = %(organization)s AND id = ANY(%(ids)s)
             AND kind = 'creator')
"""
# A transaction that changes what the rollups say about a creator's views or followers
# writes the creator's totals anew. It therefore names the sums, with the table that a
# rebuild replaces. Numbers of transactions go on where the server was started.
_VERSIONS = f"""
SELECT chosen.id, concat_ws('/', pg_postmaster_start_time(),
    videos.tableoid, videos.xmin, profiles.tableoid, profiles.xmin)
FROM unnest(%(ids)s::uuid[]) AS chosen (id)
LEFT JOIN {VIDEO_SUMS.totals} AS videos
    ON videos.organization_id = %(organization)s AND videos.id = chosen.id
LEFT JOIN {PROFILE_SUMS.totals} AS profiles
    ON profiles.organization_id = %(organization)s AND profiles.id = chosen.id
""".encode()


async def known_creators(
    reader: Reader, organization_id: UUID, ids: Sequence[UUID]
) -> tuple[set[UUID], str]:
    """Return the ids among these that the organization has, and its time zone."""
    ((zone, found),) = await reader.rows(organization_id, _CREATORS, ids=list(ids))
    return {*found}, zone or "UTC"


async def versions_of_sums(
    reader: Reader, organization_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, str]:
    """Return a text by creator that changes with its views and followers at any time.

    Creators without such numbers share one text.
    """

    async def read(reader: Reader) -> dict[UUID, str]:
        rows = await reader.rows(organization_id, _VERSIONS, ids=[*ids])
        return {row[0]: row[1] for row in rows}

    key = ("versions of sums", *ids)
    return await kept_numbers(reader, organization_id, key, read)


async def named_entities(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    ids: Sequence[UUID],
    *,
    at: int | None = None,
) -> tuple[dict[UUID, NamedEntity], str]:
    """Return the entities that the organization has, and its time zone.

    Entities that were deleted after the position ``at`` are among them.
    """
    query = _VIDEO_LABELS if entity == "video" else _SUBJECTS
    rows = await reader.rows(organization_id, query, ids=[*ids], entity=entity, at=at)
    found = {row[0]: NamedEntity(id=row[0], label=row[1]) for row in rows}
    return found, next((row[2] for row in rows if row[2]), "UTC")


async def series_by_entity(
    reader: Reader, selection: Selection
) -> dict[UUID, SeriesByMetric]:
    """Return the series of the selected metrics, by entity."""
    if selection.at is not None:
        return await read_series(selection, reader)
    return await kept_numbers(
        reader,
        selection.organization_id,
        ("series", *selection.key),
        partial(read_series, selection),
    )


async def read_series(
    selection: Selection, reader: Reader
) -> dict[UUID, SeriesByMetric]:
    """Return what ``series_by_entity`` returns, read anew."""
    match plan_of(selection).source:
        case "gains":
            return await series_from_gains(reader, selection)
        case "sums":
            found = await series_from_sums(reader, selection)
            if selection.entity == "project":
                return await _with_shares(reader, selection, found)
            return found
        case "settled":
            return {
                id_: await series_as_of(reader, selection, id_) for id_ in selection.ids
            }
        case "snapshots":
            return {
                id_: await series_of_members(
                    reader, selection, await counted(reader, selection, id_)
                )
                for id_ in selection.ids
            }


async def _with_shares(
    reader: Reader, selection: Selection, found: dict[UUID, SeriesByMetric]
) -> dict[UUID, SeriesByMetric]:
    """Return the series of projects with the creators that stored sums leave out."""
    whole: dict[UUID, SeriesByMetric] = {}
    for id_ in selection.ids:
        spans = await spans_in(reader, selection.organization_id, id_)
        if not spans:
            whole[id_] = found[id_]
            continue
        shares = await shares_of_creators(
            spans,
            replace(selection, entity="creator"),
            partial(series_by_entity, reader),
        )
        whole[id_] = together([found[id_], *shares.values()], buckets=selection.size)
    return whole
